"""Who may do what: a web page somebody visits must not press APPROVE.

* The `Host` header must name this machine (or a name that was allowed), so a foreign name that was made to resolve to
  loopback (DNS rebinding) reaches nothing.
* `/` and `/apdu` may be used by every page (CORS `*`): they carry what a computer may send a device anyway, and the
  person at the device decides. Pages under development need this.
* Everything else (gestures, rules, plug, screen, events) is for the panel's own page and for programs, which send no
  `Origin`. A browser says where a request comes from by `Origin` and `Sec-Fetch-Site`.
* Nobody may put the page into a frame of theirs, which could lead a person's clicks.
"""

from __future__ import annotations

from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tallystick.ui.web.body import AsciiJson

#: paths that pages of any origin may use
OPEN_PATHS = frozenset({"/", "/apdu"})
_CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, POST, OPTIONS",
    "access-control-allow-headers": "*",
    "access-control-allow-private-network": "true",
    "access-control-max-age": "600",
}
_ALWAYS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def host_name(host: str) -> str:
    """Return the name in a `Host` header, in lower case, without port and brackets."""
    name, _, port = host.rpartition(":")
    if not name or not port.isdigit():
        name = host
    return name.strip("[]").lower()


def is_loopback(host: str) -> bool:
    """Say whether a `Host` header names this machine."""
    name = host_name(host)
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def is_foreign(*, headers: Headers, scheme: str, method: str) -> bool:
    """Say whether a page of another origin made this request."""
    origin = headers.get("origin")
    if origin is not None:
        return origin.lower() != f"{scheme}://{headers.get('host', '')}".lower()
    site = headers.get("sec-fetch-site", "none")
    is_navigation = method == "GET" and headers.get("sec-fetch-mode") == "navigate"
    return site not in {"none", "same-origin"} and not is_navigation


class Guard:
    """ASGI middleware that applies the rules above; `hosts` are names allowed beside loopback ones."""

    def __init__(self, app: ASGIApp, *, hosts: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            return
        is_open = scope["path"] in OPEN_PATHS
        refusal = self._refusal(scope, is_open=is_open)
        extra = {**_ALWAYS, **_CORS, "cross-origin-resource-policy": "cross-origin"} if is_open else _ALWAYS

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in extra.items():
                    headers.setdefault(name, value)
            await send(message)

        await (refusal or self._app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope, *, is_open: bool) -> Response | None:
        headers, method = Headers(scope=scope), scope["method"]
        host = headers.get("host", "")
        if not is_loopback(host) and host_name(host) not in self._hosts:
            return AsciiJson({"error": "this name is not one of this machine; allow it with --allow-host"}, 403)
        if not is_open and is_foreign(headers=headers, scheme=scope["scheme"], method=method):
            return AsciiJson({"error": "pages of other origins may not do this"}, 403)
        if method == "OPTIONS" and is_open:
            return Response(status_code=204)
        return None
