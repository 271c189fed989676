"""The panel's web application: page, REST and streams, composed from the routes beside this module."""

from __future__ import annotations

from functools import cache

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tallystick.errors import TallyError, TransportError, UsageError
from tallystick.ui.asset import read_asset
from tallystick.ui.picture import Picture
from tallystick.ui.state import PanelState
from tallystick.ui.web.apdu_route import apdu_routes
from tallystick.ui.web.body import AsciiJson, ClientGone
from tallystick.ui.web.gesture_route import Gestures
from tallystick.ui.web.guard import Guard
from tallystick.ui.web.hand import ApduCable, Hand
from tallystick.ui.web.player import Player
from tallystick.ui.web.screen_route import Screens

#: files of the page: path below `/static`, file below `tallystick/ui`, media type
STATIC = {
    "panel.css": ("web/static/panel.css", "text/css"),
    "panel.js": ("web/static/panel.js", "text/javascript"),
    "screen.js": ("web/static/screen.js", "text/javascript"),
    "body.js": ("web/static/body.js", "text/javascript"),
    "icon.json": ("icon.json", "application/json"),
    "pixel.json": ("font/pixel.json", "application/json"),
    "regular.woff": ("font/inter-latin-400-normal.woff", "font/woff"),
    "bold.woff": ("font/inter-latin-600-normal.woff", "font/woff"),
}
_static = cache(read_asset)


def create_app(
    *, state: PanelState, hand: Hand, cable: ApduCable, player: Player, hosts: frozenset[str] = frozenset()
) -> Starlette:
    """Return the application of one device.

    `state` is what it shows, `hand` makes gestures, `cable` carries APDUs, `player` is given the rules that are posted;
    `hosts` are names, beside loopback ones, by which the panel may be reached.
    """
    routes = [
        Route("/", _page, methods=["GET"]),
        Route("/static/{name}", _file, methods=["GET"]),
        *apdu_routes(cable),
        *Gestures(state=state, hand=hand, player=player).routes(),
        *Screens(state=state, picture=Picture()).routes(),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, hosts=hosts)],
        exception_handlers={
            UsageError: _refuse,
            TransportError: _fail,
            ClientGone: _drop,
            HTTPException: _http,
        },
    )


async def _page(_request: Request) -> Response:
    return Response(_static("web/static/index.html"), media_type="text/html")


async def _file(request: Request) -> Response:
    entry = STATIC.get(request.path_params["name"])
    if entry is None:
        raise HTTPException(404)
    return Response(_static(entry[0]), media_type=entry[1])


def _words(error: Exception) -> str:
    remedy = error.remedy if isinstance(error, TallyError) else ""
    return f"{error}; {remedy}" if remedy else str(error)


async def _refuse(_request: Request, error: Exception) -> Response:
    return AsciiJson({"error": _words(error)}, 400)


async def _fail(_request: Request, error: Exception) -> Response:
    return AsciiJson({"error": _words(error)}, 503)


async def _drop(_request: Request, _error: Exception) -> Response:
    return Response(status_code=499)  # nobody reads it


async def _http(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else "failed"
    headers = error.headers if isinstance(error, HTTPException) else None
    return AsciiJson({"error": detail}, status, headers=headers)
