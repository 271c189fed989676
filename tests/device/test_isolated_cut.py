"""The power of the isolated board is cut at random moments: it starts again, in the old state or in the new one.

All processes are killed at once, at a moment between the beginning of a change and somewhat after its end; how long the
change takes is measured first, on this machine. What was acknowledged before the cut must be there after it.
"""

import random
import select
import shutil
import subprocess
import time
from contextlib import contextmanager

import pytest
from isolated_stage import Held, Panel, cut_family
from process_stage import PATIENCE_S
from up_stage import GET_ADDRESS, TEST_SENTENCE, command, receive

from tallystick.errors import UsageError
from tallystick.ui.approval import approving_action
from tallystick.wire.dashboard import HostOnboarding
from tallystick.wire.panel import Role

PIN = "1234"
DONE = b"\x90\x00"
#: how far beyond the measured end a cut may come
BEYOND = 1.2
_MESSAGE = HostOnboarding(pin=PIN.encode(), words=TEST_SENTENCE.encode()).to_bytes()
ONBOARD = bytes((0xE0, 0xD0, 0, 0, len(_MESSAGE))) + _MESSAGE
#: what ends a question: the gesture after which the device acts
_LAST = (Role.APPROVE, Role.SELECT)
RENAME = b"\xe0\xd4\x00\x00\x04Till"


@pytest.fixture(scope="module")
def fresh(home, tmp_path_factory):
    """Make a device as it comes out of its box, and keep it as a copy."""
    folder = tmp_path_factory.mktemp("fresh") / "device"
    with Held("--state", str(folder), env=home, seed="") as device:
        device.end()
    return folder


@pytest.fixture(scope="module")
def ready(home, tmp_path_factory):
    """Make a device that is set up, without a PIN and without an app, and keep it as a copy."""
    folder = tmp_path_factory.mktemp("ready") / "device"
    with Held("--state", str(folder), env=home) as device:
        device.end()
    return folder


@contextmanager
def copy_of(template, tmp_path):
    """Give a copy of a device that is off."""
    folder = tmp_path / "device"
    shutil.copytree(template, folder)
    yield folder
    shutil.rmtree(folder)


def hold(folder, home):
    """Start what is there, and hold it."""
    return Held("--state", str(folder), env=home, seed="")


def wait(readable, limit_s):
    """Return once there is something to read, or after the time until the cut; tell whether there was."""
    return bool(select.select([readable], [], [], limit_s)[0])


def onboard(folder, home, limit_s):
    """Let the host set the device up, and cut; return whether it was acknowledged, and the seconds it took."""
    with hold(folder, home) as device:
        device.replug("right")
        link, begun_s = device.connect(), time.monotonic()
        link.sendall(len(ONBOARD).to_bytes(4, "big") + ONBOARD)
        is_done = wait(link, limit_s)
        took_s = time.monotonic() - begun_s
        if is_done:
            assert receive(link) == DONE
        device.cut()
        return is_done, took_s


def install(folder, home, limit_s):
    """Start the device with an app to install, and cut; return whether it was up, and the seconds it took."""
    words = command("--board", "isolated", "--state", str(folder), "--app", "cosmos", "--json")
    words += ["--apdu-port", "0", "--api-port", "0"]
    begun_s = time.monotonic()
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=home) as process:
        is_up = wait(process.stdout, limit_s)
        took_s = time.monotonic() - begun_s
        cut_family(process)
    return is_up, took_s


def rename(folder, home, limit_s):
    """Rename the device, approve at its panel, and cut; return whether it was acknowledged, and the seconds it took."""
    with hold(folder, home) as device:
        link, before = device.connect(), device.frame.sequence
        link.sendall(len(RENAME).to_bytes(4, "big") + RENAME)
        device.rest("GET", f"/screen?after={before}")
        while (action := approving_action(device.frame)).role not in _LAST:
            Panel(device).perform(action)
        begun_s = time.monotonic()
        device.press("both")  # what approves, on this model
        is_done = wait(link, limit_s)
        took_s = time.monotonic() - begun_s
        if is_done:
            assert receive(link) == DONE
        device.cut()
        return is_done, took_s


def is_onboarded(device):
    """Tell whether the device is set up; a PIN that was chosen must open it, and none of it may be there otherwise."""
    if not device.rest("GET", "/status")["onboarded"]:
        assert "Welcome" in device.screen
        return False
    assert device.exchange("b001000000") == b"\x55\x15"
    device.user.enter_pin(PIN)
    assert device.rest("GET", "/status")["unlocked"]
    return True


def has_app(device):
    """Tell whether the app is there; then it works."""
    assert device.rest("GET", "/status")["unlocked"]
    try:
        device.user.choose("Cosmos")
    except UsageError:
        return False
    assert device.exchange(GET_ADDRESS).endswith(DONE)
    return True


def has_name(device):
    """Tell whether the device has its new name; it has the old one otherwise."""
    name = device.rest("GET", "/status")["name"]
    assert name in {"Till", "Nano S+"}
    return name == "Till"


@pytest.mark.parametrize(
    ("template", "change", "is_new", "kills"),
    [("fresh", onboard, is_onboarded, 9), ("ready", install, has_app, 8), ("ready", rename, has_name, 8)],
    ids=["onboarding", "install", "rename"],
)
def test_a_cut_leaves_the_old_state_or_the_new_one(request, home, tmp_path, template, change, is_new, kills):
    """Kill everything at random moments of a change: the device starts, old or new, and new if it had said so."""
    chance = random.Random(f"{template} {change.__name__}")
    template = request.getfixturevalue(template)
    with copy_of(template, tmp_path) as folder:
        is_done, whole_s = change(folder, home, PATIENCE_S)
        assert is_done
        with hold(folder, home) as device:
            assert is_new(device)
    for _ in range(kills):
        with copy_of(template, tmp_path) as folder:
            is_done, _took_s = change(folder, home, chance.uniform(0, whole_s * BEYOND))
            with hold(folder, home) as device:
                serial = device.rest("GET", "/status")["serial"]
                is_there = is_new(device)
            assert is_there or not is_done
            with hold(folder, home) as device:  # and it stays so
                assert device.rest("GET", "/status")["serial"] == serial
                assert is_new(device) is is_there
