"""A processor that says what its app asks for: one line for each system call and each call of the shared library.

It looks at registers when the app traps and when it runs on again, so nothing else knows of it. What a pointer leads to is
shown for texts and paths alone; results that are random or derived are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from tallystick.device.native.cpu import Access, Cpu, Register, Stop, Trap
from tallystick.device.native.generation import Generation
from tallystick.device.native.library_table import function_name
from tallystick.device.native.table import argument_count, name_of
from tallystick.device.native.trace_table import CURVES, HIDDEN, KINDS, REQUEST_NAMES, Kind

__all__ = ["TracedCpu"]

_SYSTEM, _LIBRARY = 1, 2
_MAX_TEXT: Final = 64
_MAX_LEVELS: Final = 10
_HARDENED: Final = 0x8000_0000
_EXIT: Final = frozenset({"os_sched_exit", "halt", "os_lib_end"})


class TracedCpu:
    """`inner`, whose calls are told to `tell`, line by line, with the instruction's place in the app."""

    def __init__(self, inner: Cpu, generation: Generation, tell: Callable[[str], None]) -> None:
        self._inner = inner
        self._generation = generation
        self._tell = tell
        self._maps: list[tuple[int, int]] = []
        #: name and words of the call that is being answered, and whether it is one of the library
        self._pending: tuple[str, str, bool] | None = None

    def map(self, address: int, size_bytes: int, access: Access) -> None:
        """Give whole pages; see `tallystick.device.native.cpu.Cpu`."""
        self._maps.append((address, address + size_bytes))
        self._inner.map(address, size_bytes, access)

    def protect(self, address: int, size_bytes: int, access: Access) -> None:
        """Change the rights of whole pages."""
        self._inner.protect(address, size_bytes, access)

    def read(self, address: int, size_bytes: int) -> bytes:
        """Return memory."""
        return self._inner.read(address, size_bytes)

    def write(self, address: int, data: bytes) -> None:
        """Change memory."""
        self._inner.write(address, data)

    def get(self, register: Register) -> int:
        """Return a register."""
        return self._inner.get(register)

    def set(self, register: Register, value: int) -> None:
        """Set a register."""
        self._inner.set(register, value)

    def save(self) -> Sequence[int]:
        """Return r0 to r15."""
        return self._inner.save()

    def run(self, *, budget: int) -> Stop:
        """Run on, telling how the last call ended and which one is next."""
        self._end()
        stop = self._inner.run(budget=budget)
        if isinstance(stop, Trap) and stop.number in {_SYSTEM, _LIBRARY}:
            self._begin(is_library=stop.number == _LIBRARY)
        return stop

    def _begin(self, *, is_library: bool) -> None:
        number = self.get(Register.R0)
        if is_library:
            name = function_name(number)
            stack = self._words(self.get(Register.SP), 2)
            values = (*stack, self.get(Register.R2), self.get(Register.R3)) if stack else ()
        else:
            name = name_of(number)
            values = self._words(self.get(Register.R1), argument_count(number, level=self._generation.level))
        words = f"{name}({', '.join(self._argument(*one) for one in self._named(name, values))})"
        if name in _EXIT:  # nothing comes back
            self._tell(words)
        else:
            self._pending = name, words, is_library

    def _end(self) -> None:
        if self._pending is None:
            return
        (name, words, is_library), self._pending = self._pending, None
        result, thrown = self.get(Register.R0), self.get(Register.R1)
        told = "?" if name in HIDDEN else f"{result:#x}" if result > 9 else str(result)
        if is_library and self.get(Register.PC) & ~1 not in range(
            self._generation.trampoline, self._generation.trampoline + 8
        ):
            told = "answered by the library"
        elif not is_library and thrown:
            told = f"exception {thrown:#x}"
        self._tell(f"{words} = {told}")

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
            case Kind.SIZE:
                return str(value)
            case Kind.CURVE:
                return CURVES.get(value & 0xFF, f"{value:#x}")
            case Kind.TEXT:
                return self._text(value)
            case Kind.PATH:  # as many levels as the next argument says
                at = values.index(value) + 1
                return self._path(value, values[at] if at < len(values) else 0)
            case Kind.REQUEST:
                found = self._bytes(value, 1)
                return REQUEST_NAMES.get(found[0], f"{found[0]:#x}") if found else f"{value:#010x}"
            case Kind.POINTER:
                return self._pointer(value)
        return self._pointer(value) if value > 0xFFFF else f"{value:#x}" if value > 9 else str(value)

    def _pointer(self, value: int) -> str:
        generation = self._generation
        for name, start, size in (
            ("app", generation.flash, generation.flash_bytes),
            ("ram", generation.ram, generation.ram_bytes),
            ("app", generation.flash_link, generation.flash_bytes),
        ):
            if start <= value < start + size:
                return f"{name}+{value - start:#x}"
        return f"{value:#010x}" if value else "null"

    def _text(self, pointer: int) -> str:
        raw = bytearray()
        while len(raw) < _MAX_TEXT and (found := self._bytes(pointer + len(raw), 1)) not in (None, b"\0"):
            raw += found or b""
        text = "".join(char if char.isprintable() and char not in '"\\' else "." for char in raw.decode("latin-1"))
        return f'"{text}"'

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
