"""Logs as lines of JSON on stderr: what happened, never what was said."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii as _quoted
from typing import Final, TextIO, cast

import structlog

_SHARED: Final = (
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


class _Errors:
    """Standard error, to which writing never fails: a log without room or reader must not take the service with it."""

    def write(self, text: str) -> int:
        """Write a text; what cannot be written is lost, or waits with the stream for room."""
        with suppress(OSError, ValueError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what waits."""
        with suppress(OSError, ValueError):
            sys.stderr.flush()


def line(event: str, moment: datetime, members: Iterable[tuple[str, str | float]]) -> str:
    """Return a line of the log at level INFO, as structlog would write it and at less cost; names of members need no quoting."""
    told = "".join([f'"{name}": {_quoted(one) if isinstance(one, str) else repr(one)}, ' for name, one in members])
    stamp = moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return f'{{{told}"event": {_quoted(event)}, "level": "info", "timestamp": "{stamp}"}}\n'


def write_lines(lines: Iterable[str]) -> None:
    """Write lines, all in one go; nothing is raised when that fails."""
    errors = _Errors()
    errors.write("".join(lines))
    errors.flush()


def set_up_log() -> None:
    """Write one JSON object for each event from level INFO on, and for each warning of the libraries below."""
    structlog.configure(
        processors=[*_SHARED, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _Errors())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(cast("TextIO", _Errors()))
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
