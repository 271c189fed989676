"""The deterministic nonce of RFC 6979, 3.2, for the hashes that HMAC is had with: RIPEMD-160 and SHA-2."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from tallystick.crypto.hash import ripemd160
from tallystick.device.native.cx_error import CxError, CxStatus

__all__ = ["nonces"]

_HASHES: Final[Mapping[int, str]] = {2: "sha224", 3: "sha256", 4: "sha384", 5: "sha512"}
_RIPEMD160: Final = 1
_BLOCK_BYTES: Final = 64


def _keyed(md: int) -> Callable[[bytes, bytes], bytes]:
    """Return HMAC with the hash that the SDK numbers `md`; raise CxError, INVALID_PARAMETER, for another one."""
    if md == _RIPEMD160:
        return _ripemd160
    name = _HASHES.get(md)
    if name is None:
        raise CxError(CxStatus.INVALID_PARAMETER)
    return lambda key, data: hmac.digest(key, data, name)


def _ripemd160(key: bytes, data: bytes) -> bytes:
    """Return HMAC-RIPEMD-160 (RFC 2286) under a key that is a digest, whether or not OpenSSL has its legacy provider."""
    inner, outer = (bytes(byte ^ pad for byte in key.ljust(_BLOCK_BYTES, b"\0")) for pad in (0x36, 0x5C))
    return ripemd160(outer + ripemd160(inner + data))


def nonces(md: int, private: int, digest: bytes, order: int) -> Iterator[int]:
    """Give one nonce after the other for a private key and a digest: from 0 to `order` - 1.

    Raises:
        CxError: the hash is not one that HMAC is had with, INVALID_PARAMETER.

    """
    keyed = _keyed(md)
    bits = order.bit_length()
    size = (bits + 7) // 8

    def number(raw: bytes) -> int:
        return int.from_bytes(raw, "big") >> max(0, 8 * len(raw) - bits)

    seed = (private % (1 << 8 * size)).to_bytes(size, "big") + (number(digest) % order).to_bytes(size, "big")
    value = b"\x01" * len(keyed(b"", b""))
    key = bytes(len(value))
    for turn in (b"\0", b"\1"):
        key = keyed(key, value + turn + seed)
        value = keyed(key, value)
    while True:
        drawn = b""
        while len(drawn) < size:
            value = keyed(key, value)
            drawn += value
        candidate = number(drawn[:size])
        if candidate < order:
            yield candidate
        key = keyed(key, value + b"\0")
        value = keyed(key, value)
