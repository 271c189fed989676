"""A manager to measure, and the devices that ask it: processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
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


class Manager:
    """`tally manager serve` on a free port, with a database of its own in `folder`."""

    def __init__(self, folder: Path, *, hsm: str, workers: int = 1) -> None:
        folder.mkdir()
        with Keyring.open(hsm) as keyring:
            self._identity = asdict(Identity.make(keyring))
        command = [sys.executable, "-m", "tallystick", "manager", "serve", "--port", "0", "--json"]
        where = ["--database", f"sqlite:///{folder / 'manager.db'}", "--hsm", hsm, "--workers", str(workers)]
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*command, *where], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True
            )
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise Refused((folder / "log").read_text(encoding="utf-8"))
        self._ready = json.loads(line)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def install_path(self) -> str:
        """Return the path by which the catalogue's Cosmos app is asked for."""
        query = f"provider=1&target_id={TARGET_ID}&firmware_version_name=1.1.1"
        offered = httpx.get(f"{self._ready['manager_http']}/v2/apps/by-target?{query}").json()
        app = next(one for one in offered if one["versionName"] == "Cosmos")
        return f"/install?targetId={TARGET_ID}&firmware={app['firmware']}&firmwareKey={app['firmwareKey']}"

    def load(self, path: str, *, devices: int, seconds: float, processes: int = 1) -> Load:
        """Have devices ask; for `seconds`, or once each when that is 0."""
        where = urlsplit(self._ready["manager_ws"])
        asked = {
            "host": where.hostname,
            "port": where.port,
            "path": where.path + path,
            "identity": self._identity,
            "seconds": seconds,
        }
        asked["devices"] = devices // processes
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
