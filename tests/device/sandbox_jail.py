"""Runs the self-test of the sandbox as an ordinary user, whoever runs the tests: a program, started with a user id (or -).

It imports everything while it still may, drops to that user, and forks where the self-test would exec: the interpreter
may lie where that user cannot read. Prints one JSON document: what came of every attempt, by role and mode.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys

from tallystick.device.sandbox import entry, probe, self_test
from tallystick.device.sandbox.attempt import Surroundings, attempts
from tallystick.device.sandbox.confine import survey
from tallystick.device.sandbox.kernel import machine
from tallystick.device.sandbox.role import Role

_PR_SET_DUMPABLE = 4


class Fork:
    """A child that runs a function: as much of Popen as the self-test needs."""

    def __init__(self, function):
        self._status = None
        self.pid = os.fork()
        if self.pid == 0:
            status = 70
            try:
                status = function()
            finally:
                os._exit(status)

    def wait(self, _timeout=None):
        """Return the exit status, or minus the signal."""
        if self._status is None:
            self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._status

    def kill(self):
        """End it, if it has not ended."""
        if self._status is None:
            os.kill(self.pid, signal.SIGKILL)


def start(module, arguments, _descriptors):
    """Fork, and run the main of `module`."""
    main = {"tallystick.device.sandbox.probe": probe.main, "tallystick.device.sandbox.entry": entry.main}[module]
    return Fork(lambda: main(list(arguments)))


def become(uid):
    """Become the ordinary user `uid`, who may be looked at by his other processes, as programs usually may."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)


def told(result):
    """Return a result as JSON has it."""
    return {
        "outcomes": {one.name: one.outcome for one in result.outcomes},
        "status": result.status,
        "holds": result.holds,
        "killed": result.is_killed,
    }


def main(uid):
    """Run everything as `uid`."""
    if uid != "-":
        become(int(uid))
    around = Surroundings(parent=os.getppid(), link=0, listener=0, page=0)
    tried = attempts(around)
    numbers = [number for number, one in enumerate(tried) if machine().number(one.call) is not None]
    report = {"uid": os.getuid(), "attempts": [tried[number].name for number in numbers], "soft": {}, "released": {}}
    for role in self_test.ROLES:
        for mode in ("self-test", "self-test-without-landlock"):
            report["soft"][f"{role.value} {mode}"] = told(self_test.run(role, mode=mode, start=start))
        report["released"][role.value] = {
            tried[number].name: told(self_test.run_released(role, str(number), start=start)) for number in numbers
        }
    for mode, role in (("landlock-alone", Role.NORMAL), ("limits-alone", Role.APP), ("open", Role.NORMAL)):
        report[mode] = told(self_test.run(role, mode=mode, start=start))
    report["missing"] = survey().missing
    print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1])
