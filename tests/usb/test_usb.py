"""The device on real USB, judged by clients that we did not write, in a virtual machine of one boot (`make usb-test`).

guest.py runs inside it and writes down what happened; here it is judged. Without QEMU, or without a kernel for it, the
tests skip with the reason: scripts/usb_setup makes both.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
CACHE = Path(
    os.environ.get("TALLYSTICK_USB_VM")
    or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "tallystick/usb-vm"
)
#: 50 times what it takes on a quiet machine would still be a hang
VM_TIMEOUT_S = 900
#: name and version of the dashboard, as `B0 01` gives them
DASHBOARD = "0105424f4c4f5305312e312e310102"
FULL_SPEED, HIGH_SPEED = "12", "480"


def lacking():
    """Return what there is not, and why the tests cannot run, or nothing."""
    if shutil.which("qemu-system-x86_64") is None:
        return "there is no qemu-system-x86_64: run scripts/usb_setup"
    if not (CACHE / "version").exists():
        return f"there is no kernel in {CACHE}: run scripts/usb_setup"
    if not (ROOT / "tests/interop/.venv/.ready").exists():
        return "the foreign Python clients are not there: run scripts/interop_setup"
    return ""


def want(results, name, tool):
    """Return the results of a client, or skip where what builds it is not there; where it is, the client must be too."""
    if name in results:
        return results[name]
    reason = f"the {tool} client is not there: run scripts/usb_setup"
    if os.environ.get("CI") and shutil.which(tool):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    """Return what happened in the virtual machine, which is booted once."""
    if reason := lacking():
        pytest.skip(reason)
    out = tmp_path_factory.mktemp("usb")
    environment = os.environ | {"TALLYSTICK_VM_TIMEOUT": str(VM_TIMEOUT_S)}
    command = ["scripts/usb_vm", "-o", str(out), "env", f"TALLYSTICK_GO_CLIENT={CACHE}/go_client"]
    command += [sys.executable, "tests/usb/guest.py"]  # inside, the programs are those of this machine, at their places
    ended = subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return json.loads((out / "results.json").read_text())


@pytest.fixture(params=["vhci", "gadget"])
def cable(request, results):
    """Return what happened on the virtual controller, and on a gadget."""
    return results[request.param]


@pytest.mark.parametrize("way", ["vhci", "gadget", "uhid"])
def test_every_way_was_walked_to_its_end(results, way):
    """Nothing broke on the way, and the device left with the process."""
    assert "error" not in results[way]
    assert results[way]["stop"] == {"code": 0, "gone": True}


def test_the_kernel_sees_vendor_product_and_strings_of_the_model(results):
    """Vendor 2c97, the model's product id and product string, a serial number of ours, full speed or high speed."""
    for way, speed in (("vhci", FULL_SPEED), ("gadget", HIGH_SPEED)):
        found = results[way]["usb"]
        assert (found["idVendor"], found["idProduct"]) == ("2c97", "5011")
        assert (found["manufacturer"], found["product"]) == ("Ledger", "Nano S+")
        assert found["serial"] == results[way]["facts"]["serial"]
        assert found["serial"].startswith("tallystick-")
        assert found["speed"] == speed


@pytest.mark.parametrize("client", ["hid", "hidraw"])
def test_hidapi_finds_interface_0_and_loses_no_report(cable, client):
    """Both variants of hidapi see one HID interface, number 0, and each report out brings one report in."""
    answer = cable["python"]["answer"][client]["answer"]
    assert [one["interface_number"] for one in answer["listed"]] == [0]
    assert answer["reports"] == 25
    if client == "hidraw":
        assert answer["listed"][0]["usage_page"] == 0xFFA0


@pytest.mark.parametrize(("client", "expected"), [("ledgerblue", DASHBOARD), ("ledgercomm", "9000" + DASHBOARD)])
def test_python_clients_exchange_apdus(cable, client, expected):
    """The clients ledgerblue and ledgercomm find the device by themselves, and each of ten exchanges succeeds."""
    assert cable["python"]["answer"][client].get("answer") == [expected] * 10


def test_ledgerjs_over_node_hid_exchanges_apdus(results):
    """The client ledgerjs lists one device and exchanges ten APDUs with it."""
    answer = want(results["vhci"], "node", "node")["answer"]
    assert answer["listed"] == 1
    assert answer["answers"] == [DASHBOARD + "9000"] * 10


def test_ledger_go_exchanges_apdus(results):
    """The Go library of Cosmos' node clients, with a libusb of its own, finds the device and exchanges ten APDUs."""
    answer = want(results["vhci"], "go", "go")["answer"]
    assert answer["count"] == 1
    assert answer["answers"] == [DASHBOARD] * 10


def test_our_own_tools_find_it_over_hidapi(results):
    """`tally device list` shows it by its serial number, and `tally device info` reads it."""
    own = results["vhci"]["own"]
    serial = results["vhci"]["facts"]["serial"]
    urls = [one["url"] for one in own["list"]["answer"]["devices"]]
    assert [url for url in urls if url.startswith("hid:")] == [f"hid:{serial}"]
    info = own["info"]["answer"]
    assert (info["model"], info["mode"], info["device"]) == ("nanosp", "normal", f"hid:{serial}")


def test_a_plug_pulled_while_the_person_is_asked_ends_the_session_and_the_next_works(results):
    """It comes back as its bootloader when the left button is held, as itself afterwards, and answers again."""
    part = results["vhci"]
    assert part["bootloader"]["idProduct"] == "0005"
    assert part["again"]["idProduct"] == "5011"
    assert part["ledgerblue_again"]["answer"]["ledgerblue"].get("answer") == [DASHBOARD] * 10


def test_a_gadget_comes_back_as_what_the_device_is_then(results):
    """Its plug is pulled and put in like the other's: bootloader, itself again, and no report is lost afterwards."""
    part = results["gadget"]
    assert part["bootloader"]["idProduct"] == "0005"
    assert part["again"]["idProduct"] == "5011"
    assert [part["python_again"]["answer"][name]["answer"]["reports"] for name in ("hidraw", "hid")] == [25, 25]


def test_a_gadget_leaves_nothing_in_the_kernel(results):
    """When the process ends, its gadget is removed from configfs."""
    assert results["gadget"]["left"] == []


def test_uhid_reaches_programs_that_open_a_path_and_no_others(results):
    """With hidraw the device's reports are read; ledgerblue, which looks for USB, does not find it: that is the limit we tell of."""
    answer = results["uhid"]["python"]["answer"]
    assert answer["hidraw"]["answer"]["reports"] == 25
    assert answer["hidraw"]["answer"]["listed"][0]["interface_number"] == -1
    assert "No dongle found" in answer["ledgerblue"]["error"]
