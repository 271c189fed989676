"""The device under judgement: `tally up` as a process of its own, on free ports of the loopback address."""

import json
import os
import selectors
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

READY_WITHIN_S = 300.0
END_WITHIN_S = 120.0


class DeviceFailed(AssertionError):
    """The device did not start, or did not end, as `tally up` promises."""


@dataclass(frozen=True, kw_only=True)
class DeviceProcess:
    """A running device: its process, and what it said when it was ready."""

    process: subprocess.Popen
    ready: dict
    log: Path

    @property
    def apdu_port(self):
        """Where it takes APDUs over TCP."""
        return self.ready["apdu_port"]

    @property
    def api_port(self):
        """Where its front panel answers."""
        return self.ready["api_port"]

    def end(self):
        """Ask the process to end, by its pid, and see that it does."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise DeviceFailed(f"the device was still there {END_WITHIN_S} s after SIGTERM\n{self.said()}") from None
        finally:
            self.process.stdout.close()

    def said(self):
        """Give what the device wrote on its standard error."""
        return self.log.read_text(encoding="utf-8", errors="replace")


#: stands among the flags of a device that is to have its manager beside it
WITH_MANAGER = "with-manager"


def start(*, command, flags, directory):
    """Start `command` (a list) with `up` and `flags`; give the `DeviceProcess` once it is ready."""
    log = Path(tempfile.mkstemp(dir=directory, prefix="device-", suffix=".log")[1])
    ports = ["--apdu-port", "0", "--api-port", "0"]
    no_manager = [] if "--manager" in flags or WITH_MANAGER in flags else ["--no-manager"]
    flags = [flag for flag in flags if flag != WITH_MANAGER]
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [*command, "up", "--ephemeral", *ports, "--json", *no_manager, *flags],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            cwd=directory,
        )
    line = first_line(process.stdout)
    device = DeviceProcess(process=process, ready=parse(line), log=log)
    if not {"pid", "apdu_port", "api_port"} <= device.ready.keys():
        said = device.said()
        device.end()
        raise DeviceFailed(f"no ready line from {command} up {flags}, but {line!r}; it said:\n{said}")
    return device


def first_line(stream):
    """Read up to the first newline, the end of the stream, or the time limit."""
    collected = b""
    deadline = time.monotonic() + READY_WITHIN_S
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while b"\n" not in collected:
            if not selector.select(max(deadline - time.monotonic(), 0)):
                break
            chunk = os.read(stream.fileno(), 65536)
            if not chunk:
                break
            collected += chunk
    return collected.partition(b"\n")[0]


def parse(line):
    """Read the ready line; an empty dict if it is not a JSON object."""
    try:
        document = json.loads(line)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
