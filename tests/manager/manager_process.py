"""Managers as they are run: processes of the command line on loopback ports, and a balancer that takes turns."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.manager.manager_stage import reply_to
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tallystick.wire.manager_message import Error, Success

#: real processes on a busy machine: nothing here is measured, this only ends a test that hangs
PATIENCE_S = 120.0


@dataclass(frozen=True)
class Address:
    """Where a manager is."""

    http: str
    ws: str
    pid: int = 0

    def flow(self, path: str, **settings):
        """Return an open socket of a flow."""
        limits = {"open_timeout": PATIENCE_S, "ping_timeout": PATIENCE_S}
        return connect(self.ws + path, compression=None, max_size=None, **limits, **settings)


@contextmanager
def manager(folder: Path, *options: str, environment: dict[str, str] | None = None) -> Iterator[Address]:
    """Run ``tally manager serve`` with these options, its files in a folder."""
    folder.mkdir(exist_ok=True)
    home = {"XDG_DATA_HOME": str(folder / "data"), "XDG_CACHE_HOME": str(folder / "cache")}
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tallystick", "manager", "serve", "--port", "0", "--json", *options],
            env={**os.environ, **home, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    try:
        ready = select.select([process.stdout], [], [], PATIENCE_S)[0]
        line = process.stdout.readline() if ready else b""
        assert line, (folder / "log").read_text()
        facts = json.loads(line)
        yield Address(facts["manager_http"], facts["manager_ws"], facts["pid"])
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(PATIENCE_S) == 0, (folder / "log").read_text()
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


@contextmanager
def balancer(targets: list[Address]) -> Iterator[Address]:
    """Pass each connection to the next of some managers, in turns."""
    turns = itertools.cycle([target.http.split("/")[2].split(":") for target in targets])
    loop = asyncio.new_event_loop()
    started: list[asyncio.Server] = []
    ready = threading.Event()

    async def pump(reader, writer):
        try:
            while chunk := await reader.read(65536):
                writer.write(chunk)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def pass_on(reader, writer):
        host, port = next(turns)
        try:
            inner_reader, inner_writer = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

    async def main():
        started.append(await asyncio.start_server(pass_on, "127.0.0.1", 0))
        ready.set()

    def run():
        asyncio.set_event_loop(loop)
        loop.run_until_complete(main())
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.05))
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        ready.wait()
        where = "{}:{}".format(*started[0].sockets[0].getsockname()[:2])
        yield Address(f"http://{where}/api", f"ws://{where}/update")
    finally:
        loop.call_soon_threadsafe(started[0].close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def play_remote(socket, device) -> Success | Error:
    """Play a device into a real socket until the manager ends the conversation."""
    while True:
        reply = reply_to(socket.recv(timeout=PATIENCE_S), device)
        if not isinstance(reply, str):
            return reply
        socket.send(reply)


def closes(socket) -> bool:
    """Say whether the other end closes the socket soon."""
    try:
        socket.recv(timeout=PATIENCE_S)
    except ConnectionClosed:
        return True
    return False
