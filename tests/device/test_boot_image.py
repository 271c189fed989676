"""Real images of this package: deterministic, run from themselves alone, and replaced by signed updates only."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.device.boot_launch import candidates

import tallystick
from tallystick.cli.main import tally
from tallystick.cli.target import Run
from tallystick.device.boot import library
from tallystick.device.boot.chain import boot, update
from tallystick.device.boot.explain import BootFailure
from tallystick.device.boot.slot import Artefacts, Slots
from tallystick.device.boot.start import BOOT_FAILURE
from tallystick.device.silicon.flash import DirectoryFlash, MemoryFlash
from tallystick.device.silicon.fuses import Fuses, key_table_hash
from tallystick.errors import TrustError, UsageError
from tallystick.manager.factory.build import Release, build, image
from tallystick.manager.factory.key import FactoryKeys
from tallystick.wire.firmware import ARTEFACTS, ImageRole

LIBRARIES = sysconfig.get_path("platlib")
SECURE = '''
"""A Secure World of one line, which tells where its modules come from."""
import json
import sys

import coincurve
import fcntl

from tallystick.crypto import bip39, ed25519

SAYS = "first"

def main(handover):
    outside = sorted(
        name for name, module in sys.modules.items()
        if getattr(module, "__file__", None) and not module.__file__.startswith("/proc/self/fd/")
        and getattr(module.__spec__, "origin", "frozen") not in ("frozen", None)
    )
    missing = []
    for name in ("tkinter", "pytest", "tallystick.cli", "tallystick.manager", "encodings.cp037", "sqlite3"):
        try:
            __import__(name)
        except ImportError:
            missing.append(name)
    print(json.dumps({
        "says": SAYS, "slot": handover.slot, "state": handover.state, "arguments": sys.argv[1:], "path": len(sys.path),
        "stages": [stage["stage"] for stage in handover.stages], "outside": outside, "missing": missing,
        "words": len(bip39.words()), "environment": sorted(__import__("os").environ),
    }))
    return 0
'''
NORMAL = '"""A Normal World that does nothing."""\n\ndef main(handover):\n    return 0\n'
ENTRIES = {
    ImageRole.BOOTLOADER: "tallystick.device.boot.bootloader_main",
    ImageRole.SECURE_WORLD: "tallystick.device.board.try_secure",
    ImageRole.NORMAL_WORLD: "tallystick.device.normal.try_normal",
}
#: before an image is asked, the interpreter has these of its own: its start, and what reads the list
EARLY = {"encodings", "encodings.aliases", "encodings.utf_8"}


def _source(folder: Path, *, says: str = "first") -> Path:
    """Copy the package and add small worlds."""
    shutil.copytree(
        Path(tallystick.__file__).parent,
        folder / "tallystick",
        ignore=shutil.ignore_patterns("__pycache__", "static", "font"),
    )
    (folder / "tallystick/device/board/try_secure.py").write_text(SECURE.replace('"first"', f'"{says}"'))
    (folder / "tallystick/device/normal/try_normal.py").write_text(NORMAL)
    return folder


@pytest.fixture(scope="module")
def keys():
    """Return the keys of one factory."""
    return FactoryKeys.generate()


@pytest.fixture(scope="module")
def first(keys, tmp_path_factory):
    """Return a first release."""
    source = _source(tmp_path_factory.mktemp("source"))
    return build(keys, Release(version="1.0.0", security_version=1, source=source, entries=ENTRIES))


@pytest.fixture
def device(keys, first, tmp_path):
    """Return slots, fuses and the folder of a device with the first release."""
    flash = DirectoryFlash(tmp_path / "flash")
    fuses = Fuses(MemoryFlash())
    table = [key.public_key.to_bytes() for key in keys.rom]
    fuses.burn_identity(key_table=key_table_hash(table), device_id=bytes(16))
    fuses.close()
    slots = Slots(flash)
    slots.provision(Artefacts.from_files(first))
    yield slots, fuses, flash
    flash.close()


def _start(device, *, before=lambda: None):
    """Power the device on as a bench does; return what its Secure World says, or raise BootFailure."""
    slots, fuses, flash = device
    for candidate in candidates(slots, fuses.state):
        os.close(flash._lock)
        before()
        bench, jig = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with bench:
            with jig:
                process = candidate.start(
                    fuses.state,
                    flash=flash.folder,
                    libraries=LIBRARIES,
                    arguments=("one", "two"),
                    pass_fds=(jig.fileno(),),
                    jig=jig.fileno(),
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
            output, complaint = process.communicate(timeout=120)
            told = bench.recv(4096)
        again = DirectoryFlash(flash.folder)
        flash._lock = again._lock
        if process.returncode != BOOT_FAILURE:
            assert process.returncode == 0, complaint
            assert told == b""
            return json.loads(output)
        assert (output, complaint) == (b"", b"")
        assert json.loads(told)["boot_failure"].startswith(f"slot {candidate.slot}, ")
    raise AssertionError


def test_the_worlds_run_from_their_image_alone(device):
    """Bootloader, then Secure World, each from sealed memory; nothing comes from the checkout or the disk."""
    said = _start(device)
    assert said["says"] == "first"
    assert (said["slot"], said["state"], said["arguments"]) == ("a", "verified", ["one", "two"])
    assert said["stages"] == ["key table", "bootloader", "configuration", "secure world", "environment", "normal world"]
    assert said["path"] == 1
    assert said["words"] == 2048
    assert said["environment"] in ([], ["LC_CTYPE"])
    assert said["missing"] == [
        "tkinter",
        "pytest",
        "tallystick.cli",
        "tallystick.manager",
        "encodings.cp037",
        "sqlite3",
    ]
    native = [name for name in said["outside"] if name not in EARLY]
    # hashing and reading the list need native code before the list is read; it is compared afterwards
    assert not [name for name in native if "." in name or name in {"_cffi_backend", "_socket", "coincurve"}]


def test_a_changed_line_runs_after_a_signed_update_and_not_before(device, keys, tmp_path):
    """The source changes: the device does not care. The update is signed: it runs the new line. By other keys: never."""
    slots, fuses, _flash = device
    source = _source(tmp_path / "source", says="second")
    assert _start(device)["says"] == "first"
    release = Release(version="1.1.0", security_version=2, source=source, entries=ENTRIES)
    second = Artefacts.from_files(build(keys, release))
    place = library.places(LIBRARIES)
    forged = Artefacts.from_files(
        {**second.to_files(), "boot.conf.sig": FactoryKeys.generate().config.sign(second.config, comment="x")}
    )
    with pytest.raises(TrustError):
        update(slots, fuses, forged, places=place)
    assert _start(device)["says"] == "first"
    assert update(slots, fuses, second, places=place) == "b"
    said = _start(device)
    assert (said["says"], said["slot"]) == ("second", "b")


def test_a_file_swapped_between_check_and_run_has_no_effect_or_stops_the_boot(device):
    """The bootloader on disk is replaced after its check: the checked bytes run. The rest is read after that, and refused."""
    _slots, _fuses, flash = device
    bootloader = flash.folder / f"slot-a.{ARTEFACTS['bootloader']}"
    assert _start(device, before=lambda: bootloader.write_bytes(b"print('mine')"))["says"] == "first"


def test_a_swapped_secure_world_is_found_by_the_running_bootloader(device):
    """Replaced when the ROM has done its part: "Boot failure", and nothing of it runs."""
    _slots, _fuses, flash = device
    world = flash.folder / f"slot-a.{ARTEFACTS['secure_world']}"
    with pytest.raises(BootFailure):
        _start(device, before=lambda: world.write_bytes(b"print('mine')"))


def test_a_broken_slot_on_trial_gives_way_to_the_one_in_use(device, keys, first):
    """The bootloader of the new slot refuses its world and ends; the ROM starts the old slot."""
    slots, _fuses, flash = device
    slots.install(Artefacts.from_files(first))
    (flash.folder / f"slot-b.{ARTEFACTS['normal_world']}").write_bytes(b"print('mine')")
    said = _start(device)
    assert (said["says"], said["slot"]) == ("first", "a")


def test_the_chain_can_be_looked_at_without_a_start(device):
    """All six stages in this process, on the real images."""
    slots, fuses, _flash = device
    found = boot(slots, fuses, places=library.places(LIBRARIES), is_dry=True)
    assert len(found.stages) == 6
    assert found.normal_world.header.role is ImageRole.NORMAL_WORLD


BUILD = """
import hashlib, json, sys
from pathlib import Path
from tallystick.manager.factory.build import Release, build
from tallystick.manager.factory.key import FactoryKeys
from tests.device.test_boot_image import ENTRIES
release = Release(version="1.0.0", security_version=1, source=Path(sys.argv[1]), entries=ENTRIES)
files = build(FactoryKeys.read(Path(sys.argv[2])), release)
print(json.dumps({name: hashlib.sha256(data).hexdigest() for name, data in files.items()}))
"""


def test_equal_input_gives_equal_bytes(keys, first, tmp_path):
    """Other folder, other process, other hash seed, other time zone and epoch: the same images and signatures."""
    keys.write(tmp_path / "keys")
    source = _source(tmp_path / "another" / "place")
    wanted = {name: hashlib.sha256(data).hexdigest() for name, data in first.items()}
    for seed in ("0", "4242"):
        environment = {"PYTHONHASHSEED": seed, "SOURCE_DATE_EPOCH": seed, "TZ": "Asia/Kathmandu", "LANG": "C"}
        made = subprocess.run(
            [sys.executable, "-c", BUILD, str(source), str(tmp_path / "keys")],
            env={**environment, "PYTHONPATH": str(Path(__file__).parent.parent.parent)},
            capture_output=True,
            check=True,
            timeout=120,
        )
        assert json.loads(made.stdout) == wanted


def test_an_image_holds_its_world_and_nothing_of_the_others(first):
    """No keys and no OS in the Normal World, no host tools and no apps in the Secure World, no path of this machine in any."""
    names = {
        name: zipfile.ZipFile(BytesIO(first[ARTEFACTS[name]])).namelist()
        for name in ("bootloader", "secure_world", "normal_world")
    }
    for forbidden in ("crypto", "device/os", "device/secure", "device/silicon", "app/"):
        assert not [one for one in names["normal_world"] if one.startswith(f"tallystick/{forbidden}")]
    assert not [one for one in names["normal_world"] if one.startswith(("cryptography", "coincurve", "mnemonic"))]
    for forbidden in ("apps/", "host/", "manager/", "cli/", "testing/"):
        assert not [one for one in names["secure_world"] if one.startswith(f"tallystick/{forbidden}")]
    for name in names:
        assert os.fsencode(Path(tallystick.__file__).parent) not in first[ARTEFACTS[name]]
        assert os.fsencode(sys.prefix) not in first[ARTEFACTS[name]]


def test_a_world_that_imports_over_a_wall_is_not_built(tmp_path):
    """A Normal World that wants keys cannot be built at all."""
    source = _source(tmp_path / "source")
    (source / "tallystick/device/normal/try_normal.py").write_text("from tallystick.crypto import bip32\n" + NORMAL)
    release = Release(version="1.0.0", security_version=1, source=source, entries=ENTRIES)
    with pytest.raises(UsageError, match="no place in a normal-world image"):
        image(ImageRole.NORMAL_WORLD, release)
    missing = Release(version="1.0.0", security_version=1, source=tmp_path, entries=ENTRIES)
    with pytest.raises(UsageError, match="there is no module"):
        image(ImageRole.NORMAL_WORLD, missing)


def test_the_worlds_of_this_package_are_built_and_pass_their_checks(tmp_path):
    """From keys to a device on the command line, with the real entries: every stage passes."""

    def tally_line(*words: str) -> dict:
        answer = CliRunner().invoke(tally, [*words, "--json"], obj=Run(environ={}))
        assert answer.exit_code == 0, answer.output
        return json.loads(answer.stdout)

    keys_folder, images, folder = (str(tmp_path / name) for name in ("keys", "images", "device"))
    tally_line("factory", "keys", keys_folder)
    release = ("--keys", keys_folder, "--version", "2.0.0", "--security-version", "3")
    made = tally_line("factory", "build", *release, "--out", images)
    assert {one["name"] for one in made["files"]} == set(ARTEFACTS.values())
    tally_line("device", "create", folder, "--images", images)
    document = tally_line("device", "boot", folder, "--explain")
    assert (document["state"], document["version"], document["security_version"]) == ("verified", "2.0.0", 3)
    assert [one["verdict"] for one in document["stages"]] == ["passed"] * 6
