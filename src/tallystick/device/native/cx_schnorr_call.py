"""Functions of the shared library that sign and verify by Schnorr's scheme in all its forms: ``lcx_ecschnorr.h`` (native-apps 1, way two).

All over SHA-256 on Weierstrass curves of 256 bits; the one of BIP-340 on secp256k1, 64 bytes, the others in DER. In what follows Q is
the nonce's point k G, P the public key d G, and H hashes what is written one after the other:

=============  ============================  =============
ISO 14888 XY   r = H(Q.x Q.y m)              s = k + r d
ISO 14888 X    r = H(Q.x m)                  s = k + r d
BSI TR-03111   r = H(m Q.x)                  s = k - r d
Zilliqa        r = H(02|03 Q.x 02|03 P.x m)  s = k - r d
libsecp        r = Q.x, Q.y even, h = H(r m) s = k - h d
=============  ============================  =============
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from tallystick.device.native.cx_bn_call import entropy, put_word
from tallystick.device.native.cx_curve import Point
from tallystick.device.native.cx_der import decode, encode
from tallystick.device.native.cx_domain import Shape
from tallystick.device.native.cx_error import CxError, CxStatus, read_buffer, word
from tallystick.device.native.cx_guard import alone, answering_zero
from tallystick.device.native.cx_key import Key, coordinates, read_key
from tallystick.device.native.machine import Asking, Handler, Machine

__all__ = ["LIBRARY"]

_SECP256K1: Final = 0x21
_SHA256: Final = 3
_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64
_ROOM_BYTES: Final = 6 + 2 * (_BYTES + 1)
_MASK_RANDOM, _TRUE, _PROVIDED = 7 << 9, 2 << 9, 4 << 9
_MASK_FORM: Final = 7 << 12
_BIP340, _ISO_XY, _ISO_X, _BSI, _LIBSECP, _ZILLIQA = (form << 12 for form in (0, 3, 4, 5, 6, 7))
_FORMS: Final = frozenset((_BIP340, _ISO_XY, _ISO_X, _BSI, _LIBSECP, _ZILLIQA))
_ADDED: Final = frozenset((_ISO_XY, _ISO_X))


def _raw(number: int) -> bytes:
    return number.to_bytes(_BYTES, "big")


def _tagged(tag: str, data: bytes) -> bytes:
    """Return the tagged hash of BIP-340."""
    head = sha256(f"BIP0340/{tag}".encode()).digest()
    return sha256(head + head + data).digest()


def _compressed(point: tuple[int, int]) -> bytes:
    return bytes((2 + (point[1] & 1),)) + _raw(point[0])


def _challenge(form: int, nonce: tuple[int, int], public: tuple[int, int], message: bytes) -> bytes:
    """Return the hash of a form, 32 bytes."""
    data = {
        _ISO_XY: _raw(nonce[0]) + _raw(nonce[1]) + message,
        _ISO_X: _raw(nonce[0]) + message,
        _BSI: message + _raw(nonce[0]),
        _ZILLIQA: _compressed(nonce) + _compressed(public) + message,
        _LIBSECP: _raw(nonce[0]) + message,
    }[form]
    return sha256(data).digest()


def _check(key: Key, mode: int, md: int) -> int:
    """Return the form that a mode names; raise CxError unless the key's curve and the hash are of it."""
    form = mode & _MASK_FORM
    if form == _BIP340 and key.curve.domain.number != _SECP256K1:
        raise CxError(CxStatus.EC_INVALID_CURVE)
    domain = key.curve.domain
    if md & 0xFF != _SHA256 or domain.size_bytes != _BYTES or domain.shape is not Shape.WEIERSTRASS:
        raise CxError(CxStatus.INVALID_PARAMETER)
    if form not in _FORMS:
        raise CxError(CxStatus.INVALID_PARAMETER)
    return form


def _point(key: Key, scalar: int) -> tuple[int, int]:
    point = key.curve.multiply(key.curve.base, scalar)
    if point is None:
        raise CxError(CxStatus.EC_INFINITE_POINT)
    return point


def _sign_340(key: Key, nonce: int, message: bytes) -> bytes:
    """Return the signature of BIP-340 by a nonce; raise CxError when that is 0."""
    order = key.curve.domain.order
    if not nonce:
        raise CxError(CxStatus.INVALID_PARAMETER)
    public, commitment = _point(key, key.number), _point(key, nonce)
    secret = order - key.number if public[1] & 1 else key.number
    nonce = order - nonce if commitment[1] & 1 else nonce
    head = _raw(commitment[0])
    challenge = int.from_bytes(_tagged("challenge", head + _raw(public[0]) + message), "big")
    return head + _raw((nonce + challenge * secret) % order)


def _nonce_340(key: Key, auxiliary: bytes, message: bytes) -> int:
    """Return the nonce of BIP-340, not reduced yet."""
    public = _point(key, key.number)
    secret = key.curve.domain.order - key.number if public[1] & 1 else key.number
    if not 0 < secret < key.curve.domain.order:
        raise CxError(CxStatus.INVALID_PARAMETER)
    hidden = _raw(secret ^ int.from_bytes(_tagged("aux", auxiliary), "big"))
    return int.from_bytes(_tagged("nonce", hidden + _raw(public[0]) + message), "big")


def _sign_der(key: Key, form: int, nonce: int, message: bytes) -> bytes:
    """Return the signature of another form by a nonce; raise CxError, INTERNAL_ERROR, where it makes none."""
    order = key.curve.domain.order
    commitment = _point(key, nonce)
    if form == _LIBSECP and commitment[1] & 1:
        nonce = order - nonce
        commitment = commitment[0], key.curve.p - commitment[1]
    public = _point(key, key.number) if form == _ZILLIQA else (0, 0)
    told = _challenge(form, commitment, public, message)
    challenge = int.from_bytes(told, "big")
    if form == _LIBSECP and not 0 < challenge < order:
        raise CxError(CxStatus.INTERNAL_ERROR)
    if form == _ZILLIQA:
        told = _raw(challenge % order)
    product = challenge * key.number
    s = (nonce + product if form in _ADDED else nonce - product) % order
    if not s or not challenge % order:
        raise CxError(CxStatus.INTERNAL_ERROR)
    return encode(_raw(commitment[0]) if form == _LIBSECP else told, _raw(s))


def _sign(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """cx_ecschnorr_sign_no_throw(key, mode, hash, message, its length, signature, its room *).

    A nonce that the app provides (for BIP-340 the auxiliary randomness) is in the signature's first 32 bytes.
    """
    private, mode, md, pointer, length, target, room = arguments[:7]
    key = read_key(machine, private)
    form = _check(key, mode, md)
    available = word(machine, room)
    if len(key.value) != _BYTES or (form != _BIP340 and available < _ROOM_BYTES):
        raise CxError(CxStatus.INVALID_PARAMETER)
    message, order = read_buffer(machine, pointer, length), key.curve.domain.order
    if mode & _MASK_RANDOM == _PROVIDED:
        given = machine.memory.read(target, _BYTES)
        nonce = _nonce_340(key, given, message) if form == _BIP340 else int.from_bytes(given, "big")
        nonce %= order
    elif mode & _MASK_RANDOM == _TRUE:
        nonce = 1 + (yield from entropy(_BYTES + 8)) % (order - 1)
    else:
        raise CxError(CxStatus.INVALID_PARAMETER)
    signature = _sign_340(key, nonce, message) if form == _BIP340 else _sign_der(key, form, nonce, message)
    machine.memory.write(target, signature)
    put_word(machine, room, len(signature))
    return CxStatus.OK


def _is_good_340(key: Key, message: bytes, signature: bytes) -> bool:
    """Tell whether a signature of BIP-340 holds; of the public key x alone counts."""
    order, curve = key.curve.domain.order, key.curve
    x = coordinates(key.value, _BYTES)[0]
    r, s = int.from_bytes(signature[:_BYTES], "big"), int.from_bytes(signature[_BYTES:_SIGNATURE_BYTES], "big")
    if len(signature) < _SIGNATURE_BYTES or not 0 < r < curve.p or not 0 < s < order or x >= curve.p:
        return False
    public = curve.lift(x, odd=False)
    told = _tagged("challenge", signature[:_BYTES] + _raw(x) + message)
    point = curve.combine((curve.base, s), (public, order - int.from_bytes(told, "big") % order))
    return point is not None and not point[1] & 1 and point[0] == r


def _is_good_der(key: Key, form: int, message: bytes, signature: bytes) -> bool:
    """Tell whether a signature of another form holds."""
    spans = decode(signature)
    if spans is None or max(size for _, size in spans) > _BYTES:
        return False
    r, s = (int.from_bytes(signature[start : start + size], "big") for start, size in spans)
    order, curve = key.curve.domain.order, key.curve
    if not r or not 0 < s < order or (form == _ZILLIQA and r >= order):
        return False
    public = key.point
    times = int.from_bytes(sha256(_raw(r) + message).digest(), "big") if form == _LIBSECP else r
    if form == _LIBSECP and not 0 < times < order:
        return False
    nonce: Point = curve.combine((curve.base, s), (curve.negate(public) if form in _ADDED else public, times))
    if nonce is None:
        return False
    if form == _LIBSECP:
        return not nonce[1] & 1 and nonce[0] == r
    told = int.from_bytes(_challenge(form, nonce, public, message), "big")
    return r == (told % order if form == _ZILLIQA else told)


def _verify(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecschnorr_verify(key, mode, hash, message, its length, signature, its length): 1 for a good one."""
    public, mode, md, pointer, length, source, source_length = arguments[:7]
    key = read_key(machine, public)
    form = _check(key, mode, md)
    if len(key.value) != 1 + 2 * _BYTES:
        return 0
    message, signature = read_buffer(machine, pointer, length), read_buffer(machine, source, source_length)
    good = _is_good_340(key, message, signature) if form == _BIP340 else _is_good_der(key, form, message, signature)
    return int(good)


LIBRARY: Final[Mapping[str, Handler]] = {
    "cx_ecschnorr_sign_no_throw": alone(_sign),
    "cx_ecschnorr_verify": answering_zero(alone(_verify)),
}
