"""Native apps of embedded devices: one process runs the processors of all of them, and one app's end is no other's."""

import os
from pathlib import Path

import pytest
from native_stage import EXAMPLE

from tallystick.device.sandbox.engine import engine_of_this_thread
from tallystick.testing.device import VirtualDevice
from tallystick.wire.status import StatusWord

VERSION, COUNT = "e001000000", "e002000000"


@pytest.fixture(autouse=True)
def _no_foreign_libraries(monkeypatch):
    """Shared libraries that may lie on this machine are not looked for."""
    monkeypatch.delenv("TALLYSTICK_SPECULOS", raising=False)


def made(**options):
    """Return a device with the example open."""
    return VirtualDevice(model="nanox", apps=[EXAMPLE], open="Hello", **options)


def test_devices_share_one_process_and_nothing_else():
    """Each device's app counts for itself; all run in one process beside the test."""
    one, two = made(), made()
    pid = engine_of_this_thread().process.pid
    assert [one.exchange(COUNT).data[0] for _ in range(3)] == [1, 2, 3]
    assert two.exchange(COUNT).data[0] == 1
    assert engine_of_this_thread().process.pid == pid


def test_person_answers_the_review_of_a_native_app():
    """A review that native code asks for is read and approved as any other."""
    device = made()
    pending = device.send("e004000003426f62")
    reading = device.user.approve()
    assert "Bob" in str(reading)
    assert pending.response.status == StatusWord.SUCCESS


def test_app_that_does_harm_ends_alone():
    """A fault ends the app of one device, which answers 6F00 and shows its dashboard; the other goes on."""
    one, two = made(), made()
    assert one.exchange("e00f000000").status == StatusWord.TECHNICAL_PROBLEM
    assert one.status["app"] is None
    assert two.exchange(VERSION).data == bytes((1, 0, 0))


def test_flash_outlives_the_app_and_the_device():
    """What an app keeps is there when it is opened again, and after the plug was pulled."""
    device = made()
    assert device.exchange(COUNT).data[0] == 1
    device.quit()
    device.open("Hello")
    assert device.exchange(COUNT).data[0] == 2
    device.replug()
    device.open("Hello")
    assert device.exchange(COUNT).data[0] == 3


def test_equal_devices_are_equal():
    """Two devices of one seed and number show the same and answer the same."""
    one, two = made(deterministic_rng=5), made(deterministic_rng=5)
    assert (one.serial, one.screen, one.exchange(VERSION)) == (two.serial, two.screen, two.exchange(VERSION))


def test_process_that_died_takes_its_apps_along_and_is_started_again():
    """When the process is gone its apps are over, with an answer; the next app gets a new one."""
    device = made()
    engine = engine_of_this_thread()
    engine.process.kill()
    engine.process.wait()
    assert device.exchange(VERSION).status == StatusWord.TECHNICAL_PROBLEM
    assert not engine.is_alive
    device.open("Hello")
    assert device.exchange(VERSION).data == bytes((1, 0, 0))


def test_process_is_locked():
    """The process of the processors has its filter on and may gain no privileges."""
    device = made()
    assert device.exchange(VERSION).ok
    status = Path(f"/proc/{engine_of_this_thread().process.pid}/status").read_text(encoding="ascii")
    facts = dict(line.split(":", 1) for line in status.splitlines())
    assert (facts["Seccomp"].strip(), facts["NoNewPrivs"].strip()) == ("2", "1")
    assert os.getpid() == int(facts["PPid"])


def test_native_app_is_installed_later():
    """A device takes the path of an ELF file wherever it takes an app."""
    device = VirtualDevice(model="nanox")
    assert device.install(EXAMPLE).name == "Hello"
    device.open("hello")
    assert device.exchange(VERSION).ok
