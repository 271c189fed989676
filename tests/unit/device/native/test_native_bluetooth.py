"""A Bluetooth controller that nobody is in reach of, as apps of firmware 1.x set it up."""

import pytest
from test_native_old_call import DATA, OUT, RAM, result, run

from tallystick.device.native.bluetooth import completed

RESET = bytes.fromhex("0c03")
#: command complete (Bluetooth Core Specification, volume 4, part E, 7.7.14): room for one, opcode 0c03 little endian, success
ANSWER = bytes.fromhex("040e0b01030c") + bytes(8)


def test_command_is_completed():
    """Each command is carried out at once, whatever its parameters."""
    assert completed(RESET) == ANSWER
    assert completed(bytes.fromhex("fc83003000")) == bytes.fromhex("040e0b0183fc") + bytes(8)


@pytest.mark.parametrize("command", [b"", b"\x0c"])
def test_what_is_no_command_has_no_answer(command):
    """A packet without a whole opcode is left alone."""
    assert completed(command) == b""


def test_app_that_waits_for_its_controller_hears_of_it_next():
    """A command that an app sends is answered by the next packet that it hears, before anything else happens."""
    data = b"\x38\x00\x02" + RESET + b"\x60\x00\x02\x00\x00"
    made = run(("io_seph_send", DATA, 5), ("io_seph_send", DATA + 5, 5), ("io_seph_recv", OUT, 64, 0), data=data)
    assert made.requests == []
    assert (result(made), made.cpu.read(OUT, 17)) == (17, b"\x18\x00\x0e" + ANSWER)
    assert made.cpu.read(RAM, 4) == bytes(4)
