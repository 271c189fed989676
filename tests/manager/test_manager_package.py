"""Releases as scripts: what a device would have after them, for whom they are signed, and what cannot be published."""

from __future__ import annotations

import hashlib

import pytest
from manager_device import NANOSP
from manager_stage import release_files

from tallystick.crypto.secp256k1 import verify_ecdsa_der
from tallystick.errors import UsageError
from tallystick.manager.catalog.service import devices_named
from tallystick.manager.db.engine import open_engine, sessions_of, writing
from tallystick.manager.firmware.package import MCU_BASE, PackageScripts, firmware_image
from tallystick.manager.firmware.script import ScriptKind, StoredRelease
from tallystick.manager.firmware.service import NewFirmware, publish
from tallystick.manager.flow import FlowError
from tallystick.wire.firmware import ARTEFACTS
from tallystick.wire.firmware_package import FirmwarePackage, PackageKind
from tallystick.wire.image import AppFlag
from tallystick.wire.loader import Boot, Commit, Create, Load, SetLoadOffset, crc16, decode_command

FILES = release_files("1.3.0") | {ARTEFACTS["secure_world"]: hashlib.shake_256(b"world").digest(200_000)}
RELEASE = StoredRelease(target_id=NANOSP, version="1.3.0", mcu_version="4.05", files=FILES, runs="1.1.1")


def memory_of(commands, *, base: int = 0) -> bytes:
    """Return what the loads of a script leave in memory."""
    memory, segment = bytearray(), 0
    for command in commands:
        match command:
            case SetLoadOffset(address=address):
                segment = address - base
            case Load(offset=offset, data=data):
                start = segment + offset
                memory.extend(bytes(max(0, start + len(data) - len(memory))))
                memory[start : start + len(data)] = data
    return bytes(memory)


@pytest.mark.parametrize(
    ("kind", "package"),
    [
        (ScriptKind.OSU, PackageKind.OSU),
        (ScriptKind.WHOLE, PackageKind.WHOLE),
        (ScriptKind.FINAL, PackageKind.FINAL),
    ],
)
def test_a_step_is_a_signed_image_of_its_package(keyring, kind, package):
    """The image is firmware by its flag, holds the step's files, and is signed for the version that the device runs."""
    commands = [decode_command(plain) for plain in PackageScripts().commands(kind, RELEASE, software=keyring.software)]
    create, commit = commands[0], commands[-1]
    assert isinstance(create, Create)
    assert create.app.flags == AppFlag.BOLOS_UPGRADE
    assert isinstance(commit, Commit)
    memory = memory_of(commands)
    raw = memory[: create.app.code_length]
    assert FirmwarePackage.from_bytes(raw) == FirmwarePackage.of(package, FILES)
    image = firmware_image(raw, version="1.3.0")
    assert memory == raw + image.parameters
    for target, runs, holds in ((NANOSP, "1.1.1", True), (NANOSP, "1.1.2", False), (0x33000004, "1.1.1", False)):
        digest = image.full_hash(target, runs)
        assert verify_ecdsa_der(keyring.software.public_key, digest, commit.signature) is holds


def test_a_normal_world_is_one_package_in_the_memory_of_the_mcu(keyring):
    """It is plain, begins at the base, and the last command starts it there with bit 0 set, as hosts do."""
    script = PackageScripts().commands(ScriptKind.MCU, RELEASE, software=keyring.software)
    commands = [decode_command(plain, bootloader=True) for plain in script]
    assert commands[-1] == Boot(address=MCU_BASE | 1)
    raw = memory_of(commands, base=MCU_BASE)
    assert FirmwarePackage.from_bytes(raw) == FirmwarePackage.of(PackageKind.MCU, FILES)
    assert crc16(raw[:0x10000]) in [getattr(command, "crc", None) for command in commands]


def test_a_release_without_a_file_has_no_script(keyring):
    """What was never published cannot be sent."""
    files = {name: data for name, data in FILES.items() if name != ARTEFACTS["config"]}
    release = StoredRelease(target_id=NANOSP, version="1.3.0", mcu_version="4.05", files=files)
    with pytest.raises(FlowError, match=r"boot\.conf"):
        PackageScripts().commands(ScriptKind.OSU, release, software=keyring.software)


def test_one_version_of_a_normal_world_is_one_sequence_of_bytes(database):
    """A release with another Normal World under a version that is published is refused: clients would not flash it."""
    engine = open_engine(database)
    with writing(sessions_of(engine)) as session:
        (device,) = devices_named(session, ("nanosp",))
        publish(session, device, NewFirmware(version="1.2.0", mcu_version="4.04", files=release_files("1.2.0")))
        other = NewFirmware(version="1.3.0", mcu_version="4.04", files=release_files("1.3.0"))
        with pytest.raises(UsageError, match=r"4\.04") as caught:
            publish(session, device, other)
        assert "--mcu-version" in caught.value.remedy
        same = ARTEFACTS["normal_world"]
        files = release_files("1.3.0") | {same: release_files("1.2.0")[same]}
        publish(session, device, NewFirmware(version="1.3.1", mcu_version="4.04", files=files))
    engine.dispose()
