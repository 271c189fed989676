"""A holder for bytes that must never be printed, logged, pickled or compared in variable time (style 4.5).

Functions of this room take private material as `Secret` or as `bytes` (the alias `Material`) and hand private material
back as `Secret`.
"""

from __future__ import annotations

import hmac
from typing import NoReturn, SupportsIndex

from tallystick.errors import UsageError


class Secret:
    """Private bytes of any length, readable only by `reveal`.

    `repr`, `str` and `format` tell the length and nothing else; pickling and copying are refused; it has no hash, so it
    cannot become a dictionary key; `==` takes the same time for all contents of one length. `wipe` zeroes this object's
    own copy: copies that `reveal` handed out are the caller's, and Python gives no promise about them.
    """

    __slots__ = ("_data", "_wiped")

    __hash__ = None  # type: ignore[assignment]  # a hash would leak, and a wiped key in a dictionary is a bug

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self._data = bytearray(data)
        self._wiped = False

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
