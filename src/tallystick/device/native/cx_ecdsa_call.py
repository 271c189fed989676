"""Functions of the shared library that sign and verify by ECDSA: ``lcx_ecdsa.h`` (native-apps 1, way two).

secp256k1 with the nonce of RFC 6979 over SHA-256 is signed by libsecp256k1; all other signatures by the curve's own arithmetic.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from itertools import islice
from typing import Final

from tallystick.crypto import secp256k1
from tallystick.device.native.cx_bn_call import put_word, wide_entropy
from tallystick.device.native.cx_der import decode, encode
from tallystick.device.native.cx_domain import Domain, Shape
from tallystick.device.native.cx_error import CxError, CxStatus, word
from tallystick.device.native.cx_guard import alone, answering_zero
from tallystick.device.native.cx_key import Key, read_key
from tallystick.device.native.cx_nonce import nonces
from tallystick.device.native.machine import Asking, Handler, Machine
from tallystick.errors import UsageError
from tallystick.wire.syscall import Outcome, Request

__all__ = ["LIBRARY", "is_signature"]

_SECP256K1: Final = 0x21
_SHA256: Final = 3
_DIGEST_BYTES: Final = 32
_MASK_RANDOM, _TRUE, _RFC6979, _PROVIDED = 7 << 9, 2 << 9, 3 << 9, 4 << 9
_AS_IT_FALLS: Final = 1 << 6
_ODD, _ABOVE_ORDER = 1, 2
_MAX_TRIES: Final = 100


def _number(digest: bytes, domain: Domain) -> int:
    """Return what is signed: the highest bits of a digest, as many as the field has."""
    value = int.from_bytes(digest, "big")
    spare = -domain.bits % 8
    return value >> spare if domain.bits < 8 * len(digest) else value


def _signature(key: Key, nonce: int, digest: bytes) -> tuple[int, int, int] | None:
    """Return r, s and what is told of the nonce's point; None where another nonce is wanted."""
    domain = key.curve.domain
    point = key.curve.multiply(key.curve.base, nonce)
    if point is None:
        raise CxError(CxStatus.EC_INFINITE_POINT)
    r, info = point[0], point[1] & _ODD
    if r >= domain.order:
        r, info = r % domain.order, info | _ABOVE_ORDER
    inverse = pow(nonce, -1, domain.order)
    s = (_number(digest, domain) + key.number * r) * inverse % domain.order
    return (r, s, info) if r and s else None


def _candidates(
    machine: Machine, key: Key, arguments: tuple[int, ...], digest: bytes
) -> Generator[Request, Outcome, tuple[int, int, int]]:
    """Return the signature by the first nonce that is good for one."""
    mode, md, provided = arguments
    domain = key.curve.domain
    size = domain.size_bytes
    source = mode & _MASK_RANDOM
    if source == _PROVIDED:
        found = _signature(key, int.from_bytes(machine.memory.read(provided, size), "big"), digest)
    elif source == _RFC6979:
        tries = islice(nonces(md & 0xFF, key.number, digest, domain.order), _MAX_TRIES)
        found = next((made for made in (_signature(key, nonce, digest) for nonce in tries) if made), None)
    elif source == _TRUE:
        found = _signature(key, (yield from wide_entropy(size)) % domain.order, digest)
    else:
        raise CxError(CxStatus.INVALID_PARAMETER)
    if found is None:
        raise CxError(CxStatus.INTERNAL_ERROR)
    return found


def _by_library(key: Key, mode: int, md: int, digest: bytes) -> tuple[bytes, int] | None:
    """Return signature and information where libsecp256k1 does just what is asked for."""
    usual = mode & (_MASK_RANDOM | _AS_IT_FALLS) == _RFC6979 and md & 0xFF == _SHA256
    if not usual or key.curve.domain.number != _SECP256K1 or len(digest) != _DIGEST_BYTES:
        return None
    if int.from_bytes(digest, "big") >= secp256k1.ORDER:
        # the library does not reduce a digest for the nonce, RFC 6979 does
        return None
    try:
        return secp256k1.sign_ecdsa_recoverable(key.value, digest)
    except UsageError:
        return None


def _sign(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """cx_ecdsa_sign_no_throw(key, mode, hash, digest, its length, signature, its room *, information *)."""
    private, mode, md, pointer, length, target, room, told = arguments[:8]
    key = read_key(machine, private)
    domain = key.curve.domain
    size = domain.size_bytes
    available = word(machine, room)
    if domain.shape is not Shape.WEIERSTRASS or available < 6 + 2 * (size + 1) or len(key.value) != size:
        put_word(machine, room, 0)
        raise CxError(CxStatus.INVALID_PARAMETER)
    if told:
        put_word(machine, told, 0)
    digest = machine.memory.read(pointer, min(length, size))
    done = _by_library(key, mode, md, digest)
    if done is None:
        r, s, info = yield from _candidates(machine, key, (mode, md, target), digest)
        if not mode & _AS_IT_FALLS and s > domain.order >> 1:
            s, info = domain.order - s, info ^ _ODD
        done = encode(r.to_bytes(size, "big"), s.to_bytes(size, "big")), info
    signature, info = done
    machine.memory.write(target, signature)
    put_word(machine, room, len(signature))
    if told:
        put_word(machine, told, info)
    return CxStatus.OK


def is_signature(key: Key, digest: bytes, text: bytes) -> bool:
    """Tell whether `text` (DER) is a signature over a digest, whose first bytes count, by a public key on a Weierstrass curve.

    Raises:
        CxError: the key is no point of its curve.

    """
    domain = key.curve.domain
    size, order = domain.size_bytes, domain.order
    spans = decode(text)
    if spans is None or max(span[1] for span in spans) > size:
        return False
    r, s = (int.from_bytes(text[start : start + length], "big") for start, length in spans)
    if not (0 < r < order and 0 < s < order):
        return False
    inverse = pow(s, -1, order)
    times = _number(digest[:size], domain) * inverse % order, r * inverse % order
    point = key.curve.combine((key.curve.base, times[0]), (key.point, times[1]))
    return point is not None and point[0] % order == r


def _verify(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecdsa_verify_no_throw(key, digest, its length, signature, its length): 1 for a good one."""
    public, pointer, length, source, source_length = arguments[:5]
    key = read_key(machine, public)
    domain = key.curve.domain
    size = domain.size_bytes
    if domain.shape is not Shape.WEIERSTRASS or len(key.value) != 1 + 2 * size or length > 8 + 2 * size:
        return 0
    digest = machine.memory.read(pointer, min(length, size))
    text = machine.memory.read(source, min(source_length, 6 + 2 * (size + 4)))
    return int(len(text) == source_length and is_signature(key, digest, text))


LIBRARY: Final[Mapping[str, Handler]] = {
    "cx_ecdsa_sign_no_throw": alone(_sign),
    "cx_ecdsa_verify_no_throw": answering_zero(alone(_verify)),
}
