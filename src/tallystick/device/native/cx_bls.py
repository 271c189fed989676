"""BLS signatures on BLS12-381, signatures in G2: hashing to the curve, signing, adding up, and points in 96 bytes.

By RFC 9380 (suite BLS12381G2_XMD:SHA-256_SSWU_RO_) and the BLS signature draft of the CFRG. Elements of the field's extension are
pairs (a, b), a + b i, i squared being -1; a point is a pair of them, None the neutral element. Constant time is not claimed.
"""

from __future__ import annotations

import hmac
from functools import reduce
from hashlib import sha256
from typing import Final

from tallystick.device.native.cx_domain import DOMAINS
from tallystick.device.native.cx_error import CxError, CxStatus
from tallystick.device.native.cx_number import square_root

__all__ = [
    "G2_BYTES",
    "GroupPoint",
    "add",
    "compress",
    "decompress",
    "expand_message",
    "key_from",
    "multiply",
    "to_curve",
]

_P: Final = DOMAINS[0x39].p
_ORDER: Final = DOMAINS[0x39].order
_FIELD_BYTES: Final = 48
G2_BYTES: Final = 96
_COMPRESSED, _INFINITE, _LARGER = 0x80, 0x40, 0x20
_Element = tuple[int, int]
GroupPoint = tuple[_Element, _Element] | None

_B: Final = (4, 4)
#: of the curve that hashes are mapped to first (RFC 9380, 8.8.2), and of what maps it to ours (E.3); numbers are modulo p
_A_TWIN, _B_TWIN, _Z = (0, 240), (1012, 1012), (_P - 2, _P - 1)
_Q: Final = 0x5C759507E8E333EBB5B7A9A47D7ED8532C52D39FD3A042A88B58423C50AE15D5C2638E343D9C71C6238AAAAAAAA97D6
_R: Final = 0x11560BF17BAA99BC32126FCED787C88F984F87ADF7AE0C7F9A208C6B4F20A4181472AAA9CB8D555526A9FFFFFFFFC71A
_S: Final = 0x8AB05F8BDD54CDE190937E76BC3E447CC27C3D6FBD7063FCD104635A790520C0A395554E5C6AAAA9354FFFFFFFFE38D
_T: Final = 0x1530477C7AB4113B59A4C18B076D11930F7DA5D4A07F649BF54439D87D27E500FC8C25EBF8C92F6812CFC71C71C6D706
_ISOGENY: Final = (
    (
        (_Q, _Q),
        (0, _R),
        (_R + 4, _S),
        (0x171D6541FA38CCFAED6DEA691F5FB614CB14B4E7F4E810AA22D6108F142B85757098E38D0F671C7188E2AAAAAAAA5ED1, 0),
    ),
    ((0, _P - 72), (12, _P - 12), (1, 0)),
    (
        (_T, _T),
        (0, _Q - 24),
        (_R + 2, _S + 2),
        (0x124C9AD43B6CF79BFBF7043DE3811AD0761B0F37A1E26286B0E977C69AA274524E79097A56DC4BD9E1B371C71C718B10, 0),
    ),
    ((_P - 432, _P - 432), (0, _P - 216), (18, _P - 18), (1, 0)),
)
#: what takes any point of the curve into the group (RFC 9380, 8.8.2)
_COFACTOR: Final = 0xBC69F08F2EE75B3584C6A0EA91B352888E2A8E9145AD7689986FF031508FFE1329C2F178731DB956D82BF015D1212B02EC0EC69D7477C1AE954CBC06689F6A359894C0ADEBBF6B4E8020005AAA95551


def _plus(one: _Element, other: _Element) -> _Element:
    return (one[0] + other[0]) % _P, (one[1] + other[1]) % _P


def _minus(one: _Element, other: _Element) -> _Element:
    return (one[0] - other[0]) % _P, (one[1] - other[1]) % _P


def _times(one: _Element, other: _Element) -> _Element:
    a, b = one[0] * other[0], one[1] * other[1]
    return (a - b) % _P, ((one[0] + one[1]) * (other[0] + other[1]) - a - b) % _P


def _inverse(value: _Element) -> _Element:
    norm = pow(value[0] * value[0] + value[1] * value[1], -1, _P)
    return value[0] * norm % _P, -value[1] * norm % _P


def _root(value: _Element) -> _Element | None:
    """Return a square root, or None where there is none: by roots of the norm, which lies in the field itself."""
    a, b = value
    if not b:
        root = square_root(a, _P)
        return (root, 0) if root is not None else (0, square_root(-a % _P, _P) or 0)
    norm = square_root(a * a + b * b, _P)
    if norm is None:
        return None
    for sign in (norm, -norm):
        half = square_root((a + sign) * pow(2, -1, _P) % _P, _P)
        if half:
            return half, b * pow(2 * half, -1, _P) % _P
    return None


def _sign(value: _Element) -> int:
    """Return sgn0 of RFC 9380, 4.1."""
    return value[0] & 1 if value[0] else value[1] & 1


def _polynomial(coefficients: tuple[_Element, ...], x: _Element) -> _Element:
    return reduce(lambda total, one: _plus(_times(total, x), one), reversed(coefficients), (0, 0))


def _right_side(x: _Element, a: _Element, b: _Element) -> _Element:
    return _plus(_times(_plus(_times(x, x), a), x), b)


def _map(u: _Element) -> GroupPoint:
    """Map an element to the curve (RFC 9380, 6.6.3: simplified SWU over a curve that an isogeny takes to ours)."""
    step = _times(_Z, _times(u, u))
    below = _plus(_times(step, step), step)
    quotient = _times(_minus((0, 0), _B_TWIN), _inverse(_A_TWIN))
    x = _times(_B_TWIN, _inverse(_times(_Z, _A_TWIN)))
    if any(below):
        x = _times(quotient, _plus((1, 0), _inverse(below)))
    y = _root(_right_side(x, _A_TWIN, _B_TWIN))
    if y is None:
        x = _times(step, x)
        y = _root(_right_side(x, _A_TWIN, _B_TWIN)) or (0, 0)
    if _sign(u) != _sign(y):
        y = _minus((0, 0), y)
    x_over, x_under, y_over, y_under = (_polynomial(row, x) for row in _ISOGENY)
    if not any(x_under) or not any(y_under):
        return None
    return _times(x_over, _inverse(x_under)), _times(y, _times(y_over, _inverse(y_under)))


def add(one: GroupPoint, other: GroupPoint) -> GroupPoint:
    """Return the sum of two points."""
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2) = one, other
    if x1 == x2:
        if y1 != y2 or not any(y1):
            return None
        slope = _times(_times((3, 0), _times(x1, x1)), _inverse(_plus(y1, y1)))
    else:
        slope = _times(_minus(y2, y1), _inverse(_minus(x2, x1)))
    x = _minus(_minus(_times(slope, slope), x1), x2)
    return x, _minus(_times(slope, _minus(x1, x)), y1)


def multiply(point: GroupPoint, scalar: int) -> GroupPoint:
    """Return a point taken `scalar` times."""
    total: GroupPoint = None
    for bit in f"{scalar:b}":
        total = add(total, total)
        if bit == "1":
            total = add(total, point)
    return total


def to_curve(fields: tuple[_Element, _Element]) -> GroupPoint:
    """Return the point of the group that a hash, as two elements, belongs to."""
    return multiply(add(_map(fields[0]), _map(fields[1])), _COFACTOR)


def expand_message(message: bytes, tag: bytes, size_bytes: int) -> bytes:
    """Return expand_message_xmd of RFC 9380, 5.3.1, with SHA-256; at most 255 blocks of 32 bytes."""
    tag += bytes((len(tag),))
    first = sha256(bytes(64) + message + size_bytes.to_bytes(2, "big") + b"\0" + tag).digest()
    block, out = bytes(32), b""
    for number in range(1, -(-size_bytes // 32) + 1):
        block = sha256(bytes(a ^ b for a, b in zip(first, block, strict=True)) + bytes((number,)) + tag).digest()
        out += block
    return out[:size_bytes]


def key_from(material: bytes, salt: bytes, information: bytes) -> int:
    """Return a private key by KeyGen of the BLS signature draft: HKDF with SHA-256, the salt hashed first until it is not 0."""
    while True:
        secret = hmac.digest(salt, material + b"\0", "sha256")
        first = hmac.digest(secret, information + b"\0\x30\x01", "sha256")
        second = hmac.digest(secret, first + information + b"\0\x30\x02", "sha256")
        key = int.from_bytes((first + second)[:_FIELD_BYTES], "big") % _ORDER
        if key:
            return key
        salt = sha256(salt).digest()


def compress(point: GroupPoint) -> bytes:
    """Return a point in 96 bytes: x, its imaginary part first, with three bits that say which y."""
    if point is None:
        return bytes((_COMPRESSED | _INFINITE,)) + bytes(G2_BYTES - 1)
    x, y = point
    raw = bytearray(x[1].to_bytes(_FIELD_BYTES, "big") + x[0].to_bytes(_FIELD_BYTES, "big"))
    raw[0] |= _COMPRESSED | (_LARGER if (y[1] or y[0]) > _P // 2 else 0)
    return bytes(raw)


def decompress(raw: bytes) -> GroupPoint:
    """Return the point of 96 bytes; raise CxError, INTERNAL_ERROR, for what is none of the curve."""
    if len(raw) != G2_BYTES or not raw[0] & _COMPRESSED:
        raise CxError(CxStatus.INTERNAL_ERROR)
    if raw[0] & _INFINITE:
        if any(raw[1:]) or raw[0] & _LARGER:
            raise CxError(CxStatus.INTERNAL_ERROR)
        return None
    x = (
        int.from_bytes(raw[_FIELD_BYTES:], "big"),
        int.from_bytes(bytes((raw[0] & 0x1F,)) + raw[1:_FIELD_BYTES], "big"),
    )
    y = _root(_right_side(x, (0, 0), _B)) if max(x) < _P else None
    if y is None:
        raise CxError(CxStatus.INTERNAL_ERROR)
    larger = (y[1] or y[0]) > _P // 2
    return x, y if larger == bool(raw[0] & _LARGER) else _minus((0, 0), y)
