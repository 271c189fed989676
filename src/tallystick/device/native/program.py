"""The loop that runs one native app: from trap to trap, each answered outside the processor.

`program` is what a Python app is, too: a generator that yields requests and is sent their outcomes. So waiting blocks nobody,
and the same app runs in a process of its own or beside others.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from types import GeneratorType
from typing import Any, Final

from tallystick.device.native.call_table import Call, ReturnStyle
from tallystick.device.native.cpu import Cpu, Exhausted, Fault, FaultKind, Register, Trap
from tallystick.device.native.cx_error import CxError, CxStatus
from tallystick.device.native.handler import HANDLERS, LIBRARY
from tallystick.device.native.io_call import send_reports
from tallystick.device.native.library_shortcut import shorten
from tallystick.device.native.machine import Asking, Crash, Ended, Handler, Machine, Throw
from tallystick.device.native.memory import BadPointer
from tallystick.device.native.nvm import Nvm
from tallystick.device.native.try_context import give_back
from tallystick.wire.install import InstallParameters
from tallystick.wire.native import NativeImage
from tallystick.wire.screen import Entry, Menu
from tallystick.wire.syscall import Answer, DeviceInfo, Idle, Outcome, Request

__all__ = ["BUDGET", "MAX_CALLS", "program"]

#: instructions of one stretch; an app that does this many without a word to the OS is over
BUDGET: Final = 1 << 31
#: calls for one APDU, those that the OS never hears of included: drawing one screen takes some hundreds
MAX_CALLS: Final = 1 << 22
_SYSTEM, _LIBRARY = 1, 2
_ANSWERED: Final = frozenset((_SYSTEM, _LIBRARY))
_WORD: Final = 0xFFFF_FFFF
#: members of an enumeration are looked up each time they are named
_R0, _R1, _EXCEPTION = Register.R0, Register.R1, ReturnStyle.EXCEPTION
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
    shorten(machine, LIBRARY)
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
        number = stop.number
        if number not in _ANSWERED:
            raise machine.report(Fault(FaultKind.EXCEPTION, number, cpu.get(Register.PC)))
        try:
            asking = _system(machine, HANDLERS) if number == _SYSTEM else _library(machine, LIBRARY)
            if asking is not None:  # most calls ask nobody
                yield from asking
        except Ended:
            if machine.response is not None:
                yield Answer(machine.response)
            yield from send_reports(machine)
            return


def _system(machine: Machine, handlers: Mapping[str, Handler]) -> Generator[Request, Outcome, None] | None:
    """Answer one system call, in the way of the app's generation; return what has to be asked for that, if anything."""
    cpu, table = machine.cpu, machine.generation.calls
    array, call = cpu.get(_R1), table.find(cpu.get(_R0))
    machine.last_call = name = call.name
    handler = handlers.get(name)
    if handler is None:
        return _answer_later(machine, call, array, None)
    try:
        result: Any = handler(machine, machine.memory.words(array, call.arguments))
    except (BadPointer, Throw, CxError) as error:
        return _answer_later(machine, call, array, error)
    if isinstance(result, GeneratorType):
        return _answer_later(machine, call, array, result)
    if table.style is _EXCEPTION:
        cpu.set(_R0, int(result) & _WORD)
        cpu.set(_R1, 0)
    else:
        give_back(machine, call, array, result=int(result) & _WORD, thrown=0)
    return None


def _answer_later(
    machine: Machine, call: Call, array: int, pending: Asking | BadPointer | Throw | CxError | None
) -> Generator[Request, Outcome, None]:
    """Answer a call that asks the OS, was made wrongly, or is not there (None)."""
    name, result, thrown = call.name, 0, 0
    try:
        if pending is None:
            yield from machine.complain(name, "no such system call here")
            result, thrown = _refusal(name)
        elif isinstance(pending, Exception):
            raise pending
        else:
            result = int((yield from pending)) & _WORD
    except BadPointer:
        yield from machine.complain(name, "a pointer that is not the app's")
        returns = name.startswith("cx_") and machine.generation.calls.style is ReturnStyle.EXCEPTION
        result, thrown = (CxStatus.INVALID_PARAMETER, 0) if returns else (0, _INVALID_PARAMETER)
    except Throw as error:
        thrown = error.number
    except CxError as error:
        result = error.status & _WORD
    _give_back(machine, call, array, result=result, thrown=thrown)


def _give_back(machine: Machine, call: Call, array: int, *, result: int, thrown: int) -> None:
    if machine.generation.calls.style is ReturnStyle.EXCEPTION:
        machine.cpu.set(Register.R0, result)
        machine.cpu.set(Register.R1, thrown)
    else:
        give_back(machine, call, array, result=result, thrown=thrown)


def _refusal(name: str) -> tuple[int, int]:
    """Return result and exception of a call that is not there: cryptography tells by its result, drawing is not missed."""
    if name.startswith("cx_"):
        return CxStatus.INTERNAL_ERROR, 0
    return (0, 0) if name.startswith("nbgl_") else (0, _NOT_SUPPORTED)


def _library(machine: Machine, handlers: Mapping[str, Handler]) -> Generator[Request, Outcome, None] | None:
    """Answer a call of the shared library ourselves, or go on in the one that is there; return what has to be asked."""
    cpu = machine.cpu
    number, sp = cpu.get(Register.R0), cpu.get(Register.SP)
    machine.last_call = name = machine.generation.function_name(number)
    handler = handlers.get(name)
    try:
        first = machine.memory.words(sp, 2)
        if handler is not None:
            there = max(0, min(_STACKED, (machine.generation.stack - sp) // 4 - 2))
            stacked = (*machine.memory.words(sp + 8, there), *(0,) * (_STACKED - there))
            result: Any = handler(machine, (*first, cpu.get(Register.R2), cpu.get(Register.R3), *stacked))
            if isinstance(result, GeneratorType):
                return _return_later(machine, result)
            cpu.set(Register.R0, int(result) & _WORD)
            return None
    except (BadPointer, Throw):
        cpu.set(Register.R0, CxStatus.INVALID_PARAMETER)
        return None
    except CxError as error:
        cpu.set(Register.R0, error.status)
        return None
    target = machine.library_function(number)
    if not target:
        raise Crash(f"{name} is in no library here: give the shared library of this model and API level")
    cpu.set(Register.R0, first[0])
    cpu.set(Register.R1, first[1])
    cpu.set(Register.SP, sp + 8)
    cpu.set(Register.PC, target | 1)
    return None


def _return_later(machine: Machine, asking: Asking) -> Generator[Request, Outcome, None]:
    """Answer a function that asks the OS."""
    try:
        result = int((yield from asking))
    except (BadPointer, Throw):
        result = CxStatus.INVALID_PARAMETER
    except CxError as error:
        result = error.status
    machine.cpu.set(Register.R0, result & _WORD)
