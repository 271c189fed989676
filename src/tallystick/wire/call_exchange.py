"""System calls by which an app answers its client and waits for what comes next, speaks to the developer, and ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from tallystick.errors import RemoteProtocolError
from tallystick.wire.buffer import Reader
from tallystick.wire.call import ApduEvent, AppEvent, MenuEvent, Request, ResetEvent, Response

__all__ = ["MAX_LOG", "MAX_REPLY", "Answer", "Exchange", "Exit", "Log"]

#: the largest answer an app may give to an APDU, in bytes, without the status word
MAX_REPLY: Final = 65535 - 2
#: characters of what an app says to the developer
MAX_LOG: Final = 256


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


def _printable(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace")[:MAX_LOG]
    return "".join(char if char.isprintable() else "?" for char in text)
