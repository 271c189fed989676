"""Functions of the shared library that need no library: elliptic curves on real implementations (native-apps 1, way two).

Keys stay in the app's memory, laid out as the SDK has them: curve u8 at 0, length u32 at 4, then the private key (32 bytes)
or the point (65). What is not here goes to the shared library, where one was given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tallystick.crypto import p256, secp256k1
from tallystick.device.native.key_call import CURVES
from tallystick.device.native.machine import Asking, Handler, Machine
from tallystick.device.native.os_call import HANDLERS as OS_HANDLERS
from tallystick.errors import UsageError
from tallystick.wire.install import Curve
from tallystick.wire.syscall import Random

__all__ = ["LIBRARY"]

_OK: Final = 0
_BAD_VALUE: Final = 0xFFFF_FF87
_BAD_SIZE: Final = 0xFFFF_FF86
_NOT_HERE: Final = 0xFFFF_FF85
_KEY_BYTES, _POINT_BYTES = 32, 65
_HEAD_BYTES: Final = 8


def _curve(number: int) -> Curve | None:
    curve = CURVES.get(number & 0xFF)
    return None if curve is Curve.ED25519 else curve


def _head(curve: int, size_bytes: int) -> bytes:
    return bytes((curve & 0xFF, 0, 0, 0)) + size_bytes.to_bytes(4, "little")


def _init_private_key(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecfp_init_private_key_no_throw(curve, raw, length, key)."""
    curve, raw, size, key = arguments[:4]
    if _curve(curve) is None or (raw and size != _KEY_BYTES):
        return _BAD_SIZE
    machine.memory.write(key, _head(curve, _KEY_BYTES) + (machine.memory.read(raw, size) if raw else bytes(_KEY_BYTES)))
    return _OK


def _init_public_key(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecfp_init_public_key_no_throw(curve, raw, length, key)."""
    curve, raw, size, key = arguments[:4]
    if _curve(curve) is None or (raw and size != _POINT_BYTES):
        return _BAD_SIZE
    point = machine.memory.read(raw, size) if raw else bytes(_POINT_BYTES)
    machine.memory.write(key, _head(curve, _POINT_BYTES if raw else 0) + point)
    return _OK


def _generate_pair(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """cx_ecfp_generate_pair_no_throw(curve, public, private, keep): a new private key unless it is to be kept."""
    number, public, private, keep = arguments[:4]
    curve = _curve(number)
    if curve is None:
        return _NOT_HERE
    if not keep & 0xFF:
        raw = (yield Random(_KEY_BYTES)).unwrap()
        machine.memory.write(private, _head(number, _KEY_BYTES) + raw)
    key = machine.memory.read(private + _HEAD_BYTES, _KEY_BYTES)
    try:
        point = (
            secp256k1.public_key(key, compressed=False)
            if curve is Curve.SECP256K1
            else p256.public_key(key, compressed=False)
        )
    except UsageError:
        return _BAD_VALUE
    machine.memory.write(public, _head(number, _POINT_BYTES) + point)
    return _OK


def _ecdsa_sign(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecdsa_sign_no_throw(key, mode, hash id, digest, length, signature, length, info).

    The nonce is that of RFC 6979 whatever the mode; with the parity of R in the lowest bit of info.
    """
    key, _mode, _hash, digest, size, signature, room, info = arguments[:8]
    if size != _KEY_BYTES:
        return _BAD_SIZE
    head = machine.memory.read(key, _HEAD_BYTES + _KEY_BYTES)
    if _curve(head[0]) is not Curve.SECP256K1:
        return _NOT_HERE
    try:
        raw, recovery = secp256k1.sign_ecdsa_recoverable(head[_HEAD_BYTES:], machine.memory.read(digest, size))
    except UsageError:
        return _BAD_VALUE
    if len(raw) > machine.memory.words(room, 1)[0]:
        return _BAD_SIZE
    machine.memory.write(signature, raw)
    machine.memory.write(room, len(raw).to_bytes(4, "little"))
    if info:
        machine.memory.write(info, (recovery & 1).to_bytes(4, "little"))
    return _OK


LIBRARY: Final[Mapping[str, Handler]] = {
    "cx_ecfp_init_private_key_no_throw": _init_private_key,
    "cx_ecfp_init_public_key_no_throw": _init_public_key,
    "cx_ecfp_generate_pair_no_throw": _generate_pair,
    "cx_ecfp_generate_pair2_no_throw": _generate_pair,
    "cx_ecdsa_sign_no_throw": _ecdsa_sign,
    "cx_rng_no_throw": OS_HANDLERS["cx_get_random_bytes"],
}
