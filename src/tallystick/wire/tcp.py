"""TCP framing of APDUs, both ends (wire-protocol A.5).

::

    host -> device    length u32, APDU
    device -> host    length u32 of the data without its status word, data, status word u16

One `TcpFraming` belongs to one connection. A declared length above the limit cannot be skipped, so it breaks the stream for
good: whole frames in front of it are still delivered, and everything after raises RemoteProtocolError.
"""

from __future__ import annotations

import struct
from typing import Generic, Literal, TypeVar, overload

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.apdu import MAX_APDU_BYTES, ResponseApdu
from tallystick.wire.role import Role

__all__ = ["DEFAULT_PORT", "Role", "TcpFraming"]

#: the port such a proxy listens on unless told otherwise
DEFAULT_PORT = 9999

_LENGTH = struct.Struct(">I")
_MAX_RESPONSE_DATA_BYTES = 65_536

ReceivedT = TypeVar("ReceivedT", bytes, ResponseApdu)


class TcpFraming(Generic[ReceivedT]):
    """Cut a byte stream into APDUs (device) or answers (host), and frame what goes the other way.

    `max_bytes` limits the declared length; the default is the longest extended APDU for a device, 65,536 for a host.
    """

    __slots__ = ("_failure", "_host", "_max_bytes", "_pending", "_tail")

    @overload
    def __init__(self: TcpFraming[bytes], role: Literal[Role.DEVICE], *, max_bytes: int = MAX_APDU_BYTES) -> None: ...
    @overload
    def __init__(
        self: TcpFraming[ResponseApdu], role: Literal[Role.HOST], *, max_bytes: int = _MAX_RESPONSE_DATA_BYTES
    ) -> None: ...
    def __init__(self, role: Role, *, max_bytes: int | None = None) -> None:
        self._host = role is Role.HOST
        self._tail = 2 if self._host else 0
        default = _MAX_RESPONSE_DATA_BYTES if self._host else MAX_APDU_BYTES
        self._max_bytes = default if max_bytes is None else max_bytes
        self._pending = bytearray()
        self._failure: RemoteProtocolError | None = None

    @property
    def broken(self) -> bool:
        """True once the peer has declared a length above the limit: close the connection."""
        return self._failure is not None

    @property
    def pending_bytes(self) -> int:
        """How many bytes of an unfinished frame are kept."""
        return len(self._pending)

    def receive(self, data: bytes) -> list[ReceivedT]:
        """Return the frames that `data` completes, in order; raise RemoteProtocolError when the stream is broken."""
        if self._failure is not None:
            raise self._failure
        if not self._pending and len(data) >= 4:
            # the hot path: one whole frame in one chunk
            (length,) = _LENGTH.unpack_from(data)
            if len(data) == 4 + length + self._tail and length <= self._max_bytes:
                return [self._value(data[4:])]
        self._pending += data
        frames = self._cut()
        if self._failure is not None and not frames:
            raise self._failure
        return frames

    def send(self, message: bytes | ResponseApdu) -> bytes:
        """Frame an APDU (host), or an answer given as a ResponseApdu or as its bytes with the status word (device).

        Raises LocalProtocolError for an answer without a status word, or a message too long to be received.
        """
        raw = message if isinstance(message, bytes) else message.to_bytes()
        length = len(raw) if self._host else len(raw) - 2
        if not 0 <= length <= (MAX_APDU_BYTES if self._host else _MAX_RESPONSE_DATA_BYTES):
            raise LocalProtocolError(f"{len(raw)} bytes cannot be framed")
        return _LENGTH.pack(length) + raw

    def _cut(self) -> list[ReceivedT]:
        frames: list[ReceivedT] = []
        pending, offset = self._pending, 0
        while len(pending) - offset >= 4:
            (length,) = _LENGTH.unpack_from(pending, offset)
            if length > self._max_bytes:
                self._failure = RemoteProtocolError(
                    f"a frame of {length} bytes was announced, the limit is {self._max_bytes}", status=0x6700
                )
                offset = len(pending)
                break
            end = offset + 4 + length + self._tail
            if end > len(pending):
                break
            frames.append(self._value(bytes(pending[offset + 4 : end])))
            offset = end
        if offset:
            del pending[:offset]
        return frames

    def _value(self, body: bytes) -> ReceivedT:
        # the overloads of __init__ tie the role to the type variable; the checker cannot follow that into a body
        return ResponseApdu.from_bytes(body) if self._host else bytes(body)  # type: ignore[return-value]
