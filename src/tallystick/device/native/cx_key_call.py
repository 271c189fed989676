"""Functions of the shared library about keys and points, without a library: ``lcx_ecfp.h`` (native-apps 1, way two)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tallystick.device.native.cx_bn_call import put_word, wide_entropy
from tallystick.device.native.cx_curve import Curve
from tallystick.device.native.cx_der import decode, encode
from tallystick.device.native.cx_domain import Shape
from tallystick.device.native.cx_eddsa import expand
from tallystick.device.native.cx_error import CxError, CxStatus, read_buffer, signed
from tallystick.device.native.cx_fast import curve_of
from tallystick.device.native.cx_guard import EXCEPTION, alone, answering_zero
from tallystick.device.native.cx_key import coordinates, point_bytes, put_key, read_key
from tallystick.device.native.cx_point import scalar
from tallystick.device.native.machine import Asking, Handler, Machine

__all__ = ["LIBRARY"]

_OK: Final = CxStatus.OK
_SHA512: Final = 5
_LONG, _SHORT = 0x04, 0x02
#: of the struct that init_public_key clears
_PUBLIC_KEY_BYTES: Final = 76
_MAX_DER_BYTES: Final = 1 << 12
_SIGN_BIT: Final = 0x80
_CURVE25519, _ED25519, _ED448 = 0x81, 0x71, 0x72


def _init_private_key(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecfp_init_private_key_no_throw(curve, raw, length, key): without raw bytes, the curve alone."""
    number, raw, length, key = arguments[:4]
    size = curve_of(number).domain.size_bytes
    if length != (size if raw else 0):
        raise CxError(CxStatus.INVALID_PARAMETER)
    if raw:
        put_key(machine, key, number, machine.memory.read(raw, length))
    else:
        machine.memory.write(key, bytes((number & 0xFF,)))
    return _OK


def _init_public_key(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecfp_init_public_key_no_throw(curve, raw, length, key): 04 x y, or 02 and one coordinate where there is such a form."""
    number, raw, length, key = arguments[:4]
    curve = curve_of(number)
    size, shape = curve.domain.size_bytes, curve.domain.shape
    machine.memory.write(key, bytes(_PUBLIC_KEY_BYTES))
    if not raw:
        put_key(machine, key, number, b"")
        return _OK
    forms = {
        Shape.WEIERSTRASS: {_LONG: 1 + 2 * size},
        Shape.EDWARDS: {_LONG: 1 + 2 * size, _SHORT: 1 + size},
        Shape.MONTGOMERY: {_SHORT: 1 + size},
    }[shape]
    if length not in forms.values() or forms.get(machine.memory.read(raw, 1)[0]) != length:
        return EXCEPTION
    put_key(machine, key, number, machine.memory.read(raw, length))
    return _OK


def _new_private(curve: Curve, drawn: int) -> bytes:
    """Return the private key that so much randomness makes (twice the field's length), as the SDK does it."""
    size = curve.domain.size_bytes
    raw = bytearray((drawn % curve.domain.order).to_bytes(size, "big"))
    if curve.domain.shape is Shape.MONTGOMERY:
        if curve.domain.number == _CURVE25519:
            raw[-1] &= 0xF8
            raw[0] = raw[0] & 0x7F | 0x40
        else:
            raw[-1] &= 0xFC
            raw[0] |= 0x80
    return bytes(raw)


def _generate_pair(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """cx_ecfp_generate_pair2_no_throw(curve, public, private, keep, hash): a new private key unless it is to be kept."""
    number, public, private, keep, md = arguments[:5]
    curve = curve_of(number)
    size = curve.domain.size_bytes
    if keep & 0xFF:
        theirs, length = machine.memory.words(private, 2)
        if theirs & 0xFF != curve.domain.number or length != size:
            raise CxError(CxStatus.INVALID_PARAMETER)
        raw = read_key(machine, private).value
    else:
        raw = _new_private(curve, (yield from wide_entropy(size)))
        put_key(machine, private, number, raw)
    times = int.from_bytes(raw, "big")
    if curve.domain.number in {_ED25519, _ED448}:
        times = expand(curve, md & 0xFF, raw).scalar
    put_key(machine, public, number, point_bytes(curve.multiply(curve.base, times), size))
    return _OK


def _generate_pair_sha512(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """cx_ecfp_generate_pair_no_throw(curve, public, private, keep)."""
    return (yield from _generate_pair(machine, (*arguments[:4], _SHA512)))


def _point(machine: Machine, curve: Curve, pointer: int) -> tuple[int, int]:
    """Return the point (04 x y) that an app points to; raise CxError, EC_INVALID_POINT, when it is none."""
    size = curve.domain.size_bytes
    point = coordinates(machine.memory.read(pointer, 1 + 2 * size), size)
    if not curve.contains(point):
        raise CxError(CxStatus.EC_INVALID_POINT)
    return point


def _add_point(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecfp_add_point_no_throw(curve, r, p, q)."""
    number, target, one, other = arguments[:4]
    curve = curve_of(number)
    total = curve.add(_point(machine, curve, one), _point(machine, curve, other))
    machine.memory.write(target, point_bytes(total, curve.domain.size_bytes))
    return _OK


def _multiply(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecfp_scalar_mult_no_throw(curve, p, k, length of k): p = k p."""
    number, pointer, factor, length = arguments[:4]
    curve = curve_of(number)
    product = curve.multiply(_point(machine, curve, pointer), scalar(machine, factor, length))
    machine.memory.write(pointer, point_bytes(product, curve.domain.size_bytes))
    return _OK


def _compress(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_edwards_compress_point_no_throw(curve, p, length): 02, then y little endian with x's sign; what was behind it stays y's."""
    number, pointer = arguments[:2]
    curve = curve_of(number)
    size = curve.domain.size_bytes
    x, y = coordinates(machine.memory.read(pointer, 1 + 2 * size), size)
    kept, other = (y, x) if curve.domain.shape is Shape.EDWARDS else (x, y)
    short = _encoded(bytearray(kept.to_bytes(size, "big")), sign=bool(other & 1))
    machine.memory.write(pointer, bytes((_SHORT,)) + short + short)
    return _OK


def _decompress(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_edwards_decompress_point_no_throw(curve, p, length): p has room for its long form."""
    number, pointer = arguments[:2]
    curve = curve_of(number)
    size = curve.domain.size_bytes
    raw, odd = _decoded(machine.memory.read(pointer + 1, size))
    machine.memory.write(pointer, point_bytes(curve.lift(int.from_bytes(raw, "big"), odd=odd), size))
    return _OK


def _encoded(coordinate: bytearray, *, sign: bool) -> bytes:
    """Turn a coordinate around, the sign in its highest bit (RFC 8032, 5.1.2)."""
    if sign:
        coordinate[0] |= _SIGN_BIT
    return bytes(reversed(coordinate))


def _decoded(raw: bytes) -> tuple[bytes, bool]:
    """Turn a coordinate around, and take its sign out."""
    turned = bytearray(reversed(raw))
    sign = bool(turned[0] & _SIGN_BIT)
    turned[0] &= ~_SIGN_BIT & 0xFF
    return bytes(turned), sign


def _encode_coordinate(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_encode_coord(coordinate, length, sign)."""
    pointer, length, sign = arguments[:3]
    if signed(length) > 0:
        raw = bytearray(read_buffer(machine, pointer, length))
        machine.memory.write(pointer, _encoded(raw, sign=bool(sign)))
    return 0


def _decode_coordinate(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_decode_coord(coordinate, length): the sign bit where it was."""
    pointer, length = arguments[:2]
    if signed(length) <= 0:
        return 0
    raw, sign = _decoded(read_buffer(machine, pointer, length))
    machine.memory.write(pointer, raw)
    return _SIGN_BIT if sign else 0


def _encode_signature(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecfp_encode_sig_der(signature, room, r, length, s, length): the length, 0 when it does not fit."""
    target, room, r, r_length, s, s_length = arguments[:6]
    if max(r_length, s_length) > _MAX_DER_BYTES:
        return 0
    text = encode(machine.memory.read(r, r_length), machine.memory.read(s, s_length))
    if len(text) > room:
        return 0
    machine.memory.write(target, text)
    return len(text)


def _decode_signature(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecfp_decode_sig_der(signature, length, largest number, r **, length *, s **, length *): 1 for a signature."""
    source, length, limit, *targets = arguments[:7]
    spans = decode(machine.memory.read(source, length)) if length <= _MAX_DER_BYTES else None
    for at in (0, 2):
        start, size = spans[at // 2] if spans else (-source, 0)
        put_word(machine, targets[at], source + start)
        put_word(machine, targets[at + 1], size)
    return int(spans is not None and max(size for _, size in spans) <= limit)


LIBRARY: Final[Mapping[str, Handler]] = {
    "cx_ecfp_init_private_key_no_throw": _init_private_key,
    "cx_ecfp_init_public_key_no_throw": _init_public_key,
    "cx_ecfp_generate_pair_no_throw": alone(_generate_pair_sha512),
    "cx_ecfp_generate_pair2_no_throw": alone(_generate_pair),
    "cx_ecfp_add_point_no_throw": alone(_add_point),
    "cx_ecfp_scalar_mult_no_throw": alone(_multiply),
    "cx_edwards_compress_point_no_throw": alone(_compress),
    "cx_edwards_decompress_point_no_throw": alone(_decompress),
    "cx_encode_coord": answering_zero(_encode_coordinate),
    "cx_decode_coord": answering_zero(_decode_coordinate),
    "cx_ecfp_encode_sig_der": answering_zero(_encode_signature),
    "cx_ecfp_decode_sig_der": answering_zero(_decode_signature),
}
