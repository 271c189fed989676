"""The device's end of FIDO over HID: channels, one transaction at a time, and what is answered without asking anyone (FIDO CTAP 2.1, 11.2).

Time is told with each call, in seconds. Reports go in, and come out in the order in which they are to be sent; requests are for whoever
carries them out, and who does answers one before there is another.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import Enum, unique
from typing import Final

from tallystick.errors import LocalProtocolError
from tallystick.wire.ctaphid import (
    BROADCAST,
    MAX_CTAPHID,
    Assembler,
    BadReport,
    Capability,
    Command,
    CtapHidError,
    KeepAlive,
    Message,
    channel_of,
    reports_of,
)

__all__ = ["TIMEOUT_S", "CancelReceived", "CtapHidDevice", "CtapHidState", "RequestReceived", "SendReport"]

#: seconds that a client may take from one report of a message to the next
TIMEOUT_S: Final = 0.5
#: nonce, channel, version of the protocol, three bytes of the device's own, capabilities
_INIT: Final = struct.Struct(">8sI5B")
_NONCE_BYTES: Final = 8
_PROTOCOL: Final = 2
_COMMAND_AT: Final = 4
_INIT_BYTE: Final = Command.INIT | 0x80
_CANCEL_BYTE: Final = Command.CANCEL | 0x80


@dataclass(frozen=True, slots=True)
class SendReport:
    """Send this report, 64 bytes."""

    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RequestReceived:
    """Carry out this message (MSG or CBOR), then call `answer`."""

    message: Message


@dataclass(frozen=True, slots=True)
class CancelReceived:
    """Nobody wants to wait for the request in hand: end it soon. It has to be answered all the same."""


Event = SendReport | RequestReceived | CancelReceived


@unique
class CtapHidState(Enum):
    """What the device is doing."""

    IDLE = "idle"
    RECEIVING = "receiving"
    WORKING = "working"


class CtapHidDevice:
    """One HID interface for FIDO.

    `version` is the device's own, three bytes; `capabilities` say what it can; `max_bytes` limits the data of a request. Any channel but
    0 and the broadcast one is taken, whether it was given out or not, as the vendor's stack does.
    """

    def __init__(
        self,
        *,
        version: tuple[int, int, int] = (0, 1, 0),
        capabilities: Capability = Capability.NONE,
        max_bytes: int = MAX_CTAPHID,
    ) -> None:
        self._version = version
        self._capabilities = capabilities
        self.max_bytes = min(max_bytes, MAX_CTAPHID)
        self._assembler = Assembler()
        self._next_channel = 1
        #: the request in hand, and whether its answer is wanted still
        self._working: Message | None = None
        self._is_wanted = False
        self._heard_s = 0.0

    @property
    def state(self) -> CtapHidState:
        """What the device is doing."""
        if self._working is not None:
            return CtapHidState.WORKING
        return CtapHidState.IDLE if self._assembler.channel is None else CtapHidState.RECEIVING

    def receive(self, report: bytes, *, now_s: float) -> list[Event]:
        """Take a report of a client; raise RemoteProtocolError for one that is not of 64 bytes."""
        channel = channel_of(report)
        events = self.advance(now_s)
        if channel == 0 or (channel == BROADCAST and report[_COMMAND_AT] != _INIT_BYTE):
            return events + _error(channel, CtapHidError.INVALID_CHANNEL)
        if report[_COMMAND_AT] == _INIT_BYTE:
            return events + self._init(channel, report)
        owner = self._assembler.channel if self._working is None else self._working.channel
        if self._working is not None and channel == owner and report[_COMMAND_AT] == _CANCEL_BYTE:
            return [*events, CancelReceived()]
        if self._working is not None or (owner is not None and channel != owner):
            is_first = report[_COMMAND_AT] & 0x80
            return events + (_error(channel, CtapHidError.CHANNEL_BUSY) if is_first else [])
        return events + self._receive(channel, report, now_s)

    def advance(self, now_s: float) -> list[Event]:
        """Tell that time goes by: a message that stopped half-way is given up."""
        channel = self._assembler.channel
        if channel is None or now_s - self._heard_s < TIMEOUT_S:
            return []
        self._assembler.reset()
        return _error(channel, CtapHidError.TIMEOUT)

    def answer(self, data: bytes, *, command: int | None = None) -> list[Event]:
        """Answer the request in hand, by its own command unless another is given (ERROR, with its byte as data).

        Raises LocalProtocolError when there is none.
        """
        working, self._working = self._working, None
        if working is None:
            raise LocalProtocolError("an answer to no request")
        if not self._is_wanted:
            return []
        command = working.command if command is None else command
        return _send(Message(working.channel, command, data))

    def keep_alive(self, why: KeepAlive) -> list[Event]:
        """Tell the client that the request in hand is not forgotten; nothing is sent where there is none."""
        if self._working is None or not self._is_wanted:
            return []
        return _send(Message(self._working.channel, Command.KEEPALIVE, bytes((why,))))

    def _init(self, channel: int, report: bytes) -> list[Event]:
        """Give out a channel, or have one begin anew: its request in hand is cancelled, and not answered."""
        try:
            message = Assembler().receive(report)
        except BadReport as error:
            return _error(channel, error.error)
        if message is None or len(message.data) != _NONCE_BYTES:
            return _error(channel, CtapHidError.INVALID_LENGTH)
        events: list[Event] = []
        given = channel
        if channel == BROADCAST:
            given, self._next_channel = self._next_channel, self._next_channel % (BROADCAST - 1) + 1
        elif channel == self._assembler.channel:
            self._assembler.reset()
        elif self._working is not None and channel == self._working.channel and self._is_wanted:
            self._is_wanted = False
            events.append(CancelReceived())
        told = _INIT.pack(message.data, given, _PROTOCOL, *self._version, self._capabilities)
        return events + _send(Message(channel, Command.INIT, told))

    def _receive(self, channel: int, report: bytes, now_s: float) -> list[Event]:
        self._heard_s = now_s
        try:
            message = self._assembler.receive(report)
        except BadReport as error:
            # nobody answers a report that belongs to no message
            return [] if error.error is CtapHidError.OTHER else _error(channel, error.error)
        announced = int.from_bytes(report[_COMMAND_AT + 1 : _COMMAND_AT + 3], "big")
        if report[_COMMAND_AT] & 0x80 and announced > self.max_bytes:
            self._assembler.reset()
            return _error(channel, CtapHidError.INVALID_LENGTH)
        return [] if message is None else self._carry_out(message)

    def _carry_out(self, message: Message) -> list[Event]:
        can = self._capabilities
        match message.command:
            case Command.PING:
                return _send(message)
            case Command.WINK if can & Capability.WINK:
                return _send(message) if not message.data else _error(message.channel, CtapHidError.INVALID_LENGTH)
            case Command.CANCEL:
                return []
            case (Command.MSG | Command.CBOR) as command if (
                not can & Capability.NO_MSG if command == Command.MSG else can & Capability.CBOR
            ):
                if not message.data:
                    return _error(message.channel, CtapHidError.INVALID_LENGTH)
                self._working, self._is_wanted = message, True
                return [RequestReceived(message)]
            case _:
                return _error(message.channel, CtapHidError.INVALID_COMMAND)


def _send(message: Message) -> list[Event]:
    return [SendReport(report) for report in reports_of(message)]


def _error(channel: int, error: CtapHidError) -> list[Event]:
    return _send(Message(channel, Command.ERROR, bytes((error,))))
