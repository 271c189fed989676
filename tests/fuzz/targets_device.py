"""Fuzz targets of what a device keeps and loads: its own records, dependencies, code areas, and the loader's commands.

As in `targets_wire`: a target returns when the bytes are accepted or refused with the declared error.
"""

import contextlib
from functools import cache

from tallystick.device.os.app_record import AppRecord
from tallystick.device.os.custom_ca import CustomCa
from tallystick.device.os.loader import Loader
from tallystick.device.os.peer import Authority, Peer
from tallystick.device.secure.attestation import Attestation
from tallystick.device.secure.endorsement import EndorsementKeys, _Contents
from tallystick.device.silicon.entropy import RepeatableRng
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.errors import RemoteProtocolError, StateCorrupt
from tallystick.testing.device import VirtualDevice
from tallystick.testing.factory import known_key
from tallystick.wire.bundle import Bundle
from tallystick.wire.dependency import decode_dependencies
from tallystick.wire.status import Reject

_refusal = contextlib.suppress(RemoteProtocolError)
_CHANNEL = 1


def app_record(data: bytes) -> None:
    """Read the record of an installed app; what is accepted is written back to the same bytes."""
    with _refusal:
        assert AppRecord.from_bytes(data).to_bytes() == data


def custom_ca(data: bytes) -> None:
    """Read the owner's authority; what is accepted is written back to the same bytes."""
    with _refusal:
        assert CustomCa.from_bytes(data).to_bytes() == data


def attestation(data: bytes) -> None:
    """Read the record of the device's key."""
    flash = MemoryFlash()
    flash.write("attestation", data)
    with contextlib.suppress(StateCorrupt):
        assert repr(Attestation(flash=flash, rng=RepeatableRng(1)))


def endorsement(data: bytes) -> None:
    """Read the record of the attestation keys, which is sealed."""
    flash, keychain = MemoryFlash(), _device().board.system.session.keychain
    flash.write("endorsement", data)
    with contextlib.suppress(StateCorrupt):
        keys = EndorsementKeys(flash=flash, rng=RepeatableRng(1), keychain=keychain, serial="fuzz")
        assert not keys.has(1)


def endorsement_contents(data: bytes) -> None:
    """Read what that record holds inside; what is accepted is written back to the same bytes."""
    with _refusal:
        assert _Contents.from_bytes(data).to_bytes() == data


def dependencies(data: bytes) -> None:
    """Read what an app depends on."""
    with _refusal:
        assert all(decode_dependencies(data))


def code_area(data: bytes) -> None:
    """Read a code area: no archive, or a bundle that fills it."""
    with _refusal:
        bundle = Bundle.from_code(data)
        assert bundle is None or bundle.image().code == data


def loader(data: bytes) -> None:
    """Carry out sub-commands, each behind a length byte, as a manager of the issuer sends them: nobody is asked."""
    device, peer = _device(), Peer(public_key=known_key("signer").public_key, authority=Authority.ISSUER)
    commands = Loader(device.board.system.session, upgrade=device.board.system.upgrade, version=lambda _channel: b"")
    while data:
        plain, data = data[1 : 1 + data[0]], data[1 + data[0] :]
        if plain[:1] in {b"\x12", b"\xb0"}:  # those that ask
            continue
        with contextlib.suppress(Reject, RemoteProtocolError):
            _finish(commands.handle(plain, _CHANNEL, peer))
    assert [app.name for app in device.board.system.session.registry.apps()] == []


@cache
def _device() -> VirtualDevice:
    return VirtualDevice(apps=())


def _finish(coroutine):
    """Run a coroutine that waits for nobody."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits for somebody")


targets = {
    target.__name__: target
    for target in (
        app_record,
        custom_ca,
        attestation,
        endorsement,
        endorsement_contents,
        dependencies,
        code_area,
        loader,
    )
}
