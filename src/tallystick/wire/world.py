"""The calls between Normal World and Secure World: the complete, closed list (secure-world 4.5).

One message is one datagram of at most 64 KiB: type u8, then the fields. Anything else ends the Normal World. It does
framing only: it never sees a PIN, a seed, a key, a derivation, screen content, a button, another app, entropy or a
file, because no message here could carry one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, unique

from tallystick.errors import RemoteProtocolError

MAX_MESSAGE = 65544 + 3
MAX_LOG = 256
MAX_SERIAL = 32
#: bytes of a report of the HID interface for FIDO
REPORT_BYTES = 64
PROTOCOL_VERSION = 1


@unique
class Transport(IntEnum):
    """By which way a client reaches the Normal World."""

    TCP = 1
    HTTP = 2
    USB = 3
    BLE = 4
    DIRECT = 5


@unique
class LinkState(IntEnum):
    """What became of a channel; `DOWN` and `RESET` make the Secure World forget its session."""

    UP = 1
    DOWN = 2
    RESET = 3


@unique
class Attention(IntEnum):
    """What the Secure World is doing, for keep-alive frames."""

    READY = 0
    BUSY = 1
    WAITING_FOR_USER = 2
    LOCKED = 3


@dataclass(frozen=True, slots=True)
class Hello:
    """Normal World: I am up, and speak this version."""

    version: int
    transport: Transport


@dataclass(frozen=True, slots=True)
class Apdu:
    """Normal World: an APDU came on `channel` (16 bits). One at a time."""

    channel: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class HostReport:
    """Normal World: a report came by the HID interface for FIDO, 64 bytes. No answer belongs to it alone."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class Link:
    """Normal World: the channel came up, went down, or was reset."""

    channel: int
    state: LinkState


@dataclass(frozen=True, slots=True)
class Log:
    """Normal World: a line for the developer, at most 256 printable bytes."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Reply:
    """Secure World: the answer to the APDU on `channel`, status word included."""

    channel: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """Secure World: a report for everyone who listens at the HID interface for FIDO, 64 bytes."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class Status:
    """Secure World: what I am doing."""

    attention: Attention


@dataclass(frozen=True, slots=True)
class Stop:
    """Secure World: end."""


@dataclass(frozen=True, slots=True)
class Introduce:
    """Secure World: tell a USB host that you are this; `serial` is printable ASCII, at most 32 characters."""

    product_id: int
    serial: str


FromNormal = Hello | Apdu | Link | Log | HostReport
ToNormal = Reply | Status | Stop | Introduce | DeviceReport


def to_bytes(message: FromNormal | ToNormal) -> bytes:
    """Return the datagram of `message`."""
    match message:
        case Hello(version, transport):
            return bytes((0x01, version, transport))
        case Apdu(channel, raw):
            return b"\x02" + channel.to_bytes(2, "big") + raw
        case Link(channel, state):
            return b"\x03" + channel.to_bytes(2, "big") + bytes((state,))
        case Log(level, text):
            printable = "".join(char if " " <= char <= "~" else "?" for char in text[:MAX_LOG])
            return bytes((0x04, level)) + printable.encode("ascii")
        case HostReport(raw):
            return b"\x05" + raw
        case Reply(channel, raw):
            return b"\x81" + channel.to_bytes(2, "big") + raw
        case Status(attention):
            return bytes((0x82, attention))
        case Stop():
            return b"\x83"
        case Introduce(product_id, serial):
            printable = "".join(char if " " <= char <= "~" else "?" for char in serial[:MAX_SERIAL])
            return b"\x84" + product_id.to_bytes(2, "big") + printable.encode("ascii")
        case DeviceReport(raw):
            return b"\x85" + raw


def from_normal(data: bytes) -> FromNormal:
    """Read what the Normal World says.

    Raises:
        RemoteProtocolError: any datagram that is not exactly one of the five messages.

    """
    size = len(data)
    try:
        match data[:1]:
            case b"\x01" if size == 3:
                return Hello(data[1], Transport(data[2]))
            case b"\x02" if 3 <= size <= MAX_MESSAGE:
                return Apdu(int.from_bytes(data[1:3], "big"), data[3:])
            case b"\x03" if size == 4:
                return Link(int.from_bytes(data[1:3], "big"), LinkState(data[3]))
            case b"\x04" if 2 <= size <= MAX_LOG + 2 and all(0x20 <= byte < 0x7F for byte in data[2:]):
                return Log(data[1], data[2:].decode("ascii"))
            case b"\x05" if size == 1 + REPORT_BYTES:
                return HostReport(data[1:])
    except ValueError:
        pass
    raise RemoteProtocolError("not a message of the Normal World")


def to_normal(data: bytes) -> ToNormal:
    """Read what the Secure World says; raise RemoteProtocolError for anything but its five messages."""
    size = len(data)
    try:
        match data[:1]:
            case b"\x81" if 3 <= size <= MAX_MESSAGE:
                return Reply(int.from_bytes(data[1:3], "big"), data[3:])
            case b"\x82" if size == 2:
                return Status(Attention(data[1]))
            case b"\x83" if size == 1:
                return Stop()
            case b"\x84" if 3 <= size <= MAX_SERIAL + 3 and all(0x20 <= byte < 0x7F for byte in data[3:]):
                return Introduce(int.from_bytes(data[1:3], "big"), data[3:].decode("ascii"))
            case b"\x85" if size == 1 + REPORT_BYTES:
                return DeviceReport(data[1:])
    except ValueError:
        pass
    raise RemoteProtocolError("not a message of the Secure World")
