"""The isolated board as a user starts it: every world a locked process that runs from a checked image."""

import json
import os
import re
import shutil
import signal
from pathlib import Path

import pytest
from isolated_stage import tally, told, tree, worlds
from process_stage import PATIENCE_S, is_running, proc
from up_stage import GET_ADDRESS, NAME, TEST_SENTENCE, Up, fail, is_signature, run, sign_requests, wait_for_end

import tallystick
from tallystick.device.silicon.fuses import Fuses
from tallystick.device.silicon.nvm import ChipMemory
from tallystick.wire.version import SecureElementInfo


def test_the_device_boots_verified_and_signs(home):
    """The whole line works through ROM, bootloader, both worlds and an app process, and the status says what holds."""
    with Up("--board", "isolated", "--open", "cosmos", "--approve", env=home) as device:
        link = device.connect()
        assert device.exchange(NAME, link).startswith(b"\x01\x06Cosmos")
        key = device.exchange(GET_ADDRESS, link)[:33]
        *_, answer = [device.exchange(apdu, link) for apdu in sign_requests()]
        assert answer.endswith(b"\x90\x00")
        assert is_signature(answer[:-2], key)
        status = device.rest("GET", "/status")
        assert (status["board"], status["boot"]) == ("isolated", "verified")
        assert status["worlds"].startswith("isolated")
        assert status["randomness"] == "kernel, chip"


def test_worlds_and_apps_are_locked_processes_of_their_own(home):
    """The kernel says of Normal World, app and chip that they are filtered and can gain nothing; images are in memory."""
    with Up("--board", "isolated", "--open", "cosmos", env=home) as device:
        assert device.exchange(GET_ADDRESS).endswith(b"\x90\x00")
        found = worlds(device)
        assert sorted(found) == ["app", "normal", "silicon", "world"]
        for name in ("app", "normal", "silicon"):
            status = told(found[name], "status").decode()
            assert re.search(r"^NoNewPrivs:\t1$", status, re.MULTILINE), name
            assert re.search(r"^Seccomp:\t2$", status, re.MULTILINE), name
        for name in ("app", "normal", "world"):
            assert b"/proc/self/fd/" in told(found[name], "cmdline"), name
            assert told(found[name], "environ") == b"", name


def test_the_seed_is_in_no_process_but_the_one_that_was_given_it(home):
    """No argument and no environment of any world holds the words, the PIN or a secret of the user."""
    with Up("--board", "isolated", "--pin", "73519", env=home) as device:
        assert device.rest("GET", "/status")["onboarded"]
        everything = b"".join(told(pid, "cmdline") + told(pid, "environ") for pid in tree(device.process.pid))
        for secret in (b"junk", b"73519", b"hunter2"):
            assert secret not in everything


def test_a_dead_normal_world_is_replaced_and_nothing_else_dies(home):
    """Kill the Normal World: its client is disconnected, the Secure World lives, and the next client is served."""
    with Up("--board", "isolated", "--open", "cosmos", env=home) as device:
        link = device.connect()
        assert device.exchange(NAME, link).startswith(b"\x01\x06Cosmos")
        before = worlds(device)
        os.kill(before["normal"], signal.SIGKILL)
        assert link.recv(1) == b""
        assert device.exchange(GET_ADDRESS).endswith(b"\x90\x00")
        after = worlds(device)
        assert (after["world"], after["app"]) == (before["world"], before["app"])
        assert after["normal"] != before["normal"]


def test_an_app_opens_as_often_as_it_is_asked_for(home):
    """Each opening is a fresh process from the same image."""
    with Up("--board", "isolated", "--open", "cosmos", "--approve", env=home) as device:
        link = device.connect()
        seen = {worlds(device)["app"]}
        for _ in range(2):
            assert device.exchange("b0a7000000", link) == b"\x90\x00"
            assert device.exchange("e0d8000006436f736d6f73", link) == b"\x90\x00"
            assert device.exchange(GET_ADDRESS, link).endswith(b"\x90\x00")
            seen.add(worlds(device)["app"])
        assert len(seen) == 3


@pytest.mark.parametrize(("hold", "mode"), [("left", "bootloader"), ("right", "recovery"), (None, "normal")])
def test_pulling_the_plug_boots_from_the_rom_again(home, hold, mode):
    """The power is cut and comes back: other processes, the same device, REST up all the time, screens counted on."""
    with Up("--board", "isolated", "--open", "cosmos", env=home) as device:
        before, first = device.rest("GET", "/status"), worlds(device)
        device.rest("POST", "/replug", {"hold": hold})
        status = device.status_when(lambda now: now["app"] is None and now["sequence"] > before["sequence"])
        assert (status["mode"], status["serial"]) == (mode, before["serial"])
        assert not is_running(first["world"])
        assert len(device.exchange("e001000000")) > 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_it_ends(home, number):
    """However it is ended, no process of the device stays behind."""
    with Up("--board", "isolated", "--open", "cosmos", env=home) as device:
        assert device.exchange(GET_ADDRESS).endswith(b"\x90\x00")
        family = tree(device.process.pid)
        device.process.send_signal(number)
        device.process.wait(PATIENCE_S)
        for pid in family:
            wait_for_end(pid)


def test_a_device_keeps_its_state_and_its_images(home, tmp_path):
    """What was set up stays over a restart, with the images that are in its flash."""
    folder = str(tmp_path / "device")
    with Up("--board", "isolated", "--state", folder, "--app", "cosmos", env=home) as device:
        serial = device.facts["serial"]
    with Up("--board", "isolated", "--state", folder, "--open", "cosmos", seed="", env=home) as device:
        assert device.facts["serial"] == serial
        assert device.exchange(GET_ADDRESS).endswith(b"\x90\x00")


def test_a_changed_line_runs_only_after_a_signed_update(home, tmp_path):
    """Worlds run from their image: a device answers with new versions and from new code once images were flashed, not before."""
    source = tmp_path / "source"
    shutil.copytree(Path(tallystick.__file__).parent, source / "tallystick")
    identity = source / "tallystick/device/os/identity.py"
    identity.write_text(identity.read_text().replace('mcu_bootloader="3.12"', 'mcu_bootloader="3.19"'))
    keys, old, new, folder = (str(tmp_path / name) for name in ("keys", "old", "new", "device"))
    tally("factory", "keys", keys, env=home)
    release = ("factory", "build", "--keys", keys, "--security-version", "1")
    tally(*release, "--version", "1.0.0", "--mcu-version", "4.03", "--out", old, env=home)
    tally(*release, "--version", "1.0.1", "--mcu-version", "4.04", "--out", new, "--source", str(source), env=home)
    tally("device", "create", folder, "--images", old, env=home)

    def version():
        with Up("--board", "isolated", "--state", folder, env=home) as device:
            found = SecureElementInfo.from_bytes(device.exchange("e001000000")[:-2])
            return found.version, found.mcu_version, found.mcu_bootloader_version

    assert version() == ("1.0.0", "4.03", "3.12")
    tally("device", "flash", folder, "--images", new, env=home)
    assert version() == ("1.0.1", "4.04", "3.19")
    explained = tally("device", "boot", folder, "--explain", env=home)
    assert (explained["slot"], explained["version"]) == ("b", "1.0.1")


def test_after_an_update_was_ready_no_part_of_the_old_release_starts(home, tmp_path, monkeypatch):
    """The chip's minimums of bootloader and both worlds rise with the first READY, so an older copy of the flash is refused."""
    for name, value in home.items():
        monkeypatch.setenv(name, value)
    keys, old, new, folder, copy = (str(tmp_path / name) for name in ("keys", "old", "new", "device", "copy"))
    tally("factory", "keys", keys, env=home)
    for version, out in (("1", old), ("2", new)):
        release = ("--version", f"1.0.{version}", "--security-version", version, "--out", out)
        tally("factory", "build", "--keys", keys, *release, env=home)
    tally("device", "create", folder, "--images", old, env=home)

    def minimums():
        memory = ChipMemory.open(tmp_path / "device" / "chip")
        try:
            return set(Fuses(memory).state.minimum.values())
        finally:
            memory.close()

    with Up("--board", "isolated", "--state", folder, env=home) as device:
        assert device.exchange(NAME)
    assert minimums() == {1}
    shutil.copytree(f"{folder}/flash", copy)
    tally("device", "flash", folder, "--images", new, env=home)
    assert minimums() == {1}
    with Up("--board", "isolated", "--state", folder, seed="", env=home) as device:
        assert device.exchange(NAME)
    assert minimums() == {2}
    shutil.rmtree(f"{folder}/flash")
    shutil.copytree(copy, f"{folder}/flash")
    code, document = fail("--board", "isolated", "--state", folder)
    assert code == 9
    assert document["message"].startswith("Boot failure: slot ")


def test_a_damaged_image_does_not_boot(home, tmp_path, monkeypatch):
    """One changed byte of the Secure World: boot failure, said with exit code and remedy; nothing runs, and no key was used."""
    for name, value in home.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "device"
    with Up("--board", "isolated", "--state", str(folder), env=home) as device:
        assert device.exchange(NAME)
    image = folder / "flash" / "slot-a.secure-world.pyz"
    data = bytearray(image.read_bytes())
    data[len(data) // 2] ^= 1
    image.write_bytes(data)
    chip = (folder / "chip" / "memory").read_bytes()
    ended = run(*("--json", "--apdu-port", "0", "--api-port", "0", "--board", "isolated", "--state", str(folder)))
    code, document = ended.returncode, json.loads(ended.stdout)
    assert code == 9
    # the stage and the reason, of either slot, once and in one place
    assert document["message"].startswith("Boot failure: slot a, secure world: ")
    assert "; slot b, " in document["message"]
    assert ended.stderr == ""
    assert "--explain" in document["remedy"]
    assert (folder / "chip" / "memory").read_bytes() == chip
    for entry in Path("/proc").iterdir():
        assert not entry.name.isdigit() or str(folder).encode() not in (proc(entry.name, "cmdline") or b"")


def test_a_device_in_use_is_not_started_twice(home, tmp_path, monkeypatch):
    """The second one is told that the folder is in use, with exit code and remedy; the first one goes on."""
    for name, value in home.items():
        monkeypatch.setenv(name, value)
    folder = str(tmp_path / "device")
    with Up("--board", "isolated", "--state", folder, env=home) as device:
        code, document = fail("--board", "isolated", "--state", folder, "--seed", TEST_SENTENCE)
        assert (code, document["error"]) == (4, "state_busy")
        assert document["remedy"]
        assert device.exchange(NAME).endswith(b"\x90\x00")
