"""The chip's own memory: one file with two halves, so that a write is whole or did not happen.

Each half is magic, sequence u32, length u32, CRC-32, and the records as JSON with hexadecimal values. A write goes to the
half that is not in use and is synced; the half with the higher sequence whose CRC holds is the memory. The file is opened
once, before the process that holds it is locked in, and is held by one process at a time.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
import zlib
from pathlib import Path

from tallystick.device.silicon.flash import check_name, make_folder
from tallystick.errors import StateCorrupt, StateError, StateLocked

#: bytes of each half
HALF_BYTES = 32 * 1024
FILE = "memory"
#: the record that names the TPM of a chip whose key is in one; see `tpm_binding`
KEY_PROVIDER = "key-provider"
_HEADER = struct.Struct(">4sIII")
_MAGIC = b"TALM"


class ChipMemory:
    """Records in the file `descriptor`, which it owns; every write is durable when it returns.

    Raises StateCorrupt when neither half can be read and the file is not new.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        found = [half for half in (self._load(0), self._load(1)) if half is not None]
        if not found and os.fstat(descriptor).st_size:
            raise StateCorrupt("the chip's memory cannot be read", remedy="make a new device")
        self._sequence, self._records = max(found, default=(0, {}), key=lambda half: half[0])

    @classmethod
    def open(cls, folder: Path, *, create: bool = False) -> ChipMemory:
        """Open the memory of the chip in `folder`; raise StateError when there is none, StateLocked when it is in use."""
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if create else 0)
        try:
            if create:
                make_folder(folder)
            descriptor = os.open(folder / FILE, flags, 0o600)
        except OSError as error:
            raise StateError(
                f"there is no chip in {folder}: {error.strerror}", remedy="make one: tally device create"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise StateLocked(
                f"the chip in {folder} is in use", remedy="stop the device that runs on it, or choose another --state"
            ) from error
        return cls(descriptor)

    def read(self, name: str) -> bytes | None:
        """Return the record, or None."""
        return self._records.get(check_name(name))

    def write(self, name: str, data: bytes) -> None:
        """Replace the record."""
        self._store({**self._records, check_name(name): bytes(data)})

    def remove(self, name: str) -> None:
        """Remove the record, if it is there."""
        self._store({other: data for other, data in self._records.items() if other != check_name(name)})

    def names(self) -> list[str]:
        """Return the names of all records, sorted."""
        return sorted(self._records)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    def _load(self, half: int) -> tuple[int, dict[str, bytes]] | None:
        raw = os.pread(self._descriptor, HALF_BYTES, half * HALF_BYTES)
        if len(raw) < _HEADER.size:
            return None
        magic, sequence, length, checksum = _HEADER.unpack_from(raw)
        body = raw[_HEADER.size : _HEADER.size + length]
        if magic != _MAGIC or len(body) != length or zlib.crc32(body) != checksum:
            return None
        return sequence, {name: bytes.fromhex(data) for name, data in json.loads(body).items()}

    def _store(self, records: dict[str, bytes]) -> None:
        body = json.dumps({name: data.hex() for name, data in sorted(records.items())}).encode()
        if len(body) > HALF_BYTES - _HEADER.size:
            raise StateError("the chip's memory is full", remedy="make a new device")
        sequence = self._sequence + 1
        raw = _HEADER.pack(_MAGIC, sequence, len(body), zlib.crc32(body)) + body
        try:
            os.pwrite(self._descriptor, raw, (sequence % 2) * HALF_BYTES)
            os.fsync(self._descriptor)
        except OSError as error:
            raise StateError("the chip's memory cannot be written", remedy="make room; nothing is lost") from error
        self._sequence, self._records = sequence, records
