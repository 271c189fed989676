"""A real app through the front door: the vendor's tools, unmodified, load Boilerplate into a running Nano X.

Runs where TALLYSTICK_ELFS names a folder with Boilerplate's ELF file for the Nano X, and ``speculos/`` for the library it calls.
"""

import hashlib
import json
import os
import struct
import subprocess
import urllib.request
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import pytest
from app_file import flash_of, intel_hex
from elftools.elf.elffile import ELFFile
from PIL import Image
from test_interop_native import API_LEVEL, OK, PATIENCE_S, QUIT, TARGET_ID, exchange, listed

from tallystick.ui.picture import LIT

FOLDER = os.environ.get("TALLYSTICK_ELFS", "")
NAME = "Boilerplate"
NOT_THERE = b"\x68\x07"
OPEN = bytes.fromhex("e0d800000b") + NAME.encode()
VERSION, APP_NAME = bytes.fromhex("e003000000"), bytes.fromhex("e004000000")


def _found():
    """Give the file of the app for this model and API level, None where there is none."""
    for path in sorted(Path(FOLDER).glob("*.elf")) if FOLDER else []:
        with path.open("rb") as file:
            said = {one.name: one.data().rstrip(b"\0").decode() for one in ELFFile(file).iter_sections("SHT_PROGBITS")
                    if one.name.startswith("ledger.")}  # fmt: skip
        if (said.get("ledger.app_name"), said.get("ledger.target_id")) == (NAME, hex(TARGET_ID)) and said.get(
            "ledger.api_level"
        ) == str(API_LEVEL):
            return path
    return None


ELF = _found()
pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(ELF is None, reason=f"TALLYSTICK_ELFS names no folder with {NAME} for the Nano X"),
]


class App:
    """The parts of the file that its makers' tools are given."""

    def __init__(self, folder):
        with ELF.open("rb") as file:
            elf = ELFFile(file)
            at = {one.name: one["st_value"] for one in elf.get_section_by_name(".symtab").iter_symbols()}
            self.version = elf.get_section_by_name("ledger.app_version").data().rstrip(b"\0").decode()
            self.flags = elf.get_section_by_name("ledger.app_flags").data().rstrip(b"\0").decode()
        base, flash = flash_of(ELF)
        self.data_bytes = at["_envram_data"] - at["_nvram_data"]
        self.parameters = flash[at["_install_parameters"] - base : at["_einstall_parameters"] - base]
        self.code_and_data = flash[: at["_envram_data"] - base]
        self.icon = self.element(3)
        self.whole, self.bare = folder / "whole.hex", folder / "bare.hex"
        self.whole.write_text(intel_hex(flash, base=base), encoding="ascii")
        self.bare.write_text(intel_hex(self.code_and_data, base=base), encoding="ascii")

    def element(self, tag):
        """Give the value of a short element of the install parameters."""
        at = 0
        while self.parameters[at] != tag:
            at += 2 + self.parameters[at + 1]
        return self.parameters[at + 2 : at + 2 + self.parameters[at + 1]]

    def picture(self):
        """Give the rows of the icon, True where a pixel is lit: bits run down the columns, from the right one to the left."""
        width, height, form = struct.unpack_from("<2HB", self.icon)
        assert form == 0
        bits = "".join(f"{byte:08b}" for byte in self.icon[8:])
        return [[bits[(width - 1 - x) * height + y] == "1" for x in range(width)] for y in range(height)]


@pytest.fixture
def app(tmp_path):
    """Give the app."""
    return App(tmp_path)


@pytest.fixture
def device(start_device, monkeypatch):
    """Give a running Nano X whose person approves what is asked.

    On the isolated board, if Speculos is installed beside us: worlds out of an image look for its libraries nowhere else.
    """
    board = "isolated" if find_spec("speculos") else "embedded"
    if board == "embedded" and "TALLYSTICK_SPECULOS" not in os.environ:
        monkeypatch.setenv("TALLYSTICK_SPECULOS", str((Path(FOLDER) / "speculos").resolve()))
    return start_device("--approve", "--model", "nanox", "--board", board, apps=())


@pytest.fixture
def run(device, python_client):
    """Give what runs one of the vendor's commands at the device."""
    return lambda *words: python_client.command(device, *words).stdout


def ask(device, method, path):
    """Send one request of the REST API; give the answer's body."""
    request = urllib.request.Request(f"http://127.0.0.1:{device.api_port}{path}", method=method)
    if method == "POST":
        request.data = json.dumps({"action": "press-and-release", "delay": 0}).encode()
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        return answer.read()


def events(device):
    """Give the screen as it is: its texts, and its number."""
    found = json.loads(ask(device, "GET", "/events?currentscreenonly=true"))
    return [event["text"] for event in found["events"]], found["sequence"]


def press(device, button):
    """Press a button, and wait for the next screen."""
    _, sequence = events(device)
    ask(device, "POST", f"/button/{button}")
    ask(device, "GET", f"/screen?after={sequence}&timeout=30")


def walk_to(device, text):
    """Press the right button until a screen has the text."""
    for _ in range(20):
        if text in events(device)[0]:
            return
        press(device, "right")
    raise AssertionError(f"{text} is on no screen")


def screenshot(device):
    """Give the rows of the screen, True where a pixel is lit."""
    with Image.open(BytesIO(ask(device, "GET", "/screenshot"))) as image:
        width, levels = image.width, image.convert("L").tobytes()
    return [[level == LIT for level in levels[at : at + width]] for at in range(0, len(levels), width)]


def is_on(picture, screen):
    """Tell whether a picture is somewhere on the screen, pixel by pixel."""
    height, width = len(picture), len(picture[0])
    places = ((x, y) for y in range(len(screen) - height + 1) for x in range(len(screen[0]) - width + 1))
    return any(all(screen[y + row][x : x + width] == picture[row] for row in range(height)) for x, y in places)


def meets_the_person(device, app, python_client):
    """See that the app is in the dashboard with icon and name, opens by button, and is listed by its hash."""
    assert listed(python_client, device) == {NAME: hashlib.sha256(app.code_and_data).digest()}
    walk_to(device, NAME)
    assert is_on(app.picture(), screenshot(device))
    press(device, "both")
    assert exchange(device.apdu_port, APP_NAME) == NAME.encode() + OK
    assert exchange(device.apdu_port, QUIT) == OK


def answers_its_version(device, app):
    """See that the app that is open answers by itself."""
    assert exchange(device.apdu_port, VERSION) == bytes(map(int, app.version.split("."))) + OK
    assert exchange(device.apdu_port, QUIT) == OK


def test_load_app_loads_the_app_as_its_makefile_does(device, run, app, python_client, device_command):
    """Loaded by loadApp with the file's own parameters it opens by button, E0 D8 and `tally app open`; deleting frees flash."""
    free = run("ledgerctl", "meminfo")
    version = exchange(device.apdu_port, bytes.fromhex("b001000000"))[8:-5].decode()
    common = ("python", "-m", "ledgerblue.loadApp", "--targetId", hex(TARGET_ID), "--targetVersion", version, "--tlv")
    sizes = ("--dataSize", str(app.data_bytes), "--installparamsSize", str(len(app.parameters)))
    told = ("--appName", NAME, "--appFlags", app.flags, "--apiLevel", str(API_LEVEL), "--delete")
    run(*common, "--fileName", str(app.whole), *told, *sizes)
    meets_the_person(device, app, python_client)
    assert exchange(device.apdu_port, OPEN) == OK
    answers_its_version(device, app)
    command = [*device_command, "--device", f"tcp:127.0.0.1:{device.apdu_port}", "app", "open", NAME]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S)
    answers_its_version(device, app)
    run("python", "-m", "ledgerblue.deleteApp", "--targetId", hex(TARGET_ID), "--appName", NAME)
    assert run("ledgerctl", "meminfo") == free
    assert exchange(device.apdu_port, OPEN) == NOT_THERE


def test_ledgerctl_installs_the_app(device, run, app, python_client, tmp_path):
    """Installed by ledgerctl, with an icon that it makes from a picture, it opens by `ledgerctl run`; deleting frees flash."""
    free = run("ledgerctl", "meminfo")
    picture = app.picture()
    image = Image.new("P", (len(picture[0]), len(picture)))
    image.putpalette([level for level in range(256) for _ in range(3)])
    image.putdata([255 if lit else 0 for row in picture for lit in row])
    image.save(tmp_path / "icon.png")
    manifest = {
        "name": NAME,
        "version": app.version,
        "icon": "icon.png",
        "targetId": hex(TARGET_ID),
        "apiLevel": str(API_LEVEL),
        "flags": app.flags,
        "binary": app.bare.name,
        "dataSize": app.data_bytes,
        "derivationPath": {"curves": ["secp256k1"], "paths": ["44'/1'"]},
    }
    (tmp_path / "app.json").write_text(json.dumps(manifest), encoding="ascii")
    run("ledgerctl", "install", str(tmp_path / "app.json"))
    meets_the_person(device, app, python_client)
    run("ledgerctl", "run", NAME)
    answers_its_version(device, app)
    run("ledgerctl", "delete", NAME)
    assert run("ledgerctl", "meminfo") == free
