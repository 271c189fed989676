"""System calls by which one native app runs another as its library (native-apps 4).

The library has the caller's RAM and stack for the time, and its own flash, permissions and process: what the caller wrote into RAM goes
over with the call, and what the library made of it comes back with its end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Self

from tallystick.errors import RemoteProtocolError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.call import Request, Response

__all__ = ["MAX_LIBRARY_DEPTH", "MAX_RAM", "CallLibrary", "LeaveLibrary", "LibraryEntry", "LibraryResult"]

#: RAM of an app, in bytes
MAX_RAM: Final = 1 << 16
#: apps that may be called by one another, beside the one that the person opened
MAX_LIBRARY_DEPTH: Final = 3
_STATUS_BYTES: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryEntry:
    """How an app begins that was called: RAM as the caller left it, argument and stack pointer (32 bits each).

    `depth` counts who called one another (1 or more); `code` is the caller's, which the library may read.
    """

    argument: int
    stack: int
    depth: int
    ram: bytes = field(repr=False)
    code: bytes = field(repr=False)

    def write(self, writer: Writer) -> Writer:
        """Write argument, stack, depth u8, and RAM and code with their lengths before them."""
        writer.u32(self.argument).u32(self.stack).u8(self.depth)
        return writer.u32(len(self.ram)).take(self.ram).u32(len(self.code)).take(self.code)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read what `write` wrote; raise RemoteProtocolError for a depth or a RAM that cannot be."""
        argument, stack, depth = reader.u32(), reader.u32(), reader.u8()
        if not 1 <= depth <= MAX_LIBRARY_DEPTH:
            raise reader.error(f"a library called at depth {depth}")
        ram = reader.take(reader.u32())
        if len(ram) > MAX_RAM:
            raise reader.error(f"{len(ram)} bytes of RAM")
        return cls(argument=argument, stack=stack, depth=depth, ram=ram, code=reader.take(reader.u32()))


@dataclass(frozen=True, slots=True)
class LibraryResult:
    """What a library left: RAM, and the exception it ended with (0: none)."""

    thrown: int
    ram: bytes = field(repr=False)


def _write_response(writer: Writer, response: Response | None) -> Writer:
    if response is None:
        return writer.u32(0)
    return writer.u32(_STATUS_BYTES + len(response.data)).u16(response.status).take(response.data)


def _read_response(reader: Reader) -> Response | None:
    size = reader.u32()
    if not size:
        return None
    if size < _STATUS_BYTES:
        raise reader.error(f"an answer of {size} bytes has no status")
    status = reader.u16()
    return Response(reader.take(size - _STATUS_BYTES), status)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLibrary(Request):
    """Run the app `name` as a library, after answering the APDU in hand if there is an answer. Value: a LibraryResult."""

    NUMBER = 0x50
    name: str
    argument: int
    stack: int
    ram: bytes = field(repr=False)
    response: Response | None = None

    def body(self) -> bytes:
        """Name LV, argument and stack u32, the answer with its length u32 before it (0: none), then RAM."""
        writer = Writer().text_lv(self.name).u32(self.argument).u32(self.stack)
        return _write_response(writer, self.response).take(self.ram).to_bytes()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the body."""
        name, argument, stack, response = reader.text_lv(), reader.u32(), reader.u32(), _read_response(reader)
        ram = reader.rest()
        if len(ram) > MAX_RAM:
            raise RemoteProtocolError(f"{len(ram)} bytes of RAM")
        return cls(name=name, argument=argument, stack=stack, ram=ram, response=response)

    def pack(self, value: LibraryResult) -> bytes:
        """Exception u32, then RAM."""
        return value.thrown.to_bytes(4, "big") + value.ram

    def unpack(self, data: bytes) -> LibraryResult:
        """Read exception and RAM, which has the size it went with."""
        reader = Reader(data)
        result = LibraryResult(reader.u32(), reader.rest())
        if len(result.ram) != len(self.ram):
            raise RemoteProtocolError("a library gave another RAM back")
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveLibrary(Request):
    """End as a library, with an exception for the caller (0: none); no outcome comes."""

    NUMBER = 0x51
    ram: bytes = field(repr=False)
    thrown: int = 0
    response: Response | None = None

    def body(self) -> bytes:
        """Exception u32, the answer with its length u32 before it (0: none), then RAM."""
        return _write_response(Writer().u32(self.thrown), self.response).take(self.ram).to_bytes()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the body."""
        thrown, response = reader.u32(), _read_response(reader)
        ram = reader.rest()
        if len(ram) > MAX_RAM:
            raise RemoteProtocolError(f"{len(ram)} bytes of RAM")
        return cls(ram=ram, thrown=thrown, response=response)
