"""A manager of its own: `tally manager serve` as a process, with a database of its own and the workshop's keys."""

import json
import os
import signal
import subprocess
from dataclasses import dataclass

from device_process import DeviceFailed, first_line

END_WITHIN_S = 120.0


@dataclass(frozen=True, kw_only=True)
class ServiceProcess:
    """A running manager: its process, and what it said when it was ready."""

    process: subprocess.Popen
    ready: dict

    def end(self):
        """Ask it to end, by its pid, and see that it does."""
        os.kill(self.process.pid, signal.SIGTERM)
        try:
            assert self.process.wait(END_WITHIN_S) == 0
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()


def start(*, command, flags, directory):
    """Start `command` (a list) with `manager serve` and `flags`, on a free port; give the `ServiceProcess` once it serves."""
    log = directory / "manager.log"
    with log.open("ab") as stderr:
        process = subprocess.Popen(
            [*command, "manager", "serve", "--port", "0", "--json", *flags],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            cwd=directory,
        )
    line = first_line(process.stdout)
    if not line:
        process.kill()
        process.wait()
        process.stdout.close()
        raise DeviceFailed(f"the manager did not start; it said:\n{log.read_text(encoding='utf-8')}")
    return ServiceProcess(process=process, ready=json.loads(line))
