"""What `tally app pack` writes is what ledgerctl takes: the app that it installs has the hash that `tally app info` told."""

import json
import socket
import struct
import subprocess
from pathlib import Path

import pytest
from app_file import HELLO

pytestmark = pytest.mark.interop

TARGET_ID = 0x33000004
PATIENCE_S = 300.0


def said(command, *words):
    """Run the `tally` that is judged, and return the JSON it prints."""
    done = subprocess.run(
        [*command, *map(str, words), "--json"], check=True, capture_output=True, text=True, timeout=PATIENCE_S
    )
    return json.loads(done.stdout)


def exchange(port, apdu):
    """Send one APDU by a connection of its own."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as link:
        link.sendall(struct.pack(">I", len(apdu)) + apdu)
        stream = link.makefile("rb")
        return stream.read(struct.unpack(">I", stream.read(4))[0] + 2)


@pytest.mark.parametrize("name", ["hello", "signer"])
def test_ledgerctl_installs_what_was_packed(start_device, python_client, device_command, tmp_path, name):
    """Ledgerctl loads the hex file by its manifest; the device then has the app with the hash that was told before, and runs it."""
    elf = Path(HELLO).with_name(f"{name}.elf")
    files = said(device_command, "app", "pack", elf, "-o", tmp_path / "app.hex")["files"]
    assert [Path(file).name for file in files] == ["app.hex", "app.json"]
    device = start_device("--approve", "--model", "nanox", apps=())
    python_client.command(device, "ledgerctl", "install", str(tmp_path / "app.json"))
    target = f"tcp:127.0.0.1:{device.apdu_port}"
    (app,) = said(device_command, "app", "list", "--device", target)["apps"]
    told = said(device_command, "app", "info", tmp_path / "app.hex")
    assert app["name"] == told["name"] == name.capitalize()
    assert app["full_hash"] == told["full_hash"]
    assert exchange(device.apdu_port, bytes((0xE0, 0xD8, 0, 0, len(name))) + name.capitalize().encode()) == b"\x90\x00"
    said(device_command, "app", "open", name.capitalize(), "--device", target)
    assert exchange(device.apdu_port, bytes.fromhex("e001000000")) == bytes.fromhex("0100009000")
