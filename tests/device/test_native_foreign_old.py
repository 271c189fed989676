"""Apps of firmware before API levels that this project did not write, from the folder that TALLYSTICK_ELFS names.

Files are named as Speculos named them, model and app first (``nanos#btc#1.6#6bd0a5f8.elf``, or with other signs between): they do not say
themselves. Bitcoin 1.6.5 of Nano S 1.5 to 2.1, Nano X 1.2 and 2.0.2 and Nano S+ 1.0 and 1.0.3 answers with no file of a library beside it.
"""

import asyncio
import dataclasses
import os
import re
from pathlib import Path

import pytest
from native_stage import FOUND, NativeStage

from tallystick.device.native.elf import Elf
from tallystick.device.native.image import image_from_elf
from tallystick.wire.image import AppFlag
from tallystick.wire.install import Curve, Derivation, InstallParameters

FOLDER = os.environ.get("TALLYSTICK_ELFS", "")
NAMED = re.compile(
    r"(nanos|nanosp|nanox)\W?_?(btc|btc-test)\W?_?(1\.2|1\.5|1\.6|2\.0|2\.1|2\.0\.2|1\.0|1\.0\.3)\W?_?[0-9a-f]*\.elf"
)
FILES = sorted(path for path in Path(FOLDER).glob("*.elf") if NAMED.fullmatch(path.name)) if FOLDER else []
pytestmark = pytest.mark.skipif(not FOLDER, reason="TALLYSTICK_ELFS names no folder of apps")
HARDENED = 0x80000000
PATH = (44 | HARDENED, HARDENED, HARDENED, 0, 0)


def load(path, name, *, flags=AppFlag(0)):  # noqa: B008 -- a value
    """Return the image of a file, which says nothing of itself."""
    parameters = InstallParameters(name=name, version="1.6.5", derivation=Derivation(curves=Curve.SECP256K1))
    image = image_from_elf(Elf.from_bytes(path.read_bytes()), parameters=parameters)
    return dataclasses.replace(image, create=dataclasses.replace(image.create, flags=flags))


async def exchange(device, apdu):
    """Exchange an APDU while time passes, which these apps are told by ticks."""
    answer = asyncio.ensure_future(device.client.exchange(apdu))
    while not answer.done():
        if device.board.system.supervisor.is_waiting:
            device.turn(0.1)
        await asyncio.wait({answer}, timeout=0.01)
    return await answer


async def assert_key(device, path):
    """Ask for the wallet's key at a path, and compare it with the device's own."""
    words = bytes([len(path)]) + b"".join(level.to_bytes(4, "big") for level in path)
    answer = await exchange(device, bytes.fromhex("e0400000") + bytes([len(words)]) + words)
    keychain = device.board.system.session.keychain
    assert answer[1:66] == keychain.public_key(Curve.SECP256K1, path)
    assert answer[-34:-2] == keychain.node(Curve.SECP256K1, path).reveal()[32:]
    assert answer[-2:] == b"\x90\x00"


@pytest.mark.parametrize("path", [path for path in FILES if "test" not in path.name], ids=lambda path: path.name)
async def test_bitcoin_of_old_firmware_tells_its_key(path):
    """The app says which it is, and its public key and chain code are those that the device itself derives."""
    device = NativeStage(load(path, "Bitcoin"), name="Bitcoin", model=NAMED.fullmatch(path.name)[1], libraries=FOUND)
    try:
        assert b"Bitcoin" in await exchange(device, "b001000000")
        await assert_key(device, PATH)
    finally:
        device.close()


@pytest.mark.parametrize("path", [path for path in FILES if "test" in path.name], ids=lambda path: path.name)
async def test_bitcoin_testnet_runs_bitcoin_as_its_library(path):
    """Bitcoin Test has no code for APDUs of its own on Nano S, and calls Bitcoin; elsewhere it is an app like others."""
    other = path.with_name(path.name.replace("btc-test", "btc"))
    candidates = (
        [other] if other.exists() else [each for each in FILES if each.name.split("_")[:3] == other.name.split("_")[:3]]
    )
    model = NAMED.fullmatch(path.name)[1]
    device = NativeStage(
        load(candidates[0], "Bitcoin", flags=AppFlag.LIBRARY), name="Bitcoin", model=model, libraries=FOUND
    )
    try:
        device.board.system.supervisor.close()
        device.install(load(path, "Bitcoin Test"))
        device.open("Bitcoin Test")
        await assert_key(device, (44 | HARDENED, 1 | HARDENED, HARDENED, 0, 0))
        assert device.app == "Bitcoin Test"
    finally:
        device.close()
