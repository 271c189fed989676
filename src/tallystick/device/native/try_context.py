"""How firmware before 2.0 answers a call, and throws: it goes to the app's try context itself (native-apps 1).

A try context begins with what `setjmp` kept, ten words: r4 to r11, sp, lr. Later firmware gives the exception back, and the app jumps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tallystick.device.native.call_table import Call, ReturnStyle
from tallystick.device.native.cpu import Register
from tallystick.device.native.machine import Crash, Machine
from tallystick.device.native.memory import BadPointer

__all__ = ["give_back"]

_KEPT: Final = (
    Register.R4,
    Register.R5,
    Register.R6,
    Register.R7,
    Register.R8,
    Register.R9,
    Register.R10,
    Register.R11,
    Register.SP,
)
#: exceptions that had other numbers then: overflow, security, not supported, invalid state, and overflow of input
_OLD_NUMBERS: Final[Mapping[int, int]] = {0x07: 3, 0x03: 4, 0x0B: 8, 0x0C: 9, 0x0F: 13}


def give_back(machine: Machine, call: Call, array: int, *, result: int, thrown: int) -> None:
    """Tell the app how its call ended, in the ways of 1.5 and 1.6; raise Crash where an exception has nowhere to go."""
    if thrown:
        _throw(machine, call, _OLD_NUMBERS.get(thrown, thrown))
    elif machine.generation.calls.style is ReturnStyle.WORD_FIRST:
        machine.cpu.set(Register.R0, call.answered)
        machine.cpu.set(Register.R1, result)
    else:
        words = call.answered.to_bytes(4, "little") + result.to_bytes(4, "little")
        try:
            machine.memory.write(array, words)
        except BadPointer:
            raise Crash(f"{call.name} has no room for its answer") from None


def _throw(machine: Machine, call: Call, number: int) -> None:
    try:
        kept = machine.memory.words(machine.try_context, len(_KEPT) + 1)
    except BadPointer:
        raise Crash(f"{call.name} ended with exception {number:#x}, and the app does not catch any") from None
    for register, value in zip(_KEPT, kept, strict=False):
        machine.cpu.set(register, value)
    machine.cpu.set(Register.R0, number)
    machine.cpu.set(Register.PC, kept[-1] | 1)
