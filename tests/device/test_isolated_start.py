"""The isolated board from its first start on: images built once, by whoever comes first, and put into devices again."""

import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner
from isolated_stage import tally
from up_stage import NAME, Up

from tallystick.cli.exit import ExitCode
from tallystick.cli.main import tally as command
from tallystick.wire.boundaries import Boundaries

BOUNDARIES = "b0f0000000"
READY = b"\x90\x00"


def test_two_first_starts_at_once_build_once(tmp_path):
    """With no images anywhere, two starts at once both get a device, and one of them has built for both."""
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_DATA_HOME": str(tmp_path / "data")}

    def start(_number):
        with Up("--ephemeral", "--no-panel", seed="", env=env) as device:
            answer = device.exchange(NAME)
            device.end()
            return answer[-2:], device.said()

    with ThreadPoolExecutor(2) as both:
        answers, told = zip(*both.map(start, range(2)), strict=True)
    assert answers == (READY, READY)
    assert "".join(told).count("building the device's images") == 1
    assert len(list((tmp_path / "cache" / "tallystick" / "images").glob("*/*"))) == 1


def test_a_kept_device_survives_the_cache(home, tmp_path):
    """Cleared, the cache is built again with the same keys: the device starts, and takes the new images."""
    env = {**home, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    shutil.copytree(home["XDG_CACHE_HOME"], tmp_path / "cache", dirs_exist_ok=True)
    folder = str(tmp_path / "device")
    with Up("--state", folder, "--no-panel", seed="", env=env) as device:
        issuer = device.facts["issuer_public_key"]
    shutil.rmtree(tmp_path / "cache")
    flashed = tally("device", "flash", folder, env=env)["folder"]
    assert flashed == folder
    with Up("--state", folder, "--no-panel", seed="", env=env) as device:
        assert device.facts["issuer_public_key"] == issuer
        assert device.exchange(NAME)[-2:] == READY


def test_flash_without_images_takes_those_of_this_installation(home, tmp_path):
    """Into the slot not in use, on trial; the device starts from it. A folder without a device is refused."""
    folder = str(tmp_path / "device")
    with Up("--state", folder, seed="", env=home) as device:
        assert device.rest("GET", "/status")["slot"] == "a"
    before = tally("device", "boot", folder, env=home)
    flashed = tally("device", "flash", folder, env=home)
    assert (before["slot"], flashed["slot"]) == ("a", "b")
    assert flashed["version"] == before["version"]
    with Up("--state", folder, seed="", env=home) as device:
        assert device.rest("GET", "/status")["slot"] == "b"
    (tmp_path / "empty").mkdir()
    tally("device", "flash", str(tmp_path / "empty"), env=home, code=ExitCode.USAGE)


def test_the_walls_are_told_over_the_wire_as_in_the_status(home):
    """`B0 F0` of a whole device, with the panel's word for comparison."""
    with Up("--ephemeral", seed="", env=home) as device:
        answer = device.exchange(BOUNDARIES)
        status = device.rest("GET", "/status")
    assert answer[-2:] == READY
    assert status["board"] == "isolated"
    assert Boundaries.from_bytes(answer[:-2]) == Boundaries.of_facts(status)


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_the_isolated_board_says_that_it_needs_linux(platform, monkeypatch, tmp_path):
    """Elsewhere it is refused before anything is started, with what works there; nothing is written."""
    monkeypatch.setattr(sys, "platform", platform)
    refused = CliRunner().invoke(command, ["up", "--state", str(tmp_path / "device")])
    assert refused.exit_code == ExitCode.USAGE
    assert "needs Linux" in refused.output
    assert "--board embedded" in refused.output
    assert not (tmp_path / "device").exists()
