"""minisign files, verified and made (secure-world 2.4).

Stricter than the tool: only ``ED`` signatures (over the BLAKE2b-512 digest), all four lines, canonical base64, no bytes
after the last line but its end. The legacy form ``Ed`` is refused, since a relabelled ``ED`` signature passes as one over
the 64 bytes of the digest; so is a file without trusted comment. What must be trusted belongs inside the signed file,
not in a comment.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tallystick.crypto.secret import Secret
from tallystick.errors import TrustError

KEY_ID_BYTES = 8
#: a signature file is four short lines
MAX_SIGNATURE_FILE = 4096
_PREHASHED = b"ED"
_KEY = b"Ed"
#: the tool computes none for a key without password
_NO_CHECKSUM = bytes(32)
_UNTRUSTED = "untrusted comment: "
_TRUSTED = "trusted comment: "


def _decode(line: str, size_bytes: int, what: str) -> bytes:
    """Decode one base64 line; base64 has slack bits, so what does not encode back the same is refused."""
    try:
        data = base64.b64decode(line.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise TrustError(f"{what} is not base64") from None
    if len(data) != size_bytes or base64.b64encode(data).decode() != line:
        raise TrustError(f"{what} is not {size_bytes} bytes of canonical base64")
    return data


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A minisign public key: its id (8 bytes) and the Ed25519 key (32 bytes)."""

    key_id: bytes
    key: bytes

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read a ``.pub`` file or its last line alone; raise TrustError for anything else."""
        lines = [line for line in text.splitlines() if line]
        if not lines:
            raise TrustError("the public key is empty")
        return cls.from_bytes(_decode(lines[-1], 2 + KEY_ID_BYTES + 32, "the public key"))

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read the 42 bytes; raise TrustError for anything else."""
        if len(raw) != 2 + KEY_ID_BYTES + 32 or raw[:2] != _KEY:
            raise TrustError("the public key is of an unknown kind")
        return cls(key_id=raw[2:10], key=raw[10:])

    def to_text(self) -> str:
        """Return a ``.pub`` file."""
        return f"{_UNTRUSTED}minisign public key {self.key_id[::-1].hex().upper()}\n{self.to_line()}\n"

    def to_line(self) -> str:
        """Return the line of base64 alone."""
        return base64.b64encode(self.to_bytes()).decode()

    def to_bytes(self) -> bytes:
        """Return the 42 bytes."""
        return _KEY + self.key_id + self.key

    def is_named_by(self, signature_file: bytes) -> bool:
        """Tell whether the signature file names this key; raise TrustError when it is not four canonical lines."""
        return _Signature.from_bytes(signature_file).key_id == self.key_id

    def verify(self, data: bytes, signature_file: bytes) -> str:
        """Check `signature_file` over `data`; return the trusted comment.

        Raises:
            TrustError: the file is not four canonical lines, is by another key, or does not hold.

        """
        signature = _Signature.from_bytes(signature_file)
        if signature.key_id != self.key_id:
            raise TrustError("the signature is by another key")
        key = Ed25519PublicKey.from_public_bytes(self.key)
        try:
            key.verify(signature.signature, hashlib.blake2b(data).digest())
            key.verify(signature.over_comment, signature.signature + signature.comment.encode())
        except InvalidSignature:
            raise TrustError("the signature does not hold") from None
        return signature.comment


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signature:
    """The four lines of a signature file."""

    key_id: bytes
    signature: bytes
    comment: str
    over_comment: bytes

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        if len(raw) > MAX_SIGNATURE_FILE:
            raise TrustError("the signature file is too long")
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise TrustError("the signature file is not text") from None
        lines = text.split("\n")
        if len(lines) == 5 and not lines[4]:
            del lines[4]
        if len(lines) != 4 or "\r" in text:
            raise TrustError("a signature file has four lines")
        if not lines[0].startswith(_UNTRUSTED) or not lines[2].startswith(_TRUSTED):
            raise TrustError("the comments of the signature file are missing")
        body = _decode(lines[1], 2 + KEY_ID_BYTES + 64, "the signature")
        if body[:2] != _PREHASHED:
            raise TrustError("only ED signatures are accepted")
        return cls(
            key_id=body[2:10],
            signature=body[10:],
            comment=lines[2][len(_TRUSTED) :],
            over_comment=_decode(lines[3], 64, "the signature of the comment"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A private key with its id; for the factory and for tests, never on a device."""

    key_id: bytes
    seed: Secret = field(repr=False)

    @classmethod
    def from_entropy(cls, entropy: bytes) -> Self:
        """Make a key of 40 random bytes: 8 for its id, 32 for the key."""
        return cls(key_id=entropy[:KEY_ID_BYTES], seed=Secret(entropy[KEY_ID_BYTES : KEY_ID_BYTES + 32]))

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        return PublicKey(key_id=self.key_id, key=self._private().public_key().public_bytes_raw())

    def sign(self, data: bytes, *, comment: str) -> bytes:
        """Return a signature file over `data` with a trusted comment of one line."""
        private = self._private()
        signature = private.sign(hashlib.blake2b(data).digest())
        over_comment = private.sign(signature + comment.encode())
        body = base64.b64encode(_PREHASHED + self.key_id + signature).decode()
        lines = (
            f"{_UNTRUSTED}signature from tallystick's factory",
            body,
            f"{_TRUSTED}{comment}",
            base64.b64encode(over_comment).decode(),
        )
        return ("\n".join(lines) + "\n").encode()

    def to_text(self) -> str:
        """Return an unencrypted secret key file as ``minisign -G -W`` writes it."""
        material = self.key_id + self.seed.reveal() + self.public_key.key
        body = _KEY + b"\0\0" + b"B2" + bytes(32 + 8 + 8) + material + _NO_CHECKSUM
        return f"{_UNTRUSTED}minisign secret key\n{base64.b64encode(body).decode()}\n"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read an unencrypted secret key file; raise TrustError for an encrypted or damaged one."""
        lines = [line for line in text.splitlines() if line]
        if not lines:
            raise TrustError("the secret key is empty")
        data = _decode(lines[-1], 158, "the secret key")
        if data[:2] != _KEY or data[4:6] != b"B2":
            raise TrustError("the secret key is of an unknown kind")
        if data[2:4] != b"\0\0":
            raise TrustError("the secret key is protected by a password", remedy="make it with: minisign -G -W")
        key = cls(key_id=data[54:62], seed=Secret(data[62:94]))
        if data[126:] != _NO_CHECKSUM or key.public_key.key != data[94:126]:
            raise TrustError("the secret key is damaged")
        return key

    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed.reveal())
