"""Apps that this project did not write, over FIDO's HID interface, by a client that it did not write either (`fido2`).

They come from the folder that TALLYSTICK_ELFS names; those that have no such interface are left out. The client asks for a channel,
pings, and sends an APDU that no app knows. Ethereum of levels 1 to 14 takes APDUs in another wrapping besides, the older one of browsers.
"""

import asyncio
import os
from hashlib import sha256
from pathlib import Path

import pytest
from fido2.ctap1 import APDU, ApduError, Ctap1
from fido2.hid import CTAPHID, CtapHidDevice
from fido2.hid.base import CtapHidConnection, HidDescriptor
from native_stage import FOUND, NativeStage
from process_stage import PATIENCE_S

from tallystick.device.native.elf import Elf
from tallystick.device.native.image import image_from_elf, target_of
from tallystick.wire.install import InstallParameters
from tallystick.wire.model import by_target_id

FOLDER = os.environ.get("TALLYSTICK_ELFS", "")
#: how the report descriptor of the interface begins
PAGE = bytes.fromhex("06d0f10901a101")
CONFIGURATION = bytes.fromhex("e006000000")


def _has_interface(path):
    """Tell whether a file says its model, and has the interface."""
    raw = path.read_bytes()
    return PAGE in raw and Elf.from_bytes(raw).text("ledger.target_id") is not None


FILES = [path for path in sorted(Path(FOLDER).glob("*.elf")) if _has_interface(path)] if FOLDER else []
pytestmark = pytest.mark.skipif(not FOLDER, reason="TALLYSTICK_ELFS names no folder of apps")


class Wire(CtapHidConnection):
    """A connection of the client, which is in a thread of its own, to the Normal World of a device."""

    def __init__(self, device):
        self._device, self._heard = device, []
        self._loop = asyncio.get_running_loop()
        device.board.relay.listen(self)

    def hear(self, report):
        """Note a report of the device."""
        self._heard.append(report)
        self._device.changed.set()

    def write_packet(self, packet):
        """Hand a report over."""
        self._loop.call_soon_threadsafe(self._device.board.relay.report, bytes(packet))

    def read_packet(self):
        """Run the device until there is a report, and return it."""
        asyncio.run_coroutine_threadsafe(self._device.until(lambda: self._heard), self._loop).result()
        return self._heard.pop(0)

    def close(self):
        """Hear no more."""
        self._device.board.relay.ignore(self)


def use(wire):
    """Do what a client does, all of it waiting for answers."""
    client = CtapHidDevice(HidDescriptor("x", 0, 0, 64, 64, "x", "x"), wire)
    assert client.version == 2
    for size in (1, 57, 58, 200):
        assert client.ping(bytes(size)) == bytes(size)
    assert client.call(CTAPHID.MSG, bytes.fromhex("ee000000000000"))[-2] in range(0x60, 0x70)


def use_as_browsers_did(wire):
    """Ask for the configuration in the key handle of an authentication, which is asked for until somebody is there."""
    client = Ctap1(CtapHidDevice(HidDescriptor("x", 0, 0, 64, 64, "x", "x"), wire))
    handle = bytes(byte ^ mask for byte, mask in zip(CONFIGURATION, b"w0ww0", strict=True))
    while True:
        try:
            answer = client.authenticate(bytes(32), sha256(b"u2f_tunnel").digest(), handle)
        except ApduError as error:
            if error.code != APDU.USE_NOT_SATISFIED:
                raise
            continue
        # presence and a counter of four bytes first
        assert answer[-2:] == b"\x90\x00"
        assert len(answer[5:-2]) == 4
        return


async def run(path, work):
    """Open the app of a file, and have `work` done by a client of it."""
    elf = Elf.from_bytes(path.read_bytes())
    image = image_from_elf(elf, parameters=InstallParameters(name="Nameless"))
    name = InstallParameters.from_bytes(image.parameters).name
    device = NativeStage(image, name=name, model=by_target_id(target_of(elf)).name, libraries=FOUND)
    try:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.to_thread(work, Wire(device))
    finally:
        device.close()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
async def test_app_is_reached_by_a_client_of_fido(path):
    """A channel is given out, pings of several reports come back, and an APDU is answered with a status word."""
    await run(path, use)


@pytest.mark.parametrize("path", [path for path in FILES if path.name.startswith("eth_")], ids=lambda path: path.name)
async def test_apdu_in_a_key_handle_is_answered(path):
    """As browsers spoke to wallets: the APDU goes, masked, as the key handle, and its answer comes as the signature."""
    await run(path, use_as_browsers_did)
