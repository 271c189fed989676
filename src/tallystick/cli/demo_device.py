"""The devices of `tally demo`: each a `tally up` of its own, for as long as the tour lasts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tallystick.errors import TransportError

#: the seed of development networks everywhere: nobody's money
SEED = "test test test test test test test test test test test junk"
_START_TIMEOUT_S = 30


@contextmanager
def device(model: str, *options: str) -> Iterator[dict[str, Any]]:
    """Run `tally up` with `options` beside the usual ones; yield what it says of itself."""
    with devices(1, model, *options) as (facts,):
        yield facts


@contextmanager
def devices(count: int, model: str, *options: str) -> Iterator[list[dict[str, Any]]]:
    """Run several, started at once."""
    words = [sys.executable, "-m", "tallystick", "up", "--json", "--model", model, "--seed", SEED]
    command = [*words, "--apdu-port", "0", "--api-port", "0", *options]
    started: list[subprocess.Popen[str]] = []
    try:
        for _ in range(count):
            started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))  # noqa: S603, PERF401 -- ended below, however far it came
        yield [_facts(process) for process in started]
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(_START_TIMEOUT_S)


def _facts(process: subprocess.Popen[str]) -> dict[str, Any]:
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise TransportError("the device did not start", remedy="run `tally up` to see why")
    facts: dict[str, Any] = json.loads(line)
    if "serial" not in facts:
        raise TransportError(f"the device did not start: {facts.get('message')}", remedy=str(facts.get("remedy")))
    return facts
