"""Small scripted servers on loopback, for the tests of the transports."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest


class Server:
    """Listens on loopback and plays one script for each connection, in a thread that ends with the test."""

    def __init__(self, scripts: list[Callable[[socket.socket], None]]) -> None:
        self._scripts = scripts
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        for script in self._scripts:
            try:
                link, _ = self._socket.accept()
            except OSError:
                return
            with link:
                link.settimeout(60)
                script(link)

    def close(self) -> None:
        """Stop listening and wait for the script in hand."""
        # waking accept: closing alone does not
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        self._socket.close()
        self._thread.join(60)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start a server with one script for each connection it is to take."""
    servers: list[Server] = []

    def start(*scripts: Callable[[socket.socket], None]) -> Server:
        servers.append(Server(list(scripts)))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
