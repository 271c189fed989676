"""A holder for bytes that must never be printed, logged, pickled or compared in variable time (style 4.5).

Functions of this room take private material as `Secret` or as `bytes` (the alias `Material`) and hand private material
back as `Secret`. Where the bytes lie is for the process to say: memory that is never swapped out comes from its edge.
"""

from __future__ import annotations

import hmac
from typing import ClassVar, NoReturn, Protocol, SupportsIndex

from tallystick.errors import UsageError


class Memory(Protocol):
    """Where secrets lie."""

    def take(self, size_bytes: int) -> tuple[memoryview | bytearray, int]:
        """Return room for so many bytes, and a number to give it back by; never raises for want of room."""
        ...

    def give_back(self, number: int) -> None:
        """Take room back, which holds zeros by now."""
        ...


class Heap:
    """The interpreter's own memory, like any other object's."""

    def take(self, size_bytes: int) -> tuple[memoryview | bytearray, int]:
        """Return fresh room."""
        return bytearray(size_bytes), 0

    def give_back(self, number: int) -> None:
        """Nothing has to be done."""


class Secret:
    """Private bytes of any length, readable only by `reveal`.

    `repr`, `str` and `format` tell the length and nothing else; pickling and copying are refused; it has no hash, so it
    cannot become a dictionary key; `==` takes the same time for all contents of one length. `wipe` zeroes this object's
    own copy, and so does its end: copies that `reveal` handed out are the caller's, and Python gives no promise about them.
    """

    __slots__ = ("_data", "_memory", "_number", "_wiped")
    _home: ClassVar[Memory] = Heap()

    __hash__ = None  # type: ignore[assignment]  # a hash would leak, and a wiped key in a dictionary is a bug

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self._wiped = False
        self._memory = self._home
        self._data, self._number = self._memory.take(len(data))
        self._data[:] = data

    @classmethod
    def live_in(cls, memory: Memory) -> None:
        """Let every secret made from now on lie in `memory`: for the composition of a process, before the first one."""
        cls._home = memory

    def __del__(self) -> None:
        """Leave nothing behind, and give the room back."""
        data = getattr(self, "_data", None)
        if data is not None:  # None: what it was to hold was no bytes
            data[:] = bytes(len(data))
            self._memory.give_back(self._number)

    def reveal(self) -> bytes:
        """Return a copy of the bytes; raise UsageError when they were wiped."""
        if self._wiped:
            raise UsageError("the secret was wiped")
        return bytes(self._data)

    def wipe(self) -> None:
        """Overwrite the bytes with zeros; the length stays, `reveal` is refused from now on. Twice is harmless."""
        self._data[:] = bytes(len(self._data))
        self._wiped = True

    @property
    def wiped(self) -> bool:
        """Whether `wipe` was called."""
        return self._wiped

    def __len__(self) -> int:
        return len(self._data)

    def __bool__(self) -> bool:
        return len(self._data) > 0

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Secret):
            return not (self._wiped or other._wiped) and hmac.compare_digest(self._data, other._data)
        if isinstance(other, bytes | bytearray):
            return not self._wiped and hmac.compare_digest(self._data, other)
        return NotImplemented

    def __repr__(self) -> str:
        return f"Secret({'wiped' if self._wiped else 'hidden'}, {len(self._data)} bytes)"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        """Give the same text as `repr`, whatever the format asks for."""
        return repr(self)

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        """Refuse pickling and copying; raise UsageError."""
        raise UsageError("a secret is neither pickled nor copied")


Material = Secret | bytes
"""Private bytes as callers may give them."""


def reveal_exactly(material: Material, length: int) -> bytes:
    """Return the bytes of `material`; raise UsageError unless they are exactly `length` bytes."""
    data = reveal(material)
    if len(data) != length:
        raise UsageError(f"the private material has {len(data)} bytes, not {length}")
    return data


def reveal(material: Material) -> bytes:
    """Return the bytes of `material`, of any length; raise UsageError when they were wiped."""
    return material.reveal() if isinstance(material, Secret) else bytes(material)
