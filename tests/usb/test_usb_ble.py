"""The device over Bluetooth, by the kernel and BlueZ themselves, judged by a stack that we did not write (`make ble-test`).

There is no radio: guest_ble.py, in a virtual machine of one boot, gives the kernel a controller that the foreign stack plays, linked
to that stack's own host. It writes down what happened; here it is judged. scripts/usb_setup and scripts/ble_setup make what it needs.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_usb import CACHE, ROOT, VM_TIMEOUT_S, lacking

BLUETOOTHD = Path(os.environ.get("TALLYSTICK_BLE") or CACHE.parent / "ble") / "bluetoothd"
DASHBOARD = "0105424f4c4f5305322e322e3301029000"
LONG = bytes.fromhex("b0010000ff") + bytes(range(255))


@pytest.fixture(scope="session")
def air(tmp_path_factory):
    """Return what happened on the air, in a virtual machine that is booted once."""
    reason = lacking()
    if not reason and not BLUETOOTHD.exists():
        reason = f"there is no {BLUETOOTHD}: run scripts/ble_setup"
    if reason and os.environ.get("CI") == "true" and not lacking():
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    out = tmp_path_factory.mktemp("ble")
    environment = os.environ | {"TALLYSTICK_VM_TIMEOUT": str(VM_TIMEOUT_S)}
    command = ["scripts/usb_vm", "-o", str(out), "env", f"TALLYSTICK_BLUETOOTHD={BLUETOOTHD}"]
    command += [sys.executable, "tests/usb/guest_ble.py"]
    ended = subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    results = json.loads((out / "results.json").read_text())
    logs = {path.name: path.read_text()[-2000:] for path in out.glob("*.log")}
    if "error" in results | results.get("host", {}):
        pytest.fail(json.dumps(results | logs, indent=1))
    return results


def test_a_foreign_host_finds_the_service_of_the_model(air):
    """Its three characteristics, after an MTU of 247 was agreed on."""
    uuids = [f"13D63400-2C97-0004-000{number}-4C6564676572" for number in (1, 2, 3)]
    assert air["host"]["discovered"] == {"mtu": 247, "characteristics": uuids}


def test_who_has_not_paired_is_refused_by_the_system(air):
    """A write without keys that were compared does not reach the device."""
    assert "INSUFFICIENT_AUTHENTICATION" in air["host"]["unpaired"]


def test_the_passkey_that_is_shown_pairs(air):
    """The link is encrypted, and both ends know each other."""
    assert air["host"]["paired"] == {"encrypted": True, "authenticated": True}


def test_apdus_long_and_short_are_answered_by_either_characteristic(air):
    """In frames of 153 bytes, as devices have them."""
    assert air["host"]["talk"] == {"negotiated": "080000990199", "answers": [DASHBOARD] * 4}


def test_a_host_that_comes_again_needs_not_pair_and_may_have_another_mtu(air):
    """Its keys were kept; frames are 3 bytes less than its MTU of 64."""
    assert air["host"]["again"] == {"negotiated": "0800003d013d", "answers": [DASHBOARD] * 4}


def test_the_plug_pulled_ends_the_link(air):
    """The device ends as asked, and the host is disconnected, not left waiting."""
    assert air["code"] == 0
    assert air["left"]["disconnected"] in {0x13, 0x16}


def test_our_own_tools_reach_a_foreign_device_over_bluez(air):
    """It is listed by its address, with the model of its service; requests long and short are answered in its own frame size."""
    (found,) = air["list"]["devices"]
    assert (found["kind"], found["model"], found["url"]) == ("ble", "nanox", "ble:C4:F2:17:1A:1D:CC")
    answers = [one["data"] for one in air["sent"]["exchanges"]]
    assert answers == ["00000001b0", LONG[::-1].hex()]
