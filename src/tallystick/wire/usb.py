"""What a device tells a USB host about itself: descriptors, and the set-up packet that asks for them (wire-protocol A.1, A.2).

Two interfaces: 0 is HID with the usage page FFA0, which every client looks for, 1 is of the vendor's class, for browsers
(WebUSB). Both carry the same 64-byte packets. Numbers on the wire are little-endian (USB 2.0, chapter 9).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, unique
from typing import Final, Self

from tallystick.errors import RemoteProtocolError
from tallystick.wire.model import VENDOR_ID, by_product_id

__all__ = [
    "BOS",
    "CONFIGURATION",
    "DEVICE_VERSION",
    "HID",
    "INTERFACES",
    "LANGUAGE",
    "MANUFACTURER",
    "MAX_SERIAL",
    "MS_OS_20",
    "PACKET_BYTES",
    "REPORT",
    "Descriptor",
    "HidRequest",
    "Identity",
    "Interface",
    "Request",
    "Setup",
    "VendorRequest",
]

PACKET_BYTES: Final = 64
#: of the device, as binary-coded decimal: 2.01
DEVICE_VERSION: Final = 0x0201
MANUFACTURER: Final = "Ledger"
#: English (United States)
LANGUAGE: Final = 0x0409
MAX_SERIAL: Final = 32

_SETUP = struct.Struct("<BBHHH")
_USB_2_10 = 0x0210
_INTERRUPT = 3
_FROM_DEVICE = 0x80
_SELF_POWERED = 0xC0
#: in units of 2 mA
_MAX_POWER = 50
_WINDOWS_8_1 = 0x06030000
# 3408b638-09a9-47a0-8bfd-a0768815b665 and d8dd60df-4589-4cc7-9cd2-659d9e648a9f, their first three groups little-endian
_WEBUSB_PLATFORM = bytes.fromhex("38b60834a909a0478bfda0768815b665")
_WINDOWS_PLATFORM = bytes.fromhex("df60ddd88945c74c9cd2659d9e648a9f")


@unique
class Descriptor(IntEnum):
    """The type of a descriptor, which is the high byte of the value of GET_DESCRIPTOR."""

    DEVICE = 0x01
    CONFIGURATION = 0x02
    STRING = 0x03
    INTERFACE = 0x04
    ENDPOINT = 0x05
    BOS = 0x0F
    CAPABILITY = 0x10
    HID = 0x21
    REPORT = 0x22


@unique
class Request(IntEnum):
    """A standard request (USB 2.0, table 9-4)."""

    GET_STATUS = 0
    CLEAR_FEATURE = 1
    SET_FEATURE = 3
    GET_DESCRIPTOR = 6
    GET_CONFIGURATION = 8
    SET_CONFIGURATION = 9
    GET_INTERFACE = 10
    SET_INTERFACE = 11


@unique
class HidRequest(IntEnum):
    """A request of the HID class (HID 1.11, 7.2)."""

    GET_REPORT = 0x01
    GET_IDLE = 0x02
    GET_PROTOCOL = 0x03
    SET_REPORT = 0x09
    SET_IDLE = 0x0A
    SET_PROTOCOL = 0x0B


@unique
class VendorRequest(IntEnum):
    """Requests of our own numbers, told by the BOS descriptor."""

    WEBUSB = 0x1E
    MS_OS_20 = 0x77


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """The eight bytes that begin a control transfer; `length` is the size of its data stage, in bytes."""

    request_type: int
    request: int
    value: int
    index: int
    length: int

    @property
    def is_from_device(self) -> bool:
        """Whether the data stage, if there is one, goes from the device to the host."""
        return bool(self.request_type & _FROM_DEVICE)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read the packet; raise RemoteProtocolError unless there are exactly eight bytes."""
        if len(data) != _SETUP.size:
            raise RemoteProtocolError(f"a set-up packet has {_SETUP.size} bytes, not {len(data)}")
        request_type, request, value, index, length = _SETUP.unpack(data)
        return cls(request_type=request_type, request=request, value=value, index=index, length=length)

    def to_bytes(self) -> bytes:
        """Return the eight bytes."""
        return _SETUP.pack(self.request_type, self.request, self.value, self.index, self.length)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What tells one plugged-in device from another; `serial` is printable ASCII, at most 32 characters."""

    product_id: int
    serial: str

    @property
    def product(self) -> str:
        """The product string, which clients take the model from."""
        model = by_product_id(self.product_id)
        return model.product if model is not None else "unknown"

    def device_descriptor(self) -> bytes:
        """Return the device descriptor: USB 2.10, so that hosts ask for the BOS descriptor."""
        head = struct.pack("<BBHBBBB", 18, Descriptor.DEVICE, _USB_2_10, 0, 0, 0, PACKET_BYTES)
        return head + struct.pack("<HHHBBBB", VENDOR_ID, self.product_id, DEVICE_VERSION, 1, 2, 3, 1)

    def string_descriptor(self, index: int) -> bytes | None:
        """Return the string descriptor `index` (0: the languages), or None when there is none."""
        if index == 0:
            return struct.pack("<BBH", 4, Descriptor.STRING, LANGUAGE)
        text = {1: MANUFACTURER, 2: self.product, 3: self.serial}.get(index)
        if text is None:
            return None
        encoded = _utf_16(text)
        return bytes((2 + len(encoded), Descriptor.STRING)) + encoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """One interface: its class triple, the addresses of its two interrupt endpoints, and descriptors of its class."""

    number: int
    triple: tuple[int, int, int]
    endpoint_in: int
    endpoint_out: int
    extra: bytes = b""

    def to_bytes(self) -> bytes:
        """Return its part of the configuration descriptor."""
        head = bytes((9, Descriptor.INTERFACE, self.number, 0, 2, *self.triple, 0))
        return head + self.extra + _endpoint(self.endpoint_in) + _endpoint(self.endpoint_out)


def _utf_16(text: str) -> bytes:
    """Return ASCII text in little-endian UTF-16; a device's image has no codec for it."""
    return b"".join(bytes((byte, 0)) for byte in text.encode("ascii"))


def _endpoint(address: int) -> bytes:
    return struct.pack("<BBBBHB", 7, Descriptor.ENDPOINT, address, _INTERRUPT, PACKET_BYTES, 1)


#: the report descriptor: 64 bytes in, 64 bytes out, no report numbers
REPORT: Final = bytes.fromhex("06a0ff0901a1010903150026ff007508954081080904150026ff00750895409108c0")
_HID = struct.pack("<BBHBBBH", 9, Descriptor.HID, 0x0111, 0, 1, Descriptor.REPORT, len(REPORT))

INTERFACES: Final = (
    Interface(number=0, triple=(3, 0, 0), endpoint_in=0x82, endpoint_out=0x02, extra=_HID),
    Interface(number=1, triple=(0xFF, 0xFF, 0xFF), endpoint_in=0x83, endpoint_out=0x03),
)
HID: Final = _HID
_BODY = b"".join(interface.to_bytes() for interface in INTERFACES)
CONFIGURATION: Final = (
    struct.pack(
        "<BBHBBBBB", 9, Descriptor.CONFIGURATION, 9 + len(_BODY), len(INTERFACES), 1, 0, _SELF_POWERED, _MAX_POWER
    )
    + _BODY
)


def _ms_os_20() -> bytes:
    """Return the set that has Windows load WinUSB for interface 1 (Microsoft OS 2.0 descriptors)."""
    compatible = struct.pack("<HH8s8s", 20, 3, b"WINUSB", b"")
    name = _utf_16("DeviceInterfaceGUIDs\0")
    value = _utf_16("{6B1F2C8E-52A3-4D0A-9C1B-7A11E5715C4B}\0\0")
    body = struct.pack("<HH", 7, len(name)) + name + struct.pack("<H", len(value)) + value
    guids = struct.pack("<HH", 4 + len(body), 4) + body
    function_bytes = 8 + len(compatible) + len(guids)
    function = struct.pack("<HHBBH", 8, 2, INTERFACES[1].number, 0, function_bytes) + compatible + guids
    configuration = struct.pack("<HHBBH", 8, 1, 0, 0, 8 + len(function)) + function
    return struct.pack("<HHIH", 10, 0, _WINDOWS_8_1, 10 + len(configuration)) + configuration


MS_OS_20: Final = _ms_os_20()


def _bos() -> bytes:
    """Return the BOS descriptor: WebUSB without a landing page, and the Microsoft OS 2.0 set."""
    webusb = struct.pack("<16sHBB", _WEBUSB_PLATFORM, 0x0100, VendorRequest.WEBUSB, 0)
    windows = struct.pack(
        "<16sIHBB",
        _WINDOWS_PLATFORM,
        _WINDOWS_8_1,
        len(MS_OS_20),
        VendorRequest.MS_OS_20,
        0,
    )
    # type 5: a capability of a platform
    parts = [bytes((4 + len(body), Descriptor.CAPABILITY, 5, 0)) + body for body in (webusb, windows)]
    joined = b"".join(parts)
    return struct.pack("<BBHB", 5, Descriptor.BOS, 5 + len(joined), len(parts)) + joined


BOS: Final = _bos()
