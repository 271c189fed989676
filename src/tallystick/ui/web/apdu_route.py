"""`POST /apdu` (speculos 4.3) and `POST /` with `apduHex` (the HTTP transport of browser wallets)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tallystick.errors import TransportError
from tallystick.ui.web.body import LARGE_BODY, AsciiJson, read_object, take_bytes, unless_gone
from tallystick.ui.web.hand import ApduCable

#: bytes of one APDU: header, extended length, data, expected length
MAX_APDU = 4 + 3 + 65535 + 2


def apdu_routes(cable: ApduCable) -> list[Route]:
    """Return the two ways to send an APDU; requests of all clients are carried one at a time, in order.

    A client that goes away before its answer has come frees the device for the next one.
    """

    async def speculos(request: Request) -> Response:
        apdu = take_bytes(await read_object(request, limit=LARGE_BODY), "data", limit=MAX_APDU)
        answer = await unless_gone(request, cable.exchange(apdu))
        return AsciiJson({"data": answer.hex()})

    async def proxy(request: Request) -> Response:
        apdu = take_bytes(await read_object(request, limit=LARGE_BODY), "apduHex", limit=MAX_APDU)
        try:
            answer = await unless_gone(request, cable.exchange(apdu))
        except TransportError as error:
            # clients of this way look for `error` in an answer of status 200
            return AsciiJson({"data": None, "error": error.message})
        return AsciiJson({"data": answer.hex(), "error": None})

    return [Route("/apdu", speculos, methods=["POST"]), Route("/", proxy, methods=["POST"])]
