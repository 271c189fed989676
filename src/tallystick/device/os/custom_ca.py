"""The owner's own certificate authority: whose apps and managers the owner trusts beside the issuer's (wire-protocol E, 12/13).

There is at most one. It is stored as the command carries it, LV name and LV public key, and goes with a reset.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from tallystick.crypto import secp256k1
from tallystick.device.os.storage import Storage
from tallystick.errors import RemoteProtocolError, StateCorrupt, UsageError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.status import Reject, StatusWord


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomCa:
    """A name that people read (1 to 32 bytes, printable) and a public key (65 bytes)."""

    name: str
    public_key: bytes

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read what `to_bytes` wrote; raise RemoteProtocolError for anything else."""
        reader = Reader(raw)
        ca = cls(name=reader.text_lv(), public_key=reader.lv())
        reader.finish()
        return ca

    def require_key(self) -> None:
        """Raise Reject (6984) when the key is no point of the curve."""
        try:
            secp256k1.compress(self.public_key)
        except UsageError:
            raise Reject(StatusWord.DATA_INVALID) from None

    def to_bytes(self) -> bytes:
        """Return two length-value fields."""
        return Writer().text_lv(self.name).lv(self.public_key).to_bytes()


def quoted(name: str) -> str:
    """Return a CA's name as the person reads it: in quotes, since it may be any words, those for the issuer too."""
    return f'"{name}"'


def stored_ca(storage: Storage) -> CustomCa | None:
    """Return the CA of this device, or None; raise StateCorrupt when what is stored is none."""
    raw = storage.custom_ca()
    if raw is None:
        return None
    try:
        return CustomCa.from_bytes(raw)
    except RemoteProtocolError:
        raise StateCorrupt("the record custom-ca is damaged", remedy="restore a copy, or start afresh") from None
