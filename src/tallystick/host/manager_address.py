"""Where a manager is, and what may go wrong on the way to it (wire-protocol H)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit, urlunsplit

from tallystick.errors import TransportError, TransportTimeout, UsageError

_SOCKET_SCHEMES: Final = {"http": "ws", "https": "wss"}
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_START_ONE: Final = "start one with: tally manager serve; or name another with --manager"


class ManagerError(TransportError):
    """The manager cannot be used, or says no."""

    code = "manager_error"


class NotOffered(ManagerError):
    """The manager does not have what was asked for."""

    code = "not_offered"


class ManagerTimeout(TransportTimeout):
    """The manager did not answer in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerAddress:
    """Where a manager is: the bases of its HTTP paths and of its flows."""

    http: str
    ws: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Make both bases of one URL; raise UsageError when it is none.

        A URL without a path gets ``/api`` and ``/update``; one that ends in ``/api`` has its flows below ``/update`` beside it;
        below any other path there are both.
        """
        try:
            parts = urlsplit(url)
            host = parts.hostname
            _ = parts.port
        except ValueError:
            host, parts = None, urlsplit("")
        if parts.scheme not in _SOCKET_SCHEMES or not host or parts.query or parts.fragment or "@" in parts.netloc:
            raise UsageError(
                f"{url!r} is not the URL of a manager", remedy="write it like http://127.0.0.1:8000 or https://…"
            )
        path = parts.path.rstrip("/")
        http = path or "/api"
        ws = http.removesuffix("/api") + "/update" if http.endswith("/api") else path
        return cls(
            http=urlunsplit((parts.scheme, parts.netloc, http, "", "")),
            ws=urlunsplit((_SOCKET_SCHEMES[parts.scheme], parts.netloc, ws, "", "")),
        )


#: the vendor's public service, for devices that the vendor certified
VENDOR: Final = ManagerAddress(
    http="https://manager.api.live.ledger.com/api", ws="wss://scriptrunner.api.live.ledger.com/update"
)


def is_loopback(url: str) -> bool:
    """Tell whether a URL is on this machine, where no proxy of the environment applies."""
    return (urlsplit(url).hostname or "") in _LOOPBACK


def unreachable(url: str, error: Exception, *, is_late: bool, is_refused: bool) -> TransportError:
    """Return, not raise, the error of a manager that cannot be reached: nothing listens, the name is unknown, TLS fails.

    `is_late`: no answer in time; `is_refused`: nobody takes the connection.
    """
    if is_late:
        return ManagerTimeout(f"the manager at {url} does not answer in time", remedy="try again; see its log")
    if is_refused and is_loopback(url):
        return ManagerError(f"no manager listens at {url}", remedy=_START_ONE)
    return ManagerError(
        f"the manager at {url} cannot be reached: {str(error) or type(error).__name__}",
        remedy="see whether the URL is right and the network is there, then try again",
    )
