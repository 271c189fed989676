"""The cable of /apdu: one request at a time, in order, and what happens when either side goes away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tallystick.errors import TransportError
from tallystick.ui.web.cable import MAX_DATA, Cable

Answer = Callable[[bytes], Awaitable[bytes | None]]


class Device:
    """A device's APDU port: counts connections, and answers by a function (None: hang up)."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.connections = 0
        self.requests: list[bytes] = []
        self.hung_up = asyncio.Event()
        #: held here: nobody else holds one that answers never, and it would be swept up while it waits
        self.serving: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.serving.add(task)
        try:
            while True:
                apdu = await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
                self.requests.append(apdu)
                answer = await self._answer(apdu)
                if answer is None:
                    break
                writer.write(answer)
        except (EOFError, OSError):
            self.hung_up.set()
        finally:
            writer.close()


def framed(answer: bytes) -> bytes:
    """Return an answer as the device sends it."""
    return (len(answer) - 2).to_bytes(4, "big") + answer


@asynccontextmanager
async def device_at(answer: Answer) -> AsyncIterator[tuple[Device, Cable]]:
    """Return a device and a cable to it."""
    device = Device(answer)
    server = await asyncio.start_server(device.serve, "127.0.0.1", 0)
    async with server, Cable(server.sockets[0].getsockname()[1]) as cable:
        yield device, cable
        await cable.close()
        for task in device.serving:
            task.cancel()
        await asyncio.gather(*device.serving, return_exceptions=True)


async def echo(apdu: bytes) -> bytes:
    """Answer the APDU itself and 9000."""
    return framed(apdu + b"\x90\x00")


async def test_requests_of_many_clients_share_one_connection_in_order():
    """Fifty requests at once get their own answers, over one connection, in the order they came."""
    async with device_at(echo) as (device, cable):
        apdus = [bytes([0xE0, number, 0, 0, 0]) for number in range(50)]
        answers = await asyncio.gather(*map(cable.exchange, apdus))
    assert answers == [apdu + b"\x90\x00" for apdu in apdus]
    assert device.requests == apdus
    assert device.connections == 1


async def test_status_word_alone_is_an_answer():
    """An answer without data has length zero and two bytes."""

    async def refuse(_: bytes) -> bytes:
        return b"\0\0\0\0\x6d\x00"

    async with device_at(refuse) as (_, cable):
        assert await cable.exchange(b"\xe0\xff\0\0\0") == b"\x6d\x00"


async def test_request_that_is_given_up_frees_the_device():
    """A cancelled request hangs up, so the device drops it; the next one gets its own answer."""
    asked = asyncio.Event()

    async def slow(apdu: bytes) -> bytes:
        if apdu == b"slow":
            asked.set()
            await asyncio.Event().wait()
        return framed(apdu + b"\x90\x00")

    async with device_at(slow) as (device, cable):
        first = asyncio.ensure_future(cable.exchange(b"slow"))
        await asked.wait()
        second = asyncio.ensure_future(cable.exchange(b"fast"))
        first.cancel()
        assert await asyncio.wait_for(second, 60) == b"fast\x90\x00"
        assert device.connections == 2
        with pytest.raises(asyncio.CancelledError):
            await first


async def test_device_that_restarts_between_requests_is_found_again():
    """A connection the device closed while it was idle is replaced without an error."""

    async def once(apdu: bytes) -> bytes | None:
        return framed(apdu + b"\x90\x00")

    async with device_at(once) as (device, cable):
        assert await cable.exchange(b"a") == b"a\x90\x00"
        reader, writer = cable._streams
        writer.write_eof()
        await device.hung_up.wait()
        await reader.read()
        assert await cable.exchange(b"b") == b"b\x90\x00"
        assert device.connections == 2


async def test_device_that_hangs_up_is_an_error_and_the_request_is_not_repeated():
    """A signature must not be asked for twice: the lost request fails, the next one connects anew."""
    answers: list[bytes | None] = [None, framed(b"\x90\x00")]

    async def hang_up(_: bytes) -> bytes | None:
        return answers.pop(0)

    async with device_at(hang_up) as (device, cable):
        with pytest.raises(TransportError):
            await cable.exchange(b"sign")
        assert await cable.exchange(b"next") == b"\x90\x00"
        assert device.requests == [b"sign", b"next"]


async def test_absurd_length_is_an_error():
    """A device that announces more than any answer can be is hung up on."""

    async def boast(_: bytes) -> bytes:
        return (MAX_DATA + 1).to_bytes(4, "big")

    async with device_at(boast) as (_, cable):
        with pytest.raises(TransportError, match="announced"):
            await cable.exchange(b"a")


async def test_port_without_a_device_is_an_error():
    """Nothing listens: the error says that the device cannot be reached."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    async with Cable(port) as cable:
        with pytest.raises(TransportError, match="cannot be reached"):
            await cable.exchange(b"a")
