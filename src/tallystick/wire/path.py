"""BIP-32 derivation paths: text, the packed form of most commands, and the five-word form of the Cosmos app.

A level is 32 bits, bit 31 saying "hardened" (BIP-32). Packed: a count byte, then each level big endian. Cosmos: exactly five
levels little endian, with no count (cosmos-app 1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Self

from tallystick.errors import LocalProtocolError, RemoteProtocolError, UsageError
from tallystick.wire.buffer import Reader, Writer

__all__ = ["HARDENED", "MAX_LEVELS", "Bip32Path", "harden", "is_hardened"]

HARDENED = 0x8000_0000
MAX_LEVELS = 10

_WORDS = 5
# ASCII digits only: str.isdigit would let other scripts' digits through
_LEVEL = re.compile(r"([0-9]{1,10})(['hH]?)")
_REMEDY = "write a path like 44'/118'/0'/0/0, at most 10 levels"


def harden(index: int) -> int:
    """Return `index` (0 to 2^31-1) as a hardened level; raise LocalProtocolError when it is out of range."""
    if not 0 <= index < HARDENED:
        raise LocalProtocolError(f"{index} is not an index below 2^31")
    return index | HARDENED


def is_hardened(level: int) -> bool:
    """Tell whether a level has bit 31."""
    return bool(level & HARDENED)


class Bip32Path(tuple[int, ...]):
    """A path as the tuple of its levels (0 to 10 integers of 32 bits); raises LocalProtocolError when one does not fit."""

    __slots__ = ()

    def __new__(cls, levels: Iterable[int] = ()) -> Self:
        """Check the levels once, so that every path that exists can be written."""
        path = super().__new__(cls, levels)
        if len(path) > MAX_LEVELS:
            raise LocalProtocolError(f"a path has at most {MAX_LEVELS} levels, not {len(path)}")
        if any(not 0 <= level <= 0xFFFF_FFFF for level in path):
            raise LocalProtocolError("a level of a path has 32 bits")
        return path

    def __str__(self) -> str:
        """Return the path as text, ``m`` for the root: ``44'/118'/0'/0/0``."""
        if not self:
            return "m"
        return "/".join(f"{level & ~HARDENED}'" if is_hardened(level) else str(level) for level in self)

    def __repr__(self) -> str:
        """Return the path as it is typed."""
        return f"Bip32Path.parse({str(self)!r})"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``44'/118'/0'/0/0``; ``m/`` in front is optional, ``'``, ``h`` and ``H`` harden. Raises UsageError."""
        if text == "m":
            return cls()
        parts = text.removeprefix("m/").split("/", MAX_LEVELS)
        if len(parts) > MAX_LEVELS:
            raise UsageError(f"a path has at most {MAX_LEVELS} levels", remedy=_REMEDY)
        return cls(_level(part) for part in parts)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Take a packed path off `reader`; raise RemoteProtocolError when it is cut short or has more than 10 levels."""
        count = reader.u8()
        if count > MAX_LEVELS:
            raise reader.error(f"a path has at most {MAX_LEVELS} levels, not {count}")
        return cls([reader.u32() for _ in range(count)])

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read a packed path that fills `raw`; raise RemoteProtocolError (6700) when it does not."""
        reader = Reader(raw)
        path = cls.read(reader)
        reader.finish()
        return path

    def to_bytes(self) -> bytes:
        """Return the packed form: count byte, then each level big endian."""
        writer = Writer().u8(len(self))
        for level in self:
            writer.u32(level)
        return writer.to_bytes()

    @classmethod
    def from_words(cls, raw: bytes) -> Self:
        """Read the Cosmos form, exactly 20 bytes; raise RemoteProtocolError (6700) otherwise."""
        if len(raw) != 4 * _WORDS:
            raise RemoteProtocolError(f"a path of five words has 20 bytes, not {len(raw)}", status=0x6700)
        reader = Reader(raw)
        return cls([reader.u32_le() for _ in range(_WORDS)])

    def to_words(self) -> bytes:
        """Return the Cosmos form of a path of five levels (20 bytes); raise LocalProtocolError for any other count."""
        if len(self) != _WORDS:
            raise LocalProtocolError(f"the Cosmos form holds five levels, not {len(self)}")
        return b"".join(level.to_bytes(4, "little") for level in self)


def _level(text: str) -> int:
    match = _LEVEL.fullmatch(text)
    if match is None or int(match[1]) >= HARDENED:
        raise UsageError(f"{text[:20]!r} is not a level of a path", remedy=_REMEDY)
    return harden(int(match[1])) if match[2] else int(match[1])
