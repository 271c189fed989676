"""The isolated board as a user holds it: its processes, its power, and the person at its panel."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from process_stage import PATIENCE_S, proc
from up_stage import Up, tree, wait_for_end

from tallystick.testing.user import User
from tallystick.wire.events import BUTTON_NAMES
from tallystick.wire.panel import Frame


def told(pid, what):
    """Return a file of /proc as bytes; nothing where not even the user whose process it is may read it."""
    try:
        return Path(f"/proc/{pid}/{what}").read_bytes()
    except PermissionError:
        assert os.getuid()
        return b""


def worlds(device):
    """Return the processes by what they are: normal and app by the role in their command lines, secure by its own."""
    found = {}
    for pid in tree(device.process.pid):
        words = (proc(pid, "cmdline") or b"").split(b"\x00")
        for role in (b"world", b"normal", b"app"):
            if role in words:
                found[role.decode()] = pid
        if b"tallystick.device.board.silicon_main" in words:
            found["silicon"] = pid
    return found


def tally(*words, env, code=0):
    """Run a tally command and return its JSON."""
    ended = subprocess.run(
        [sys.executable, "-m", "tallystick", *words, "--json"],
        check=False, capture_output=True, text=True, timeout=PATIENCE_S, env=env,
    )  # fmt: skip
    assert ended.returncode == code, ended.stdout + ended.stderr
    return json.loads(ended.stdout)


class Panel:
    """The panel of a running device over REST: what `tallystick.testing.user.User` needs of it."""

    def __init__(self, device):
        self._device = device

    @property
    def frame(self):
        """The screen as it is now."""
        return Frame.from_json(self._device.rest("GET", "/screen"))

    def perform(self, action):
        """Carry out an action, and wait for what it leads to: each leads to another screen."""
        if action.button:
            name = next(name for name, button in BUTTON_NAMES.items() if button is action.button)
            answer = self._device.rest("POST", f"/button/{name}", {"action": "press-and-release"})
        else:
            place = {"x": action.x, "y": action.y, "delay": action.hold_s}
            answer = self._device.rest("POST", "/finger", {"action": "press-and-release", **place})
        self._device.rest("GET", f"/screen?after={answer['sequence']}")


class Held(Up):
    """A running isolated board, with a person at its panel and a hand at its plug."""

    def __init__(self, *options, env, **settings):
        super().__init__("--board", "isolated", *options, env=env, **settings)
        self.user = User(Panel(self))

    @property
    def frame(self):
        """The screen as it is now."""
        return Panel(self).frame

    @property
    def screen(self):
        """The lines on the screen, as one text."""
        return "\n".join(self.user.read())

    def replug(self, hold=None):
        """Pull the plug, put it in again, and return the status once the device is there anew."""
        before = self.rest("GET", "/status")["sequence"]
        self.rest("POST", "/replug", {"hold": hold})
        return self.status_when(lambda now: now["sequence"] > before)

    def press(self, button):
        """Press a button and let it go."""
        self.rest("POST", f"/button/{button}", {"action": "press-and-release"})

    def cut(self):
        """Cut the power."""
        cut_family(self.process)


def cut_family(process):
    """Kill a device's processes, as a power cut does: all at once. Return when all are gone."""
    family = [process.pid, *freeze(process.pid)]
    for pid in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait(PATIENCE_S)
    for pid in family:
        wait_for_end(pid)


def freeze(pid):
    """Stop a process and all below it, and return those below.

    While it works, a process may start another one between a look at its children and a blow at it, and that one would live
    on, with the device's flash in its hands. Whoever is stopped starts nobody; whoever waits for what it has started (D)
    neither, and what it has started is seen with the next look.
    """
    os.kill(pid, signal.SIGSTOP)
    family = []
    while (found := tree(pid)) != family or not all(_is_still(member) for member in (pid, *family)):
        family = found
        for member in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, signal.SIGSTOP)
    return family


def _is_still(pid):
    """Tell whether a process cannot start another one: it is stopped, waits for one to begin, or has ended."""
    stat = proc(pid, "stat")
    return stat is None or stat.rpartition(b")")[2].split()[0] in {b"T", b"t", b"D", b"Z"}
