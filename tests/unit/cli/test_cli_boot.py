"""`tally factory` and `tally device create|boot|flash`: from keys to a device that starts."""

from __future__ import annotations

import json
import stat

import pytest
from tests.device import boot_stage as stage

from tallystick.manager.factory.key import FactoryKeys


def _put(folder, artefacts):
    folder.mkdir(exist_ok=True)
    for name, data in artefacts.to_files().items():
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture
def images(tmp_path):
    """Return a folder with a signed release."""
    return _put(tmp_path / "images", stage.release())


def test_keys_are_made_once_and_readable_by_their_owner_alone(invoke, tmp_path):
    """Twelve files: the secret ones 0600; a second time is refused, and nothing is replaced."""
    folder = tmp_path / "keys"
    members = json.loads(invoke("factory", "keys", str(folder), "--json").stdout)
    assert members["schema"] == "tally.factory.keys/1"
    assert len(members["files"]) == 12
    for file in folder.glob("*.key"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    answer = invoke("factory", "keys", str(folder))
    assert answer.exit_code == 2
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    secret = FactoryKeys.read(folder).config.seed.reveal().hex()
    assert secret not in invoke("factory", "keys", str(tmp_path / "more")).output


def test_a_device_is_made_and_its_chain_explained(invoke, tmp_path, images):
    """Chip and flash are laid out; the table and the document tell every stage."""
    folder = tmp_path / "device"
    made = json.loads(
        invoke("device", "create", str(folder), "--images", str(images), "--model", "stax", "--json").stdout
    )
    assert (made["model"], made["state"], made["version"], made["slot"]) == ("stax", "verified", "1.0.0", "a")
    assert (folder / "chip" / "memory").exists()
    assert (folder / "flash" / "model").read_bytes() == b"stax"
    lines = invoke("device", "boot", str(folder), "--explain").stdout.splitlines()
    assert lines[1].split() == ["SLOT", "STAGE", "KEY", "HASH", "VERDICT", "MS"]
    assert len(lines) == 2 + 6
    document = json.loads(invoke("device", "boot", str(folder), "--explain", "--json").stdout)
    assert document["stages"][0]["stage"] == "key table"
    assert {one["verdict"] for one in document["stages"]} == {"passed"}
    assert set(document["stages"][0]) == {"stage", "slot", "key_id", "hash", "verdict", "reason", "ms"}
    assert invoke("device", "create", str(folder), "--images", str(images)).exit_code == 2


def test_a_device_with_another_image_does_not_start(invoke, tmp_path, images):
    """Exit code 9 and "Boot failure"; with --explain the stage that failed."""
    folder = tmp_path / "device"
    invoke("device", "create", str(folder), "--images", str(images))
    place = folder / "flash" / "slot-a.secure-world.pyz"
    place.write_bytes(place.read_bytes() + b"x")
    plain = invoke("device", "boot", str(folder))
    assert plain.exit_code == 9
    assert "Error: Boot failure" in plain.stderr
    explained = invoke("device", "boot", str(folder), "--explain", "--json")
    assert explained.exit_code == 9
    assert [one["verdict"] for one in json.loads(explained.stdout)["stages"]].count("failed") == 2


def test_only_a_signed_update_is_put_in(invoke, tmp_path, images):
    """One that is signed is on trial; one by another factory, or damaged, changes nothing."""
    folder = tmp_path / "device"
    invoke("device", "create", str(folder), "--images", str(images))
    foreign = _put(tmp_path / "foreign", stage.release(stage.OTHER_KEYS, version="6.6.6"))
    assert invoke("device", "flash", str(folder), "--images", str(foreign)).exit_code == 9
    assert json.loads(invoke("device", "boot", str(folder), "--json").stdout)["version"] == "1.0.0"
    newer = _put(tmp_path / "newer", stage.release(version="1.1.0", security_version=2))
    assert invoke("device", "flash", str(folder), "--images", str(newer)).exit_code == 0
    document = json.loads(invoke("device", "boot", str(folder), "--json").stdout)
    assert (document["version"], document["slot"]) == ("1.1.0", "b")


def test_images_that_would_not_start_make_no_device(invoke, tmp_path, images):
    """They are checked before a fuse is burnt; with good ones the same folder becomes a device."""
    folder = tmp_path / "device"
    good = (images / "boot.conf").read_bytes()
    (images / "boot.conf").write_bytes(good + b" ")
    assert invoke("device", "create", str(folder), "--images", str(images)).exit_code == 9
    (images / "boot.conf").write_bytes(good)
    assert invoke("device", "create", str(folder), "--images", str(images)).exit_code == 0


def test_an_open_device_says_so(invoke, tmp_path, images):
    """With --open the state is open, and a bootloader without signature is skipped, visibly."""
    folder = tmp_path / "device"
    (images / "bootloader.pyz.minisig").write_bytes(b"")
    made = json.loads(invoke("device", "create", str(folder), "--images", str(images), "--open", "--json").stdout)
    assert made["state"] == "open"
    assert "skipped" in invoke("device", "boot", str(folder), "--explain").stdout


def test_what_is_not_there_is_said(invoke, tmp_path, images):
    """No device, no images, no keys, no version: words and a remedy."""
    assert "there is no device" in invoke("device", "boot", str(tmp_path / "none")).stderr
    (images / "boot.conf").unlink()
    assert "boot.conf cannot be read" in invoke("device", "create", str(tmp_path / "d"), "--images", str(images)).stderr
    build = ("factory", "build", "--keys", str(tmp_path / "none"), "--out", str(tmp_path / "o"))
    assert "make keys with" in invoke(*build, "--version", "1.0.0", "--security-version", "1").stderr
    invoke("factory", "keys", str(tmp_path / "keys"))
    build = ("factory", "build", "--keys", str(tmp_path / "keys"), "--out", str(tmp_path / "o"))
    assert "cannot be" in invoke(*build, "--version", "one", "--security-version", "1").stderr
