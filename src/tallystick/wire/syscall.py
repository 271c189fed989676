"""System calls: all an app can say to the OS, and all it hears back.

One call is on its way at a time: the app sends a request and is silent until the outcome comes. A request is number u8
and a body; an outcome is status u8 and a body, empty unless the status is OK. The same numbers serve Python apps (as
messages on a socket pair, or as plain values in one process) and, by generated headers, native ones.

``EXCHANGE`` is the heart of it: *answer the APDU in hand, if there is one, and wait for what comes next*.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, unique
from typing import Any, ClassVar, Self

from tallystick.errors import RemoteProtocolError, TallyError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.install import Curve
from tallystick.wire.screen import AppScene, Menu
from tallystick.wire.screen_codec import answer_from_bytes, answer_to_bytes, read_scene, write_scene

#: the largest message either way, in bytes (one SOCK_SEQPACKET datagram): an extended APDU and its header fit
MAX_MESSAGE = 1 << 17
#: the largest answer an app may give to an APDU, in bytes, without the status word
MAX_REPLY = 65535 - 2
MAX_RANDOM = 1024
MAX_LOG = 256
MAX_RECORD = 16384


@unique
class CallStatus(IntEnum):
    """How a call ended."""

    OK = 0
    NOT_PERMITTED = 1  # the app's permissions do not cover this path, curve or setting
    BAD_ARGUMENT = 2
    LOCKED = 3  # the device was locked: keys are out of reach
    ABORTED = 4  # the request this call served is gone: drop the work, go back to EXCHANGE
    NOT_SUPPORTED = 5
    NO_SPACE = 6


class SyscallError(TallyError):
    """A call did not end with OK; `status` says how."""

    code = "syscall_error"

    def __init__(self, status: CallStatus) -> None:
        super().__init__(f"the system call ended with {status.name}")
        self.status = status


#: the curves an app may name, by their bit in install parameters (wire-protocol E.4)
_CURVES = (Curve.SECP256K1, Curve.SECP256R1, Curve.ED25519)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInfo:
    """What an app may know of the device it runs on."""

    model: str
    target_id: int
    os_version: str
    mcu_version: str
    touch: bool
    #: characters of a value that fit one page of a review
    page_width: int
    #: test devices may run apps in their debug manner
    test_device: bool = False

    def to_bytes(self) -> bytes:
        """Return the wire form."""
        writer = Writer().text_lv(self.model).u32(self.target_id).text_lv(self.os_version).text_lv(self.mcu_version)
        return writer.u8(self.touch).u16(self.page_width).u8(self.test_device).to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read the wire form; raise RemoteProtocolError when it is cut or too long."""
        reader = Reader(data)
        model, target_id = reader.text_lv(), reader.u32()
        os_version, mcu_version = reader.text_lv(), reader.text_lv()
        touch, page_width, test_device = reader.u8(), reader.u16(), reader.u8()
        reader.finish()
        return cls(
            model=model,
            target_id=target_id,
            os_version=os_version,
            mcu_version=mcu_version,
            touch=bool(touch),
            page_width=page_width,
            test_device=bool(test_device),
        )


@dataclass(frozen=True, slots=True)
class Response:
    """An app's answer to an APDU: data, then the status word (16 bits)."""

    data: bytes
    status: int


@dataclass(frozen=True, slots=True)
class ApduEvent:
    """An APDU came for the app: the bytes as they arrived."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class MenuEvent:
    """The person chose the entry `index` of the idle menu."""

    index: int


@dataclass(frozen=True, slots=True)
class ResetEvent:
    """The client that spoke last is gone: forget what it had begun."""


AppEvent = ApduEvent | MenuEvent | ResetEvent


class Request:
    """Base of all requests: `NUMBER` on the wire, body and outcome codecs."""

    __slots__ = ()
    NUMBER: ClassVar[int]

    def body(self) -> bytes:
        """Return the request's body."""
        return b""

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Take the body off `reader`; raise RemoteProtocolError when it does not fit."""
        del reader
        return cls()

    def pack(self, value: Any) -> bytes:
        """Return the body of an OK outcome with `value`."""
        del value
        return b""

    def unpack(self, data: bytes) -> Any:
        """Return the value of an OK outcome's body."""
        if data:
            raise RemoteProtocolError("an outcome without value has a body")

    def to_bytes(self) -> bytes:
        """Return the whole message."""
        return bytes([self.NUMBER]) + self.body()


@dataclass(frozen=True, slots=True)
class Exchange(Request):
    """Answer the APDU in hand with `response`, if any, then wait. Value: an AppEvent."""

    NUMBER = 0x01
    response: Response | None = None

    def body(self) -> bytes:
        """Empty, or status u16 and the answer's data."""
        return b"" if self.response is None else self.response.status.to_bytes(2, "big") + self.response.data

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the body."""
        if not reader.remaining:
            return cls()
        status = reader.u16()
        return cls(Response(reader.rest(), status))

    def pack(self, value: AppEvent) -> bytes:
        """Kind u8, then the APDU or the index."""
        match value:
            case ApduEvent(raw):
                return b"\x01" + raw
            case MenuEvent(index):
                return b"\x02" + index.to_bytes(2, "big")
            case ResetEvent():
                return b"\x03"

    def unpack(self, data: bytes) -> AppEvent:
        """Read the event."""
        match data[:1]:
            case b"\x01":
                return ApduEvent(data[1:])
            case b"\x02" if len(data) == 3:
                return MenuEvent(int.from_bytes(data[1:], "big"))
            case b"\x03" if len(data) == 1:
                return ResetEvent()
        raise RemoteProtocolError("not an event")


@dataclass(frozen=True, slots=True)
class Exit(Request):
    """End the app; no outcome comes."""

    NUMBER = 0x02


@dataclass(frozen=True, slots=True)
class Log(Request):
    """Say something to the developer: at most 256 printable characters, never a secret."""

    NUMBER = 0x03
    text: str

    def body(self) -> bytes:
        """UTF-8."""
        return self.text[:MAX_LOG].encode("utf-8", "replace")

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the text; what cannot be printed becomes a question mark."""
        text = reader.rest().decode("utf-8", "replace")[:MAX_LOG]
        return cls("".join(char if char.isprintable() else "?" for char in text))


@dataclass(frozen=True, slots=True)
class Ask(Request):
    """Show a scene and wait for the person. Value: an Answer, or None for Progress."""

    NUMBER = 0x10
    scene: AppScene

    def body(self) -> bytes:
        """One scene."""
        writer = Writer()
        write_scene(writer, self.scene)
        return writer.to_bytes()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the scene."""
        scene = read_scene(reader)
        reader.finish()
        return cls(scene)

    def pack(self, value: Any) -> bytes:
        """Return the answer as bytes."""
        return answer_to_bytes(value)

    def unpack(self, data: bytes) -> Any:
        """Read the answer."""
        return answer_from_bytes(data)


@dataclass(frozen=True, slots=True)
class Idle(Request):
    """Set the menu shown while the app waits; choices come as MenuEvent."""

    NUMBER = 0x11
    menu: Menu

    def body(self) -> bytes:
        """One scene, a menu."""
        writer = Writer()
        write_scene(writer, self.menu)
        return writer.to_bytes()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the menu."""
        scene = read_scene(reader)
        reader.finish()
        if not isinstance(scene, Menu):
            raise RemoteProtocolError("an idle screen is a menu")
        return cls(scene)


def _write_path(writer: Writer, path: tuple[int, ...]) -> Writer:
    writer.u8(len(path))
    for level in path:
        writer.u32(level)
    return writer


def _read_path(reader: Reader) -> tuple[int, ...]:
    count = reader.u8()
    if count > MAX_LEVELS:
        raise RemoteProtocolError(f"a path of {count} levels, {MAX_LEVELS} are allowed")
    return tuple(reader.u32() for _ in range(count))


def _read_curve(reader: Reader) -> Curve:
    number = reader.u8()
    for curve in _CURVES:
        if curve.value == number:
            return curve
    raise RemoteProtocolError("unknown curve")


#: levels of a BIP-32 path
MAX_LEVELS = 10


@dataclass(frozen=True, slots=True)
class PublicKey(Request):
    """Derive a public key. Value: 65 bytes uncompressed (secp256k1, secp256r1) or 32 bytes (ed25519)."""

    NUMBER = 0x20
    curve: Curve
    path: tuple[int, ...]

    def body(self) -> bytes:
        """Curve u8, count u8, levels u32."""
        return _write_path(Writer().u8(self.curve), self.path).to_bytes()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the body."""
        request = cls(_read_curve(reader), _read_path(reader))
        reader.finish()
        return request

    def pack(self, value: bytes) -> bytes:
        """Return the key."""
        return value

    def unpack(self, data: bytes) -> bytes:
        """Return the key."""
        return data


@dataclass(frozen=True, slots=True)
class Sign(Request):
    """Sign with the key at `path`: a 32-byte digest (ECDSA, DER, RFC 6979, low S) or a message (ed25519, 64 bytes)."""

    NUMBER = 0x21
    curve: Curve
    path: tuple[int, ...]
    digest: bytes

    def body(self) -> bytes:
        """Curve u8, count u8, levels u32, digest or message."""
        return _write_path(Writer().u8(self.curve), self.path).take(self.digest).to_bytes()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the body."""
        curve, path = _read_curve(reader), _read_path(reader)
        return cls(curve, path, reader.rest())

    def pack(self, value: bytes) -> bytes:
        """Return the signature."""
        return value

    def unpack(self, data: bytes) -> bytes:
        """Return the signature."""
        return data


@dataclass(frozen=True, slots=True)
class Random(Request):
    """Ask for `size_bytes` (1 to 1024) random bytes. Value: bytes."""

    NUMBER = 0x28
    size_bytes: int

    def body(self) -> bytes:
        """Size u16."""
        return self.size_bytes.to_bytes(2, "big")

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the size."""
        size_bytes = reader.u16()
        reader.finish()
        if not 1 <= size_bytes <= MAX_RANDOM:
            raise RemoteProtocolError(f"{size_bytes} random bytes: 1 to {MAX_RANDOM} can be had at once")
        return cls(size_bytes)

    def pack(self, value: bytes) -> bytes:
        """Return the bytes."""
        return value

    def unpack(self, data: bytes) -> bytes:
        """Return the bytes."""
        return data


@dataclass(frozen=True, slots=True)
class ReadSetting(Request):
    """Read a setting the manifest declares. Value: bool."""

    NUMBER = 0x30
    name: str

    def body(self) -> bytes:
        """Return the name as UTF-8."""
        return self.name.encode()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the name."""
        return cls(reader.rest().decode("utf-8", "replace"))

    def pack(self, value: bool) -> bytes:  # noqa: FBT001 -- the value of this call
        """One byte."""
        return bytes([value])

    def unpack(self, data: bytes) -> bool:
        """Read one byte, 0 or 1."""
        if data not in (b"\x00", b"\x01"):
            raise RemoteProtocolError("a setting is 0 or 1")
        return data == b"\x01"


@dataclass(frozen=True, slots=True)
class WriteSetting(Request):
    """Set a setting the manifest declares; kept in flash."""

    NUMBER = 0x31
    name: str
    value: bool

    def body(self) -> bytes:
        """Value u8, name."""
        return bytes([self.value]) + self.name.encode()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read value and name."""
        value = reader.u8()
        if value > 1:
            raise RemoteProtocolError("a setting is 0 or 1")
        return cls(reader.rest().decode("utf-8", "replace"), bool(value))


@dataclass(frozen=True, slots=True)
class ReadRecord(Request):
    """Read the app's own record `name` (1 to 32 characters). Value: bytes, or None when there is none."""

    NUMBER = 0x38
    name: str

    def body(self) -> bytes:
        """Return the name as UTF-8."""
        return self.name.encode()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the name."""
        return cls(reader.rest().decode("utf-8", "replace"))

    def pack(self, value: bytes | None) -> bytes:
        """Present u8, then the bytes."""
        return b"\x00" if value is None else b"\x01" + value

    def unpack(self, data: bytes) -> bytes | None:
        """Read what `pack` wrote."""
        if data[:1] not in (b"\x00", b"\x01"):
            raise RemoteProtocolError("not a record")
        return data[1:] if data[0] else None


@dataclass(frozen=True, slots=True)
class WriteRecord(Request):
    """Write the app's own record `name`, whole and at once, at most 16 KiB; None removes it."""

    NUMBER = 0x39
    name: str
    data: bytes | None = field(repr=False)

    def body(self) -> bytes:
        """LV name, present u8, bytes."""
        writer = Writer().text_lv(self.name).u8(self.data is not None)
        return writer.take(self.data or b"").to_bytes()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read name and bytes."""
        name, present = reader.text_lv(), reader.u8()
        data = reader.rest()
        if present > 1 or (data and not present):
            raise RemoteProtocolError("not a record")
        return cls(name, data if present else None)


_REQUESTS: tuple[type[Request], ...] = (
    Exchange,
    Exit,
    Log,
    Ask,
    Idle,
    PublicKey,
    Sign,
    Random,
    ReadSetting,
    WriteSetting,
    ReadRecord,
    WriteRecord,
)
REQUESTS: dict[int, type[Request]] = {request.NUMBER: request for request in _REQUESTS}


def request_from_bytes(data: bytes) -> Request:
    """Read one request.

    Raises:
        RemoteProtocolError: empty, too long, an unknown number or a body that does not fit.

    """
    if len(data) > MAX_MESSAGE:
        raise RemoteProtocolError(f"a system call of {len(data)} bytes")
    reader = Reader(data)
    kind = REQUESTS.get(reader.u8())
    if kind is None:
        raise RemoteProtocolError(f"no system call has the number {data[0]:#04x}")
    request = kind.read(reader)
    reader.finish()
    return request


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended, and with which value."""

    status: CallStatus = CallStatus.OK
    value: Any = field(default=None, repr=False)

    def to_bytes(self, request: Request) -> bytes:
        """Return the message that answers `request`."""
        return bytes([self.status]) + (request.pack(self.value) if self.status is CallStatus.OK else b"")

    @classmethod
    def from_bytes(cls, data: bytes, request: Request) -> Self:
        """Read the message that answers `request`; raise RemoteProtocolError when it does not fit."""
        reader = Reader(data)
        try:
            status = CallStatus(reader.u8())
        except ValueError:
            raise RemoteProtocolError("unknown status of a system call") from None
        if status is not CallStatus.OK:
            reader.finish()
            return cls(status)
        return cls(status, request.unpack(reader.rest()))

    def unwrap(self) -> Any:
        """Return the value, or raise SyscallError."""
        if self.status is not CallStatus.OK:
            raise SyscallError(self.status)
        return self.value
