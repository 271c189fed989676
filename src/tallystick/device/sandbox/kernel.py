"""Raw system calls of Linux through ctypes: what the sandbox asks of the kernel that the standard library has no name for."""

from __future__ import annotations

import ctypes
import os
import sys

from tallystick.device.sandbox.syscall_table import Architecture, architecture

__all__ = ["Kernel", "machine"]


def machine() -> Architecture | None:
    """Return the architecture this interpreter runs on, or None where the sandbox has no table for it."""
    if sys.platform != "linux" or sys.maxsize < 1 << 32:  # a 32-bit program on a 64-bit kernel has other numbers
        return None
    return architecture(os.uname().machine)


class Kernel:
    """The calls of one architecture. Everything is looked up when this is made, so that it works behind a filter."""

    def __init__(self, arch: Architecture) -> None:
        self.arch = arch
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.syscall.restype = ctypes.c_long

    def call(self, name: str, *arguments: int | ctypes.c_void_p | ctypes.Array[ctypes.c_char]) -> int:
        """Make the call `name` and return its result.

        Integers are passed as whole registers, addresses as they are.

        Raises:
            OSError: the kernel refused, or the architecture has no such call (ENOSYS).

        """
        number = self.arch.number(name)
        if number is None:
            raise OSError(38, os.strerror(38))
        return self.call_number(number, *arguments)

    def call_number(self, number: int, *arguments: int | ctypes.c_void_p | ctypes.Array[ctypes.c_char]) -> int:
        """Make the call of this number; raise OSError as `call` does."""
        registers = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
        ctypes.set_errno(0)
        result: int = self._libc.syscall(ctypes.c_long(number), *registers)
        if result == -1:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        return result
