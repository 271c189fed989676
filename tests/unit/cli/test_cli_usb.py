"""`--usb`: what may be asked for, and how a cable's program is started, told to plug in, heard, and let go of."""

import asyncio
import os
import sys
from pathlib import Path

import pytest
from cable_stage import Device

from tallystick.cli import usb
from tallystick.cli.up import up
from tallystick.cli.up_check import check
from tallystick.cli.usb import Usb, Way, cable_command
from tallystick.errors import PermissionDenied, TransportError, UsageError

PATIENCE_S = 60.0
READY = "print('{\"ready\": {}}', flush=True)\n"
ORDINARY = READY + 'for line in sys.stdin: print(\'{"plugged": {"port": 3}}\', flush=True)\n'
COMPLAINT = 'print(\'{"error": {"code": "no_permission", "message": "no", "remedy": "be root"}}\', flush=True)\n'


@pytest.fixture
def program(monkeypatch):
    """Return what has a cable's program be these lines of Python."""

    def be(lines):
        monkeypatch.setattr(
            usb, "cable_command", lambda _kind, _address: [sys.executable, "-c", "import sys\n" + lines]
        )

    return be


@pytest.mark.parametrize(
    ("text", "kind", "port"),
    [
        ("vhci", "vhci", 3240),
        ("tcp", "tcp", 3240),
        ("tcp:0", "tcp", 0),
        ("tcp:65535", "tcp", 65535),
        ("uhid", "uhid", 3240),
    ],
)
def test_a_way_is_a_kind_and_for_tcp_a_port(text, kind, port):
    """The port of the protocol is what is taken without one."""
    assert Way.parse(text) == Way(kind=kind, port=port)


@pytest.mark.parametrize(
    "text", ["", "usb", "tcp:", "tcp:x", "tcp:65536", "tcp:-1", "tcp:1:2", "vhci:", "uhid:1", "TCP"]
)
def test_what_is_no_way_is_refused(text):
    """With the ways there are."""
    with pytest.raises(UsageError):
        Way.parse(text)


def test_a_cable_gets_the_rights_of_root_from_sudo_or_pkexec(monkeypatch):
    """Root needs neither; without both there is a clear error."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert cable_command("vhci", "A")[:3] == [sys.executable, "-I", "-m"]
    assert cable_command("vhci", "A")[3:] == ["tallystick.device.cable.vhci", "A"]
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for found in ("sudo", "pkexec"):
        monkeypatch.setattr(
            usb.shutil, "which", lambda name, found=found: f"/usr/bin/{name}" if name == found else None
        )
        assert cable_command("vhci", "A")[:2] == [f"/usr/bin/{found}", sys.executable]
    monkeypatch.setattr(usb.shutil, "which", lambda _name: None)
    with pytest.raises(PermissionDenied) as caught:
        cable_command("vhci", "A")
    assert "--usb tcp" in caught.value.remedy


def test_over_tcp_there_is_no_cable_and_the_port_is_told():
    """The socket listens on the loopback address, and the device counts as plugged in at once."""
    one = Usb(Way(kind="tcp", port=0))
    told = []
    one.follow(Device.__new__(Device))
    one.when_plugged(lambda: told.append(True))
    address, port = one.listener.getsockname()
    assert (address, one.facts, told) == ("127.0.0.1", {"kind": "tcp", "port": port}, [True])
    one.close()


async def test_a_device_is_plugged_in_each_time_it_comes_up(program):
    """The first time is told to whoever waits for it."""
    program(ORDINARY)
    one, plugged = Usb(Way(kind="vhci")), asyncio.Event()
    device = Device()
    one.follow(device)
    one.when_plugged(plugged.set)
    assert not plugged.is_set()
    device.on_power()
    async with asyncio.timeout(PATIENCE_S):
        await plugged.wait()
    device.on_power()
    assert one.facts == {"kind": "vhci", "port": None}
    one.close()
    assert not device.failed.done()


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        (READY + "sys.stdin.readline()\n" + COMPLAINT, PermissionDenied),
        (READY + "sys.stdin.readline()\n", TransportError),
    ],
    ids=["complains", "ends"],
)
async def test_a_cable_that_fails_later_ends_the_device_with_its_reason(program, lines, error):
    """What it says last is what the user is told."""
    program(lines)
    one, device = Usb(Way(kind="vhci")), Device()
    one.follow(device)
    device.on_power()
    async with asyncio.timeout(PATIENCE_S):
        assert isinstance(await device.failed, error)
    one.close()


@pytest.mark.parametrize(
    ("lines", "error"),
    [(COMPLAINT, PermissionDenied), ("", PermissionDenied), ("print('hello')", TransportError)],
    ids=["complains", "ends", "babbles"],
)
def test_a_cable_that_cannot_start_is_an_error_before_the_device_starts(program, lines, error):
    """Nothing is left of it."""
    program(lines)
    with pytest.raises(error):
        Usb(Way(kind="vhci"))


def test_the_boards_systemd_unit_asks_for_what_there_is():
    """The options of the unit that docs/how-to/usb-gadget.md installs are options of `tally up`, and go together."""
    lines = (Path(__file__).parents[3] / "examples/gadget/tallystick.service").read_text().splitlines()
    (start,) = (line for line in lines if line.startswith("ExecStart="))
    program, command, *words = start.removeprefix("ExecStart=").split()
    assert (program, command) == ("/opt/tallystick/bin/tally", "up")
    options = up.make_context("up", words).params
    check(options)
    assert (options["board"], options["usb"]) == ("isolated", "gadget")
