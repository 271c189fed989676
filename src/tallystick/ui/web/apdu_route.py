"""`POST /apdu` (speculos 4.3) and `POST /` with `apduHex` (the HTTP transport of browser wallets)."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tallystick.errors import TransportError
from tallystick.ui.web.body import LARGE_BODY, AsciiJson, ClientGone, read_object, take_bytes, unless_gone
from tallystick.ui.web.hand import ApduCable

#: bytes of one APDU: header, extended length, data, expected length
MAX_APDU = 4 + 3 + 65535 + 2

#: Clients in the manner of Speculos' own look at the socket for the answer's body once they have read its headers. One that came with
#: the headers is in their buffer already: the end of the connection is what they see then, and else wait for, a second each time.
_CLOSE = {"connection": "close"}

#: seconds for an answer before its headers are sent ahead of it
GRACE_S = 0.05


class LateAnswer(Response):
    """An answer that waits for a person: the headers are sent at once, the body when it is there.

    Clients in the manner of Speculos' own wait for the headers of this answer, and only then press the buttons.
    """

    media_type = "application/json"

    def __init__(self, work: asyncio.Future[bytes]) -> None:
        super().__init__(headers=_CLOSE)
        del self.headers["content-length"]
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the headers, wait, send the body; a client that goes away frees the device."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        try:
            raw = await unless_gone(Request(scope, receive), _result(self._work))
            document = {"data": raw.hex()}
        except ClientGone:
            return
        except TransportError as error:
            document = {"error": error.message}
        finally:
            await _give_up(self._work)
        await send({"type": "http.response.body", "body": AsciiJson(document).body, "more_body": False})


async def _result(work: asyncio.Future[bytes]) -> bytes:
    return await work


async def _give_up(work: asyncio.Future[bytes]) -> None:
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


def apdu_routes(cable: ApduCable) -> list[Route]:
    """Return the two ways to send an APDU; requests of all clients are carried one at a time, in order.

    A client that goes away before its answer has come frees the device for the next one.
    """

    async def speculos(request: Request) -> Response:
        apdu = take_bytes(await read_object(request, limit=LARGE_BODY), "data", limit=MAX_APDU)
        work = asyncio.ensure_future(cable.exchange(apdu))
        try:
            await unless_gone(request, asyncio.wait({work}, timeout=GRACE_S))
        except BaseException:
            await _give_up(work)
            raise
        return AsciiJson({"data": work.result().hex()}, headers=_CLOSE) if work.done() else LateAnswer(work)

    async def proxy(request: Request) -> Response:
        apdu = take_bytes(await read_object(request, limit=LARGE_BODY), "apduHex", limit=MAX_APDU)
        try:
            answer = await unless_gone(request, cable.exchange(apdu))
        except TransportError as error:
            # clients of this way look for `error` in an answer of status 200
            return AsciiJson({"data": None, "error": error.message})
        return AsciiJson({"data": answer.hex(), "error": None})

    return [Route("/apdu", speculos, methods=["POST"]), Route("/", proxy, methods=["POST"])]
