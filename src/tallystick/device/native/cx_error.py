"""What cryptographic calls of native apps answer with, and how their buffers are looked at before anything is done.

The numbers are those of the SDK's public header ``cx_errors.h``, the same for API levels 22 to 27.
"""

from __future__ import annotations

from enum import IntEnum, unique
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tallystick.device.native.machine import Machine

__all__ = ["MAX_BUFFER", "CxError", "CxStatus", "read_buffer", "signed", "word"]

#: no buffer of an app is larger than all of its memory, bytes
MAX_BUFFER: Final = 1 << 20
_SIGN: Final = 1 << 31


@unique
class CxStatus(IntEnum):
    """The answer of a call (32 bits)."""

    OK = 0
    CARRY = 0xFFFF_FF21
    EC_INFINITE_POINT = 0xFFFF_FF41
    LOCKED = 0xFFFF_FF81
    UNLOCKED = 0xFFFF_FF82
    NOT_LOCKED = 0xFFFF_FF83
    NOT_UNLOCKED = 0xFFFF_FF84
    INTERNAL_ERROR = 0xFFFF_FF85
    INVALID_PARAMETER_SIZE = 0xFFFF_FF86
    INVALID_PARAMETER_VALUE = 0xFFFF_FF87
    INVALID_PARAMETER = 0xFFFF_FF88
    NOT_INVERTIBLE = 0xFFFF_FF89
    OVERFLOW = 0xFFFF_FF8A
    MEMORY_FULL = 0xFFFF_FF8B
    NO_RESIDUE = 0xFFFF_FF8C
    EC_INVALID_POINT = 0xFFFF_FFA2
    EC_INVALID_CURVE = 0xFFFF_FFA3


class CxError(Exception):
    """A call ends with `status` as its answer; whoever put handlers into a table catches it."""

    def __init__(self, status: CxStatus) -> None:
        super().__init__(status.name)
        self.status = status


def read_buffer(machine: Machine, pointer: int, size_bytes: int) -> bytes:
    """Return an app's buffer.

    Raises:
        BadPointer: it is not the app's to read.
        CxError: it is larger than any memory of an app, INVALID_PARAMETER.

    """
    if size_bytes > MAX_BUFFER:
        raise CxError(CxStatus.INVALID_PARAMETER)
    return machine.memory.read(pointer, size_bytes)


def word(machine: Machine, pointer: int) -> int:
    """Return the 32 bits (little endian, unsigned) that an app points to; raise BadPointer."""
    return machine.memory.words(pointer, 1)[0]


def signed(value: int) -> int:
    """Return what a register (32 bits) means as a signed number."""
    return (value & 0xFFFF_FFFF) - ((value & _SIGN) << 1)
