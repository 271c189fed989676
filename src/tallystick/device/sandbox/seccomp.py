"""The system call filter: a small BPF program built by hand, and the call that puts it on.

The program kills at once what comes through another architecture's door or with x32 numbers, allows what the rules allow,
and refuses the rest: a release kills the process, a self-test gets EPERM so that each attempt can be told (secure-world 4.2).
A permissive program is the other way round: it refuses what the rules name, and allows the rest.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Iterable
from enum import IntEnum, unique

from tallystick.device.sandbox.kernel import Kernel
from tallystick.device.sandbox.role import Condition, Rule
from tallystick.device.sandbox.syscall_table import Architecture

__all__ = ["Refusal", "assemble", "install", "is_available"]

#: struct sock_filter: code, jump if true, jump if false, operand
_INSTRUCTION = struct.Struct("=HBBI")
_LOAD, _AND, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
#: offsets in struct seccomp_data; arguments are 64 bits each, the low half first on both architectures
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
_ALLOW = 0x7FFF_0000
_SET_MODE_FILTER, _GET_ACTION_AVAIL = 1, 2
_TSYNC = 1


@unique
class Refusal(IntEnum):
    """What happens to a call that is not allowed: the value the filter returns."""

    #: the whole process ends with SIGSYS
    KILL = 0x8000_0000
    #: the call fails with EPERM: for the self-test
    ERRNO = 0x0005_0000 | errno.EPERM
    #: the call fails as if this kernel had none, and the C library takes an older one
    ABSENT = 0x0005_0000 | errno.ENOSYS


def assemble(arch: Architecture, rules: Iterable[Rule], refusal: Refusal, *, is_permissive: bool = False) -> bytes:
    """Return the filter for `rules` on `arch` as an array of struct sock_filter (8 bytes each)."""
    program = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, arch.audit),
        (_RETURN, 0, 0, Refusal.KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if arch.ceiling:
        program += [(_AT_LEAST, 0, 1, arch.ceiling), (_RETURN, 0, 0, Refusal.KILL)]
    for rule in rules:
        number = arch.number(rule.call)
        if number is not None:
            bare = is_permissive and not rule.conditions
            told = Refusal.ABSENT if rule.is_absent else refusal
            body = [(_RETURN, 0, 0, told)] if bare else _body(rule.conditions, refusal)
            program += [(_EQUAL, 0, len(body), number), *body]
    program.append((_RETURN, 0, 0, _ALLOW if is_permissive else refusal))
    return b"".join(_INSTRUCTION.pack(*one) for one in program)


def _body(conditions: tuple[Condition, ...], refusal: Refusal) -> list[tuple[int, int, int, int]]:
    """Return what follows once the number fits; it always ends in a verdict, so nothing reads on with a changed register."""
    body: list[tuple[int, int, int, int]] = []
    for left, condition in zip(range(len(conditions) - 1, -1, -1), conditions, strict=True):
        body += [
            (_LOAD, 0, 0, _ARGUMENTS + 8 * condition.argument),
            (_AND, 0, 0, condition.mask),
            (_EQUAL, 0, 3 * left + 1, condition.value),
        ]
    body.append((_RETURN, 0, 0, _ALLOW))
    if conditions:
        body.append((_RETURN, 0, 0, refusal))
    return body


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def is_available(kernel: Kernel) -> bool:
    """Return whether this kernel filters system calls and can kill a process for one."""
    action = ctypes.create_string_buffer(struct.pack("=I", Refusal.KILL), 4)
    try:
        kernel.call("seccomp", _GET_ACTION_AVAIL, 0, action)
    except OSError:
        return False
    return True


def install(kernel: Kernel, program: bytes) -> None:
    """Put the filter on every thread of this process, for good; no_new_privs must be set.

    Raises:
        OSError: the kernel refused, or a thread could not be brought along.

    """
    buffer = ctypes.create_string_buffer(program, len(program))
    header = _Program(len(program) // _INSTRUCTION.size, ctypes.addressof(buffer))
    if kernel.call("seccomp", _SET_MODE_FILTER, _TSYNC, ctypes.c_void_p(ctypes.addressof(header))):
        raise OSError(errno.ESRCH, "a thread runs without the filter")
