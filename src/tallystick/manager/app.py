"""The manager as an ASGI application: every path of HTTP and WebSockets in one table (wire-protocol H).

HTTP stands below ``/api`` and at the root, the flows below ``/update``, ``/api`` and at the root, so that whatever base a client
was built for can be given to it. Workers share nothing but the database: `create` makes one from the environment.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from tallystick.manager import status
from tallystick.manager.asgi import hold
from tallystick.manager.catalog.view import VIEWS as CATALOG_VIEWS
from tallystick.manager.endpoint import FLOWS, FlowEndpoint
from tallystick.manager.firmware.view import VIEWS as FIRMWARE_VIEWS
from tallystick.manager.genuine.work import endorse_work, genuine_work, list_work
from tallystick.manager.install.work import install_work, mcu_work
from tallystick.manager.log import set_up_log
from tallystick.manager.service import Service
from tallystick.manager.settings import Settings
from tallystick.manager.web import RequestError, View, endpoint, error_response
from tallystick.manager.work import Opener
from tallystick.wire.manager_flow import FlowPath

_LOG: Final = structlog.get_logger("tallystick.manager")
_HTTP_BASES: Final = ("", "/api")
_METHODS: Final = ("GET", "POST")
OPENERS: Final[dict[FlowPath, Opener]] = {
    FlowPath.GENUINE: genuine_work,
    FlowPath.APPS_LIST: list_work,
    FlowPath.INSTALL: install_work,
    FlowPath.MCU: mcu_work,
    FlowPath.ENDORSE: endorse_work,
}


def create() -> Starlette:
    """Return the application of one worker, made from the environment (`Settings.from_environment`)."""
    set_up_log()
    return build(Service.open(Settings.from_environment()))


def build(service: Service) -> Starlette:
    """Return the application; it closes the service when it ends."""
    flows = FlowEndpoint(service, OPENERS)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, FlowEndpoint]]:
        yield {FLOWS: flows}
        service.close()

    return Starlette(
        routes=_http_routes(service, flows),
        lifespan=lifespan,
        middleware=[
            Middleware(_FlowDoor, flows=flows),
            # the catalogue is public and there are no cookies: a wallet in a browser may read it
            Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=list(_METHODS), allow_headers=["*"]),
        ],
        exception_handlers={
            RequestError: _refuse,
            HTTPException: _refuse_http,
            SQLAlchemyError: _miss_database,
            Exception: _break,
        },
    )


def _http_routes(service: Service, flows: FlowEndpoint) -> list[BaseRoute]:
    views: Mapping[str, View] = {**CATALOG_VIEWS, **FIRMWARE_VIEWS}
    routes: list[BaseRoute] = []
    for base in _HTTP_BASES:
        for path, view in views.items():
            methods = ["POST"] if path == "/v2/apps/hash" else list(_METHODS)
            routes.append(Route(base + path, endpoint(service, view), methods=methods))
        routes.append(Route(f"{base}/health", status.health(service)))
        routes.append(Route(f"{base}/metrics", status.metrics(service, lambda: flows.open_sockets)))
    return routes


class _FlowDoor:
    """Gives the sockets of flows to `flows`, by their paths alone; everything else goes on to `app`.

    Servers other than our own (`manager.door`) bring them here.
    """

    def __init__(self, app: ASGIApp, flows: FlowEndpoint) -> None:
        self._app = app
        self._flows = flows

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI)."""
        path = self._flows.paths.get(scope["path"]) if scope["type"] == "websocket" else None
        if path is None:
            await self._app(scope, receive, send)
        else:
            await hold(self._flows, WebSocket(scope, receive, send), path)


async def _refuse(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestError):
        raise error
    return error_response(error, error.status)


async def _refuse_http(request: Request, error: Exception) -> Response:
    """Answer what the routes refuse, in the same form."""
    if not isinstance(error, HTTPException):
        raise error
    remedy = "use GET or POST" if error.status_code == 405 else "see the reference page of the manager"
    answer = error_response(
        RequestError(str(error.detail), code="not_found" if error.status_code == 404 else "refused", remedy=remedy),
        error.status_code,
    )
    del request
    return answer


async def _miss_database(request: Request, error: Exception) -> Response:
    """Say that the database is away, which is no fault of the request's."""
    _LOG.error("database", path=request.url.path, kind=type(error).__name__)
    away = RequestError("the manager's database does not answer", code="no_database", remedy="try again in a minute")
    return error_response(away, 503)


async def _break(request: Request, error: Exception) -> Response:
    """Answer what must not happen, and log where, without what was sent."""
    _LOG.error("failed", path=request.url.path, kind=type(error).__name__)
    return error_response(RequestError("the manager failed", code="unexpected", remedy="report it"), 500)
