"""What a client asked for, looked up: the flow to be run, or one that says why not (wire-protocol H.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl

import structlog
from sqlalchemy.exc import SQLAlchemyError

from tallystick.errors import RemoteProtocolError
from tallystick.manager.flow import Flow, FlowError
from tallystick.manager.service import Service
from tallystick.wire.manager_flow import FlowPath, FlowRequest

_LOG: Final = structlog.get_logger("tallystick.manager.flow")
_QUERIES: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a client asked for: the flow, and its name and subject in the log."""

    action: str
    subject: str
    flow: Flow = field(repr=False)
    #: its steps take long enough to hold up others: they are made beside the event loop
    is_heavy: bool = False


#: reads the database where it must; raises FlowError for what is not offered
Opener = Callable[[Service, FlowRequest], Work]


def opened(opener: Opener, service: Service, path: FlowPath, *, query: str, open_sockets: int) -> Work:
    """Return what is to be done for `query`, of which this is one of `open_sockets`; what cannot be done is a flow that says so."""
    try:
        if open_sockets > service.settings.max_flows:
            raise FlowError("too many devices at once", remedy="try again in a minute")
        return opener(service, _asked(query))
    except RemoteProtocolError as error:
        return Work(action=path.strip("/"), subject="", flow=_failing(FlowError(error.message)))
    except FlowError as error:
        return Work(action=path.strip("/"), subject=_subject(query), flow=_failing(error))
    except SQLAlchemyError as error:
        _LOG.error("database", path=path.value, kind=type(error).__name__)
        away = FlowError("the manager's database does not answer", remedy="try again in a minute")
        return Work(action=path.strip("/"), subject=_subject(query), flow=_failing(away))


@lru_cache(maxsize=_QUERIES)
def _asked(query: str) -> FlowRequest:
    """Read a query; devices of one kind ask the same."""
    return FlowRequest.from_query(_members(query))


def _members(query: str) -> dict[str, str]:
    return dict(parse_qsl(query, keep_blank_values=True))


def _failing(error: FlowError) -> Flow:
    """Return a flow that ends at once."""
    yield from ()
    raise error


def _subject(query: str) -> str:
    """Return what a client named, cut short and printable."""
    members = _members(query)
    said = members.get("firmware") or members.get("version") or members.get("targetId") or ""
    return "".join(letter for letter in said[:100] if letter.isprintable())
