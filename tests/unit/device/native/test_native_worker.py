"""The emulated processor: memory with rights, registers, and why it stops."""

import pytest

pytest.importorskip("unicorn", reason="the emulated processor is the extra tallystick[native]")

from tallystick.device.native.cpu import Access, Exhausted, Fault, FaultKind, Register, Trap
from tallystick.device.native.worker import UnicornCpu

CODE, DATA = 0x0040_0000, 0x2000_0000
TRAP = bytes.fromhex("05df")  # svc 5
READ_R1 = bytes.fromhex("0868")  # ldr r0, [r1]
WRITE_R1 = bytes.fromhex("0860")  # str r0, [r1]
LOOP = bytes.fromhex("fee7")


@pytest.fixture
def cpu():
    """Return a processor with a page of code, and two of data."""
    made = UnicornCpu()
    made.map(CODE, 1024, Access.READ | Access.EXECUTE)
    made.map(DATA, 2048, Access.READ | Access.WRITE)
    yield made
    made.close()


def run(cpu, code, *, at=CODE, **registers):
    """Run code from its begin with these registers."""
    cpu.write(at, code)
    for name, value in registers.items():
        cpu.set(Register[name.upper()], value)
    cpu.set(Register.PC, at | 1)
    return cpu.run(budget=100)


def test_trap_tells_its_number_and_what_follows_runs_on(cpu):
    """A system call stops behind its instruction, and the next run goes on there."""
    assert run(cpu, READ_R1 + TRAP + READ_R1 + TRAP, r1=DATA) == Trap(5)
    assert cpu.get(Register.R0) == 0
    cpu.write(DATA, (7).to_bytes(4, "little"))
    assert cpu.run(budget=100) == Trap(5)
    assert cpu.get(Register.R0) == 7


def test_registers_are_kept_and_all_are_told(cpu):
    """Every register is what it was set to, those that are cached between runs and the others."""
    for register in Register:
        if register < Register.SP:
            cpu.set(register, 0x1000 + register)
    assert run(cpu, TRAP) == Trap(5)
    assert list(cpu.save())[:13] == [0x1000 + number for number in range(13)]


@pytest.mark.parametrize(
    ("code", "address", "kind"),
    [
        (READ_R1, 0x3000_0000, FaultKind.READ),
        (WRITE_R1, 0x3000_0000, FaultKind.WRITE),
        (WRITE_R1, CODE, FaultKind.WRITE),
    ],
)
def test_what_is_not_its_own_is_a_fault_with_its_place(cpu, code, address, kind):
    """Reading and writing outside of the map or against the rights of a page ends the run with address and place."""
    assert run(cpu, code + TRAP, r1=address) == Fault(kind, address, CODE)


def test_data_is_not_run(cpu):
    """Memory that may be written is not executed."""
    stopped = run(cpu, TRAP, at=DATA)
    assert isinstance(stopped, Fault)
    assert stopped.kind is FaultKind.EXECUTE


def test_loop_ends_with_its_budget(cpu):
    """Code that computes without end stops when its instructions are used up."""
    assert run(cpu, LOOP) == Exhausted()


def test_rights_of_some_pages_change(cpu):
    """A page in a mapped run gets other rights, at once; what it holds stays, and its neighbour is as before."""
    cpu.write(DATA + 1024, b"kept")
    cpu.protect(DATA + 1024, 1024, Access.READ)
    assert cpu.read(DATA + 1024, 4) == b"kept"
    assert run(cpu, WRITE_R1 + TRAP, r1=DATA + 1024) == Fault(FaultKind.WRITE, DATA + 1024, CODE)
    assert run(cpu, WRITE_R1 + TRAP, r0=9, r1=DATA) == Trap(5)
    assert cpu.read(DATA, 4) == bytes((9, 0, 0, 0))


def test_code_that_is_written_over_runs_as_it_is_now(cpu):
    """What was translated once is translated anew when the OS writes over it."""
    assert run(cpu, TRAP) == Trap(5)
    assert run(cpu, bytes.fromhex("06df")) == Trap(6)


def test_read_across_two_runs_of_pages(cpu):
    """Memory that spans two runs of pages with different rights is read as one."""
    cpu.map(DATA + 2048, 1024, Access.READ)
    cpu.write(DATA + 2046, b"ab")
    assert cpu.read(DATA + 2046, 4) == b"ab\0\0"
