"""The system call by which a native app sends reports of the HID interface for FIDO; they come as events of `Wait`.

Reports are a stream each way: none answers another, and whoever listens hears all of them (FIDO CTAP 2.1, 11.2).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Self

from tallystick.errors import RemoteProtocolError
from tallystick.wire.buffer import Reader
from tallystick.wire.call import Request
from tallystick.wire.world import REPORT_BYTES

__all__ = ["MAX_REPORTS", "SendReports"]

#: reports of one call: the longest message there can be takes 129
MAX_REPORTS: Final = 192


@dataclass(frozen=True, slots=True)
class SendReports(Request):
    """Send reports to whoever listens, 1 to `MAX_REPORTS` of 64 bytes each, in order."""

    NUMBER = 0x05
    reports: tuple[bytes, ...] = field(repr=False)

    def body(self) -> bytes:
        """64 bytes for each report."""
        return b"".join(self.reports)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the body; raise RemoteProtocolError for none, too many, or one that is cut."""
        count, cut = divmod(reader.remaining, REPORT_BYTES)
        if cut or not 0 < count <= MAX_REPORTS:
            raise RemoteProtocolError(f"{reader.remaining} bytes of reports")
        return cls(tuple(reader.take(REPORT_BYTES) for _ in range(count)))
