"""A processor that says what its app asks for: one line for each system call and each call of the shared library.

It looks at registers when the app traps and when it runs on again, so nothing else knows of it. What a pointer leads to is
shown for texts and paths alone; results that are random or derived are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tallystick.device.native.call_table import Call, ReturnStyle
from tallystick.device.native.cpu import Cpu, Register, Stop, Trap
from tallystick.device.native.generation import Generation
from tallystick.device.native.trace_table import CURVES, HIDDEN, KINDS, REQUEST_NAMES, Kind
from tallystick.device.native.wrapped_cpu import WrappedCpu

__all__ = ["TracedCpu"]

_SYSTEM, _LIBRARY = 1, 2
_MAX_TEXT: Final = 64
#: results from here on are words, not counts
_LARGE: Final = 1024
_MAX_LEVELS: Final = 10
_HARDENED: Final = 0x8000_0000
#: the call by which another app runs meanwhile, whose lines come between
_LIBRARY_CALL: Final = "os_lib_call"
_EXIT: Final = frozenset({"os_sched_exit", "halt", "os_lib_end"})
#: of the code at the trampoline
_STUB_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    """A call that is being answered: where its arguments lie, and how it is told."""

    call: Call
    array: int
    words: str
    is_library: bool


class TracedCpu(WrappedCpu[Cpu]):
    """`inner`, whose calls are told to `tell`, line by line; `name` is that of the app, where it calls another one."""

    def __init__(self, inner: Cpu, generation: Generation, tell: Callable[[str], None], *, name: str = "") -> None:
        super().__init__(inner)
        self._name = name
        self._generation = generation
        self._tell = tell
        self._pending: _Pending | None = None

    @property
    def is_watched(self) -> bool:
        """Whether somebody is told of each call."""
        return True

    def run(self, *, budget: int) -> Stop:
        """Run on, telling how the last call ended and which one is next."""
        self._end()
        stop = self._inner.run(budget=budget)
        if isinstance(stop, Trap) and self._is_call(stop):
            self._begin(is_library=stop.number == _LIBRARY)
        return stop

    def _is_call(self, stop: Trap) -> bool:
        """Tell calls of the app from the trap by which the library comes back to the engine, which is no function's."""
        is_function = stop.number == _LIBRARY and self.get(Register.R0) < len(self._generation.functions)
        return stop.number == _SYSTEM or is_function

    def _begin(self, *, is_library: bool) -> None:
        number = self.get(Register.R0)
        if is_library:
            call = Call(self._generation.function_name(number), 0)
            stacked = self._words(self.get(Register.SP), 2)
            values = (*stacked, self.get(Register.R2), self.get(Register.R3)) if stacked else ()
        else:
            call = self._generation.calls.find(number)
            values = self._words(self.get(Register.R1), call.arguments)
        words = f"{call.name}({', '.join(self._argument(*one) for one in self._named(call.name, values))})"
        if call.name in _EXIT:  # nothing comes back
            self._tell(words)
        else:
            if call.name == _LIBRARY_CALL:
                self._tell(f"{words}: called by {_quoted(self._name)}")
            self._pending = _Pending(call=call, array=self.get(Register.R1), words=words, is_library=is_library)

    def _end(self) -> None:
        pending, self._pending = self._pending, None
        if pending is None:
            return
        generation = self._generation
        if pending.is_library:
            stub = range(generation.trampoline, generation.trampoline + _STUB_BYTES)
            result, thrown = self.get(Register.R0), 0
            if self.get(Register.PC) & ~1 not in stub:
                self._tell(f"{pending.words}: goes on in the library")
                return
        else:
            result, thrown = self._result(pending)
        told = str(result) if result < _LARGE else f"{result:#x}"
        if thrown:
            told = f"exception {thrown:#x}"
        self._tell(f"{pending.words} = {'?' if pending.call.name in HIDDEN else told}")

    def _result(self, pending: _Pending) -> tuple[int, int]:
        """Return result and exception of a system call, as the generation gives them back."""
        first, second = self.get(Register.R0), self.get(Register.R1)
        style = self._generation.calls.style
        if style is ReturnStyle.EXCEPTION:
            return first, second
        if style is ReturnStyle.IN_ARRAY:
            first, second = self._words(pending.array, 2) or (0, 0)
        return (second, 0) if first == pending.call.answered else (0, first)

    def _named(self, name: str, values: Sequence[int]) -> list[tuple[str, Kind, int, Sequence[int]]]:
        kinds = KINDS.get(name, ())
        return [
            (*(kinds[at] if at < len(kinds) else ("", Kind.PLAIN)), value, values) for at, value in enumerate(values)
        ]

    def _argument(self, label: str, kind: Kind, value: int, values: Sequence[int]) -> str:
        told = self._value(kind, value, values)
        return f"{label}={told}" if label else told

    def _value(self, kind: Kind, value: int, values: Sequence[int]) -> str:
        match kind:
            case Kind.HIDDEN:
                return "?"
            case Kind.SIZE:
                return str(value)
            case Kind.CURVE:
                return CURVES.get(value & 0xFF, f"{value:#x}")
            case Kind.TEXT:
                return self._text(value)
            case Kind.NAME:
                pointers = self._words(value, 1)
                return self._text(pointers[0]) if pointers else self._pointer(value)
            case Kind.PATH:  # as many levels as the next argument says
                at = values.index(value) + 1
                return self._path(value, values[at] if at < len(values) else 0)
            case Kind.REQUEST:
                found = self._bytes(value, 1)
                return REQUEST_NAMES.get(found[0], "unknown") if found else f"{value:#010x}"
            case Kind.POINTER:
                return self._pointer(value)
        return self._pointer(value) if value > 0xFFFF else f"{value:#x}" if value > 9 else str(value)

    def _pointer(self, value: int) -> str:
        generation = self._generation
        for name, start, size in (
            ("app", generation.flash, generation.flash_bytes),
            ("ram", generation.ram, generation.ram_bytes),
            ("app", generation.flash_link, generation.flash_bytes),
            ("ram", generation.ram_link, generation.ram_bytes),
        ):
            if start <= value < start + size:
                return f"{name}+{value - start:#x}"
        return f"{value:#010x}" if value else "null"

    def _text(self, pointer: int) -> str:
        raw = bytearray()
        while len(raw) < _MAX_TEXT and (found := self._bytes(pointer + len(raw), 1)) not in (None, b"\0"):
            raw += found or b""
        return _quoted(raw.decode("latin-1"))

    def _path(self, pointer: int, levels: int) -> str:
        if not 0 < levels <= _MAX_LEVELS:
            return self._pointer(pointer)
        words = self._words(pointer, levels)
        return "/".join(f"{word & ~_HARDENED}'" if word & _HARDENED else str(word) for word in words) or "?"

    def _words(self, pointer: int, count: int) -> tuple[int, ...]:
        raw = self._bytes(pointer, 4 * count)
        return tuple(int.from_bytes(raw[at : at + 4], "little") for at in range(0, 4 * count, 4)) if raw else ()

    def _bytes(self, pointer: int, size_bytes: int) -> bytes | None:
        """Return memory of the app, None for what is not mapped; link addresses lead to where the app lies."""
        generation = self._generation
        if generation.flash_link <= pointer < generation.flash_link + generation.flash_bytes:
            pointer += generation.flash - generation.flash_link
        if any(start <= pointer and pointer + size_bytes <= end for start, end in self._maps):
            return self._inner.read(pointer, size_bytes)
        return None


def _quoted(text: str) -> str:
    shown = "".join(char if char.isprintable() and char not in '"\\' else "." for char in text)
    return f'"{shown}"'
