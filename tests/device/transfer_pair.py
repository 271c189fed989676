"""Two whole devices with the transfer app on them, certified by one owner, and the steps between them."""

from __future__ import annotations

from typing import Any

from endorsement_stage import set_up

from tallystick.testing.client import DeviceClient
from tallystick.testing.device import VirtualDevice
from tallystick.wire.apdu import CommandApdu, ResponseApdu
from tallystick.wire.syscall import ReadRecord

OK, WRONG_STATE, BAD_DATA, LOCKED = 0x9000, 0x6985, 0x6A80, 0x5515
PUBLIC_KEY, SIGN, ATTESTATION, EXPORT, IMPORT, CREATE, STATUS = range(0, 14, 2)
NONE, SEALED, UNSEALED = b"\0\0", b"\1\1", b"\1\0"


def certified(number: int, **arguments: Any) -> VirtualDevice:
    """Return a device with attestation key 1 and the app open; devices of other numbers are other devices."""
    device = VirtualDevice(deterministic_rng=number, **{"apps": ["transfer"], **arguments})
    if not _has_key(device):
        set_up(device, 1)
    device.open("transfer")
    return device


def ask(
    device: VirtualDevice | DeviceClient,
    ins: int,
    p1: int = 0,
    data: bytes = b"",
    *,
    user: Any = None,
    agree: bool = True,
) -> ResponseApdu:
    """Send one command and answer for the person, if the person is asked."""
    pending = device.send(CommandApdu(0xE0, ins, p1, 0, data).to_bytes())
    if not pending.done:
        person = device.user if user is None else user
        (person.approve if agree else person.reject)()
    return pending.response


def get(device: VirtualDevice, ins: int, p1: int = 0, data: bytes = b"") -> bytes:
    """Send a command that must succeed; return its data."""
    answer = ask(device, ins, p1, data)
    assert answer.ok, f"{ins:02x} {p1:02x} was answered {answer.status:04X}"
    return answer.data


def status(device: VirtualDevice) -> bytes:
    """Return available and sealed."""
    return get(device, STATUS)


def introduce(sender: VirtualDevice, receiver: VirtualDevice) -> bytes:
    """Bring both to where only the key has to move; return the receiver's hello."""
    hellos = get(sender, EXPORT, 1), get(receiver, IMPORT, 1)
    get(sender, EXPORT, 2, get(receiver, ATTESTATION))
    get(receiver, IMPORT, 2, get(sender, ATTESTATION))
    get(receiver, IMPORT, 3, hellos[0])
    return hellos[1]


def transfer(sender: VirtualDevice, receiver: VirtualDevice) -> None:
    """Move the key."""
    hello = introduce(sender, receiver)
    get(receiver, IMPORT, 4, get(sender, EXPORT, 3, hello))


def private_key(device: VirtualDevice) -> bytes:
    """Return the private key in a device's flash, as its OS reads it; empty when there is none."""
    system = device.board.system
    app = system.session.registry.find("Transfer")
    assert app is not None
    raw = system.supervisor._syscalls.handle(app, ReadRecord("key")).value
    return raw[4:36] if raw is not None and raw[-1] == 1 else b""


def _has_key(device: VirtualDevice) -> bool:
    return device.board.system.session.endorsement.has(1)
