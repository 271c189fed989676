"""A processor under gdb and under a trace, with code assembled by hand and a cable that is a list."""

import struct

import pytest
from tests.unit.device.native.native_program import END, INFO, call, native

from tallystick.device.native.cpu import Exhausted, Fault, Register, Trap
from tallystick.device.native.debugged_cpu import DebuggedCpu, Killed
from tallystick.device.native.gdb_packet import PacketReader, packet
from tallystick.device.native.generation import generation_of
from tallystick.device.native.machine import Machine
from tallystick.device.native.program import program
from tallystick.device.native.table import NAMES
from tallystick.device.native.trace_table import HIDDEN
from tallystick.device.native.traced_cpu import TracedCpu
from tallystick.device.native.worker import UnicornCpu
from tallystick.wire.syscall import Exchange, LibraryResult, Outcome

FLASH, FLASH_LINK = 0x00400000, 0xC0DE0000
#: movs r4, #1; movs r5, #2; movs r6, #3; b back to the begin
#: movs r4, #1; lsls r4, r4, #21; subs r4, #1; bne back to subs; movs r5, #7; udf
COUNTDOWN = bytes.fromhex("01 24 64 05 01 3c fd d1 07 25 ff de")
LOOP = bytes.fromhex("01 24 02 25 03 26 fb e7")


class Script:
    """gdb as a list of what it says: packets when it is waited for, and "interrupt" while the app runs."""

    def __init__(self, *lines):
        self.lines = list(lines)
        self.said = []

    def hear(self, *, waits):
        """Give the next packet; an interrupt is heard while the app runs, anything else when it is waited for."""
        if not self.lines:
            return b"" if waits else None
        if self.lines[0] == "leave" and not waits:
            self.lines.pop(0)
            return packet("D")
        if self.lines[0] == "interrupt":
            if waits:
                raise AssertionError("the app stands still, and is to be interrupted")
            self.lines.pop(0)
            return b"\x03"
        return packet(self.lines.pop(0)) if waits else None

    def say(self, data):
        """Note what the stub says, without acknowledgements."""
        self.said += PacketReader().feed(data)


def debugged(code, *lines):
    """Return a processor with `code` loaded, under gdb that says `lines`, and gdb."""
    script = Script(*lines)
    cpu = DebuggedCpu(UnicornCpu(), script, moved=(0, 0), code=range(FLASH, FLASH + 0x1000))
    Machine(cpu, native(code), INFO)
    return cpu, script


def test_steps_are_single_instructions():
    """After each step gdb is told that the app stopped, one instruction further."""
    cpu, script = debugged(LOOP, "s", "pf", "s", "pf", "D")
    assert isinstance(cpu.run(budget=1000), Exhausted)
    assert script.said == ["T05thread:1;", "02004000", "T05thread:1;", "04004000", "OK"]


def test_breakpoint_stops_each_time_and_the_code_is_what_it_was():
    """It stops twice at one place; in between gdb reads the code without the breakpoint; taken back, it stops no more."""
    cpu, script = debugged(
        LOOP, f"Z0,{FLASH + 4:x},2", "c", "pf", f"m{FLASH + 4:x},2", "c", "pf", f"z0,{FLASH + 4:x},2", "D"
    )
    assert isinstance(cpu.run(budget=1000), Exhausted)
    stop = ["T05thread:1;", "04004000"]
    assert script.said == ["OK", *stop, "0326", *stop, "OK", "OK"]
    assert cpu.read(FLASH, len(LOOP)) == LOOP


def test_endless_loop_is_interrupted():
    """While the app computes gdb is heard, and the app stops with the signal of an interrupt."""
    cpu, script = debugged(LOOP, "c", "interrupt", "D")
    assert isinstance(cpu.run(budget=1 << 24), Exhausted)
    assert script.said == ["T02thread:1;", "OK"]


def test_step_over_a_call_stops_when_it_was_answered():
    """The trap goes to the program as ever; the next run begins with telling gdb."""
    cpu, script = debugged(bytes.fromhex("01dfc046") + LOOP, "s", "p0", "D")
    assert cpu.run(budget=1000) == Trap(1)
    assert script.said == []
    cpu.set(Register.R0, 7)
    cpu.run(budget=100)
    assert script.said == ["T05thread:1;", "07000000", "OK"]


def test_fault_is_shown_before_it_is_told():
    """Gdb sees the registers of the fault; then the program hears of it as it would without gdb."""
    cpu, script = debugged(END, "c", "pf", "c")
    assert isinstance(cpu.run(budget=1000), Fault)
    assert script.said[0] in {"T04thread:1;", "T0bthread:1;"}


def test_gdb_that_goes_away_leaves_the_app_running():
    """The end of the cable is a letting go: breakpoints are gone, faults are told at once."""
    cpu, script = debugged(LOOP, f"Z0,{FLASH + 2:x},2", "c")
    assert isinstance(cpu.run(budget=1000), Exhausted)
    assert script.said == ["OK", "T05thread:1;"]


def test_gdb_that_lets_go_of_a_running_app_takes_its_breakpoints_along():
    """Detached while it computes, the app comes to where a breakpoint was, and goes on: its code is its own again."""
    cpu, script = debugged(COUNTDOWN, f"Z0,{FLASH + 8:x},2", "c", "leave")
    stop = cpu.run(budget=1 << 26)
    assert isinstance(stop, Fault)
    assert stop.pc >> 1 != (FLASH + 8) >> 1
    assert script.said == ["OK", "OK"]


def test_gdb_may_end_the_app():
    """The program hears of it as an exception of its own."""
    cpu, _ = debugged(LOOP, "k")
    with pytest.raises(Killed):
        cpu.run(budget=1000)


def traced(code, *outcomes, name=""):
    """Run code until it ends or waits, and return the lines of its trace."""
    lines = []
    cpu = TracedCpu(UnicornCpu(), generation_of("nanox", 26), lines.append, name=name)
    running = program(cpu, native(code), INFO)
    request, answers = next(running), list(outcomes)
    while not isinstance(request, Exchange):
        try:
            request = running.send(answers.pop(0) if answers else Outcome())
        except StopIteration:
            break
    return lines


def test_trace_shows_names_kinds_and_results():
    """Pointers are told by area, sizes as numbers, calls that end the app without a result, unknown ones by number."""
    lines = traced(call(0x03000003, 0xC0DE0000, 0x20100000, 0) + call(0x04123456, 1, 2, 3, 4) + call(0x0100009A, 0))
    assert lines == [
        "nvm_write(target=app+0x0, source=ram+0x0, size=0) = 0",
        "0x04123456(1, 2, 3, 4) = exception 0xb",
        "os_sched_exit(code=0)",
    ]


def test_trace_names_an_app_and_its_library():
    """A call of a library is told when it begins, with both names, and when it is over, with its result."""
    begin = len(call(0x01000067, 0)) + len(call(0x0100009A, 0))
    code = call(0x01000067, FLASH_LINK + begin + 12) + call(0x0100009A, 0)
    data = b"Bitcoin\0" + bytes(4) + struct.pack("<I", FLASH_LINK + begin) + bytes(4)
    left = Outcome(value=LibraryResult(0, bytes(28 * 1024)))
    lines = traced(code + data, Outcome(), left, name='Bitcoin "Test"')
    assert lines == [
        'os_lib_call(library="Bitcoin"): called by "Bitcoin .Test."',
        'os_lib_call(library="Bitcoin") = 0',
        "os_sched_exit(code=0)",
    ]
    assert traced(call(0x01000067, 0x30000000) + call(0x0100009A, 0))[0].startswith(
        "os_lib_call(library=0x30000000): called by"
    )


def test_trace_survives_wild_pointers_and_shows_no_memory():
    """Arguments that lead nowhere are shown as they are; what a pointer leads to is not shown."""
    lines = traced(call(0x04F00001, 0x30000000, 5, 0x30000000, 5) + call(0x0100009A, 0))
    assert lines[0].startswith("tally_request(call=0x30000000, size=5, outcome=0x30000000, room=5) = exception")


class Trapping:
    """A processor whose app traps at once, with these registers and this memory, and runs on with what was answered."""

    def __init__(self, registers, memory):
        self.registers = dict.fromkeys(Register, 0) | registers
        self.memory = memory

    def map(self, address, size_bytes, access):
        """Take any map."""

    def read(self, address, size_bytes):
        """Return memory."""
        return self.memory[address : address + size_bytes]

    def get(self, register):
        """Return a register."""
        return self.registers[register]

    def set(self, register, value):
        """Set a register."""
        self.registers[register] = value

    def run(self, *, budget):
        """Trap."""
        return Trap(1)


@pytest.mark.parametrize("number", [number for number, name in NAMES.items() if number >> 24 & 0x0F])
def test_no_call_shows_what_its_pointers_lead_to(number):
    """Whatever the call, a secret in the app's memory is in no line of the trace, and neither is a random result."""
    secret = bytes.fromhex("5ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2")
    arguments = (0x100).to_bytes(4, "little") * 15
    cpu = Trapping({Register.R0: number, Register.R1: 0x200}, bytes(0x100) + secret * 8 + arguments)
    lines = []
    watched = TracedCpu(cpu, generation_of("nanox", 26), lines.append)
    watched.map(0, 0x300, 0)
    watched.run(budget=1)
    cpu.set(Register.R0, 0x5EC2E7)
    cpu.set(Register.R1, 0)
    watched.run(budget=1)
    if NAMES[number] in HIDDEN:
        assert lines[0].endswith(" = ?")
    shown = lines[0].rpartition(" = ")[0] if lines else ""
    for part in ("5ec2", str(0x5EC2E7), str(int.from_bytes(secret[:4], "little"))):
        assert part not in shown
