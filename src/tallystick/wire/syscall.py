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
from tallystick.wire.buffer import Reader
from tallystick.wire.call import (
    ApduEvent,
    AppEvent,
    CallStatus,
    MenuEvent,
    ReportEvent,
    Request,
    ResetEvent,
    Response,
    SyscallError,
)
from tallystick.wire.call_canvas import MAX_PAINTED, CanvasEvent, NativeEvent, Paint, Wait
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
from tallystick.wire.call_exchange import MAX_LOG, MAX_REPLY, Answer, Exchange, Exit, Log
from tallystick.wire.call_key import (
    MAX_LEVELS,
    MAX_RANDOM,
    MAX_SEED_KEY,
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
from tallystick.wire.call_report import SendReports
from tallystick.wire.call_screen import Ask, Idle
from tallystick.wire.device_info import DeviceInfo

__all__ = [
    "MAX_ENDORSED",
    "MAX_LEVELS",
    "MAX_LOG",
    "MAX_MESSAGE",
    "MAX_PAINTED",
    "MAX_RANDOM",
    "MAX_RECORD",
    "MAX_REPLY",
    "MAX_SEED_KEY",
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
    "NativeEvent",
    "Outcome",
    "Paint",
    "PublicKey",
    "PublicOf",
    "Random",
    "ReadRecord",
    "ReadSetting",
    "ReportEvent",
    "Request",
    "ResetEvent",
    "Response",
    "Scheme",
    "SendReports",
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
#: bytes of what an app keeps under one name
MAX_RECORD = 16384


_REQUESTS: tuple[type[Request], ...] = (
    Exchange,
    Exit,
    Log,
    Answer,
    SendReports,
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
