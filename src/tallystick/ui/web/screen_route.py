"""What the screen shows: `/events`, `/screenshot`, `/screen`, `/status` (speculos 4.3 and what goes beyond).

Every answer carries the number of the screen, as `sequence` and as the header `X-Screen-Sequence`. Whoever waits for a
number above the one it has never sees an old screen and never sleeps.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tallystick.errors import DeviceBusy
from tallystick.ui.picture import Picture, frame_document
from tallystick.ui.state import PanelState
from tallystick.ui.web.body import AsciiJson, query_flag, query_number, unless_gone
from tallystick.ui.web.change import Change
from tallystick.ui.web.stream import MAX_STREAMS, EventStream, Source

#: longest and usual wait of a long poll in seconds
MAX_WAIT_S = 300
DEFAULT_WAIT_S = 30


class Screens:
    """The routes that show the screen of one panel."""

    def __init__(self, *, state: PanelState, picture: Picture) -> None:
        self._state = state
        self._change = Change(state)
        self._picture = picture
        self._waiting = 0

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/events", self.events, methods=["GET", "DELETE"]),
            Route("/screenshot", self.screenshot, methods=["GET"]),
            Route("/screen", self.screen, methods=["GET"]),
            Route("/status", self.status, methods=["GET"]),
        ]

    def _answer(self, document: dict[str, Any]) -> Response:
        sequence = self._state.sequence
        return AsciiJson({**document, "sequence": sequence}, headers={"x-screen-sequence": str(sequence)})

    async def events(self, request: Request) -> Response:
        """List the lines of text so far, or of the screen shown now, or stream them as they come; DELETE forgets."""
        if request.method == "DELETE":
            self._state.log.clear()
            return self._answer({})
        if query_flag(request, "stream"):
            return self._stream(self._text_pieces)
        if query_flag(request, "currentscreenonly"):
            return self._answer({"events": [event.to_json() for event in self._state.events]})
        log = self._state.log
        return self._answer({"events": [event.to_json() for event in log.since(log.start)]})

    async def screenshot(self, _request: Request) -> Response:
        """Draw the screen as a PNG of the model's size."""
        frame = self._state.frame
        if frame is None:
            return AsciiJson({"error": "the device has not shown anything yet"}, 503)
        png = await asyncio.to_thread(self._picture.png, frame)
        return Response(png, media_type="image/png", headers={"x-screen-sequence": str(frame.sequence)})

    async def screen(self, request: Request) -> Response:
        """Return the first screen numbered above `after` as a frame; 204 if none came within `timeout` seconds.

        With `stream=true` it is a stream of `frame` and `status` events; a slow reader gets the newest frame only.
        """
        if query_flag(request, "stream"):
            return self._stream(self._frame_pieces)
        after = query_number(request, "after", maximum=2**53, default=0)
        timeout_s = query_number(request, "timeout", maximum=MAX_WAIT_S, default=DEFAULT_WAIT_S)
        if self._state.sequence <= after and timeout_s:
            await self._wait(request, after=after, timeout_s=timeout_s)
        frame = self._state.frame
        if frame is None or frame.sequence <= after:
            return Response(status_code=204, headers={"x-screen-sequence": str(self._state.sequence)})
        return self._answer(frame_document(frame))

    async def status(self, _request: Request) -> Response:
        """Return what the device says about itself."""
        return self._answer(dict(self._state.status))

    async def _wait(self, request: Request, *, after: float, timeout_s: float) -> None:
        async def newer() -> None:
            end = asyncio.get_running_loop().time() + timeout_s
            while self._state.sequence <= after and (left := end - asyncio.get_running_loop().time()) > 0:
                await self._change.wait(timeout_s=left)

        async for _ in request.stream():
            pass
        self._enter()
        try:
            await unless_gone(request, newer())
        finally:
            self._leave()

    def _enter(self) -> None:
        if self._waiting >= MAX_STREAMS:
            raise DeviceBusy(f"{MAX_STREAMS} readers wait for the screen already", remedy="close one of them")
        self._waiting += 1

    def _leave(self) -> None:
        self._waiting -= 1

    def _stream(self, source: Source) -> EventStream:
        self._enter()
        return EventStream(source, on_end=self._leave)

    async def _text_pieces(self) -> AsyncGenerator[str, None]:
        # only `data:` lines: clients of Speculos refuse every other kind, comments included
        position = self._state.log.end
        while True:
            try:
                events = self._state.log.since(position)
            except LookupError:
                return
            position = self._state.log.end
            for event in events:
                yield f"data: {json.dumps(event.to_json())}\n\n"
            if position == self._state.log.end:
                await self._change.wait()

    async def _frame_pieces(self) -> AsyncGenerator[str, None]:
        shown, told = -1, None
        while True:
            if self._state.status is not told:
                told = self._state.status
                yield f"event: status\ndata: {json.dumps(told)}\n\n"
            frame = self._state.frame
            if frame is not None and frame.sequence != shown:
                shown = frame.sequence
                yield f"event: frame\ndata: {json.dumps(frame_document(frame))}\n\n"
            if self._state.sequence == max(shown, 0) and self._state.status is told:
                await self._change.wait()
