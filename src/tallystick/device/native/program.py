"""The loop that runs one native app: from trap to trap, each answered outside the processor.

`program` is what a Python app is, too: a generator that yields requests and is sent their outcomes. So waiting blocks nobody,
and the same app runs in a process of its own or beside others.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from types import GeneratorType
from typing import Any, Final

from tallystick.device.native.call_table import ReturnStyle
from tallystick.device.native.cpu import Cpu, Exhausted, Fault, FaultKind, Register, Trap
from tallystick.device.native.cx_error import CxError, CxStatus
from tallystick.device.native.handler import HANDLERS, LIBRARY
from tallystick.device.native.machine import Asking, Crash, Ended, Handler, Machine, Throw
from tallystick.device.native.memory import BadPointer
from tallystick.device.native.nvm import Nvm
from tallystick.device.native.try_context import give_back
from tallystick.wire.install import InstallParameters
from tallystick.wire.native import NativeImage
from tallystick.wire.screen import Entry, Menu
from tallystick.wire.syscall import DeviceInfo, Idle, Outcome, Request

__all__ = ["BUDGET", "MAX_CALLS", "program"]

#: instructions of one stretch; an app that does this many without a word to the OS is over
BUDGET: Final = 1 << 31
#: calls for one APDU, those that the OS never hears of included: drawing one screen takes some hundreds
MAX_CALLS: Final = 1 << 22
_SYSTEM, _LIBRARY = 1, 2
_INVALID_PARAMETER: Final = 0x02
_NOT_SUPPORTED: Final = 0x0B
#: words that a library function may take beside r0 to r3
_STACKED: Final = 8


def program(
    cpu: Cpu, native: NativeImage, info: DeviceInfo, *, budget: int = BUDGET, calls: int = MAX_CALLS
) -> Generator[Request, Outcome, None]:
    """Run the app of `native` until it ends; yields system calls.

    `budget` is in instructions from one call to the next, `calls` in calls from one APDU to the next.

    Raises:
        Crash: it did what no app may do; the message says where.
        UsageError: its model or API level is not one that runs here.

    """
    machine = Machine(cpu, native, info)
    machine.nvm = Nvm(machine)
    yield from machine.nvm.restore()
    # until it shows something of its own, and for apps whose drawing is not shown
    if native.entry is None:
        yield Idle(Menu(title=InstallParameters.from_bytes(machine.image.parameters).name, entries=(Entry("Quit"),)))
    while True:
        stop = cpu.run(budget=budget)
        if not isinstance(stop, Trap):
            raise machine.report(stop)
        machine.calls += 1
        if machine.calls > calls:
            raise machine.report(Exhausted())
        if stop.number not in {_SYSTEM, _LIBRARY}:
            raise machine.report(Fault(FaultKind.EXCEPTION, stop.number, cpu.get(Register.PC)))
        try:
            if stop.number == _SYSTEM:
                yield from _system(machine, HANDLERS)
            else:
                yield from _library(machine, LIBRARY)
        except Ended:
            return


def _system(machine: Machine, handlers: Mapping[str, Handler]) -> Generator[Request, Outcome, None]:
    """Answer one system call, in the way of the app's generation."""
    cpu, table = machine.cpu, machine.generation.calls
    array, call = cpu.get(Register.R1), table.find(cpu.get(Register.R0))
    machine.last_call = name = call.name
    result, thrown = 0, 0
    try:
        arguments = machine.memory.words(array, call.count)
        handler = handlers.get(name)
        if handler is None:
            yield from machine.complain(name, "no such system call here")
            result, thrown = _refusal(name)
        else:
            result = yield from _carry_out(machine, handler, arguments)
    except BadPointer:
        yield from machine.complain(name, "a pointer that is not the app's")
        returns = name.startswith("cx_") and table.style is ReturnStyle.EXCEPTION
        result, thrown = (CxStatus.INVALID_PARAMETER, 0) if returns else (0, _INVALID_PARAMETER)
    except Throw as error:
        thrown = error.number
    if table.style is ReturnStyle.EXCEPTION:
        cpu.set(Register.R0, result)
        cpu.set(Register.R1, thrown)
    else:
        give_back(machine, call, array, result=result, thrown=thrown)


def _refusal(name: str) -> tuple[int, int]:
    """Return result and exception of a call that is not there: cryptography tells by its result, drawing is not missed."""
    if name.startswith("cx_"):
        return CxStatus.INTERNAL_ERROR, 0
    return (0, 0) if name.startswith("nbgl_") else (0, _NOT_SUPPORTED)


def _library(machine: Machine, handlers: Mapping[str, Handler]) -> Generator[Request, Outcome, None]:
    """Answer a call of the shared library ourselves, or go on in the one that is there."""
    cpu = machine.cpu
    number, sp = cpu.get(Register.R0), cpu.get(Register.SP)
    machine.last_call = name = machine.generation.function_name(number)
    handler = handlers.get(name)
    try:
        first = machine.memory.words(sp, 2)
        if handler is not None:
            there = max(0, min(_STACKED, (machine.generation.stack - sp) // 4 - 2))
            stacked = (*machine.memory.words(sp + 8, there), *(0,) * (_STACKED - there))
            registers = (*first, cpu.get(Register.R2), cpu.get(Register.R3))
            cpu.set(Register.R0, (yield from _carry_out(machine, handler, registers + stacked)))
            return
    except (BadPointer, Throw):
        cpu.set(Register.R0, CxStatus.INVALID_PARAMETER)
        return
    target = machine.library_function(number)
    if not target:
        raise Crash(f"{name} is in no library here: give the shared library of this model and API level")
    cpu.set(Register.R0, first[0])
    cpu.set(Register.R1, first[1])
    cpu.set(Register.SP, sp + 8)
    cpu.set(Register.PC, target | 1)


def _carry_out(machine: Machine, handler: Handler, arguments: tuple[int, ...]) -> Asking:
    try:
        result: Any = handler(machine, arguments)
        if isinstance(result, GeneratorType):
            result = yield from result
    except CxError as error:
        return error.status
    return int(result) & 0xFFFF_FFFF
