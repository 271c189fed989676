"""Apps that this project did not write, from the folder that TALLYSTICK_ELFS names; nothing of it is ever committed.

The folder holds ``*.elf`` (apps that say an API level) and, where they need it, ``speculos/sharedlib/`` as an install of
Speculos has it. Each app is installed, opened, and asked for what it answers; Boilerplate (Nano X) for its key as well.
"""

import os
from pathlib import Path

import pytest
from native_stage import FOUND, NativeStage

from tallystick.device.native.elf import Elf
from tallystick.device.native.image import image_from_elf, target_of
from tallystick.device.native.level import LEVELS
from tallystick.wire.install import Curve, InstallParameters
from tallystick.wire.model import by_target_id

FOLDER = os.environ.get("TALLYSTICK_ELFS", "")


def _is_for_a_level(path):
    """Tell whether a file says that it is for an API level that runs: older ones have a test of their own."""
    told = Elf.from_bytes(path.read_bytes()).text("ledger.api_level")
    return told is not None and int(told) in LEVELS


FILES = [path for path in sorted(Path(FOLDER).glob("*.elf")) if _is_for_a_level(path)] if FOLDER else []
pytestmark = pytest.mark.skipif(not FOLDER, reason="TALLYSTICK_ELFS names no folder of apps")
HARDENED = 0x80000000
PATH = (44 + HARDENED, 1 + HARDENED, HARDENED, 0, 0)


def image_of(path):
    """Return the app of a file; those that have no name of their own are given one."""
    return image_from_elf(Elf.from_bytes(path.read_bytes()), parameters=InstallParameters(name="Nameless"))


def name_of(path):
    """Return the name an app will have."""
    return InstallParameters.from_bytes(image_of(path).parameters).name


@pytest.fixture
def start():
    """Return what opens an app on a device of its model, which is closed at the end."""
    made = []

    def make(path):
        elf = Elf.from_bytes(path.read_bytes())
        model = by_target_id(target_of(elf)).name
        made.append(NativeStage(image_of(path), name=name_of(path), model=model, libraries=FOUND))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
async def test_foreign_app_answers(start, path):
    """The app starts, answers an APDU of a class it does not know with a status of its own, and is still there."""
    device = start(path)
    assert await device.client.exchange("a5ff000000") != b"\x6f\x00"
    assert device.app == name_of(path)


@pytest.mark.parametrize("path", [path for path in FILES if name_of(path) == "Boilerplate"], ids=lambda path: path.name)
async def test_boilerplate_gives_version_name_and_key(start, path):
    """Boilerplate tells its version and its name, and its public key is the one that the device itself derives."""
    device = start(path)
    assert len(await device.client.exchange("e003000000")) == 5
    assert await device.client.exchange("e004000000") == b"Boilerplate\x90\x00"
    words = bytes([len(PATH)]) + b"".join(level.to_bytes(4, "big") for level in PATH)
    answer = await device.client.exchange(b"\xe0\x05\x00\x00" + bytes([len(words)]) + words)
    assert answer[0] == 65
    assert answer[1:66] == device.board.system.session.keychain.public_key(Curve.SECP256K1, PATH)
    assert answer[-2:] == b"\x90\x00"
