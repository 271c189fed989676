"""Intel HEX files, as apps are handed out for loading (wire-protocol E.2).

Each line is ``:``, and in hexadecimal a count, an address (16 bits), a kind, `count` bytes and a checksum that makes the sum of
all bytes zero. Data (00), end (01), upper half of the address (04) and start address (05) are known; segmented addresses (02,
03) are refused, as loaders refuse them. What is read is sorted and joined: `Area` is a run of bytes without a gap.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum, unique
from typing import Final, Self

from tallystick.errors import LocalProtocolError, RemoteProtocolError

__all__ = ["Area", "IntelHex"]

#: the flash of the largest model, eight times over
MAX_FILE_BYTES: Final = 32 * 1024 * 1024
_ADDRESS_SPACE: Final = 1 << 32
_PAGE: Final = 1 << 16
_ROW_BYTES: Final = 16
_LINE: Final = re.compile(rb":([0-9A-Fa-f]{10,520})\s*")
_NOT_TAKEN: Final = 0x6700


@unique
class _Kind(IntEnum):
    DATA = 0x00
    END = 0x01
    UPPER_ADDRESS = 0x04
    START_ADDRESS = 0x05


_FIXED_SIZE: Final = {_Kind.END: 0, _Kind.UPPER_ADDRESS: 2, _Kind.START_ADDRESS: 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Bytes without a gap at an address (32 bits). Raises LocalProtocolError when they do not fit the address space."""

    address: int
    data: bytes

    def __post_init__(self) -> None:
        if self.address < 0 or self.end > _ADDRESS_SPACE:
            raise LocalProtocolError("an area lies in an address space of 32 bits")

    @property
    def end(self) -> int:
        """The address behind the last byte."""
        return self.address + len(self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntelHex:
    """A file: its areas in the order of their addresses, none touching another, and the start address where it is told.

    Raises LocalProtocolError when areas are empty, out of order, or touch.
    """

    areas: tuple[Area, ...]
    start: int | None = None

    def __post_init__(self) -> None:
        ends = [area.end for area in self.areas]
        if not all(area.data for area in self.areas) or any(
            area.address <= end for area, end in zip(self.areas[1:], ends, strict=False)
        ):
            raise LocalProtocolError("areas hold something, are in order and do not touch")
        if self.start is not None and not 0 <= self.start < _ADDRESS_SPACE:
            raise LocalProtocolError("a start address has 32 bits")

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read a file; raise RemoteProtocolError that names the line for whatever is not as it should be."""
        if len(raw) > MAX_FILE_BYTES:
            raise RemoteProtocolError(f"a file has at most {MAX_FILE_BYTES} bytes", status=_NOT_TAKEN)
        upper, start, ended = 0, None, False
        runs: list[tuple[int, bytearray]] = []
        for number, line in enumerate(raw.splitlines(), 1):
            if not line.strip():
                continue
            if ended:
                raise _refusal(number, "stands behind the end")
            kind, address, data = _read_line(line, number)
            if kind is _Kind.DATA:
                _append(runs, upper + address, data)
            elif kind is _Kind.UPPER_ADDRESS:
                upper = int.from_bytes(data, "big") << 16
            elif kind is _Kind.START_ADDRESS:
                start = int.from_bytes(data, "big")
            ended = kind is _Kind.END
        if not ended:
            raise RemoteProtocolError("the file has no end record", status=_NOT_TAKEN)
        return cls(areas=tuple(_joined(runs)), start=start)

    def to_bytes(self) -> bytes:
        """Return the file, 16 bytes a line."""
        lines: list[bytes] = []
        page = 0
        for area in self.areas:
            for address, data in _rows(area):
                if address // _PAGE != page:
                    page = address // _PAGE
                    lines.append(_line(_Kind.UPPER_ADDRESS, 0, page.to_bytes(2, "big")))
                lines.append(_line(_Kind.DATA, address % _PAGE, data))
        if self.start is not None:
            lines.append(_line(_Kind.START_ADDRESS, 0, self.start.to_bytes(4, "big")))
        return b"".join([*lines, _line(_Kind.END, 0, b"")])


def _refusal(number: int, what: str) -> RemoteProtocolError:
    return RemoteProtocolError(f"line {number} {what}", status=_NOT_TAKEN)


def _read_line(line: bytes, number: int) -> tuple[_Kind, int, bytes]:
    match = _LINE.fullmatch(line)
    if match is None or len(match[1]) % 2:
        raise _refusal(number, "is not a record of Intel HEX")
    record = bytes.fromhex(match[1].decode("ascii"))
    count, address, data = record[0], int.from_bytes(record[1:3], "big"), record[4:-1]
    if len(data) != count:
        raise _refusal(number, f"announces {count} bytes and has {len(data)}")
    if sum(record) & 0xFF:
        raise _refusal(number, "has a wrong checksum")
    try:
        kind = _Kind(record[3])
    except ValueError:
        raise _refusal(number, f"is a record of the unsupported kind {record[3]:02x}") from None
    if count != _FIXED_SIZE.get(kind, count) or (kind is _Kind.DATA and address + count > _PAGE):
        raise _refusal(number, "has a wrong number of bytes")
    return kind, address, data


def _append(runs: list[tuple[int, bytearray]], address: int, data: bytes) -> None:
    """Add data behind the last run if it goes on there, as it nearly always does."""
    if runs and runs[-1][0] + len(runs[-1][1]) == address:
        runs[-1][1].extend(data)
    elif data:
        runs.append((address, bytearray(data)))


def _joined(runs: Iterable[tuple[int, bytearray]]) -> Iterator[Area]:
    """Yield the runs in the order of their addresses, those that touch as one; refuse an overlap."""
    pending: tuple[int, bytearray] | None = None
    for address, data in sorted(runs, key=lambda run: run[0]):
        if pending is not None:
            end = pending[0] + len(pending[1])
            if address < end:
                raise RemoteProtocolError(f"address {address:08x} is given twice", status=_NOT_TAKEN)
            if address == end:
                pending[1].extend(data)
                continue
            yield Area(address=pending[0], data=bytes(pending[1]))
        pending = address, data
    if pending is not None:
        yield Area(address=pending[0], data=bytes(pending[1]))


def _rows(area: Area) -> Iterator[tuple[int, bytes]]:
    """Yield at most 16 bytes at a time, none across 64 KiB."""
    address = area.address
    while address < area.end:
        end = min(area.end, address + _ROW_BYTES, (address // _PAGE + 1) * _PAGE)
        yield address, area.data[address - area.address : end - area.address]
        address = end


def _line(kind: _Kind, address: int, data: bytes) -> bytes:
    record = bytes((len(data),)) + address.to_bytes(2, "big") + bytes((kind,)) + data
    return b":" + (record + bytes((-sum(record) & 0xFF,))).hex().upper().encode("ascii") + b"\r\n"
