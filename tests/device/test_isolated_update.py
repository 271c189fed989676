"""Firmware updates of a real device by a real manager: new code runs in both worlds, and whatever goes wrong loses nothing."""

from __future__ import annotations

import os
import random
import threading
from http.client import HTTPException

import pytest
from firmware_stage import NORMAL_LINE, SECURE_LINE, Client, Manager, Releases, new_keys
from isolated_stage import Held, tally
from up_stage import GET_ADDRESS


@pytest.fixture(scope="module")
def keys(home):
    """Return the URL of the workshop's keys, which devices of this test trust."""
    return f"file:{home['XDG_DATA_HOME']}/tallystick/keyring"


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    """Build an old release, a light one (Secure World only), and a heavy one (both worlds)."""
    made = Releases(tmp_path_factory.mktemp("factory"))
    made.build("old", "1.1.1", "4.03")
    made.build("light", "1.1.2", "4.03", SECURE_LINE)
    made.build("heavy", "1.1.3", "4.04", SECURE_LINE, NORMAL_LINE, security_version=2)
    return made


@pytest.fixture
def folder(releases, tmp_path, home):
    """Return the folder of a device with the old release."""
    tally("device", "create", str(tmp_path / "device"), "--images", str(releases.path("old")), env=home)
    return str(tmp_path / "device")


@pytest.fixture
def device(folder, home):
    """Run it, set up, with an app, everything approved."""
    with Held("--state", folder, "--app", "cosmos", "--approve", env=home) as device:
        yield device


@pytest.fixture
def manager(device, tmp_path, home, keys):
    """Run a manager with the keys that the device trusts."""
    with Manager(tmp_path, home, hsm=keys) as manager:
        yield manager


def _address(device):
    device.exchange("e0d8000006436f736d6f73")
    return device.exchange(GET_ADDRESS)


def test_a_light_update_takes_two_steps(device, manager, releases):
    """Where the Normal World is the one that runs, only the Secure World is new; the app is gone and named, the seed is there."""
    manager.publish(releases.path("light"))
    client = Client(manager, device)
    assert client.info.mcu_bootloader_version == "3.12"
    assert client.step() == "osu"
    assert client.info.version == "1.1.2-osu"
    assert device.exchange("b001000000") == b"\x6e\x00"
    assert client.step() == "final"
    assert client.step() == ""
    info = client.info
    assert (info.version, info.mcu_version, info.mcu_bootloader_version) == ("1.1.2", "4.03", "3.19")
    status = device.rest("GET", "/status")
    assert (status["onboarded"], status["unlocked"], status["slot"]) == (True, True, "b")


def test_a_heavy_update_flashes_the_normal_world_on_the_way(device, manager, releases):
    """The bootloader comes by itself, takes the Normal World in plain commands, and afterwards new code runs in both worlds."""
    manager.publish(releases.path("heavy"))
    address = _address(device)
    assert address.endswith(b"\x90\x00")
    device.exchange("b0a7000000")
    client = Client(manager, device)
    assert client.step() == "osu"
    info = client.info
    assert (info.target_id >> 28, info.se_version) == (0, "1.1.3-osu")
    assert device.rest("GET", "/status")["mode"] == "bootloader"
    assert client.step() == "mcu"
    assert (client.info.version, client.info.mcu_version) == ("1.1.3-osu", "4.04")
    assert client.step() == "final"
    assert client.step() == ""
    info = client.info
    assert (info.version, info.mcu_version, info.mcu_bootloader_version) == ("1.1.3", "4.04", "3.19")
    # the changed line of the Normal World: no more than three clients
    links = [device.connect() for _ in range(4)]
    refused = 0
    for link in links:
        try:
            device.exchange("e001000000", link)
        except (AssertionError, OSError):
            refused += 1
    assert refused
    for link in links:
        link.close()
    assert device.exchange("e0d8000006436f736d6f73") == b"\x68\x07", "apps are gone"
    device.user.choose("Reinstall apps")


def test_a_client_that_sends_no_last_step_comes_to_the_end(device, manager, releases):
    """Given the Secure World with the first step, the device finishes by itself once it has the Normal World; the seed is there."""
    manager.publish(releases.path("heavy"))
    client = Client(manager, device, version="36.0.0")
    assert client.step() == "osu"
    assert client.info.se_version == "1.1.3-osu"
    assert client.step() == "mcu"
    assert (client.info.version, client.info.mcu_version) == ("1.1.3", "4.04")
    assert client.step() == ""
    status = device.rest("GET", "/status")
    assert (status["onboarded"], status["unlocked"], status["slot"]) == (True, True, "b")
    assert device.exchange("e0d8000006436f736d6f73") == b"\x68\x07", "apps are gone"


def test_cables_servers_and_power_fail_at_every_step_and_the_same_client_goes_on(device, manager, releases):
    """Pulled in the middle of each step, and each step sent twice where it can be: the device says what is next."""
    manager.publish(releases.path("heavy"))
    client = Client(manager, device)
    for mode, name in (("normal", "osu"), ("bootloader", "mcu"), ("upgrader", "final")):
        assert device.rest("GET", "/status")["mode"] == mode
        assert client.step_broken(after=5) is None
        device.replug()
        client.settle()
        assert device.rest("GET", "/status")["mode"] == mode, "nothing happened"
        assert client.step() == name
    assert client.info.version == "1.1.3"


def test_an_update_can_be_begun_anew_held_in_the_bootloader_and_given_up(device, manager, releases):
    """Left button: the bootloader, with an update on its way or without; the screen offers the way back to the old release."""
    manager.publish(releases.path("light"))
    client = Client(manager, device)
    device.replug("left")
    client.settle()
    assert client.flash("4.03") == "6985", "no update is on its way"
    assert device.exchange("e00400000405010003") == b"\x90\x00"
    assert device.exchange("e00000000505" + "08000000") == b"\x69\x85"
    device.replug()
    client.settle()
    assert client.step() == "osu"
    device.replug("left")
    client.settle()
    assert client.info.se_version == "1.1.2-osu"
    device.replug()
    client.settle()
    assert client.info.version == "1.1.2-osu"
    device.user.choose("Cancel update")
    device.status_when(lambda now: now["mode"] == "normal")
    client.settle()
    assert client.info.version == "1.1.1"
    assert _address(device).endswith(b"\x90\x00"), "the app is still there"


def test_what_is_not_for_this_device_is_refused_and_nothing_is_lost(device, manager, releases, folder, tmp_path, home):
    """Another factory's keys, an older release, another model, a foreign issuer, no signature: each a status, and the device as it was."""
    client = Client(manager, device)
    stranger = Releases(tmp_path / "stranger")
    stranger.build("other", "1.1.4", "4.06", SECURE_LINE)
    manager.publish(stranger.path("other"))
    assert client.step() == "osu 6984", "keys that are not in the fuses"
    with Manager(tmp_path / "elsewhere", home, hsm=new_keys(tmp_path / "ring", home)) as foreign:
        foreign.publish(releases.path("light"))
        assert Client(foreign, device).step().startswith("osu "), "an unknown manager, whose device this is not"
    osu = {"firmware": "nanosp/1.1.4/upgrade_osu"}
    refused = manager.flow("install", device, targetId=0x33000004, firmware=osu["firmware"], perso="perso_11")
    assert refused, "for another model"
    status = device.rest("GET", "/status")
    assert (status["mode"], status["version"], status["slot"]) == ("normal", "1.1.1", "a")
    assert _address(device).endswith(b"\x90\x00")


def test_an_older_release_and_another_normal_world_are_refused(device, manager, releases):
    """After an update the one before does not come back, and in the bootloader only the one expected Normal World is taken."""
    manager.publish(releases.path("heavy"))
    client = Client(manager, device)
    assert client.step() == "osu"
    manager.publish(releases.path("light"))
    assert client.flash("4.03") == "6984", "a genuine Normal World, of another release"
    assert device.rest("GET", "/status")["mode"] == "bootloader"
    assert [client.step() for _ in range(3)] == ["mcu", "final", ""]
    light = {"firmware": "nanosp/1.1.2/upgrade_osu"}
    assert client.install(light) == "6a8e"
    assert client.info.version == "1.1.3"


@pytest.mark.parametrize("number", range(int(os.environ.get("TALLYSTICK_UPDATE_CUTS", "1"))))
def test_power_cut_at_random_moments_of_an_update_is_never_the_end(releases, folder, tmp_path, home, keys, number):
    """All processes killed somewhere in an update, again and again: each start answers, and the last one ends it."""
    moments = random.Random(number)
    with Held("--state", folder, env=home) as device:
        serial = device.facts["serial"]
    with Manager(tmp_path, home, hsm=keys) as manager:
        manager.publish(releases.path("heavy"))
        for _ in range(3):
            with Held("--state", folder, "--approve", env=home) as device:
                client = Client(manager, device)
                assert client.info.target_id
                cut = threading.Timer(moments.uniform(0.2, 4.0), device.cut)
                cut.start()
                try:
                    while client.step():
                        pass
                except (AssertionError, OSError, ValueError, HTTPException):
                    pass  # the power went
                finally:
                    cut.cancel()
                    cut.join()
        with Held("--state", folder, "--approve", env=home) as device:
            client = Client(manager, device)
            for _ in range(4):
                client.step()
            assert (client.info.version, client.info.mcu_version) == ("1.1.3", "4.04")
            assert device.facts["serial"] == serial
            assert device.rest("GET", "/status")["onboarded"]
