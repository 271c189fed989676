"""The cable from `/apdu` to the device: one TCP connection, one APDU at a time, in order.

The panel reaches the device for APDUs as any computer does, by its TCP port. Requests of all HTTP clients share one
connection, as they would share one cable. When a client goes away before its answer has come, the connection is closed,
which makes the device drop the request, and the next request opens a new one. Framing (speculos 4.2): request `u32
length || APDU`, answer `u32 length of data || data || SW1 SW2`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

from tallystick.errors import TransportError

#: bytes of the data of one answer: an extended-length answer, with room for the framing of odd devices
MAX_DATA = 65536 + 256
_GONE = "start it again, or look at GET /status"


class Cable:
    """A connection to the device's APDU port on this machine, made when it is first needed."""

    def __init__(self, port: int, *, host: str = "127.0.0.1") -> None:
        self._host = host
        self._port = port
        self._turn = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def exchange(self, apdu: bytes) -> bytes:
        """Return the answer to `apdu`, status word included (see `ApduCable.exchange`)."""
        async with self._turn:
            is_complete = False
            try:
                answer = await self._exchange(apdu)
                is_complete = True
            except (OSError, EOFError) as error:
                raise TransportError("the device hung up or cannot be reached", remedy=_GONE) from error
            finally:
                if not is_complete:
                    self._drop()
        return answer

    async def _exchange(self, apdu: bytes) -> bytes:
        reader, writer = await self._connected()
        writer.write(len(apdu).to_bytes(4, "big") + apdu)
        await writer.drain()
        length = int.from_bytes(await reader.readexactly(4), "big")
        if length > MAX_DATA:
            raise TransportError(f"the device announced an answer of {length} bytes")
        return await reader.readexactly(length + 2)

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is not None and self._streams[0].at_eof():
            self._drop()
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        return self._streams

    def _drop(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def close(self) -> None:
        """Close the connection, if there is one."""
        if self._streams is not None:
            writer = self._streams[1]
            self._streams = None
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
