"""What an app writes into its flash: pages of its data area, kept as records by the OS and put back at the next start.

Only the data area can be written. Records are named by page; an index says which there are and of which image: what an
app wrote before it was replaced is not put into another one.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from tallystick.device.native.cpu import Access
from tallystick.device.native.memory import BadPointer
from tallystick.device.native.nvm_record import HASH_BYTES, INDEX, PAGE_BYTES, image_hash, page_name
from tallystick.errors import RemoteProtocolError
from tallystick.wire.syscall import CallStatus, Outcome, ReadRecord, Request, WriteRecord

if TYPE_CHECKING:
    from tallystick.device.native.machine import Machine

__all__ = ["Nvm"]


class Nvm:
    """The data area of one app."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        image, flash = machine.image, machine.generation.flash
        self._start = flash + image.create.code_length
        self._size_bytes = image.create.data_length
        self._hash = image_hash(image)
        self._kept: set[int] = set()

    def restore(self) -> Generator[Request, Outcome, None]:
        """Put back what was kept; a page that cannot be read is as it was installed."""
        if not self._size_bytes:
            return
        index = (yield ReadRecord(INDEX)).value or b""
        if index[:HASH_BYTES] != self._hash:
            return
        for page in index[HASH_BYTES:]:
            data = (yield ReadRecord(page_name(page))).value
            if data is None or page * PAGE_BYTES + len(data) > self._size_bytes:
                raise RemoteProtocolError("what the app kept in flash is damaged")
            self._machine.cpu.write(self._start + page * PAGE_BYTES, data)
            self._kept.add(page)

    def write(self, pointer: int, data: bytes) -> Generator[Request, Outcome, CallStatus]:
        """Write into the data area, and keep the pages that changed; raise BadPointer for any other place."""
        at = self._machine.memory.place(pointer, len(data), Access.READ)
        if not self._start <= at or at + len(data) > self._start + self._size_bytes:
            raise BadPointer
        self._machine.cpu.write(at, data)
        offset = at - self._start
        for page in range(offset // PAGE_BYTES, -(-(offset + len(data)) // PAGE_BYTES)):
            status = yield from self._keep(page)
            if status is not CallStatus.OK:
                return status
        return CallStatus.OK

    def _keep(self, page: int) -> Generator[Request, Outcome, CallStatus]:
        start = page * PAGE_BYTES
        size = min(PAGE_BYTES, self._size_bytes - start)
        outcome = yield WriteRecord(page_name(page), self._machine.cpu.read(self._start + start, size))
        if outcome.status is CallStatus.OK and page not in self._kept:
            self._kept.add(page)
            outcome = yield WriteRecord(INDEX, self._hash + bytes(sorted(self._kept)))
        return outcome.status
