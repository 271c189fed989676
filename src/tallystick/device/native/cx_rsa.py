"""RSA as firmware 1.x has it, on Python's integers: keys of 1024 to 4096 bits and the paddings of PKCS #1 (RFC 8017).

Constant time is not claimed: this is an emulator's arithmetic. Salts of PSS are as long as the digest, and MGF1 hashes as the message was.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Final

from tallystick.device.native.cx_error import CxError, CxStatus

__all__ = [
    "KEY_BYTES",
    "RsaKey",
    "decode_encryption",
    "digest_bytes",
    "encode_encryption",
    "encode_signature",
    "verify",
]

KEY_BYTES: Final = (128, 256, 384, 512)
#: paddings by their bits in a mode
PKCS1, PSS, OAEP = 3 << 3, 4 << 3, 5 << 3
#: by the SDK's number: name, and what says it in a signature (RFC 8017, 9.2)
_DIGESTS: Final = {2: ("sha224", 4), 3: ("sha256", 1), 4: ("sha384", 2), 5: ("sha512", 3)}
_PREFIX: Final = bytes.fromhex("06096086480165030402")
_NULL: Final = b"\5\0"
_FEWEST_FILL: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class RsaKey:
    """A key of `size` bytes: the modulus, and the exponent of what it does."""

    size: int
    modulus: int
    exponent: int = field(repr=False)

    def apply(self, raw: bytes) -> bytes:
        """Return `raw` (a number below the modulus, big endian) to the power of the exponent; raise CxError for a larger one."""
        value = int.from_bytes(raw, "big")
        if value >= self.modulus or not self.modulus & 1:
            raise CxError(CxStatus.INVALID_PARAMETER)
        return pow(value, self.exponent, self.modulus).to_bytes(self.size, "big")


def _digest(number: int) -> str:
    if number not in _DIGESTS:
        raise CxError(CxStatus.INVALID_PARAMETER)
    return _DIGESTS[number][0]


def digest_bytes(number: int) -> int:
    """Return the size of a digest by the SDK's number of its hash; raise CxError for one that RSA is not used with."""
    return hashlib.new(_digest(number)).digest_size


def _mask(seed: bytes, size: int, name: str) -> bytes:
    """MGF1."""
    rounds = range(-(-size // hashlib.new(name).digest_size))
    return b"".join(hashlib.new(name, seed + at.to_bytes(4, "big")).digest() for at in rounds)[:size]


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _sequence(body: bytes) -> bytes:
    return bytes((0x30, len(body))) + body


def _signed(number: int, digest: bytes, size: int) -> bytes:
    """Return EMSA-PKCS1-v1_5 of a digest."""
    algorithm = _sequence(_PREFIX + bytes((_DIGESTS[number][1],)) + _NULL)
    info = _sequence(algorithm + bytes((4, len(digest))) + digest)
    return b"\0\1" + b"\xff" * (size - len(info) - 3) + b"\0" + info


def encode_signature(padding: int, number: int, digest: bytes, *, key: RsaKey, salt: bytes) -> bytes:
    """Return what is raised to the private exponent for a digest; `salt` is as long, for PSS. Raise CxError."""
    if len(digest) != digest_bytes(number):
        raise CxError(CxStatus.INVALID_PARAMETER)
    if padding == PKCS1:
        return _signed(number, digest, key.size)
    if padding != PSS:
        raise CxError(CxStatus.INVALID_PARAMETER)
    name, bits = _digest(number), key.modulus.bit_length() - 1
    size = -(-bits // 8)
    if size < 2 * len(digest) + 2:
        raise CxError(CxStatus.INVALID_PARAMETER)
    shown = hashlib.new(name, bytes(8) + digest + salt).digest()
    block = bytes(size - 2 * len(digest) - 2) + b"\1" + salt
    masked = bytearray(_xor(block, _mask(shown, len(block), name)))
    masked[0] &= 0xFF >> 8 * size - bits
    return (bytes(masked) + shown + b"\xbc").rjust(key.size, b"\0")


def verify(padding: int, number: int, digest: bytes, *, key: RsaKey, signature: bytes) -> bool:
    """Tell whether a signature is one of a digest; raise CxError for a padding or a hash that is none."""
    if len(digest) != digest_bytes(number) or len(signature) != key.size:
        return False
    if int.from_bytes(signature, "big") >= key.modulus:
        return False
    encoded = key.apply(signature)
    if padding == PKCS1:
        return compare_digest(encoded, _signed(number, digest, key.size))
    if padding != PSS:
        raise CxError(CxStatus.INVALID_PARAMETER)
    name, bits = _digest(number), key.modulus.bit_length() - 1
    size = -(-bits // 8)
    shown = encoded[-1 - len(digest) : -1]
    masked = encoded[key.size - size : -1 - len(digest)]
    if size < 2 * len(digest) + 2:
        return False
    block = bytearray(_xor(masked, _mask(shown, len(masked), name)))
    block[0] &= 0xFF >> 8 * size - bits
    again = encode_signature(padding, number, digest, key=key, salt=bytes(block[-len(digest) :]))
    return compare_digest(encoded, again)


def encode_encryption(padding: int, number: int, message: bytes, *, size: int, random: bytes) -> bytes:
    """Return what is raised to the public exponent; `random` is `size` bytes, of which as many are used as the padding wants."""
    if padding == 0:
        return message.rjust(size, b"\0")
    if padding == PKCS1:
        fill = size - len(message) - 3
        if fill < _FEWEST_FILL:
            raise CxError(CxStatus.INVALID_PARAMETER)
        return b"\0\2" + bytes(byte or 1 for byte in random[:fill]) + b"\0" + message
    if padding != OAEP:
        raise CxError(CxStatus.INVALID_PARAMETER)
    name, length = _digest(number), digest_bytes(number)
    if len(message) > size - 2 * length - 2:
        raise CxError(CxStatus.INVALID_PARAMETER)
    block = hashlib.new(name).digest() + bytes(size - len(message) - 2 * length - 2) + b"\1" + message
    masked = _xor(block, _mask(random[:length], len(block), name))
    return b"\0" + _xor(random[:length], _mask(masked, length, name)) + masked


def decode_encryption(padding: int, number: int, encoded: bytes) -> bytes:
    """Return the message of what came of the private exponent; raise CxError where it is none."""
    if padding == 0:
        return encoded
    if padding == PKCS1:
        head, fill, message = encoded[:2], *encoded[2:].partition(b"\0")[::2]
        if head != b"\0\2" or len(fill) < _FEWEST_FILL or len(fill) == len(encoded) - 2:
            raise CxError(CxStatus.INVALID_PARAMETER)
        return message
    if padding != OAEP:
        raise CxError(CxStatus.INVALID_PARAMETER)
    name, length = _digest(number), digest_bytes(number)
    if len(encoded) < 2 * length + 2:
        raise CxError(CxStatus.INVALID_PARAMETER)
    masked = encoded[1 + length :]
    seed = _xor(encoded[1 : 1 + length], _mask(masked, length, name))
    block = _xor(masked, _mask(seed, len(masked), name))
    fill, mark, message = block[length:].partition(b"\1")
    if encoded[0] or block[:length] != hashlib.new(name).digest() or any(fill) or not mark:
        raise CxError(CxStatus.INVALID_PARAMETER)
    return message
