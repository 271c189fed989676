"""System calls that compute with keys an app itself holds: secp256k1 and AES, as the OS of a device offers them.

None of them touches a key of the device. An app that makes keys of its own (the transfer app) has no cryptography beside
hashes in its process; it hands its key over for one calculation, and the OS keeps nothing of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from tallystick.errors import RemoteProtocolError
from tallystick.wire.buffer import Reader
from tallystick.wire.call import DataRequest, Request

PRIVATE_BYTES = 32
PUBLIC_BYTES = 65
DIGEST_BYTES = 32
MAX_SIGNATURE_BYTES = 72
CIPHER_KEY_BYTES = 16
BLOCK_BYTES = 16
#: what one CIPHER call takes, in bytes
MAX_CIPHER = 4096


@dataclass(frozen=True, slots=True)
class PublicOf(DataRequest):
    """Compute the public key of `private` (32 bytes, secp256k1). Value: 65 bytes."""

    NUMBER = 0x60
    private: bytes = field(repr=False)

    def body(self) -> bytes:
        """Return the private key."""
        return self.private

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the private key."""
        request = cls(reader.take(PRIVATE_BYTES))
        reader.finish()
        return request


@dataclass(frozen=True, slots=True)
class SignWith(DataRequest):
    """Sign a 32-byte digest with `private` (32 bytes, secp256k1). Value: DER, RFC 6979, low S."""

    NUMBER = 0x61
    private: bytes = field(repr=False)
    digest: bytes

    def body(self) -> bytes:
        """Private key, digest."""
        return self.private + self.digest

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read key and digest."""
        request = cls(reader.take(PRIVATE_BYTES), reader.take(DIGEST_BYTES))
        reader.finish()
        return request


@dataclass(frozen=True, slots=True)
class Verify(Request):
    """Check a DER signature of `public` (65 bytes) over a 32-byte digest; a high S counts, too. Value: bool."""

    NUMBER = 0x62
    public: bytes
    digest: bytes
    signature: bytes

    def body(self) -> bytes:
        """Public key, digest, signature."""
        return self.public + self.digest + self.signature

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read key, digest and the signature, which is the rest (at most 72 bytes)."""
        public, digest, signature = reader.take(PUBLIC_BYTES), reader.take(DIGEST_BYTES), reader.rest()
        if len(signature) > MAX_SIGNATURE_BYTES:
            raise RemoteProtocolError(f"a signature of {len(signature)} bytes")
        return cls(public, digest, signature)

    def pack(self, value: bool) -> bytes:  # noqa: FBT001 -- the value of this call
        """One byte."""
        return bytes([value])

    def unpack(self, data: bytes) -> bool:
        """Read one byte, 0 or 1."""
        if data not in (b"\x00", b"\x01"):
            raise RemoteProtocolError("a check ends with 0 or 1")
        return data == b"\x01"


@dataclass(frozen=True, slots=True)
class Agree(DataRequest):
    """Agree with `public` (65 bytes) by `private` (32). Value: SHA-256 of the compressed common point, 32 bytes."""

    NUMBER = 0x63
    private: bytes = field(repr=False)
    public: bytes

    def body(self) -> bytes:
        """Private key, public key."""
        return self.private + self.public

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read both keys."""
        request = cls(reader.take(PRIVATE_BYTES), reader.take(PUBLIC_BYTES))
        reader.finish()
        return request


@dataclass(frozen=True, slots=True)
class Cipher(DataRequest):
    """Encrypt or decrypt whole blocks with AES-128-CBC, without padding. Value: as many bytes as `data` has."""

    NUMBER = 0x64
    encrypt: bool
    key: bytes = field(repr=False)
    iv: bytes
    data: bytes = field(repr=False)

    def body(self) -> bytes:
        """Encrypt u8, key, IV, data."""
        return bytes([self.encrypt]) + self.key + self.iv + self.data

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read direction, key, IV and the data, which is the rest: whole blocks, at most 4 KiB."""
        encrypt, key, iv, data = reader.u8(), reader.take(CIPHER_KEY_BYTES), reader.take(BLOCK_BYTES), reader.rest()
        if encrypt > 1 or not data or len(data) % BLOCK_BYTES or len(data) > MAX_CIPHER:
            raise RemoteProtocolError("a cipher takes whole blocks, at most 4 KiB, one way or the other")
        return cls(bool(encrypt), key, iv, data)
