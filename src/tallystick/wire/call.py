"""The base of system calls: events, statuses, and the class all requests derive from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, unique
from typing import Any, ClassVar, Self

from tallystick.errors import RemoteProtocolError, TallyError
from tallystick.wire.buffer import Reader


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
    EMPTY = 7  # there is no key: nobody made it, or nobody certified it
    DAMAGED = 8  # what is stored cannot be read
    NO_RESULT = 9  # the computation has none for these values


class SyscallError(TallyError):
    """A call did not end with OK; `status` says how, and `word` how real devices do (16 bits, 0: they have no word)."""

    code = "syscall_error"

    def __init__(self, status: CallStatus, *, word: int = 0) -> None:
        super().__init__(f"the system call ended with {status.name}")
        self.status = status
        self.word = word


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


@dataclass(frozen=True, slots=True)
class ReportEvent:
    """A report of the HID interface for FIDO came, 64 bytes: native apps alone hear of it."""

    raw: bytes


class Request:
    """Base of all requests: `NUMBER` on the wire, body and outcome codecs."""

    __slots__ = ()
    NUMBER: ClassVar[int]
    #: what real devices answer in place of a status, where they have a word for it
    ERRORS: ClassVar[Mapping[CallStatus, int]] = {}

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


class DataRequest(Request):
    """A request whose value is bytes as they are: a key, a signature, randomness."""

    __slots__ = ()

    def pack(self, value: bytes) -> bytes:
        """Return the bytes."""
        return value

    def unpack(self, data: bytes) -> bytes:
        """Return the bytes."""
        return data
