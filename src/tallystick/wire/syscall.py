"""System calls: all an app can say to the OS, and all it hears back.

One call is on its way at a time: the app sends a request and is silent until the outcome comes. A request is number u8
and a body; an outcome is status u8 and a body, empty unless the status is OK. The same numbers serve Python apps (as
messages on a socket pair, or as plain values in one process) and, by generated headers, native ones.

``EXCHANGE`` is the heart of it: *answer the APDU in hand, if there is one, and wait for what comes next*.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from tallystick.errors import RemoteProtocolError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.call import ApduEvent, AppEvent, CallStatus, MenuEvent, Request, ResetEvent, Response, SyscallError
from tallystick.wire.call_canvas import MAX_PAINTED, CanvasEvent, Paint, Wait
from tallystick.wire.call_cipher import Agree, Cipher, PublicOf, SignWith, Verify
from tallystick.wire.call_endorsement import (
    ENDORSEMENT_CALLS,
    MAX_ENDORSED,
    EndorsementAppSecret,
    EndorsementCall,
    EndorsementCertificate,
    EndorsementCodeHash,
    EndorsementDeriveAndSign,
    EndorsementMetadata,
    EndorsementPublicKey,
    EndorsementSign,
    EndorsementSignWithoutCodeHash,
)
from tallystick.wire.call_key import (
    MAX_LEVELS,
    MAX_RANDOM,
    DeriveNode,
    DeriveSecret,
    MasterIdentifier,
    PublicKey,
    Random,
    Scheme,
    Sign,
)
from tallystick.wire.call_library import CallLibrary, LeaveLibrary, LibraryResult
from tallystick.wire.call_record import ReadRecord, ReadSetting, WriteRecord, WriteSetting
from tallystick.wire.screen import AppScene, Menu
from tallystick.wire.screen_codec import answer_from_bytes, answer_to_bytes, read_scene, write_scene

__all__ = [
    "MAX_ENDORSED",
    "MAX_LEVELS",
    "MAX_LOG",
    "MAX_MESSAGE",
    "MAX_PAINTED",
    "MAX_RANDOM",
    "MAX_RECORD",
    "MAX_REPLY",
    "REQUESTS",
    "Agree",
    "Answer",
    "ApduEvent",
    "AppEvent",
    "Ask",
    "CallLibrary",
    "CallStatus",
    "CanvasEvent",
    "Cipher",
    "DeriveNode",
    "DeriveSecret",
    "DeviceInfo",
    "EndorsementAppSecret",
    "EndorsementCall",
    "EndorsementCertificate",
    "EndorsementCodeHash",
    "EndorsementDeriveAndSign",
    "EndorsementMetadata",
    "EndorsementPublicKey",
    "EndorsementSign",
    "EndorsementSignWithoutCodeHash",
    "Exchange",
    "Exit",
    "Idle",
    "LeaveLibrary",
    "LibraryResult",
    "Log",
    "MasterIdentifier",
    "MenuEvent",
    "Outcome",
    "Paint",
    "PublicKey",
    "PublicOf",
    "Random",
    "ReadRecord",
    "ReadSetting",
    "Request",
    "ResetEvent",
    "Response",
    "Scheme",
    "Sign",
    "SignWith",
    "SyscallError",
    "Verify",
    "Wait",
    "WriteRecord",
    "WriteSetting",
    "request_from_bytes",
]

#: the largest message either way, in bytes (one SOCK_SEQPACKET datagram): an extended APDU and its header fit
MAX_MESSAGE = 1 << 17
#: the largest answer an app may give to an APDU, in bytes, without the status word
MAX_REPLY = 65535 - 2
MAX_LOG = 256
MAX_RECORD = 16384


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
    #: the public key (65 bytes) of who certified the device, empty before
    issuer: bytes = b""
    #: the public key (65 bytes) that stands for the vendor's root on an emulated device, empty elsewhere
    test_root: bytes = b""

    def to_bytes(self) -> bytes:
        """Return the wire form."""
        writer = Writer().text_lv(self.model).u32(self.target_id).text_lv(self.os_version).text_lv(self.mcu_version)
        return (
            writer.u8(self.touch)
            .u16(self.page_width)
            .u8(self.test_device)
            .lv(self.issuer)
            .lv(self.test_root)
            .to_bytes()
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read the wire form; raise RemoteProtocolError when it is cut or too long."""
        reader = Reader(data)
        model, target_id = reader.text_lv(), reader.u32()
        os_version, mcu_version = reader.text_lv(), reader.text_lv()
        touch, page_width, test_device, issuer = reader.u8(), reader.u16(), reader.u8(), reader.lv()
        test_root = reader.lv()
        reader.finish()
        return cls(
            model=model,
            target_id=target_id,
            os_version=os_version,
            mcu_version=mcu_version,
            touch=bool(touch),
            page_width=page_width,
            test_device=bool(test_device),
            issuer=issuer,
            test_root=test_root,
        )


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
    """End the app; no outcome comes. With a reason (256 printable characters) it ends as one that failed."""

    NUMBER = 0x02
    reason: str = ""

    def body(self) -> bytes:
        """UTF-8."""
        return self.reason[:MAX_LOG].encode("utf-8", "replace")

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the reason; what cannot be printed becomes a question mark."""
        return cls(_printable(reader.rest()))


@dataclass(frozen=True, slots=True)
class Answer(Request):
    """Answer the APDU in hand and go on: what a native app has answered when it ends."""

    NUMBER = 0x04
    response: Response

    def body(self) -> bytes:
        """Status u16 and the answer's data."""
        return self.response.status.to_bytes(2, "big") + self.response.data

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the body."""
        status = reader.u16()
        return cls(Response(reader.rest(), status))


def _printable(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace")[:MAX_LOG]
    return "".join(char if char.isprintable() else "?" for char in text)


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
        return cls(_printable(reader.rest()))


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


_REQUESTS: tuple[type[Request], ...] = (
    Exchange,
    Exit,
    Log,
    Answer,
    Ask,
    Idle,
    Wait,
    Paint,
    PublicKey,
    Sign,
    DeriveNode,
    DeriveSecret,
    MasterIdentifier,
    Random,
    ReadSetting,
    WriteSetting,
    ReadRecord,
    WriteRecord,
    *ENDORSEMENT_CALLS,
    CallLibrary,
    LeaveLibrary,
    PublicOf,
    SignWith,
    Verify,
    Agree,
    Cipher,
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

    def unwrap(self, request: Request | None = None) -> Any:
        """Return the value, or raise SyscallError, with what real devices answer to `request` if it is given."""
        if self.status is not CallStatus.OK:
            raise SyscallError(self.status, word=0 if request is None else request.ERRORS.get(self.status, 0))
        return self.value
