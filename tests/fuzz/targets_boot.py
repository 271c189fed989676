"""Fuzz targets of what decides what runs: signature files, keys, configurations, headers, lists, fuses, slots.

As in `targets_wire`: a target returns when the bytes are accepted or refused with the declared error, and what is
accepted is read back the same from what it writes.
"""

import contextlib
from collections.abc import Callable

from tallystick.crypto.minisign import PublicKey, SigningKey
from tallystick.device.boot.explain import BootFailure, Chain
from tallystick.device.boot.image import Expectation, VerifiedImage
from tallystick.device.boot.rom import Rom
from tallystick.device.boot.slot import SlotRecord
from tallystick.device.silicon.fuses import FuseState
from tallystick.errors import RemoteProtocolError, TrustError
from tallystick.wire.environment import Environment
from tallystick.wire.firmware import BootConfig, ImageHeader, ImageRole
from tallystick.wire.firmware_package import FirmwarePackage

_refusal = contextlib.suppress(RemoteProtocolError, TrustError)
_KEY = SigningKey.from_entropy(bytes(range(40))).public_key


def signature(data: bytes) -> None:
    """Read a signature file; none of these holds."""
    with contextlib.suppress(TrustError):
        _KEY.is_named_by(data)
    with contextlib.suppress(TrustError):
        _KEY.verify(b"something", data)
        raise ValueError("a signature that nobody made holds")


def public_key(data: bytes) -> None:
    """Read a public key, as text and as bytes."""
    with _refusal:
        assert PublicKey.from_bytes(data).to_bytes() == data
    with contextlib.suppress(TrustError):
        key = PublicKey.from_text(data.decode("utf-8", "replace"))
        assert PublicKey.from_text(key.to_text()) == key


def secret_key(data: bytes) -> None:
    """Read a secret key."""
    with _refusal:
        key = SigningKey.from_text(data.decode("utf-8", "replace"))
        assert SigningKey.from_text(key.to_text()).public_key == key.public_key


def config(data: bytes) -> None:
    """Read a configuration."""
    with _refusal:
        made = BootConfig.from_bytes(data)
        assert BootConfig.from_bytes(made.to_bytes()) == made


def header(data: bytes) -> None:
    """Read the header of an image."""
    with _refusal:
        assert ImageHeader.from_bytes(data).is_valid


def environment(data: bytes) -> None:
    """Read a list of native code."""
    with _refusal:
        made = Environment.from_bytes(data)
        assert Environment.from_bytes(made.to_bytes()) == made


def fuses(data: bytes) -> None:
    """Read the record of the fuses."""
    with _refusal:
        made = FuseState.from_bytes(data)
        assert FuseState.from_bytes(made.to_bytes()) == made


def slots(data: bytes) -> None:
    """Read the record of the slots."""
    with _refusal:
        made = SlotRecord.from_bytes(data)
        assert SlotRecord.from_bytes(made.to_bytes()) == made


def package(data: bytes) -> None:
    """Read a firmware package."""
    with _refusal:
        made = FirmwarePackage.from_bytes(data)
        assert FirmwarePackage.from_bytes(made.to_bytes()) == made


def image(data: bytes) -> None:
    """Take the bytes for an image of an open chip, which alone reads one that nobody signed."""
    with _refusal:
        expect = Expectation(role=ImageRole.BOOTLOADER, minimum=0)
        made = VerifiedImage.unsigned(data, expect=expect)
        assert made.raw == data
        made.environment()
        made.public_key("conf.pub")


def rom(data: bytes) -> None:
    """Give the bytes to a closed chip as key table, image and signature: nothing starts."""
    state = FuseState(key_table=bytes(32), is_closed=True)
    with contextlib.suppress(BootFailure):
        Rom(state).check(Chain(now_s=lambda: 0.0), key_table=data, image=data, signature=data)
        raise ValueError("noise has started")


targets: dict[str, Callable[[bytes], None]] = {
    "signature": signature,
    "public_key": public_key,
    "secret_key": secret_key,
    "config": config,
    "header": header,
    "environment": environment,
    "fuses": fuses,
    "slots": slots,
    "package": package,
    "image": image,
    "rom": rom,
}
