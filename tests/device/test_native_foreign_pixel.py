"""Native apps on our device and in Speculos, the same steps beside each other: their screenshots are equal to the pixel.

Runs where TALLYSTICK_ELFS names apps and Speculos can be started: TALLYSTICK_PEER names its program, else the one that belongs to
the package that TALLYSTICK_SPECULOS names. The peer answers before it has drawn, so it is asked until it shows what we show.
"""

import asyncio
import os
import socket
import struct
import subprocess
import time
import urllib.error
import urllib.request
from io import BytesIO
from pathlib import Path

import pytest
from native_stage import FOUND, NativeStage
from PIL import Image
from process_stage import PATIENCE_S, TEST_SENTENCE, free_port
from test_native_foreign import FILES, FOLDER, PATH, name_of
from test_native_foreign_sign import apps, model_of, push, shown, words

from tallystick.device.native.elf import Elf
from tallystick.device.native.image import image_from_elf
from tallystick.ui.picture import draw_png
from tallystick.wire.events import Button

PACKAGE = os.environ.get("TALLYSTICK_SPECULOS", "")
BESIDE = Path(PACKAGE).resolve().parents[3] / "bin" / "speculos" if PACKAGE.count("/") > 3 else Path()
PEER = os.environ.get("TALLYSTICK_PEER") or (str(BESIDE) if BESIDE.is_file() else "")
pytestmark = pytest.mark.skipif(
    not FOLDER or not PEER, reason="TALLYSTICK_ELFS names no folder of apps, or TALLYSTICK_PEER no Speculos"
)
NAMES = {Button.LEFT: "left", Button.RIGHT: "right", Button.BOTH: "both"}
LEVELS = words(PATH)
#: the address of a path is asked for; each page, and the button that leads to it
ADDRESS = b"\xe0\x05\x01\x00" + bytes([len(LEVELS)]) + LEVELS
PAGES = [(Button.RIGHT, "Address"), (Button.RIGHT, "Confirm"), (Button.LEFT, "Address"), (Button.RIGHT, "Confirm")]


class Peer:
    """One run of Speculos."""

    def __init__(self, path, model, log):
        self.apdu_port, self.api_port = free_port(), free_port()
        flags = ["--model", model, "--display", "headless", "--seed", TEST_SENTENCE]
        ports = ["--apdu-port", str(self.apdu_port), "--api-port", str(self.api_port)]
        self.process = subprocess.Popen([PEER, *flags, *ports, str(path)], stdout=log, stderr=log)

    def ask(self, path, data=None):
        """Send one request to its REST API."""
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.api_port}{path}", data, headers)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.read()

    def screenshot(self):
        """Return size and pixels of its screen, or None while it is starting."""
        try:
            return pixels(self.ask("/screenshot"))
        except (urllib.error.URLError, ConnectionError):
            assert self.process.poll() is None, "Speculos has ended"
            return None

    def push(self, button):
        """Press a button and let it go."""
        self.ask(f"/button/{NAMES[button]}", b'{"action": "press-and-release"}')

    def send(self, apdu):
        """Send an APDU whose answer is not waited for; the connection has to be kept."""
        link = socket.create_connection(("127.0.0.1", self.apdu_port), timeout=PATIENCE_S)
        link.sendall(struct.pack(">I", len(apdu)) + apdu)
        return link

    def end(self):
        """End it."""
        self.process.terminate()
        self.process.wait(PATIENCE_S)


def pixels(png):
    """Return size and colours of a PNG."""
    with Image.open(BytesIO(png)) as picture:
        return picture.size, picture.convert("RGB").tobytes()


@pytest.fixture
async def beside(tmp_path):
    """Return what opens an app on a device of ours and in Speculos; both are closed at the end."""
    made = []

    def make(path):
        image = image_from_elf(Elf.from_bytes(path.read_bytes()))
        with (tmp_path / "peer.log").open("wb") as log:
            peer = Peer(path, model_of(path), log)
        made.append(peer.end)
        device = NativeStage(image, name=name_of(path), model=model_of(path), libraries=FOUND)
        made.append(device.close)
        return device, peer

    yield make
    for end in made:
        end()


async def agree(device, peer):
    """Ask both until they show the same; raise AssertionError when that does not come to pass."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        ours, theirs = pixels(draw_png(device.board.frame)), await asyncio.to_thread(peer.screenshot)
        if ours == theirs:
            return
        assert time.monotonic() < deadline, f"{shown(device)}: other pixels than Speculos'"
        if device.board.system.supervisor.is_waiting:
            device.turn(0.1)
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("path", apps("Boilerplate"), ids=lambda path: path.name)
async def test_boilerplate_shows_an_address_as_in_speculos(beside, path):
    """The idle screen, and each page of the address to verify, in both directions."""
    device, peer = beside(path)
    await agree(device, peer)
    device.client.send(ADDRESS.hex())
    with await asyncio.to_thread(peer.send, ADDRESS):
        await device.until(lambda: any("Verify" in line for line in shown(device)))
        await agree(device, peer)
        for button, text in PAGES:
            before = shown(device)
            for _ in range(4):
                push(device, button)
                await asyncio.to_thread(peer.push, button)
                await device.until(lambda before=before: shown(device) != before)
                await agree(device, peer)
                before = shown(device)
                if any(text in line for line in before):
                    break
            else:
                raise AssertionError(f"{text} was not shown")


@pytest.mark.parametrize("path", [one for one in FILES if name_of(one) == "Ethereum"], ids=lambda path: path.name)
async def test_ethereum_is_idle_as_in_speculos(beside, path):
    """The first screen of an app of level 22 or 25, with its icon, on each model that there is a file for."""
    await agree(*beside(path))
