"""A manager to measure, and the devices that ask it: processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from bench.link import Refused
from bench.manager.device import TARGET_ID, Identity
from bench.process import cpu_s
from bench.statistic import percentile
from tallystick.manager.hsm.keyring import Keyring

_END_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What came of one run: flows, seconds, the manager's and the devices' CPU seconds, and how long flows took."""

    count: int
    seconds: float
    manager_cpu_s: float
    devices_cpu_s: float
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """Flows in a second."""
        return self.count / self.seconds


class _Service:
    """A service that devices ask, as a process: it writes a line of JSON on standard output when it serves."""

    #: whether what it says goes with what devices said before
    _repeats = False

    def __init__(self, command: Sequence[str], *, log: Path, identity: Identity) -> None:
        self._identity = asdict(identity)
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise Refused(log.read_text(encoding="utf-8"))
        self._ready = json.loads(line)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def load(self, path: str, *, devices: int, seconds: float, processes: int = 1) -> Load:
        """Have devices ask; for `seconds`, or once each when that is 0."""
        where = urlsplit(self._ready["manager_ws"])
        asked = {
            "host": where.hostname,
            "port": where.port,
            "path": where.path + path,
            "identity": self._identity,
            "seconds": seconds,
            "devices": devices // processes,
            "repeats": self._repeats,
        }
        command = [sys.executable, "-m", "bench.manager.load", json.dumps(asked)]
        running = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(processes)
        ]
        for one in running:
            if one.stdout is None or one.stdout.readline() != "ready\n":
                raise Refused("the devices could not be made")
        before = cpu_s(self.pid)
        for one in running:
            if one.stdin is not None:
                one.stdin.write("\n")
                one.stdin.flush()
        said = [one.communicate()[0] for one in running]
        after = cpu_s(self.pid)
        if not all(said):
            raise Refused("a flow did not end as it should")
        found = [json.loads(line) for line in said]
        took = [seconds for one in found for seconds in one["took"]]
        return Load(
            count=len(took),
            seconds=max(one["seconds"] for one in found),
            manager_cpu_s=after - before,
            devices_cpu_s=sum(one["cpu_s"] for one in found),
            p50_ms=1e3 * percentile(took, 0.5),
            p99_ms=1e3 * percentile(took, 0.99),
        )

    def stop(self) -> None:
        """End it."""
        os.kill(self.pid, signal.SIGTERM)
        self._process.communicate(timeout=_END_WITHIN_S)


class Manager(_Service):
    """`tally manager serve` on a free port, with a database of its own in `folder`."""

    def __init__(self, folder: Path, *, hsm: str, workers: int = 1) -> None:
        folder.mkdir()
        with Keyring.open(hsm) as keyring:
            identity = Identity.make(keyring)
        command = ["tallystick", "manager", "serve", "--port", "0", "--json"]
        where = ["--database", f"sqlite:///{folder / 'manager.db'}", "--hsm", hsm, "--workers", str(workers)]
        super().__init__([*command, *where], log=folder / "log", identity=identity)

    def install_path(self) -> str:
        """Return the path by which the catalogue's Cosmos app is asked for."""
        query = f"provider=1&target_id={TARGET_ID}&firmware_version_name=1.1.1"
        offered = httpx.get(f"{self._ready['manager_http']}/v2/apps/by-target?{query}").json()
        app = next(one for one in offered if one["versionName"] == "Cosmos")
        return f"/install?targetId={TARGET_ID}&firmware={app['firmware']}&firmwareKey={app['firmwareKey']}"


class Floor(_Service):
    """`bench.manager.floor` on a free port: what one check costs any server with this event loop."""

    _repeats = True

    def __init__(self, folder: Path, *, hsm: str) -> None:
        folder.mkdir()
        with Keyring.open(hsm) as keyring:
            identity = Identity.make(keyring)
        asked = json.dumps({"hsm": hsm, "identity": asdict(identity)})
        super().__init__(["bench.manager.floor", asked], log=folder / "log", identity=identity)
