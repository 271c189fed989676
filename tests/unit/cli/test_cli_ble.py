"""`tally up --ble` and `tally --ble`: what may be asked for, and the radio's program started, heard, and let go of."""

import asyncio
import json
import sys

import pytest
from cable_stage import Device

from tallystick.cli import ble
from tallystick.cli.ble import Ble, adapter_of
from tallystick.cli.target import Run
from tallystick.errors import TransportError, UsageError
from tallystick.host.transport.discovery import Candidate

PATIENCE_S = 60.0


@pytest.fixture
def program(monkeypatch):
    """Return what has the radio's program be these lines of Python."""
    made = ble.Cable

    def be(lines):
        """Have them stand for the interpreter's answer to the radio's module."""
        command = [sys.executable, "-c", "import sys\n" + lines]
        monkeypatch.setattr(ble, "Cable", lambda _command, **options: made(command, **options))

    return be


@pytest.mark.parametrize("model", ["nanox", "stax", "flex", "apex_p"])
def test_models_with_bluetooth_take_any_adapter_or_the_one_that_is_named(model, monkeypatch):
    """By the names that BlueZ gives them."""
    monkeypatch.setattr(sys, "platform", "linux")
    assert adapter_of("any", model=model) == ""
    assert adapter_of("hci1", model=model) == "hci1"


@pytest.mark.parametrize(
    ("text", "model", "platform"),
    [
        ("any", "nanos", "linux"),
        ("any", "nanosp", "linux"),
        ("any", "nanox", "darwin"),
        ("hci", "nanox", "linux"),
        ("/org/bluez/hci0", "nanox", "linux"),
        ("hci1234", "nanox", "linux"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(text, model, platform, monkeypatch):
    """Models without Bluetooth, systems without BlueZ, names that no adapter has."""
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(UsageError) as caught:
        adapter_of(text, model=model)
    assert caught.value.remedy


def test_up_refuses_before_anything_is_started(invoke):
    """The default model has no Bluetooth; the remedy names those that have."""
    result = invoke("up", "--ble", "--json")
    assert result.exit_code == 2
    assert "--model: nanox, stax, flex, apex_p" in json.loads(result.stdout)["remedy"]


async def test_a_passkey_is_shown_and_the_device_is_on_the_air_each_time_it_comes_up(program, capsys):
    """What was told of power before is told still."""
    program(
        "print('{\"ready\": {}}', flush=True)\n"
        'for line in sys.stdin: print(\'{"pairing": {"code": "004711"}}\\n{"pairing": {"code": ""}}\\n{"plugged": {}}\', flush=True)\n'
    )
    one, device, plugged = Ble("hci0"), Device(), asyncio.Event()
    one.follow(device)
    one.when_plugged(plugged.set)
    device.on_power()
    async with asyncio.timeout(PATIENCE_S):
        await plugged.wait()
    assert device.powers == [True]
    assert one.facts == {"adapter": "hci0"}
    assert capsys.readouterr().err == "Bluetooth pairing: type 004711 on the other device\n"
    one.close()


def test_a_radio_that_cannot_begin_is_an_error_before_the_device_starts(program):
    """In its own words, or in ours when it has none."""
    program('print(\'{"error": {"code": "no_device", "message": "no adapter", "remedy": "plug one in"}}\', flush=True)')
    with pytest.raises(TransportError, match="no adapter"):
        Ble("")
    program("")
    with pytest.raises(TransportError, match="does not start"):
        Ble("")


def test_ble_is_an_address_that_device_overrules():
    """Without either, the environment decides."""
    environ = {"TALLY_DEVICE": "tcp:localhost:1"}
    assert Run(is_ble=True, environ=environ).address == "ble:"
    assert Run(is_ble=True, device="ble:Stax", environ=environ).address == "ble:Stax"
    assert Run(environ=environ).address == "tcp:localhost:1"


def test_devices_on_the_air_are_listed_when_they_are_asked_for(invoke, monkeypatch):
    """Beside the others: listening takes seconds."""

    class Finder:
        """Finds one device on the air."""

        def candidates(self):
            """Find none."""
            return []

        def nearby(self):
            """Find one."""
            return [Candidate(url="ble:00:00:5E:00:53:01", kind="ble", model="nanox", product="Nano X 00AB")]

    monkeypatch.setattr(Run, "finder", lambda self: Finder())
    assert json.loads(invoke("device", "list", "--json").stdout)["devices"] == []
    (found,) = json.loads(invoke("device", "list", "--ble", "--json").stdout)["devices"]
    assert (found["url"], found["kind"], found["model"]) == ("ble:00:00:5E:00:53:01", "ble", "nanox")
