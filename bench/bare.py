"""The bare server as a process: the limit of the transport, measured in turn with the devices."""

from __future__ import annotations

import subprocess
import sys
import time

from bench.link import Link, Refused, connect_when_open
from bench.metric import LIMIT

_START_WITHIN_S = 30.0


class Bare:
    """A running `bench.echo`, and a connection to it."""

    column = LIMIT

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-m", "bench.echo"], stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            self.stop()
            raise Refused("the bare server did not start")
        self.apdu_port = int(line)
        self.device: Link = connect_when_open(self.apdu_port, deadline=time.perf_counter() + _START_WITHIN_S)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.communicate()
