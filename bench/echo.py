"""A bare asyncio server with the framing of a device and a ready answer: the limit of the transport, in a process of its own."""

from __future__ import annotations

import asyncio
import struct
from typing import cast

_LENGTH = struct.Struct(">I")
_DATA = b"\x01\x06Cosmos\x072.38.13\x01\x02"
_ANSWER = _LENGTH.pack(len(_DATA)) + _DATA + b"\x90\x00"


class Echo(asyncio.Protocol):
    """Answers every whole frame with the same bytes."""

    def __init__(self) -> None:
        self._pending = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._pending += data
        while len(self._pending) >= 4:
            end = 4 + _LENGTH.unpack_from(self._pending)[0]
            if len(self._pending) < end:
                return
            self._pending = self._pending[end:]
            if self._transport is not None:
                self._transport.write(_ANSWER)


async def serve() -> None:
    """Print the port, and answer until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
