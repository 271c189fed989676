"""One page for several devices, side by side: their screens as pictures, and a line for each thing that happens.

It only looks. Each device keeps its own panel, which no other page may press or frame; here is what it shows, fetched from
that panel by this program, and a link to it. The rules of `guard` hold for this page, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import httpx
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tallystick.errors import UsageError
from tallystick.ui.asset import read_asset
from tallystick.ui.web.body import AsciiJson, query_number
from tallystick.ui.web.guard import Guard

#: seconds of one long poll: the page ends no later than that after its program
WAIT_S = 1
_MARGIN_S = 5
_STATIC = {
    "beside.css": ("web/static/beside.css", "text/css"),
    "beside.js": ("web/static/beside.js", "text/javascript"),
}
_static = cache(read_asset)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One device: what it is called here, and the address of its own panel, such as ``http://127.0.0.1:5000``."""

    name: str
    panel: str


@dataclass(slots=True, kw_only=True)
class Story:
    """What happened so far, line by line; written by the program that makes it happen."""

    lines: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        """Add a line."""
        self.lines.append(line)


def create_beside(
    *, views: Sequence[View], story: Story, transport: httpx.AsyncBaseTransport | None = None
) -> Starlette:
    """Return the page's application; `transport` is the way to the panels, by default the network's."""
    routes = _Beside(views, story, transport).routes()
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, hosts=frozenset())],
        exception_handlers={UsageError: _refuse, HTTPException: _http},
    )


class _Beside:
    def __init__(self, views: Sequence[View], story: Story, transport: httpx.AsyncBaseTransport | None) -> None:
        self._views = tuple(views)
        self._story = story
        self._transport = transport

    def routes(self) -> list[Route]:
        """Return the routes: all of them read."""
        return [
            Route("/", self.page, methods=["GET"]),
            Route("/static/{name}", self.file, methods=["GET"]),
            Route("/views", self.views, methods=["GET"]),
            Route("/story", self.story, methods=["GET"]),
            Route("/picture/{number:int}", self.picture, methods=["GET"]),
        ]

    async def page(self, _request: Request) -> Response:
        """Return the page."""
        return Response(_static("web/static/beside.html"), media_type="text/html")

    async def file(self, request: Request) -> Response:
        """Return a file of the page."""
        entry = _STATIC.get(request.path_params["name"])
        if entry is None:
            raise HTTPException(404)
        return Response(_static(entry[0]), media_type=entry[1])

    async def views(self, _request: Request) -> Response:
        """List the devices, in their order."""
        return AsciiJson({"views": [{"name": view.name, "panel": f"{view.panel}/"} for view in self._views]})

    async def story(self, _request: Request) -> Response:
        """Return what happened so far."""
        return AsciiJson({"lines": list(self._story.lines)})

    async def picture(self, request: Request) -> Response:
        """Return the first screen numbered above `after` as PNG; 204 when none comes in time, 502 when the panel is gone."""
        number = request.path_params["number"]
        if number >= len(self._views):
            raise HTTPException(404)
        after = query_number(request, "after", maximum=2**53, default=0)
        panel = self._views[number].panel
        try:
            async with httpx.AsyncClient(transport=self._transport, timeout=WAIT_S + _MARGIN_S) as client:
                changed = await client.get(f"{panel}/screen", params={"after": int(after), "timeout": WAIT_S})
                if changed.status_code != httpx.codes.OK:
                    return Response(status_code=204)
                drawn = await client.get(f"{panel}/screenshot")
        except httpx.HTTPError:
            raise HTTPException(502, "the panel of this device does not answer") from None
        if drawn.status_code != httpx.codes.OK:
            return Response(status_code=204)
        sequence = drawn.headers.get("x-screen-sequence", "0")
        return Response(drawn.content, media_type="image/png", headers={"x-screen-sequence": sequence})


async def _refuse(_request: Request, error: Exception) -> Response:
    return AsciiJson({"error": str(error)}, 400)


async def _http(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return AsciiJson({"error": error.detail if isinstance(error, HTTPException) else "failed"}, status)
