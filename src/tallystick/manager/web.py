"""HTTP without its details: what was asked in query or body becomes typed parameters, what goes wrong becomes JSON (H.1).

Old clients send POST with a JSON object, current ones GET with a query of the same names; numbers come as numbers or as decimal
text. Both are served everywhere. An error is ``{"error", "message", "remedy"}``.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from tallystick.errors import TallyError
from tallystick.manager.service import Service
from tallystick.wire.manager_flow import DEFAULT_PROVIDER

_DECIMAL: Final = re.compile(r"[0-9]{1,10}", re.ASCII)
#: ids of every database fit
_MAX_NUMBER: Final = (1 << 31) - 1
_MAX_TEXT: Final = 128


class RequestError(TallyError):
    """A request that is not answered; `status` is the HTTP status."""

    def __init__(self, message: str, *, status: int = 400, code: str = "bad_request", remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.status = status
        self.code = code


def not_found(what: str) -> RequestError:
    """Return the error for something that is not offered."""
    return RequestError(f"there is no {what}", status=404, code="not_found", remedy="see: tally manager list")


class Parameters:
    """What a request asks: members of its query and of its body, which wins; `body` is the document itself."""

    def __init__(self, members: Mapping[str, object], body: object = None) -> None:
        self._members = members
        self.body = body

    def number(self, name: str, *, default: int | None = None) -> int:
        """Return a whole number from 0 to 2^31 - 1; raise RequestError when it is missing or none."""
        value = self._members.get(name, default)
        if isinstance(value, str) and _DECIMAL.fullmatch(value):
            value = int(value)
        if type(value) is not int or not 0 <= value <= _MAX_NUMBER:
            raise RequestError(f"{name} is not a number", remedy=f"give {name} as a whole number")
        return value

    def text(self, name: str, *, default: str | None = None) -> str:
        """Return a text of at most 128 printable characters; raise RequestError when it is missing or none."""
        value = self._members.get(name, default)
        if not isinstance(value, str) or len(value) > _MAX_TEXT or not value.isprintable():
            raise RequestError(f"{name} is not a text", remedy=f"give {name} with at most {_MAX_TEXT} characters")
        return value

    @property
    def provider(self) -> int:
        """The provider that is asked for, 1 if none is."""
        return self.number("provider", default=DEFAULT_PROVIDER)


#: reads the database and returns what is sent as JSON, or a response of its own
View = Callable[[Session, Parameters], object]


def endpoint(service: Service, view: View) -> Callable[[Request], Any]:
    """Return the HTTP endpoint of a view."""

    async def answer(request: Request) -> Response:
        parameters = await _parameters(request, service)
        result = await run_in_threadpool(_read, service, view, parameters)
        return result if isinstance(result, Response) else JSONResponse(result)

    return answer


def _read(service: Service, view: View, parameters: Parameters) -> object:
    with service.sessions() as session:
        return view(session, parameters)


async def _parameters(request: Request, service: Service) -> Parameters:
    members: dict[str, object] = {**request.query_params, **request.path_params}
    if request.method != "POST":
        return Parameters(members)
    raw = await _body(request, limit=service.settings.max_body, seconds=service.settings.body_s)
    if not raw.strip():
        return Parameters(members)
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        raise RequestError("the body is not JSON", remedy="send one JSON document in UTF-8") from None
    if isinstance(document, dict):
        # what the address names is what is asked for: a body cannot change it
        members = {**request.query_params, **document, **request.path_params}
    return Parameters(members, document)


async def _body(request: Request, *, limit: int, seconds: float) -> bytes:
    """Read a body of at most `limit` bytes within some seconds."""
    raw = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                raw += chunk
                if len(raw) > limit:
                    raise RequestError(f"a body has at most {limit} bytes", status=413, code="too_large")
    except TimeoutError:
        raise RequestError("the body did not come in time", status=408, code="timeout") from None
    except ClientDisconnect:
        raise RequestError("the client left") from None
    return bytes(raw)


def error_response(error: TallyError, status: int) -> JSONResponse:
    """Return an error as JSON."""
    members = {"error": error.code, "message": error.message, "remedy": error.remedy}
    return JSONResponse(members, status_code=status)
