"""`tally firmware`, as a user gives it, against a real device on the isolated board and a real manager."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from firmware_stage import NORMAL_LINE, SECURE_LINE, Manager, Releases
from isolated_stage import Held, tally


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    """Build an old release, and one with both worlds new."""
    made = Releases(tmp_path_factory.mktemp("factory"))
    made.build("old", "1.1.1", "4.03")
    made.build("heavy", "1.1.3", "4.04", SECURE_LINE, NORMAL_LINE, security_version=2)
    return made


@pytest.fixture
def device(releases, tmp_path, home):
    """Run a device with the old release, set up, with an app, everything approved."""
    folder = str(tmp_path / "device")
    tally("device", "create", folder, "--images", str(releases.path("old")), env=home)
    with Held("--state", folder, "--app", "cosmos", "--approve", env=home) as device:
        yield device


@pytest.fixture
def manager(device, tmp_path, home, releases):
    """Run a manager with the keys that the device trusts, and the new release."""
    with Manager(tmp_path, home, hsm=f"file:{home['XDG_DATA_HOME']}/tallystick/keyring") as manager:
        manager.publish(releases.path("heavy"))
        yield manager


def _words(device, manager, *words):
    address = manager.facts["manager_http"]
    return (*words, "--device", f"tcp:127.0.0.1:{device.facts['apdu_port']}", "--manager", address)


def test_an_update_is_one_command(device, manager, home, releases):
    """Status tells of the new version; one command installs it, both worlds, and tells each step; then nothing is left to do."""
    found = tally(*_words(device, manager, "firmware", "status"), env=home)
    assert (found["version"], found["target_version"], found["next"], found["flashes_mcu"]) == (
        "1.1.1",
        "1.1.3",
        "install_update",
        True,
    )
    verified = tally("firmware", "verify", str(releases.path("heavy")), *_device(device), env=home)
    assert (verified["holds"], verified["compared"], verified["running_version"]) == (True, "newer", "1.1.1")
    ended = subprocess.run(
        [sys.executable, "-m", "tallystick", *_words(device, manager, "firmware", "update"), "--json-lines"],
        check=False, capture_output=True, text=True, timeout=120, env=home,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    steps = dict.fromkeys(line["step"] for line in lines if line.get("event") == "progress")
    assert [step for step in steps if step.startswith(("installing", "flashing"))] == [
        "installing_update",
        "flashing_mcu",
        "installing_firmware",
    ]
    assert (lines[-1]["version"], lines[-1]["mcu_version"], lines[-1]["up_to_date"]) == ("1.1.3", "4.04", True)
    again = tally(*_words(device, manager, "firmware", "update"), env=home)
    assert (again["version"], again["next"]) == ("1.1.3", "up_to_date")
    verified = tally("firmware", "verify", str(releases.path("old")), *_device(device), env=home)
    assert verified["compared"] == "older"


@pytest.mark.parametrize("step", ["installing_update", "flashing_mcu", "installing_firmware"])
def test_an_update_that_was_killed_goes_on(device, manager, home, step):
    """The command is killed in the middle of a step; the same command later brings the device up to date."""
    with subprocess.Popen(
        [sys.executable, "-m", "tallystick", *_words(device, manager, "firmware", "update"), "--json-lines"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=home,
    ) as process:  # fmt: skip
        for line in process.stdout:
            found = json.loads(line)
            if found.get("step") == step and found["done"] > found["total"] // 3:
                break
        else:
            pytest.fail("it never came to that step")
        process.kill()
    found = tally(*_words(device, manager, "firmware", "update"), env=home)
    assert (found["version"], found["mcu_version"], found["up_to_date"]) == ("1.1.3", "4.04", True)


def test_a_release_that_was_changed_does_not_hold(releases, tmp_path, home):
    """One byte of one image is enough; the exit code says so, and the reason."""
    folder = tmp_path / "changed"
    folder.mkdir()
    for file in releases.path("heavy").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    image = bytearray((folder / "normal-world.pyz").read_bytes())
    image[len(image) // 2] ^= 1
    (folder / "normal-world.pyz").write_bytes(image)
    found = tally("firmware", "verify", str(folder), "--alone", env=home, code=9)
    assert found["holds"] is False
    assert found["reason"]


def _device(device):
    return ("--device", f"tcp:127.0.0.1:{device.facts['apdu_port']}")
