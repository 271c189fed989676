"""System calls by which one app runs another as its library: a coin for an exchange, a plugin, an altcoin's Bitcoin (native-apps 4).

The argument of `os_lib_call` is an array: the library's name, then what the library is started with, by a pointer in r0. The library runs
on the caller's RAM and stack, in a process of its own, until it ends or throws.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tallystick.device.native.cpu import Access, Register
from tallystick.device.native.machine import Asking, Ended, Handler, Machine, Throw
from tallystick.wire.syscall import CallLibrary, CallStatus, LeaveLibrary

__all__ = ["HANDLERS"]

_MAX_NAME: Final = 33
_INVALID_PARAMETER: Final = 0x02
_SECURITY: Final = 0x03
_NOT_SUPPORTED: Final = 0x0B
_REFUSALS: Final = {CallStatus.EMPTY: _NOT_SUPPORTED, CallStatus.NOT_PERMITTED: _SECURITY}


def _call(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """Run a library, and take over what it left in RAM."""
    memory, cpu, generation = machine.memory, machine.cpu, machine.generation
    array = memory.place(arguments[0], 4, Access.READ)
    name = memory.text(memory.words(array, 1)[0], limit=_MAX_NAME)
    response, machine.response = machine.response, None
    call = CallLibrary(
        name=name,
        argument=array + 4,
        stack=cpu.get(Register.SP),
        ram=memory.read(generation.ram, generation.ram_bytes),
        response=response,
    )
    outcome = yield call
    if outcome.status is not CallStatus.OK:
        machine.response = response
        yield from machine.complain("os_lib_call", f"{name} is no library here")
        raise Throw(_REFUSALS.get(outcome.status, _INVALID_PARAMETER))
    memory.write(generation.ram, outcome.value.ram)
    if outcome.value.thrown:
        raise Throw(outcome.value.thrown)
    return 0


def _leave(machine: Machine, thrown: int) -> Asking:
    generation = machine.generation
    if machine.entry is not None:
        ram = machine.memory.read(generation.ram, generation.ram_bytes)
        response, machine.response = machine.response, None
        yield LeaveLibrary(ram=ram, thrown=thrown, response=response)
    raise Ended


def _end(machine: Machine, _arguments: tuple[int, ...]) -> Asking:
    return (yield from _leave(machine, 0))


def _throw(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    return (yield from _leave(machine, arguments[0]))


HANDLERS: Final[Mapping[str, Handler]] = {"os_lib_call": _call, "os_lib_end": _end, "os_lib_throw": _throw}
