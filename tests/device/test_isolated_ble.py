"""`tally up --ble` on both boards, with a BlueZ that only plays BlueZ: from a write on the bus to the answer of the locked device."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tallystick.wire.ble import BleFraming
from tallystick.wire.packet import ResponseReceived
from tallystick.wire.role import Role

sys.path.insert(0, str(Path(__file__).parents[1] / "unit/device/cable"))
from fake_bluez import FRIEND, FakeBluez, private_bus

PATIENCE_S = 120.0
SENTENCE = "test test test test test test test test test test test junk"
NOTIFY, WRITE = "/org/tallystick/service0/char0", "/org/tallystick/service0/char1"


@pytest.mark.parametrize("board", ["isolated", "embedded"])
async def test_a_device_of_either_board_answers_over_bluetooth(tmp_path, board):
    """A passkey is shown, an APDU is answered through the wall of the Normal World, and it ends when it is told to."""
    with private_bus(tmp_path) as address:
        bluez = FakeBluez()
        await bluez.open(address)
        words = [
            sys.executable,
            "-m",
            "tallystick",
            "up",
            "--board",
            board,
            "--model",
            "nanox",
            "--ephemeral",
            "--json",
        ]
        words += ["--ble", "--no-panel", "--no-manager", "--apdu-port", "0", "--seed", SENTENCE]
        environment = os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": address}
        pipe = asyncio.subprocess.PIPE
        device = await asyncio.create_subprocess_exec(*words, stdout=pipe, stderr=pipe, env=environment)
        try:
            async with asyncio.timeout(PATIENCE_S):
                facts = json.loads(await device.stdout.readline())
                assert facts["ble"] == {"adapter": None}
                await bluez.ask("DisplayPasskey", "ouq", [FRIEND, 4711, 0])
                while b"type 004711 on" not in (line := await device.stderr.readline()):
                    assert line, "no passkey was shown"
                await bluez.subscribe(NOTIFY)
                host, answer = BleFraming(Role.HOST), None
                await bluez.write(WRITE, host.negotiate(), mtu=156)
                host.receive((await bluez.notified.get())[1])
                for frame in host.send(bytes.fromhex("b001000000")):
                    await bluez.write(WRITE, frame, mtu=156)
                while answer is None:
                    events = host.receive((await bluez.notified.get())[1])
                    answer = next((one.response for one in events if isinstance(one, ResponseReceived)), None)
                assert answer.to_bytes()[:7] == b"\x01\x05BOLOS"
                device.terminate()
                assert await device.wait() == 0
        finally:
            if device.returncode is None:
                device.kill()
                await device.wait()
            bluez.close()
