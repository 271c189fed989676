"""One app on its way in: a piece of memory that segments are written to, and the image it becomes (wire-protocol E.1, E.2).

What counts is the memory at the end and not the commands that filled it: parts may come twice and in any order, and what was
never written is zero (attestation 5). Addresses count from the lowest one: code, then data, then install parameters. One
client begins the parameters at the next multiple of 64 after the data, another right after them: the highest address
written tells which.
"""

from __future__ import annotations

from tallystick.wire.image import AppImage, CreateApp
from tallystick.wire.loader_layout import image_in, parameters_offset
from tallystick.wire.status import Reject, StatusWord


class Loading:
    """Takes the segments of the app that `create` announces; its lengths were found to fit before."""

    def __init__(self, create: CreateApp) -> None:
        self.create = create
        self._data_end = create.code_length + create.data_length
        self._parameters_at = parameters_offset(create)
        self._memory = bytearray(self._parameters_at + create.parameters_length)
        self._written_end = 0
        self._segment: int | None = None

    def select(self, address: int) -> None:
        """Begin a segment at `address` (32 bits); raise Reject (680B) outside of the app."""
        if address > len(self._memory):
            raise Reject(StatusWord.CHUNK_OFFSET_INVALID)
        self._segment = address

    def write(self, offset: int, data: bytes) -> None:
        """Write `data` at `offset` (16 bits) from the segment.

        Raises:
            Reject: 6985 before any segment, 680B outside of the app, 6832 without data.

        """
        start = self._address(offset)
        end = start + len(data)
        if not data:
            raise Reject(StatusWord.CHUNK_SIZE_INVALID)
        if end > len(self._memory):
            raise Reject(StatusWord.CHUNK_OFFSET_INVALID)
        self._memory[start:end] = data
        self._written_end = max(self._written_end, end)

    def read(self, offset: int, size_bytes: int) -> bytes:
        """Return what stands at `offset` from the segment; raise Reject as `write` does."""
        start = self._address(offset)
        if start + size_bytes > len(self._memory):
            raise Reject(StatusWord.CHUNK_OFFSET_INVALID)
        return bytes(self._memory[start : start + size_bytes])

    def image(self) -> AppImage:
        """Return the app as it stands in the memory now."""
        is_aligned = self._written_end > self._data_end + self.create.parameters_length
        start = self._parameters_at if is_aligned else self._data_end
        return image_in(self._memory, self.create, parameters_at=start)

    def _address(self, offset: int) -> int:
        if self._segment is None:
            raise Reject(StatusWord.CONDITIONS_NOT_SATISFIED)
        return self._segment + offset
