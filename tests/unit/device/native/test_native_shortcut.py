"""Calls of the shared library that go past the OS: a library made by hand, on the real processor."""

import struct

import pytest
from native_program import END, FLASH, INFO, RAM, elf, native
from unicorn import UcError

from tallystick.device.native.cpu import Exhausted, Register, Trap
from tallystick.device.native.library_shortcut import shorten
from tallystick.device.native.library_table import FUNCTIONS
from tallystick.device.native.machine import Machine
from tallystick.device.native.memory import BadPointer
from tallystick.device.native.worker import UnicornCpu

TRAMPOLINE = 0x210000
TABLE = TRAMPOLINE + 16
#: adds r0, r0, r3; bx lr
FUNCTION = bytes.fromhex("c0187047")
PLACE = TABLE + 4 * len(FUNCTIONS)
OURS, THEIRS, NONE = (FUNCTIONS.index(name) for name in ("cx_ecdsa_sign_no_throw", "nbgl_refresh", "nbgl_objInit"))


class Watched(UnicornCpu):
    """A processor whose calls are told to somebody."""

    is_watched = True


def _library():
    """Return a library that has two functions, one of which the OS answers as well."""
    targets = [PLACE | 1 if number in {OURS, THEIRS} else 0 for number in range(len(FUNCTIONS))]
    code = bytes(12) + struct.pack(f"<{1 + len(targets)}I", TABLE, *targets) + FUNCTION
    return elf(segments=[(TRAMPOLINE, code, len(code))], entry=TRAMPOLINE | 1)


def _stub(number):
    """Return code that calls a function by number with 5, 6, 7 and 8, as an app's stub does, and ends."""
    first = struct.pack("<4H", 0x2005, 0x2106, 0x2207, 0x2308)  # movs r0 to r3
    # push {r0, r1}; movw r0, number; ldr r1, [pc, #4]; blx r1; nop
    movw = struct.pack("<HH", 0xF240 | (number >> 11 & 1) << 10, (number >> 8 & 7) << 12 | number & 0xFF)
    call = struct.pack("<H", 0xB403) + movw + struct.pack("<3H", 0x4901, 0x4788, 0xE001)
    return first + call + struct.pack("<I", TRAMPOLINE | 1) + END


def _run(number, cpu=None, *, answered=("cx_ecdsa_sign_no_throw",), library=True):
    """Run the stub up to its first stop; return the processor and the stop."""
    cpu = cpu or UnicornCpu()
    machine = Machine(cpu, native(_stub(number), library=_library() if library else b"", level=26), INFO)
    shorten(machine, answered)
    return cpu, cpu.run(budget=1000)


def test_function_of_the_library_is_reached_without_a_trap():
    """What only the library has is called there at once, with its four arguments, stack and return address as they were."""
    cpu, stop = _run(THEIRS)
    assert not isinstance(stop, Trap | Exhausted)
    assert cpu.get(Register.R0) == 5 + 8
    assert cpu.get(Register.R1) == 6
    assert cpu.get(Register.SP) == 0x20100000 + 28 * 1024


@pytest.mark.parametrize("number", [OURS, NONE, len(FUNCTIONS), 0xFFF])
def test_other_numbers_trap(number):
    """What is answered by the OS, is in no library, or is no function's number traps with the number in r0."""
    cpu, stop = _run(number)
    assert stop == Trap(2)
    assert cpu.get(Register.R0) == number
    assert cpu.read(cpu.get(Register.SP), 8) == struct.pack("<II", 5, 6)
    assert (cpu.get(Register.R2), cpu.get(Register.R3)) == (7, 8)
    cpu.set(Register.R0, 99)
    cpu.run(budget=1000)
    assert cpu.get(Register.R0) == 99
    assert cpu.get(Register.SP) == 0x20100000 + 28 * 1024


def test_watched_calls_trap():
    """Where somebody is told of each call, each call traps."""
    assert _run(THEIRS, Watched())[1] == Trap(2)


def test_nothing_changes_without_a_library():
    """Without a library every call traps."""
    assert _run(THEIRS, library=False)[1] == Trap(2)


def test_its_place_is_not_the_apps():
    """The page of the short way is no memory that an app may point to."""
    cpu = UnicornCpu()
    machine = Machine(cpu, native(_stub(THEIRS), library=_library(), level=26), INFO)
    shorten(machine, ())
    assert cpu.read(0x1E000000, 4) == bytes([0x40 | len(FUNCTIONS) >> 16, 0xF2]) + struct.pack(
        "<H", (len(FUNCTIONS) >> 8 & 7) << 12 | 1 << 8 | len(FUNCTIONS) & 0xFF
    )
    with pytest.raises(BadPointer):
        machine.memory.read(0x1E000000, 4)


def test_code_that_is_written_again_is_run_as_it_is_then():
    """Code that ran and was changed since runs as it stands."""
    cpu = UnicornCpu()
    machine = Machine(cpu, native(b"\x01\xdf" + END, level=26), INFO)
    start = machine.generation.flash
    assert cpu.run(budget=10) == Trap(1)
    cpu.write(start, b"\x07\xdf")
    cpu.set(Register.PC, start | 1)
    assert cpu.run(budget=10) == Trap(7)


@pytest.mark.parametrize(
    ("pointer", "size"),
    [
        (at + step, size)
        for at in (FLASH, RAM, 0x400000, 0x20100000, RAM + 28 * 1024, 0x20100000 + 28 * 1024, TRAMPOLINE, 0x1E000000, 0)
        for step in (-4, -1, 0, 1, 400, 1020, 1024)
        for size in (1, 4, 1024)
    ],
)
def test_short_and_long_way_to_memory_agree(pointer, size):
    """Where a pointer leads, and whether it may, is the same for memory of this process and for any other."""
    short, long = UnicornCpu(), UnicornCpu()
    long.block = lambda _address: None
    kept = [Machine(cpu, native(bytes(range(256)) * 2, library=_library(), level=26), INFO) for cpu in (short, long)]
    assert _outcomes(kept[0], pointer, size) == _outcomes(kept[1], pointer, size)


def _outcomes(machine, pointer, size):
    """Return what reading, writing and reading again give, and how often it was refused."""
    found = []
    for act in (
        lambda: machine.memory.read(pointer, size),
        lambda: machine.memory.write(pointer, bytes([size & 0xFF]) * size),
        lambda: machine.memory.words(pointer, size // 4),
        lambda: machine.cpu.read(machine.memory.at(pointer), size),
    ):
        try:
            found.append(act())
        except (BadPointer, UcError) as error:
            found.append(type(error).__name__)
    return found
