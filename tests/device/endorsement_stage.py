"""What the tests of attestation keys share: clients that make them, owners that certify them, an app that uses them."""

from __future__ import annotations

from channel_stage import MANAGER, Manager, image_of
from os_stage import app, call

from tallystick.crypto.hash import sha256
from tallystick.crypto.scp import KeySigner
from tallystick.crypto.secp256k1 import verify_ecdsa_der
from tallystick.testing.client import DeviceClient, Pending
from tallystick.testing.device import VirtualDevice
from tallystick.testing.factory import known_key
from tallystick.wire.bundle import Bundle
from tallystick.wire.certificate import EndorsedKey, endorsement_message, owner_message
from tallystick.wire.dashboard import Ins

OWNER = known_key("owner")
SOFTWARE = known_key("software")
#: what an app of `caller` answers: the word of the call's error behind it
FAILED = 0x6A00

#: slot or number of the call, then its data
_CALLS = """
number, data = raw[0], raw[1:]
calls = {
    0x00: lambda: self.os.endorsement_get_code_hash(),
    0x01: lambda: self.os.endorsement_get_public_key(data[0]),
    0x02: lambda: self.os.endorsement_get_public_key_certificate(data[0]),
    0x03: lambda: self.os.endorsement_get_metadata(data[0]),
    0x04: lambda: self.os.endorsement_key1_get_app_secret(),
    0x05: lambda: self.os.endorsement_key1_sign_data(data),
    0x06: lambda: self.os.endorsement_key1_sign_without_code_hash(data),
    0x07: lambda: self.os.endorsement_key2_derive_sign_data(data),
    0x12: lambda: self.os.endorsement_get_public_key_signature(data[0]),
    0x17: lambda: self.os.endorsement_key2_derive_and_sign_data(data),
}
try:
    return await calls[number]()
except SyscallError as error:
    raise Reject(0x6A00, data=bytes([error.status]) + error.word.to_bytes(2, "big")) from None
"""
HASH, PUBLIC, CERTIFICATE, METADATA, SECRET, SIGN, SIGN_BARE, SIGN_APP = range(8)


def caller(name: str = "Caller", *flags: str) -> Bundle:
    """Return an app that makes the calls it is told and answers what they gave."""
    return app(_CALLS, name=name, flags=list(flags))


def identified(device: VirtualDevice, *, client: DeviceClient | None = None, authenticate: bool = False) -> Manager:
    """Return a manager that has shaken hands; the person agrees if asked."""
    manager = Manager(device, signer=MANAGER, client=client)
    manager.open(authenticate=authenticate)
    return manager


def start(manager: Manager, slot: int) -> EndorsedKey:
    """Have a pair made; it must succeed, and be signed by the device."""
    answer = manager.client.exchange(call(Ins.ENDORSEMENT_START, slot))
    assert answer.ok, f"{answer.status:04X}"
    made = EndorsedKey.from_bytes(answer.data)
    assert manager.opened is not None
    message = endorsement_message(made.public_key)
    assert verify_ecdsa_der(manager.opened.device.public_key, sha256(message), made.signature)
    return made


def certificate(public_key: bytes, *, owner: KeySigner = OWNER) -> bytes:
    """Return the owner's certificate of an attestation key."""
    return owner.sign(owner_message(public_key))


def commit(manager: Manager, data: bytes) -> Pending:
    """Bring a certificate, and do not wait."""
    return manager.client.send(call(Ins.ENDORSEMENT_COMMIT, data=data))


def set_up(device: VirtualDevice, *slots: int) -> dict[int, bytes]:
    """Make and certify the attestation keys of `slots`, replacing what is there; return their public keys."""
    manager = identified(device)
    made = {}
    for slot in slots:
        made[slot] = start(manager, slot).public_key
        pending = commit(manager, certificate(made[slot]))
        manager.decide(pending, agree=True)
        assert pending.response.ok
    manager.client.close()
    return made


def install(device: VirtualDevice, bundle: Bundle, *, agree: bool = True) -> Manager:
    """Install an app that the software key signed, through a channel."""
    manager = Manager(device)
    manager.open()
    manager.install(image_of(bundle), signed_by=SOFTWARE, agree=agree)
    return manager
