"""Native apps through the front door: loaded by the vendor's tools, opened by everybody's ways, and judged by Ragger."""

import ast
import hashlib
import json
import os
import socket
import struct
import subprocess
import time
import urllib.request

import client
import pytest
from app_file import HELLO, flash_of, intel_hex
from person import ask

from conftest import require

pytestmark = pytest.mark.interop

#: of the example: code, then what it keeps, then its install parameters, which loaders write themselves
CODE_BYTES, DATA_BYTES = 1792, 256
TARGET_ID = 0x33000004
API_LEVEL = 26
VERSION = bytes.fromhex("e001000000")
COUNT = bytes.fromhex("e002000000")
QUIT = bytes.fromhex("b0a7000000")
OPEN = bytes.fromhex("e0d8000005") + b"Hello"
OK = b"\x90\x00"
PATIENCE_S = 300.0


def exchange(port, apdu):
    """Send one APDU by a connection of its own; a device that is just starting is asked again."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as link:
                link.sendall(struct.pack(">I", len(apdu)) + apdu)
                stream = link.makefile("rb")
                return stream.read(struct.unpack(">I", stream.read(4))[0] + 2)
        except (ConnectionError, struct.error):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def count(device):
    """Have the app count; give the number, which it keeps in flash."""
    answer = exchange(device.apdu_port, COUNT)
    assert answer[-2:] == OK
    return int.from_bytes(answer[:-2], "little")


@pytest.fixture
def hello():
    """Give code and data of the example."""
    address, flash = flash_of(HELLO)
    assert address == 0xC0DE0000
    return flash[: CODE_BYTES + DATA_BYTES]


@pytest.fixture
def hello_hex(tmp_path, hello):
    """Give the path of the example's hex file."""
    path = tmp_path / "hello.hex"
    path.write_text(intel_hex(hello, base=0xC0DE0000), encoding="ascii")
    return path


@pytest.fixture
def nanox(start_device):
    """Give a Nano X whose person approves everything."""
    return start_device("--approve", "--model", "nanox", apps=())


@pytest.fixture
def ledgerctl(nanox, python_client):
    """Give a function that runs ledgerctl at the device."""
    return lambda *words: python_client.command(nanox, "ledgerctl", *words).stdout


@pytest.fixture
def manifest(tmp_path, hello_hex):
    """Give the path of ledgerctl's manifest."""
    document = {
        "name": "Hello",
        "version": "1.0.0",
        "targetId": hex(TARGET_ID),
        "apiLevel": str(API_LEVEL),
        "flags": "0x00",
        "binary": hello_hex.name,
        "dataSize": DATA_BYTES,
        "derivationPath": {"curves": ["secp256k1"], "paths": ["44'"]},
    }
    path = tmp_path / "hello.json"
    path.write_text(json.dumps(document), encoding="ascii")
    return path


def listed(client_, device):
    """Give the apps that ledgerblue lists, by their names, with their hashes; ledgerctl asks the vendor's server for a Nano X."""
    command = ("python", "-m", "ledgerblue.listApps", "--targetId", hex(TARGET_ID), "--scp")
    found = ast.literal_eval(client_.command(device, *command).stdout.splitlines()[-1])
    return {app["name"]: app["hash_code_data"] for app in found}


def test_ledgerctl_loads_native_code_that_runs(nanox, python_client, ledgerctl, manifest, hello):
    """What `ledgerctl install` loaded is listed by its hash, opens by `ledgerctl run` and by E0 D8, and answers."""
    ledgerctl("install", str(manifest))
    assert listed(python_client, nanox) == {"Hello": hashlib.sha256(hello).digest()}
    ledgerctl("run", "Hello")
    assert exchange(nanox.apdu_port, VERSION) == bytes.fromhex("010000") + OK
    assert exchange(nanox.apdu_port, QUIT) == OK
    assert exchange(nanox.apdu_port, OPEN) == OK
    assert exchange(nanox.apdu_port, VERSION) == bytes.fromhex("010000") + OK


def test_flash_of_native_code_lives_as_long_as_it_is_installed(nanox, ledgerctl, manifest):
    """What the app keeps survives its end and the device's; installing it again wipes it, and deleting it frees the flash."""
    free = ledgerctl("meminfo")
    ledgerctl("install", str(manifest))
    assert ledgerctl("meminfo") != free
    ledgerctl("run", "Hello")
    assert [count(nanox), count(nanox)] == [1, 2]
    exchange(nanox.apdu_port, QUIT)
    exchange(nanox.apdu_port, OPEN)
    assert count(nanox) == 3
    ask(nanox.api_port, "POST", "/replug", {"hold": None})
    assert exchange(nanox.apdu_port, OPEN) == OK
    assert count(nanox) == 4
    exchange(nanox.apdu_port, QUIT)
    ledgerctl("install", "-f", str(manifest))
    ledgerctl("run", "Hello")
    assert count(nanox) == 1
    exchange(nanox.apdu_port, QUIT)
    ledgerctl("delete", "Hello")
    assert ledgerctl("meminfo") == free


def test_ledgerblue_loads_native_code_that_runs(nanox, python_client, hello_hex, hello, device_command):
    """What `loadApp` loaded is listed by its hash, and `tally app open` opens it."""
    version = exchange(nanox.apdu_port, bytes.fromhex("b001000000"))[8:-5].decode()
    common = ("python", "-m", "ledgerblue.loadApp", "--targetId", hex(TARGET_ID), "--tlv", "--targetVersion", version)
    app = ("--fileName", str(hello_hex), "--appName", "Hello", "--appVersion", "1.0.0", "--appFlags", "0x0")
    kept = ("--apiLevel", str(API_LEVEL), "--dataSize", str(DATA_BYTES), "--path", "44'", "--curve", "secp256k1")
    python_client.command(nanox, *common, *app, *kept)
    assert listed(python_client, nanox) == {"Hello": hashlib.sha256(hello).digest()}
    command = [*device_command, "--device", f"tcp:127.0.0.1:{nanox.apdu_port}", "app", "open", "Hello"]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S)
    assert count(nanox) == 1


def test_native_app_opens_by_button(start_device, python_client, manifest):
    """The app is in the dashboard's menu, and the buttons open it."""
    device = start_device("--approve", "--model", "nanox", apps=())
    python_client.command(device, "ledgerctl", "install", str(manifest))
    ask(device.api_port, "POST", "/automation", {"version": 1, "rules": []})
    for _ in range(20):
        screen = _screen(device)
        if "Hello" in screen["texts"]:
            break
        _press(device, "right", after=screen["sequence"])
    _press(device, "both", after=_screen(device)["sequence"])
    assert exchange(device.apdu_port, VERSION) == bytes.fromhex("010000") + OK


def _screen(device):
    events = ask(device.api_port, "GET", "/events?currentscreenonly=true")
    return {"texts": [event["text"] for event in events["events"]], "sequence": events["sequence"]}


def _press(device, button, *, after):
    ask(device.api_port, "POST", f"/button/{button}", {"action": "press-and-release", "delay": 0})
    url = f"http://127.0.0.1:{device.api_port}/screen?after={after}&timeout=30"
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
        assert answer.status == 200


def test_ragger_runs_its_suite_on_this_emulator(device_command, tmp_path):
    """Behind `tally emulate --stand-in` Ragger's own backend starts this, and its navigator walks through a review."""
    python = client.HERE / ".venv-ragger" / "bin" / "python"
    require("" if python.exists() else "Ragger not installed: run scripts/interop_setup")
    driver = [str(python), str(client.HERE / "python" / "ragger_driver.py"), json.dumps({"app": str(HELLO)})]
    command = [*device_command, "emulate", "--stand-in", "--", *driver]
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        cwd=tmp_path,
        env=environment | {"HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "version": "010000",
        "home": ["Hello", "Quit"],
        "approved": 0x9000,
        "rejected": 0x6985,
        "unknown": 0x6D00,
    }
