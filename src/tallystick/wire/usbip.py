"""USB/IP: a USB device at the other end of a byte stream, both ends (protocol version 1.1.1; Linux, Documentation/usb/usbip_protocol).

A connection begins with one request: which devices are there, or lend me this one. A device that was lent speaks in URBs from then
on, which are `tallystick.wire.urb`'s. Numbers are big-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, unique
from typing import Final, Self

from tallystick.errors import RemoteProtocolError

__all__ = [
    "BUS_ID",
    "DEFAULT_PORT",
    "IMPORT_REPLY_BYTES",
    "OPERATION_BYTES",
    "VERSION",
    "DeviceEntry",
    "DeviceListRequest",
    "ImportRequest",
    "ImportStatus",
    "RequestReader",
    "Speed",
    "device_list_reply",
    "import_reply",
    "import_status",
]

VERSION: Final = 0x0111
DEFAULT_PORT: Final = 3240
#: the name of the only device that is lent
BUS_ID: Final = "1-1"

_OPERATION = struct.Struct(">HHI")
_REQ_DEVLIST, _REP_DEVLIST = 0x8005, 0x0005
_REQ_IMPORT, _REP_IMPORT = 0x8003, 0x0003
_BUS_ID_BYTES = 32
_ENTRY = struct.Struct(">256s32sIIIHHHBBBBBB")


@unique
class Speed(IntEnum):
    """How fast the bus is."""

    LOW = 1
    FULL = 2
    HIGH = 3


@unique
class ImportStatus(IntEnum):
    """The answer to a request."""

    OK = 0
    NOT_AVAILABLE = 1
    BUSY = 2
    NO_DEVICE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceEntry:
    """A device that can be lent. `interfaces` are class triples, which only the list of devices tells."""

    product_id: int
    vendor_id: int
    version: int
    interfaces: tuple[tuple[int, int, int], ...]
    bus_id: str = BUS_ID
    bus: int = 1
    number: int = 2
    speed: Speed = Speed.FULL

    @property
    def device_id(self) -> int:
        """The number that the host puts into every URB."""
        return self.bus << 16 | self.number

    def to_bytes(self) -> bytes:
        """Return the 312 bytes that describe the device."""
        path = f"/sys/devices/tally/{self.bus_id}".encode()
        counts = (0, 0, 0, 1, 1, len(self.interfaces))
        numbers = (self.bus, self.number, self.speed, self.vendor_id, self.product_id, self.version)
        return _ENTRY.pack(path, self.bus_id.encode(), *numbers, *counts)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read the 312 bytes, which do not tell the classes; raise RemoteProtocolError for anything else."""
        if len(data) != _ENTRY.size:
            raise RemoteProtocolError(f"a device is described by {_ENTRY.size} bytes, not {len(data)}")
        _path, bus_id, bus, number, speed, vendor_id, product_id, version, *_rest, count = _ENTRY.unpack(data)
        try:
            return cls(
                product_id=product_id,
                vendor_id=vendor_id,
                version=version,
                interfaces=((0, 0, 0),) * count,
                bus_id=bus_id.rstrip(b"\0").decode("ascii"),
                bus=bus,
                number=number,
                speed=Speed(speed),
            )
        except ValueError as error:
            raise RemoteProtocolError("a device is described in a way that cannot be") from error


@dataclass(frozen=True, slots=True)
class DeviceListRequest:
    """Host: ask which devices are there."""

    def to_bytes(self) -> bytes:
        """Return the request."""
        return _OPERATION.pack(VERSION, _REQ_DEVLIST, 0)


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """Host: ask to be lent the device of this name."""

    bus_id: str = BUS_ID

    def to_bytes(self) -> bytes:
        """Return the request."""
        return _OPERATION.pack(VERSION, _REQ_IMPORT, 0) + self.bus_id.encode().ljust(_BUS_ID_BYTES, b"\0")


def device_list_reply(entries: tuple[DeviceEntry, ...]) -> bytes:
    """Return the list of devices, with the classes of their interfaces."""
    parts = [_OPERATION.pack(VERSION, _REP_DEVLIST, 0), len(entries).to_bytes(4, "big")]
    for entry in entries:
        parts += [entry.to_bytes(), *(bytes((*triple, 0)) for triple in entry.interfaces)]
    return b"".join(parts)


def import_reply(entry: DeviceEntry | None, status: ImportStatus = ImportStatus.NO_DEVICE) -> bytes:
    """Return the answer to an import: the device, or why there is none."""
    if entry is None:
        return _OPERATION.pack(VERSION, _REP_IMPORT, status)
    return _OPERATION.pack(VERSION, _REP_IMPORT, ImportStatus.OK) + entry.to_bytes()


#: bytes of the answer to an import that was granted
IMPORT_REPLY_BYTES: Final = _OPERATION.size + _ENTRY.size
#: bytes of any answer to an import, up to where it says whether it was granted
OPERATION_BYTES: Final = _OPERATION.size


def import_status(data: bytes) -> int:
    """Read the first eight bytes of the answer to an import; raise RemoteProtocolError when it is none."""
    version, code, status = _OPERATION.unpack(data)
    if code != _REP_IMPORT or version != VERSION:
        raise RemoteProtocolError("that is no answer to an import")
    return int(status)


class RequestReader:
    """Device: read the one request that begins a connection; what follows it stays in `rest`."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def rest(self) -> bytes:
        """What came behind the request."""
        return bytes(self._buffer)

    def receive(self, data: bytes) -> DeviceListRequest | ImportRequest | None:
        """Take bytes and return the request when it is complete; raise RemoteProtocolError when it cannot become one."""
        self._buffer += data
        if len(self._buffer) < _OPERATION.size:
            return None
        _version, code, _status = _OPERATION.unpack_from(self._buffer)
        if code == _REQ_DEVLIST:
            del self._buffer[: _OPERATION.size]
            return DeviceListRequest()
        if code != _REQ_IMPORT:
            raise RemoteProtocolError(f"there is no USB/IP request {code:04x}")
        end = _OPERATION.size + _BUS_ID_BYTES
        if len(self._buffer) < end:
            return None
        name = bytes(self._buffer[_OPERATION.size : end]).split(b"\0")[0]
        del self._buffer[:end]
        return ImportRequest(name.decode("ascii", "replace"))
