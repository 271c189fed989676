"""Back-ups of what apps keep: sealed before they leave the device, for this device alone.

``TALB`` version u8, generation u32, LV app name, nonce (12), ChaCha20-Poly1305 ciphertext; everything before the
ciphertext and the serial number of the device are authenticated. The key comes from the recovery phrase. The nonce is
made from the contents, so that equal contents make equal back-ups and no nonce is used twice for different ones.

The generation counts the back-ups of an app that were restored: each back-up can be restored once, so nobody can bring
an old state back again and again. A reset of the device begins to count anew.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from enum import Enum, unique

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from tallystick.crypto.secret import Secret
from tallystick.errors import RemoteProtocolError, TrustError
from tallystick.wire.buffer import Reader, Writer

_MAGIC = b"TALB"
_VERSION = 1
_NONCE_BYTES = 12


@unique
class Defect(Enum):
    """Why a back-up is not restored."""

    HEADER = "it is no back-up"
    OTHER_APP = "it is a back-up of another app"
    USED = "it was restored already, or one that was made after it"
    SEAL = "it was changed, or another device made it"


class BackupRefused(TrustError):
    """A back-up is not restored; `defect` says why."""

    def __init__(self, defect: Defect) -> None:
        super().__init__(f"the back-up is refused: {defect.value}", remedy="use the latest back-up of this device")
        self.defect = defect


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a back-up belongs to: an app, on a device, and how many of its back-ups were restored there before."""

    name: str
    serial: str
    generation: int

    def header(self) -> bytes:
        """Return the header, without the nonce."""
        return Writer().take(_MAGIC).u8(_VERSION).u32(self.generation).text_lv(self.name).to_bytes()


def content_hash(key: Secret, contents: bytes) -> bytes:
    """Return a hash (32 bytes) by which a client can tell whether contents changed, and nothing else."""
    return hmac.new(key.reveal(), b"contents" + contents, hashlib.sha256).digest()


def seal(key: Secret, label: Label, contents: bytes) -> bytes:
    """Return the back-up of `contents`; equal arguments give equal bytes."""
    bound = label.header() + label.serial.encode()
    seed = b"nonce" + hashlib.sha256(bound).digest() + contents
    nonce = hmac.new(key.reveal(), seed, hashlib.sha256).digest()[:_NONCE_BYTES]
    ciphertext = ChaCha20Poly1305(key.reveal()).encrypt(nonce, contents, bound)
    return label.header() + nonce + ciphertext


def unseal(key: Secret, label: Label, raw: bytes) -> bytes:
    """Return the contents of a back-up that belongs to `label`; raise BackupRefused otherwise."""
    reader = Reader(raw)
    try:
        magic, version = reader.take(4), reader.u8()
        generation, name, nonce = reader.u32(), reader.text_lv(), reader.take(_NONCE_BYTES)
    except RemoteProtocolError:
        raise BackupRefused(Defect.HEADER) from None
    if magic != _MAGIC or version != _VERSION:
        raise BackupRefused(Defect.HEADER)
    if name != label.name:
        raise BackupRefused(Defect.OTHER_APP)
    if generation != label.generation:
        raise BackupRefused(Defect.USED)
    try:
        return ChaCha20Poly1305(key.reveal()).decrypt(nonce, reader.rest(), label.header() + label.serial.encode())
    except InvalidTag:
        raise BackupRefused(Defect.SEAL) from None
