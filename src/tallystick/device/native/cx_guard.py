"""What a function of the shared library does around its work.

Those that compute with the arithmetic unit take it for themselves: whoever held it before has lost it, and the function fails,
as the SDK's own do. And those that answer yes or no, or a length, answer 0 for whatever is wrong.
"""

from __future__ import annotations

from types import GeneratorType
from typing import Any, Final

from tallystick.device.native.cx_error import CxError, CxStatus
from tallystick.device.native.machine import Asking, Handler, Machine
from tallystick.device.native.memory import BadPointer

__all__ = ["EXCEPTION", "alone", "answering_zero"]

#: what the SDK answers in some places: the number of the exception INVALID_PARAMETER, in place of the status of that name
EXCEPTION: Final = 0x02
#: as so many calls counts one that computes on curves, whose milliseconds an app would not pay for otherwise
_WORK: Final = 64


def alone(handler: Handler) -> Handler:
    """Return a handler that has the arithmetic unit for itself."""

    def guarded(machine: Machine, arguments: tuple[int, ...]) -> int | Asking:
        machine.calls += _WORK
        held = machine.numbers.locked
        machine.numbers.unlock()
        if held:
            raise CxError(CxStatus.NOT_UNLOCKED)
        return handler(machine, arguments)

    return guarded


def answering_zero(handler: Handler) -> Handler:
    """Return a handler that answers 0 where another one tells what is wrong."""

    def guarded(machine: Machine, arguments: tuple[int, ...]) -> Asking:
        try:
            result: Any = handler(machine, arguments)
            if isinstance(result, GeneratorType):
                result = yield from result
        except (CxError, BadPointer):
            return 0
        return int(result)

    return guarded
