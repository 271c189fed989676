"""A TPM simulator of this machine (swtpm), started by the test that wants one and ended with it."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tallystick.device.hil import KeyRefused
from tallystick.device.silicon.tpm_link import TpmSocket

PROGRAM = shutil.which("swtpm")


class Simulator:
    """One power cycle of a simulated TPM that keeps its memory in `folder`, an absolute path."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "tpm"
        folder.mkdir(exist_ok=True)
        for path in (self._path, self._path.with_name("tpm.ctrl")):
            path.unlink(missing_ok=True)
        state = folder / "state"
        state.mkdir(exist_ok=True)
        self._process = subprocess.Popen(
            [
                PROGRAM or "swtpm",
                "socket",
                "--tpm2",
                "--tpmstate",
                f"dir={state}",
                "--server",
                f"type=unixio,path={self._path}",
                "--ctrl",  # where other people's tools look for it
                f"type=unixio,path={self._path}.ctrl",
                "--flags",
                "not-need-init,startup-clear",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.link = self._connect()

    def _connect(self) -> TpmSocket:
        end_s = time.monotonic() + 60
        while True:
            try:
                return TpmSocket(self._path)
            except KeyRefused:
                if time.monotonic() > end_s or self._process.poll() is not None:
                    raise
                time.sleep(0.005)

    @property
    def provider(self) -> str:
        """What `--key-provider` is told."""
        return f"tpm2:swtpm:path={self._path}"

    def hand_over(self) -> None:
        """Let go of it, so that somebody else can use it: it listens to one at a time."""
        self.link.close()

    def take_back(self) -> TpmSocket:
        """Use it again, once nobody else does."""
        self.link = self._connect()
        return self.link

    def kill(self) -> None:
        """Cut its power."""
        self.link.close()
        self._process.kill()
        self._process.wait()


@contextmanager
def simulator(folder: Path) -> Iterator[Simulator]:
    """Run a simulator for as long as the block lasts."""
    running = Simulator(folder)
    try:
        yield running
    finally:
        running.kill()
