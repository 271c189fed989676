"""Logs as lines of JSON on stderr: what happened, never what was said."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import structlog

_SHARED: Final = (
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
#: made once: `json.dumps` with an argument makes one for each line
_ENCODER: Final = json.JSONEncoder()


def write_lines(event: str, lines: Iterable[tuple[datetime, dict[str, Any]]]) -> None:
    """Write one line for each moment and what belongs to it, at level INFO, all in one go: as structlog would, at less cost."""
    told = (members | {"event": event, "level": "info", "timestamp": _stamp(moment)} for moment, members in lines)
    text = "".join(f"{_ENCODER.encode(one)}\n" for one in told)
    sys.stderr.write(text)
    sys.stderr.flush()


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def set_up_log() -> None:
    """Write one JSON object for each event from level INFO on, and for each warning of the libraries below."""
    structlog.configure(
        processors=[*_SHARED, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
            foreign_pre_chain=[*_SHARED, structlog.processors.dict_tracebacks],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
