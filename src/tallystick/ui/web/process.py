"""The panel's process: link, cable, player and web server of one device, until the device or a signal ends it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from tallystick.errors import RemoteProtocolError
from tallystick.ui.automation import Automation
from tallystick.ui.state import PanelState
from tallystick.ui.web.cable import Cable
from tallystick.ui.web.link import Link
from tallystick.ui.web.player import Player
from tallystick.ui.web.server import create_app

#: connections served at once
MAX_CONNECTIONS = 512

#: seconds for answers that are on their way when the device ends; it waits a little longer
PARTING_S = 1.0
_APDU_PATHS = ("/apdu", "/")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelOptions:
    """How one panel is to run: its sockets, where APDUs go, and who presses the buttons.

    `link_socket` is the panel's end of the screen-and-button link, `http_socket` listens already.
    """

    link_socket: socket.socket
    http_socket: socket.socket
    apdu_port: int
    model: str = ""
    automation: Automation | None = None
    is_approving: bool = False
    hosts: frozenset[str] = frozenset()


class _Unfinished:
    """An application, and how many APDUs are in hand there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._count = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in _APDU_PATHS:
            await self._app(scope, receive, send)
            return
        self._count += 1
        self._idle.clear()
        try:
            await self._app(scope, receive, send)
        finally:
            self._count -= 1
            if not self._count:
                self._idle.set()

    async def finish(self) -> None:
        """Wait until every APDU is answered, for a moment: an answer that the device gave with its last breath still leaves."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), PARTING_S)


class _Server(uvicorn.Server):
    """A server that says when it serves."""

    def __init__(self, app: ASGIApp, *, on_started: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                access_log=False,
                date_header=False,
                lifespan="off",
                limit_concurrency=MAX_CONNECTIONS,
                log_level="warning",
                proxy_headers=False,
                loop="asyncio",
                server_header=False,
                ws="none",
            )
        )
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        self._on_started()


async def run_panel(options: PanelOptions) -> int:
    """Serve until the link closes, a rule says `exit`, or SIGTERM or SIGINT comes; return the exit status.

    The status is 0, or 1 if the device broke the link's protocol.
    """
    ended = asyncio.Event()
    reasons: list[RemoteProtocolError] = []
    is_left = False

    def on_close(reason: RemoteProtocolError | None) -> None:
        nonlocal is_left
        if reason is not None:
            reasons.append(reason)
        is_left = True
        ended.set()

    state = PanelState(model=options.model)
    link = Link(options.link_socket, state=state, on_close=on_close)
    player = Player(
        state=state,
        hand=link,
        on_exit=ended.set,
        automation=options.automation,
        is_approving=options.is_approving,
    )
    async with Cable(options.apdu_port) as cable:
        app = _Unfinished(create_app(state=state, hand=link, cable=cable, player=player, hosts=options.hosts))

        def on_started() -> None:
            # the server has set signal handlers of its own, which would wait for every open stream
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, ended.set)
            link.open()

        server = _Server(app, on_started=on_started)
        serving = asyncio.ensure_future(server.serve(sockets=[options.http_socket]))
        waiting = asyncio.ensure_future(ended.wait())
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        link.close()
        if is_left:
            await app.finish()
        logging.getLogger("uvicorn.error").disabled = True  # it would lament each request that ends with the panel
        for task in (serving, waiting):
            task.cancel()
        await asyncio.gather(serving, waiting, return_exceptions=True)
    for reason in reasons:
        logger.error("the device broke the protocol of the link: %s", reason)
    return 1 if reasons else 0
