"""Requests: JSON bodies within limits, members of the right type, queries, and clients that go away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse

from tallystick.errors import UsageError

#: bytes of a request body: of most, and of an APDU or a document of rules
SMALL_BODY = 4096
LARGE_BODY = 1024 * 1024


class AsciiJson(JSONResponse):
    """A JSON answer in ASCII: texts from the device may hold what UTF-8 cannot, such as half a surrogate pair."""

    def render(self, content: Any) -> bytes:
        """Return the bytes of the answer."""
        return json.dumps(content, separators=(",", ":")).encode("ascii")


_Result = TypeVar("_Result")


class ClientGone(Exception):
    """The client closed its connection before the answer was there."""


async def read_object(request: Request, *, limit: int = SMALL_BODY) -> dict[str, Any]:
    """Read the body as a JSON object of at most `limit` bytes; an empty body is an empty object.

    Raises:
        UsageError: the body is too long or not a JSON object.

    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise UsageError(f"the body is longer than {limit} bytes")
    try:
        document = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError) as error:
        raise UsageError("the body is not JSON") from error
    if not isinstance(document, dict):
        raise UsageError("the body is not a JSON object")
    return document


def take_bytes(document: dict[str, Any], name: str, *, limit: int) -> bytes:
    """Return the member `name`, hexadecimal, 1 to `limit` bytes.

    Raises:
        UsageError: it is missing, not hexadecimal, or of the wrong length.

    """
    value = document.get(name)
    try:
        data = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        data = b""
    if not 0 < len(data) <= limit:
        raise UsageError(f"{name}: expected 1 to {limit} bytes in hexadecimal")
    return data


def take_number(document: dict[str, Any], name: str, *, maximum: float, default: float | None = None) -> float:
    """Return the member `name`, a number from 0 to `maximum`, or `default` if it is missing.

    Raises:
        UsageError: it is missing without a default, not a number, or out of bounds.

    """
    value = document.get(name, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= maximum:
        raise UsageError(f"{name}: expected a number from 0 to {maximum:g}")
    return value


def take_word(document: dict[str, Any], name: str, *, words: tuple[str, ...]) -> str:
    """Return the member `name`, one of `words`.

    Raises:
        UsageError: it is missing or another word.

    """
    value = document.get(name)
    if not isinstance(value, str) or value not in words:
        raise UsageError(f"{name}: expected one of {', '.join(words)}")
    return value


def query_flag(request: Request, name: str) -> bool:
    """Return a flag of the query (`true`, `false`, `1`, `0`), false if it is missing.

    Raises:
        UsageError: it has another value.

    """
    value = request.query_params.get(name, "false").lower()
    if value not in {"true", "false", "1", "0"}:
        raise UsageError(f"{name}: expected true or false")
    return value in {"true", "1"}


def query_number(request: Request, name: str, *, maximum: float, default: float) -> float:
    """Return a number of the query from 0 to `maximum`, or `default` if it is missing.

    Raises:
        UsageError: it is not such a number.

    """
    try:
        value = float(request.query_params.get(name, default))
    except ValueError:
        value = -1
    if not 0 <= value <= maximum:
        raise UsageError(f"{name}: expected a number from 0 to {maximum:g}")
    return value


async def unless_gone(request: Request, work: Coroutine[Any, Any, _Result]) -> _Result:
    """Return the result of `work`, but cancel it as soon as the client goes away. The body must have been read.

    Raises:
        ClientGone: the client went away first.

    """
    task = asyncio.ensure_future(work)
    watch = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientGone
    finally:
        for pending in (task, watch):
            pending.cancel()
        await asyncio.gather(task, watch, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
