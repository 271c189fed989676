"""What the engine needs of a processor: memory with rights, a few registers, and running until something happens.

The one that does the work is `tallystick.device.native.worker`, which alone knows what emulates it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum, IntFlag, unique
from mmap import mmap
from typing import Protocol

__all__ = ["PAGE_BYTES", "Access", "Cpu", "Exhausted", "Fault", "FaultKind", "Register", "Stop", "Trap"]

#: memory is mapped in pages of this size, the smallest that apps count on
PAGE_BYTES = 1024


class Access(IntFlag):
    """What code may do with a page."""

    NONE = 0
    READ = 1
    WRITE = 2
    EXECUTE = 4


@unique
class Register(IntEnum):
    """The registers, by their number in a debugger's description; the OS itself looks at a few of them."""

    R0 = 0
    R1 = 1
    R2 = 2
    R3 = 3
    R4 = 4
    R5 = 5
    R6 = 6
    R7 = 7
    R8 = 8
    R9 = 9
    R10 = 10
    R11 = 11
    R12 = 12
    SP = 13
    LR = 14
    PC = 15
    #: condition flags and state
    XPSR = 16


@unique
class FaultKind(Enum):
    """What an app did that no app may do."""

    READ = "read"
    WRITE = "write"
    EXECUTE = "execute"
    INSTRUCTION = "instruction"
    EXCEPTION = "exception"


@dataclass(frozen=True, slots=True)
class Trap:
    """The code asked the OS: ``svc number``; the next instruction follows it."""

    number: int


@dataclass(frozen=True, slots=True)
class Fault:
    """The code may not go on. `pc` is the instruction and `address` what it wanted, both of this address space (32 bits)."""

    kind: FaultKind
    address: int
    pc: int


@dataclass(frozen=True, slots=True)
class Exhausted:
    """The code did as many instructions as it was given."""


Stop = Trap | Fault | Exhausted


class Cpu(Protocol):
    """A processor with nothing mapped at first. Addresses and sizes are in bytes; pages have `PAGE_BYTES`."""

    def map(self, address: int, size_bytes: int, access: Access) -> None:
        """Give a run of whole pages, all zero, with these rights."""
        ...

    @property
    def is_watched(self) -> bool:
        """Whether somebody is told of each call, those that need no trap included."""
        ...

    def block(self, address: int) -> mmap | None:
        """Return what `map` gave at this address as it lies in this process, its first byte first; None if it does not."""
        ...

    def protect(self, address: int, size_bytes: int, access: Access) -> None:
        """Change the rights of whole pages that are mapped."""
        ...

    def read(self, address: int, size_bytes: int) -> bytes:
        """Return memory that is mapped, whatever its rights: who asks has checked them."""
        ...

    def write(self, address: int, data: bytes) -> None:
        """Change memory that is mapped, whatever its rights: who asks has checked them."""
        ...

    def get(self, register: Register) -> int:
        """Return a register (32 bits)."""
        ...

    def set(self, register: Register, value: int) -> None:
        """Set a register (32 bits); the program counter's lowest bit says Thumb."""
        ...

    def run(self, *, budget: int) -> Stop:
        """Run on from the program counter for at most `budget` instructions, and say why it stopped."""
        ...

    def save(self) -> Sequence[int]:
        """Return all core registers, r0 to r15."""
        ...
