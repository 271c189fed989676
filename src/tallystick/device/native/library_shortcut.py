"""The way from an app to a function of the shared library that goes past the OS: code of ours where the trampoline leads.

An app's stub has pushed r0 and r1 and gives the number of the function in r0 (native-apps 1). Nearly a third of all traps would
be about functions that only go on in the library. Functions that are answered here still trap, as do numbers of none.
"""

from __future__ import annotations

import struct
from collections.abc import Container
from typing import Final

from tallystick.device.native.cpu import PAGE_BYTES, Access
from tallystick.device.native.machine import Machine

__all__ = ["shorten"]

#: apart from everything that an app or a library is linked for, and no memory of the app's own: a pointer to it is a bad one
_PAGE: Final = 0x1E00_0000
#: ldr.w pc, [pc]: jumps to the word that follows
_JUMP: Final = struct.Struct("<II")
_JUMP_OPCODE: Final = 0xF000_F8DF
#: how many functions there are takes the place of the 0 in movw
_MOVW: Final = 0xF240
_CODE: Final = bytes.fromhex(
    "8842"  # cmp r0, r1
    "06d2"  # bhs trap
    "0449"  # ldr r1, table
    "51f82010"  # ldr.w r1, [r1, r0, lsl #2]
    "11b1"  # cbz r1, trap
    "8c46"  # mov ip, r1
    "03bc"  # pop {r0, r1}
    "6047"  # bx ip
    "02df"  # trap: svc 2
    "02b0"  # add sp, #8
    "7047"  # bx lr
)
_TABLE: Final = _PAGE + 4 + len(_CODE) + 4


def shorten(machine: Machine, answered: Container[str]) -> None:
    """Lead calls of the shared library straight there, but for the functions named in `answered`.

    Nothing changes without a library, or for a processor whose calls are told to somebody.
    """
    generation, cpu = machine.generation, machine.cpu
    names = generation.functions
    targets = [0 if name in answered else machine.library_function(number) for number, name in enumerate(names)]
    if cpu.is_watched or not any(targets):
        return
    code = _movw(len(names)) + _CODE + struct.pack(f"<I{len(targets)}I", _TABLE, *targets)
    cpu.map(_PAGE, -(-len(code) // PAGE_BYTES) * PAGE_BYTES, Access.READ | Access.EXECUTE)
    cpu.write(_PAGE, code)
    cpu.write(generation.trampoline, _JUMP.pack(_JUMP_OPCODE, _PAGE | 1))


def _movw(value: int) -> bytes:
    """Return ``movw r1, value`` (16 bits), whose value lies in four parts."""
    first = _MOVW | value >> 12 | (value >> 11 & 1) << 10
    return struct.pack("<HH", first, (value >> 8 & 7) << 12 | 1 << 8 | value & 0xFF)
