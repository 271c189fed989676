"""Messages between a device and the process that emulates processors for many native apps (for the embedded board).

A stream of frames: kind u8, number of the app u32, length of the payload u32, payload; big endian. Each START and OUTCOME is answered
by one REQUEST or END of the same app; LIBRARY and KILL are not answered.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum, unique
from typing import Final, Self

from tallystick.errors import RemoteProtocolError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.native import MAX_NATIVE, NativeImage
from tallystick.wire.syscall import DeviceInfo

__all__ = ["DIGEST_BYTES", "HEADER_BYTES", "EngineFrame", "EngineKind", "StartNative"]

_HEADER: Final = struct.Struct(">BII")
HEADER_BYTES: Final = _HEADER.size
#: SHA-256
DIGEST_BYTES: Final = 32
_MAX_PAYLOAD: Final = MAX_NATIVE + 1024


@unique
class EngineKind(IntEnum):
    """What a frame is."""

    #: to the engine: a shared library (its bytes), named by its SHA-256 from now on
    LIBRARY = 1
    #: to the engine: begin an app, `StartNative`
    START = 2
    #: to the engine: the outcome of the request in hand, as `tallystick.wire.syscall` has it
    OUTCOME = 3
    #: to the engine: forget an app
    KILL = 4
    #: to the device: a request, as `tallystick.wire.syscall` has it
    REQUEST = 5
    #: to the device: the app is over; why, in UTF-8, and nothing when it was done
    END = 6


@dataclass(frozen=True, slots=True)
class EngineFrame:
    """One message; `app` is the number that the device gave the app."""

    kind: EngineKind
    app: int
    payload: bytes = field(default=b"", repr=False)

    def to_bytes(self) -> bytes:
        """Return the wire form."""
        return _HEADER.pack(self.kind, self.app, len(self.payload)) + self.payload

    @staticmethod
    def head(raw: bytes) -> tuple[EngineKind, int, int]:
        """Return kind, app and length of the payload of a header (9 bytes); raise RemoteProtocolError when it is none."""
        if len(raw) != HEADER_BYTES:
            raise RemoteProtocolError("a frame of the engine is cut short")
        kind, app, size = _HEADER.unpack(raw)
        if kind not in {member.value for member in EngineKind} or size > _MAX_PAYLOAD:
            raise RemoteProtocolError("a frame of the engine is none")
        return EngineKind(kind), app, size


@dataclass(frozen=True, slots=True, kw_only=True)
class StartNative:
    """What begins an app: the device it is on, its image, and the SHA-256 of its library (32 zeros: none)."""

    info: DeviceInfo
    library: bytes
    native: NativeImage = field(repr=False)

    def to_bytes(self) -> bytes:
        """Return LV device info, digest, image."""
        return Writer().lv(self.info.to_bytes()).take(self.library).take(self.native.to_bytes()).to_bytes()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read the payload of START; raise RemoteProtocolError when it is none."""
        reader = Reader(raw)
        info = DeviceInfo.from_bytes(reader.lv())
        return cls(info=info, library=reader.take(DIGEST_BYTES), native=NativeImage.from_bytes(reader.rest()))
