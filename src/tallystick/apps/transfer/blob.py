"""What the two instances say to each other: a key and a signature, and the key that moves (attestation 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from tallystick.app import Reject, StatusWord

POINT_BYTES = 65
IV_BYTES = 16
SCALAR_BYTES = 32

_SEQUENCE = 0x30
_UNCOMPRESSED = 0x04
_HEADER_BYTES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedKey:
    """A public key (65 bytes) and a DER signature: an attestation or a hello."""

    public: bytes
    signature: bytes

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read exactly ``65 bytes ‖ 30 len …``; raise Reject 6A80 for any other length or first bytes."""
        public, signature = raw[:POINT_BYTES], raw[POINT_BYTES:]
        if len(signature) < _HEADER_BYTES or len(signature) != _HEADER_BYTES + signature[1]:
            raise Reject(StatusWord.INCORRECT_DATA)
        if public[0] != _UNCOMPRESSED or signature[0] != _SEQUENCE:
            raise Reject(StatusWord.INCORRECT_DATA)
        return cls(public=public, signature=signature)

    def to_bytes(self) -> bytes:
        """Return key and signature."""
        return self.public + self.signature


def trim(certificate: bytes) -> bytes:
    """Return the DER at the start of a stored owner certificate; raise Reject 6F00 when it holds none.

    The device takes any 1 to 72 bytes for one, so its second byte is looked at before it is believed.
    """
    if len(certificate) < _HEADER_BYTES or certificate[0] != _SEQUENCE:
        raise Reject(StatusWord.TECHNICAL_PROBLEM)
    size = _HEADER_BYTES + certificate[1]
    if size > len(certificate):
        raise Reject(StatusWord.TECHNICAL_PROBLEM)
    return certificate[:size]


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedKey:
    """A private key under the channel's key: IV (16 bytes) and one AES-CBC ciphertext of 32 bytes."""

    iv: bytes
    ciphertext: bytes

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read exactly 48 bytes; raise Reject 6A80 for another length."""
        if len(raw) != IV_BYTES + SCALAR_BYTES:
            raise Reject(StatusWord.INCORRECT_DATA)
        return cls(iv=raw[:IV_BYTES], ciphertext=raw[IV_BYTES:])

    def to_bytes(self) -> bytes:
        """Return IV and ciphertext."""
        return self.iv + self.ciphertext
