"""Fuses: what the chip knows for good. They are burnt in one direction only (secure-world 2.1, 2.5).

They live in the chip, apart from flash: whoever rewrites flash rewrites no fuse. In the simulation the chip is a folder of
its own; hardware with real fuses stands behind the same object.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from tallystick.errors import RemoteProtocolError, StateCorrupt, UsageError
from tallystick.wire.firmware import MAX_SECURITY_VERSION, ImageRole
from tallystick.wire.strict_json import Fields, strict_json

if TYPE_CHECKING:
    from tallystick.device.hil import Flash

#: keys of the boot ROM, and bytes of each
ROM_KEYS = 4
ROM_KEY_BYTES = 42
DEVICE_ID_BYTES = 16
_RECORD = "fuses"
_NAMES = frozenset(("key_table", "revoked", "closed", "minimum", "device_id"))
_ROLES = tuple(role.value for role in ImageRole)
_HEX = re.compile(r"([0-9a-f]{64})?")
_ID = re.compile(rf"([0-9a-f]{{{2 * DEVICE_ID_BYTES}}})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class FuseState:
    """What is burnt: the SHA-256 of the key table (empty while blank), a bit for each revoked key, and the rest."""

    key_table: bytes = b""
    revoked: int = 0
    is_closed: bool = False
    minimum: dict[ImageRole, int] = field(default_factory=lambda: dict.fromkeys(ImageRole, 0))
    device_id: bytes = b""

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read the record of the chip; raise RemoteProtocolError for anything else."""
        fields = Fields(strict_json(raw, "fuses"), _NAMES, "fuses")
        minimum = Fields(fields.member("minimum"), frozenset(_ROLES), "fuses: minimum")
        return cls(
            key_table=bytes.fromhex(fields.text("key_table", _HEX)),
            revoked=fields.number("revoked", maximum=(1 << ROM_KEYS) - 1),
            is_closed=bool(fields.number("closed", maximum=1)),
            minimum={role: minimum.number(role.value, maximum=MAX_SECURITY_VERSION) for role in ImageRole},
            device_id=bytes.fromhex(fields.text("device_id", _ID)),
        )

    def to_bytes(self) -> bytes:
        """Return the record."""
        minimum = ", ".join(f'"{role.value}": {self.minimum[role]}' for role in ImageRole)
        return (
            f'{{"key_table": "{self.key_table.hex()}", "revoked": {self.revoked}, "closed": {int(self.is_closed)}, '
            f'"minimum": {{{minimum}}}, "device_id": "{self.device_id.hex()}"}}\n'
        ).encode()


def key_table_hash(keys: Sequence[bytes]) -> bytes:
    """Return the SHA-256 over the four public keys, 42 bytes each, one after the other; raise UsageError for other counts."""
    if len(keys) != ROM_KEYS or any(len(key) != ROM_KEY_BYTES for key in keys):
        raise UsageError(f"a key table has {ROM_KEYS} keys of {ROM_KEY_BYTES} bytes")
    return hashlib.sha256(b"".join(keys)).digest()


class Fuses:
    """The fuses of one chip, kept in `store`.

    Raises StateCorrupt when the record cannot be read: a chip whose fuses are unreadable is dead, not blank.
    """

    def __init__(self, store: Flash) -> None:
        self._store = store
        raw = store.read(_RECORD)
        try:
            self._state = FuseState() if raw is None else FuseState.from_bytes(raw)
        except RemoteProtocolError as error:
            raise StateCorrupt("the fuses cannot be read", remedy="make a new device") from error

    @property
    def state(self) -> FuseState:
        """What is burnt now."""
        return self._state

    def burn_identity(self, *, key_table: bytes, device_id: bytes, is_closed: bool = False) -> None:
        """Burn the hash of the key table (32 bytes) and the device id (16 bytes), once; later UsageError.

        With `is_closed` the chip is closed in the same write, so that no power cut leaves it half made.
        """
        if self._state.key_table or self._state.device_id:
            raise UsageError("the chip has its identity already")
        if len(key_table) != 32 or len(device_id) != DEVICE_ID_BYTES:
            raise UsageError("a key table hash has 32 bytes, a device id 16")
        is_closed = is_closed or self._state.is_closed
        self._burn(replace(self._state, key_table=key_table, device_id=device_id, is_closed=is_closed))

    def revoke(self, index: int) -> None:
        """Revoke one of the four keys for good; UsageError for the last one that is left."""
        if not 0 <= index < ROM_KEYS:
            raise UsageError(f"there are keys 0 to {ROM_KEYS - 1}")
        revoked = self._state.revoked | 1 << index
        if revoked == (1 << ROM_KEYS) - 1:
            raise UsageError("the last key cannot be revoked: nothing could start any more")
        self._burn(replace(self._state, revoked=revoked))

    def close(self) -> None:
        """Close the chip: from now on it starts nothing that is not signed. UsageError without a key table."""
        if not self._state.key_table:
            raise UsageError("a chip without a key table cannot be closed: nothing could start any more")
        self._burn(replace(self._state, is_closed=True))

    def raise_minimum(self, role: ImageRole, security_version: int) -> None:
        """Raise the lowest security version that `role` may have; a lower number changes nothing."""
        if not 0 <= security_version <= MAX_SECURITY_VERSION:
            raise UsageError(f"a security version is at most {MAX_SECURITY_VERSION}")
        if security_version > self._state.minimum[role]:
            self._burn(replace(self._state, minimum={**self._state.minimum, role: security_version}))

    def _burn(self, state: FuseState) -> None:
        if state != self._state:
            self._store.write(_RECORD, state.to_bytes())
            self._state = state
