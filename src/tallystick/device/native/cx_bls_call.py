"""System calls for BLS signatures on BLS12-381 (``ox_bls.h``): keys in G1, signatures in G2, 96 bytes compressed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tallystick.device.native.cpu import Register
from tallystick.device.native.cx_bls import (
    G2_BYTES,
    add,
    compress,
    decompress,
    expand_message,
    key_from,
    multiply,
    to_curve,
)
from tallystick.device.native.cx_error import CxError, CxStatus, read_buffer
from tallystick.device.native.cx_fast import curve_of
from tallystick.device.native.cx_key import put_key, read_key
from tallystick.device.native.machine import Handler, Machine
from tallystick.device.native.memory import BadPointer

__all__ = ["HANDLERS"]

_OK: Final = CxStatus.OK
_G1: Final = 0x39
_FIELD_BYTES, _KEY_BYTES = 48, 32
#: a hash to sign: four elements of the field
_HASH_BYTES: Final = 4 * _FIELD_BYTES
#: bytes drawn for one element of the field
_DRAWN_BYTES: Final = 64
_MAX_TAG, _MAX_INFORMATION = 255, 62
_DERIVE, _FORM = 0x80, 0x0F
_WITH_PUBLIC_KEY: Final = frozenset((0x9, 0xA))
_COMPRESSED, _LARGER = 0x80, 0x20
_ARGUMENTS: Final = 10
#: a signature takes as long as so many calls
_WORK: Final = 1 << 13


def _generate(machine: Machine, _arguments: tuple[int, ...]) -> int:
    """cx_bls12381_key_gen(mode, secret, length, salt, length, information, length, private, public, length).

    Its number says three arguments, but there are ten. The public key is written for the modes that hash it with the message.
    """
    words = machine.memory.words(machine.cpu.get(Register.R1), _ARGUMENTS)
    mode, secret, length, salt, salt_length, told, told_length, private, public, room = words
    if length > _KEY_BYTES or told_length > _MAX_INFORMATION:
        raise CxError(CxStatus.INVALID_PARAMETER_SIZE)
    raw = machine.memory.read(secret, length)
    if mode & _DERIVE:
        if length < _KEY_BYTES:
            raise CxError(CxStatus.INVALID_PARAMETER)
        key = key_from(raw, read_buffer(machine, salt, salt_length), machine.memory.read(told, told_length))
    else:
        key = int.from_bytes(raw.ljust(_KEY_BYTES, b"\0"), "big")
    put_key(machine, private, _G1, key.to_bytes(_FIELD_BYTES, "big"))
    if mode & _FORM in _WITH_PUBLIC_KEY:
        machine.memory.write(public, _public_key(key, room))
    return _OK


def _public_key(key: int, room: int) -> bytes:
    """Return the public key in 48 bytes, with the bits that say which y."""
    curve = curve_of(_G1)
    point = curve.multiply(curve.base, key)
    if point is None:
        raise CxError(CxStatus.EC_INFINITE_POINT)
    if room != _FIELD_BYTES:
        raise CxError(CxStatus.INVALID_PARAMETER_SIZE)
    raw = bytearray(point[0].to_bytes(_FIELD_BYTES, "big"))
    raw[0] |= _COMPRESSED | (_LARGER if point[1] > curve.p // 2 else 0)
    return bytes(raw)


def _hash(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_hash_to_field(message, length, tag, length, hash, its room): four elements, big endian."""
    message, length, tag, tag_length, target, room = arguments
    if tag_length > _MAX_TAG or room != _HASH_BYTES:
        raise CxError(CxStatus.INVALID_PARAMETER)
    text = read_buffer(machine, message, length)
    drawn = expand_message(text, machine.memory.read(tag, tag_length), 4 * _DRAWN_BYTES)
    p = curve_of(_G1).p
    fields = (int.from_bytes(drawn[at : at + _DRAWN_BYTES], "big") % p for at in range(0, len(drawn), _DRAWN_BYTES))
    machine.memory.write(target, b"".join(field.to_bytes(_FIELD_BYTES, "big") for field in fields))
    return _OK


def _sign(machine: Machine, arguments: tuple[int, ...]) -> int:
    """ox_bls12381_sign(private key, hash, its length, signature, its room)."""
    private, pointer, length, target, room = arguments
    if length != _HASH_BYTES or room != G2_BYTES:
        raise CxError(CxStatus.INVALID_PARAMETER)
    key = read_key(machine, private)
    if key.curve.domain.number != _G1 or len(key.value) != _FIELD_BYTES:
        raise CxError(CxStatus.INVALID_PARAMETER_SIZE)
    raw = machine.memory.read(pointer, length)
    a, b, c, d = (
        int.from_bytes(raw[at : at + _FIELD_BYTES], "big") % key.curve.p for at in range(0, length, _FIELD_BYTES)
    )
    machine.calls += _WORK
    machine.memory.write(target, compress(multiply(to_curve(((a, b), (c, d))), key.number)))
    return _OK


def _sign_or_refuse(machine: Machine, arguments: tuple[int, ...]) -> int:
    """Tell a bad pointer by the answer, as all cryptography does, though this call's name begins otherwise."""
    try:
        return _sign(machine, arguments)
    except BadPointer:
        return CxStatus.INVALID_PARAMETER


def _aggregate(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_bls12381_aggregate(signature, its length, first, sum, its room): the sum so far and one more, or the first alone."""
    source, length, first, target, room = arguments
    if length != G2_BYTES or room != G2_BYTES:
        raise CxError(CxStatus.INVALID_PARAMETER)
    point = decompress(machine.memory.read(source, length))
    if not first & 0xFF:
        point = add(decompress(machine.memory.read(target, room)), point)
    machine.memory.write(target, compress(point))
    return _OK


HANDLERS: Final[Mapping[str, Handler]] = {
    "cx_bls12381_key_gen": _generate,
    "cx_hash_to_field": _hash,
    "ox_bls12381_sign": _sign_or_refuse,
    "cx_bls12381_aggregate": _aggregate,
}
