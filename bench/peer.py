"""A device to measure: a command that starts it, and the running thing."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.link import Link, Refused, connect_when_open, free_port
from bench.process import cpu_s, tree
from bench.profile import COSMOS, NAME_AND_VERSION, SEED, Profile

_START_WITHIN_S = 60.0
_END_WITHIN_S = 10.0
_POLL_S = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A column of the table, the words that start it ({apdu} and {api} stand for ports), and the app it runs."""

    column: str
    command: tuple[str, ...]
    profile: Profile

    @classmethod
    def ours(cls, *flags: str, board: str = "embedded") -> Peer:
        """Return `tally up` with the Cosmos app open, its worlds put together as `board` says."""
        command = (
            sys.executable,
            "-m",
            "tallystick",
            "up",
            "--board",
            board,
            "--json",
            "--seed",
            SEED,
            "--app",
            "cosmos",
        )
        ports = ("--no-manager", "--open", "cosmos", "--apdu-port", "{apdu}", "--api-port", "{api}")
        return cls(column="ours", command=(*command, *ports, *flags), profile=COSMOS)

    @classmethod
    def emulated(cls, elf: Path, profile: Profile, *, model: str | None = None) -> Peer:
        """Return `tally emulate` with an app of the vendor's SDK; `model` is for a file that says none."""
        ports = ("--apdu-port", "{apdu}", "--api-port", "{api}", *(("--model", model) if model else ()))
        return cls(
            column="ours", command=(sys.executable, "-m", "tallystick", "emulate", *ports, str(elf)), profile=profile
        )

    @classmethod
    def speculos(cls, command: str, profile: Profile) -> Peer:
        """Return Speculos, started by `command`."""
        return cls(column="speculos", command=tuple(shlex.split(command)), profile=profile)


class Running:
    """A device that was started for this measurement, and answered."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.apdu_port, self.api_port = free_port(), free_port()
        ports = {"{apdu}": str(self.apdu_port), "{api}": str(self.api_port)}
        words = []
        for word in peer.command:
            for placeholder, port in ports.items():
                word = word.replace(placeholder, port)  # noqa: PLW2901
            words.append(word)
        started = time.perf_counter()
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # packages that were installed have their modules compiled; a checkout gets them by the first start
            env={name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        )
        self.link: Link | None = None
        try:
            self._wait(started)
        except BaseException as error:
            code = self._process.poll()
            self.stop()
            if code is not None and isinstance(error, OSError | Refused):
                raise Refused(f"it ended by itself with {code}: {shlex.join(words)}") from error
            raise

    def _wait(self, started: float) -> None:
        self.link = connect_when_open(self.apdu_port, deadline=started + _START_WITHIN_S, is_alive=self._is_alive)
        answer = self.link.ask(NAME_AND_VERSION)
        self.start_s = time.perf_counter() - started
        #: when it first answered, on the clock of `bench.process.started_s`
        self.answered_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        self.start_cpu_s = cpu_s(self.pid)
        name = answer[2 : 2 + answer[1]].decode("ascii", "replace")
        if name != self.peer.profile.app:
            raise Refused(f"{self.peer.column} runs {name}, not {self.peer.profile.app}")
        while True:
            try:
                self.ask_panel("GET", "/events?currentscreenonly=true")
                break
            except ConnectionRefusedError:
                if time.perf_counter() > started + _START_WITHIN_S:
                    raise
                time.sleep(_POLL_S)
        self.start_panel_s = time.perf_counter() - started

    def _is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def column(self) -> str:
        """Where its figures go."""
        return self.peer.column

    @property
    def pid(self) -> int:
        """The first process of the tree."""
        return self._process.pid

    @property
    def device(self) -> Link:
        """The connection that was opened at start."""
        if self.link is None:
            raise Refused("the device is not connected")
        return self.link

    def ask_panel(self, method: str, path: str, document: Any = None) -> bytes:
        """Send one REST request; raise Refused unless it is answered 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.api_port, timeout=60)
        try:
            body = None if document is None else json.dumps(document)
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise Refused(f"{method} {path} was answered {answer.status}: {text[:200]!r}")
        return text

    def stop(self) -> None:
        """End it: politely, then by force, with every process that it left behind."""
        if self.link is not None:
            self.link.close()
        members = tree(self.pid) if self._process.poll() is None else []
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for member in members[1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)
