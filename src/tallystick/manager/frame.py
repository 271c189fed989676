"""The frames of a WebSocket as a server reads and writes them (RFC 6455, 5 to 7); sans-IO, no extensions.

A conversation is many short messages, and what each costs is what a manager can do; so the frame that all of them are, a whole
short text that came alone, is read without detours, and everything else with the same checks one step at a time.
"""

from __future__ import annotations

from enum import IntEnum, unique
from typing import Final

__all__ = ["CloseCode", "FrameReader", "Opcode", "close_frame", "frame"]


@unique
class Opcode(IntEnum):
    """What a frame is (RFC 6455, 5.2)."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


@unique
class CloseCode(IntEnum):
    """Why a conversation ends (RFC 6455, 7.4.1, and its registry)."""

    DONE = 1000
    PROTOCOL = 1002
    #: said by nobody: the other end was gone, or gave no reason
    NONE = 1005
    GONE = 1006
    NOT_TEXT = 1007
    TOO_LONG = 1009
    BROKEN = 1011
    RESTART = 1012


_FINAL: Final = 0x80
_RESERVED: Final = 0x70
_MASKED: Final = 0x80
_OPCODE: Final = 0x0F
_WHOLE_TEXT: Final = _FINAL | Opcode.TEXT
_LENGTH_16: Final = 126
_LENGTH_64: Final = 127
_MAX_CONTROL: Final = 125
_MASK_BYTES: Final = 4
_SHORT_HEAD: Final = 6
_LONG_HEAD: Final = 8
_CODE_BYTES: Final = 2
#: the codes a peer may send
_CODES: Final = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)})
_OPCODES: Final = {int(one): one for one in Opcode}


class FrameReader:
    """Turns bytes of a client into whole messages of at most `max_bytes` (UTF-8) and control frames.

    `failure` is the code to close with once something came that is no frame, and None until then; nothing is read after it,
    nor after a close frame.
    """

    __slots__ = ("_at", "_held", "_is_closed", "_kind", "_max_bytes", "_parts", "failure")

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held = b""
        #: how much of it was read
        self._at = 0
        self._parts = bytearray()
        #: of the message whose fragments are coming
        self._kind: Opcode | None = None
        self._is_closed = False
        self.failure: CloseCode | None = None

    def receive(self, data: bytes) -> list[tuple[Opcode, bytes]]:
        """Take bytes and return what they complete: TEXT, BINARY, PING, PONG or CLOSE, each with its content, unmasked."""
        length = len(data)
        if (
            length > _LONG_HEAD
            and data[0] == _WHOLE_TEXT
            and self._kind is None
            and not (self._held or self._is_closed)
        ):
            size = data[1] ^ _MASKED
            if size == _LENGTH_16 and length == _LONG_HEAD + ((data[2] << 8) | data[3]) and length <= self._max_bytes:
                return [(Opcode.TEXT, _unmasked(data[4:8], data[8:]))]
            if size < _LENGTH_16 and length == _SHORT_HEAD + size and size <= self._max_bytes:
                return [(Opcode.TEXT, _unmasked(data[2:6], data[6:]))]
        self._held += data
        found: list[tuple[Opcode, bytes]] = []
        while not self._is_closed and (one := self._next()) is not None:
            opcode, content = one
            if opcode is not Opcode.CONTINUATION:
                found.append((opcode, content))
        # once for all of them: many small frames in one packet are not to cost a copy of the rest each
        self._held, self._at = b"" if self._is_closed else self._held[self._at :], 0
        return found

    def _next(self) -> tuple[Opcode, bytes] | None:
        """Return the next frame, CONTINUATION for a part of a message that is not whole; None when there is none (any more)."""
        data, at = self._held, self._at
        if len(data) < at + 2:
            return None
        first, second, start = data[at], data[at + 1], at + 2
        opcode, size = _OPCODES.get(first & _OPCODE), second & ~_MASKED
        if opcode is None or first & _RESERVED or not second & _MASKED:
            return self._fail(CloseCode.PROTOCOL)
        if opcode >= Opcode.CLOSE and (size > _MAX_CONTROL or not first & _FINAL):
            return self._fail(CloseCode.PROTOCOL)
        if size >= _LENGTH_16:
            start += 2 if size == _LENGTH_16 else 8
            if len(data) < start:
                return None
            size = int.from_bytes(data[at + 2 : start], "big")
        if opcode < Opcode.CLOSE and size + len(self._parts) > self._max_bytes:
            return self._fail(CloseCode.TOO_LONG)
        body = start + _MASK_BYTES
        if len(data) < body + size:
            return None
        self._at = body + size
        content = _unmasked(data[start:body], data[body : body + size])
        if opcode is Opcode.CLOSE:
            return self._close(content)
        return (opcode, content) if opcode > Opcode.CLOSE else self._gather(opcode, content, first & _FINAL)

    def _gather(self, opcode: Opcode, content: bytes, is_final: int) -> tuple[Opcode, bytes] | None:
        """Put a message together of its parts."""
        if (opcode is Opcode.CONTINUATION) != (self._kind is not None):
            return self._fail(CloseCode.PROTOCOL)
        kind = opcode if self._kind is None else self._kind
        if is_final and not self._parts:
            self._kind = None
            return kind, content
        self._kind = kind
        self._parts += content
        if not is_final:
            return Opcode.CONTINUATION, b""
        whole = bytes(self._parts)
        self._parts.clear()
        self._kind = None
        return kind, whole

    def _close(self, content: bytes) -> tuple[Opcode, bytes] | None:
        """Check a close frame: nothing, or a code that may be sent and a text."""
        if content:
            if int.from_bytes(content[:_CODE_BYTES], "big") not in _CODES or len(content) < _CODE_BYTES:
                return self._fail(CloseCode.PROTOCOL)
            try:
                content[_CODE_BYTES:].decode()
            except UnicodeDecodeError:
                return self._fail(CloseCode.NOT_TEXT)
        self._is_closed = True
        return Opcode.CLOSE, content

    def _fail(self, code: CloseCode) -> tuple[Opcode, bytes] | None:
        """Return that there is no frame any more."""
        self.failure = code
        self._is_closed = True
        return None


def frame(opcode: Opcode, content: bytes) -> bytes:
    """Return one whole frame of a server, which masks nothing."""
    size = len(content)
    if size < _LENGTH_16:
        return bytes((_FINAL | opcode, size)) + content
    if size < 1 << 16:
        return bytes((_FINAL | opcode, _LENGTH_16, size >> 8, size & 0xFF)) + content
    return bytes((_FINAL | opcode, _LENGTH_64)) + size.to_bytes(8, "big") + content


def close_frame(code: CloseCode) -> bytes:
    """Return the frame that ends a conversation; NONE is one without a code."""
    return frame(Opcode.CLOSE, b"" if code is CloseCode.NONE else code.to_bytes(_CODE_BYTES, "big"))


def _unmasked(mask: bytes, content: bytes) -> bytes:
    """Return `content` with the mask (4 bytes) taken off, as one number: an interpreter is slow byte by byte."""
    size = len(content)
    pattern = int.from_bytes((mask * (size // _MASK_BYTES + 1))[:size], "big")
    return (int.from_bytes(content, "big") ^ pattern).to_bytes(size, "big")
