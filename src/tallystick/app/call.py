"""One system call: the request goes to whoever drives the coroutine, and the outcome comes back."""

from __future__ import annotations

from collections.abc import Generator
from types import coroutine
from typing import Any

from tallystick.wire.syscall import Outcome, Request


@coroutine
def call(request: Request) -> Generator[Request, Outcome, Any]:
    """Make `request` and return its value; raise SyscallError when it did not end with OK."""
    outcome = yield request
    return outcome.unwrap(request)
