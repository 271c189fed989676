"""One worker of the service: an HTTP server around the application.

Run as ``python -m tallystick.manager.worker FD`` by `manager.server`, with the listening socket at that descriptor, the settings in
the environment, and a standard input that ends when whoever started it does. It writes one line when it serves.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from tallystick.errors import TallyError
from tallystick.manager.door import FlowDoor
from tallystick.manager.settings import Settings
from tallystick.manager.socket import FlowSocket

READY: Final = b"ready\n"
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
#: connections that may be open beside the flows: requests, and sockets that are just being closed
_MORE_CONNECTIONS: Final = 1000
#: how long flows may take to end when the service does
_GRACE_S: Final = 2
_FAILED: Final = 1


class WorkerServer(uvicorn.Server):
    """A server that says when it serves, and ends on a signal without passing it on."""

    def __init__(self, app: ASGIApp, settings: Settings, *, on_started: Callable[[], None] = lambda: None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                access_log=False,
                date_header=False,
                server_header=False,
                proxy_headers=False,
                lifespan="on",
                limit_concurrency=settings.max_flows + _MORE_CONNECTIONS,
                log_config=None,
                log_level="warning",
                timeout_graceful_shutdown=_GRACE_S,
                # uvicorn calls what it is given, whatever the server of one connection is called there
                http=FlowDoor,
                ws=FlowSocket,
            )
        )
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        if self.started:
            self._on_started()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on SIGTERM and SIGINT; leave the handlers as they were."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def main(arguments: list[str]) -> int:
    """Serve on the socket at the descriptor in `arguments` until a signal comes or standard input ends."""
    from tallystick.manager.app import create

    listener = socket.socket(fileno=int(arguments[0]))
    try:
        settings = Settings.from_environment()
        app = create()
    except TallyError as error:
        sys.stderr.write(f"{error.message}\n")
        return _FAILED
    server = WorkerServer(app, settings, on_started=_say_ready)

    def watch() -> None:
        sys.stdin.buffer.read()
        server.should_exit = True

    threading.Thread(target=watch, name="parent", daemon=True).start()
    server.run(sockets=[listener])
    return 0 if server.started else _FAILED


def _say_ready() -> None:
    os.write(sys.stdout.fileno(), READY)


if __name__ == "__main__":
    # a thread that still reads must not hold up the end, which the interpreter would wait for
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)
