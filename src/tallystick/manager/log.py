"""Logs as lines of JSON on stderr: what happened, never what was said."""

from __future__ import annotations

import logging
import sys

import structlog


def set_up_log() -> None:
    """Write one JSON object for each event from level INFO on."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
