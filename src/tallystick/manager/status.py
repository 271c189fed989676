"""How the service is: /health for a balancer, /metrics for Prometheus (its text format)."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from tallystick import __version__
from tallystick.manager.db.record import Count
from tallystick.manager.service import Service

_CONTENT: Final = "text/plain; version=0.0.4; charset=utf-8"
_NAME: Final = "tally_manager"


def health(service: Service) -> Callable[[Request], Any]:
    """Return the endpoint that answers 200 while the database answers, else 503."""

    def ask() -> bool:
        try:
            with service.sessions() as session:
                session.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return False
        return True

    async def answer(_request: Request) -> Response:
        good = await run_in_threadpool(ask)
        members = {
            "status": "ok" if good else "no_database",
            "version": __version__,
            "realm": service.keyring.realm.value,
            "issuer_public_key": service.keyring.issuer.public_key.hex(),
        }
        return JSONResponse(members, status_code=200 if good else 503)

    return answer


def metrics(service: Service, open_sockets: Callable[[], int]) -> Callable[[Request], Any]:
    """Return the endpoint of the counters: those of all workers, and what this one has open."""

    def read() -> list[str]:
        with service.sessions() as session:
            return _counters(session)

    async def answer(_request: Request) -> Response:
        lines = await run_in_threadpool(read)
        lines += _head("open_sockets", "gauge", "flows that are under way in one worker")
        lines.append(f'{_NAME}_open_sockets{{worker="{os.getpid()}"}} {open_sockets()}')
        return PlainTextResponse("\n".join(lines) + "\n", media_type=_CONTENT)

    return answer


def _counters(session: Session) -> list[str]:
    counts = session.scalars(select(Count).order_by(Count.action, Count.outcome)).all()
    lines = _head("flows_total", "counter", "flows that ended, by what they did and how they ended, of all workers")
    lines += [f"{_NAME}_flows_total{_labels(one)} {one.times}" for one in counts]
    lines += _head("flow_seconds_total", "counter", "how long these flows took, all together")
    lines += [f"{_NAME}_flow_seconds_total{_labels(one)} {one.seconds:.6f}" for one in counts]
    return lines


def _head(name: str, kind: str, help_text: str) -> list[str]:
    return [f"# HELP {_NAME}_{name} {help_text}", f"# TYPE {_NAME}_{name} {kind}"]


def _labels(count: Count) -> str:
    return f'{{action="{count.action}",outcome="{count.outcome}"}}'
