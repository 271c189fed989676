"""Compiled code as bytes that are equal for equal code, and short: each text is written once.

The interpreter's own format (`marshal`) can refer back to what was written before, but which objects it refers to depends on
who else holds them, so its bytes differ from run to run. Its old version has no references and is always the same; from that
one the texts, names above all, are written again with references by value. That is a fifth shorter, and read faster.
"""

from __future__ import annotations

import marshal
from collections import Counter
from types import CodeType

#: the last format of marshal without references
_PLAIN = 2
#: the mark of what is referred to later
_REFERRED = 0x80
#: bytes behind the letter of what has a fixed size
_FIXED = {b"N": 0, b"F": 0, b"T": 0, b".": 0, b"S": 0, b"i": 4, b"g": 8, b"y": 16}
#: letters of what is followed by that many objects
_ROWS = (b"(", b"<", b">", b"[")
#: an object of code: numbers, objects, a line number, objects
_NUMBERS, _OBJECTS, _LINE, _TABLES = 20, 8, 4, 2


class _NotUnderstood(Exception):
    """This interpreter writes code in another way."""


def to_bytes(code: CodeType) -> bytes:
    """Return `code` for `marshal.loads`; for an interpreter that writes it in another way, in the format that it has."""
    plain = marshal.dumps(code, _PLAIN)
    try:
        short = _joined(_Reader(plain).tokens())
        if marshal.dumps(marshal.loads(short), _PLAIN) == plain:  # noqa: S302 -- what was written a line above
            return short
    except (_NotUnderstood, ValueError, EOFError, TypeError, IndexError):
        pass
    return plain


class _Reader:
    """Takes the plain format apart: texts by themselves, everything else as it is."""

    def __init__(self, plain: bytes) -> None:
        self._plain = plain
        self._position = 0
        self._tokens: list[tuple[bool, bytes]] = []

    def tokens(self) -> list[tuple[bool, bytes]]:
        """Return (is a text, bytes), in order."""
        self._object()
        if self._position != len(self._plain):
            raise _NotUnderstood
        return self._tokens

    def _object(self) -> None:
        letter = self._plain[self._position : self._position + 1]
        if letter == b"u":
            size = self._number(1)
            self._position += 5
            self._take(size, is_text=True)
        elif letter in _FIXED:
            self._take(1 + _FIXED[letter])
        elif letter == b"s":
            self._take(5 + self._number(1))
        elif letter == b"l":
            self._take(5 + 2 * abs(self._number(1)))
        elif letter in _ROWS:
            count = self._number(1)
            self._take(5)
            for _ in range(count):
                self._object()
        elif letter == b"c":
            self._code()
        else:
            raise _NotUnderstood

    def _code(self) -> None:
        self._take(1 + _NUMBERS)
        for _ in range(_OBJECTS):
            self._object()
        self._take(_LINE)
        for _ in range(_TABLES):
            self._object()

    def _number(self, ahead: int) -> int:
        start = self._position + ahead
        return int.from_bytes(self._plain[start : start + 4], "little", signed=True)

    def _take(self, size: int, *, is_text: bool = False) -> None:
        self._tokens.append((is_text, self._plain[self._position : self._position + size]))
        self._position += size


def _joined(tokens: list[tuple[bool, bytes]]) -> bytes:
    """Return the format with references of these tokens: a text that comes again is marked, and referred to by its number."""
    times = Counter(data for is_text, data in tokens if is_text)
    numbers: dict[bytes, int] = {}
    written: list[bytes] = []
    for is_text, data in tokens:
        if not is_text:
            written.append(data)
        elif data in numbers:
            written.append(b"r" + numbers[data].to_bytes(4, "little"))
        else:
            mark = 0
            if times[data] > 1:
                numbers[data], mark = len(numbers), _REFERRED
            written.append(_text(data, mark))
    return b"".join(written)


def _text(data: bytes, mark: int) -> bytes:
    """Return one text: names are kept once by the interpreter that reads them, short texts have a short length."""
    if not data.isascii():
        return bytes([ord("u") | mark]) + len(data).to_bytes(4, "little") + data
    is_name = data.replace(b"_", b"a").isalnum()
    if len(data) < 256:
        return bytes([ord("Z" if is_name else "z") | mark, len(data)]) + data
    return bytes([ord("A" if is_name else "a") | mark]) + len(data).to_bytes(4, "little") + data
