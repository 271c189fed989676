"""Signatures (r, s) in DER: a sequence of two integers (X.690, SEC 1 C.5), written and read strictly."""

from __future__ import annotations

from typing import Final

__all__ = ["Span", "decode", "encode"]

_SEQUENCE, _INTEGER = 0x30, 0x02
_LONG_FORM: Final = 0x80
_MAX_LENGTH_BYTES: Final = 4
#: where an integer lies, and how many bytes it has without zeros before it
Span = tuple[int, int]


def encode(r: bytes, s: bytes) -> bytes:
    """Return the signature of two numbers, big endian, of less than 32 KiB each."""
    body = _integer(r) + _integer(s)
    return bytes((_SEQUENCE,)) + _length(len(body)) + body


def _integer(value: bytes) -> bytes:
    value = value.lstrip(b"\0") or b"\0"
    if value[0] & 0x80:
        value = b"\0" + value
    return bytes((_INTEGER,)) + _length(len(value)) + value


def _length(value: int) -> bytes:
    if value < _LONG_FORM:
        return bytes((value,))
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes((_LONG_FORM | len(raw),)) + raw


def decode(data: bytes) -> tuple[Span, Span] | None:
    """Return where r and s lie in a signature, or None when it is not one in DER."""
    start = _content(data, 0, _SEQUENCE)
    if start is None or start[0] + start[1] != len(data):
        return None
    first = _read_integer(data, start[0])
    if first is None:
        return None
    second = _read_integer(data, first[0] + first[1])
    if second is None or second[0] + second[1] != len(data):
        return None
    return first, second


def _read_integer(data: bytes, at: int) -> Span | None:
    """Return where an integer that is not negative lies; the shortest form is the only one."""
    found = _content(data, at, _INTEGER)
    if found is None or not found[1]:
        return None
    at, size = found
    value = data[at : at + size]
    if value[0] & 0x80 or (value[0] == 0 and size > 1 and not value[1] & 0x80):
        return None
    short = value.lstrip(b"\0")
    return at + size - len(short), len(short)


def _content(data: bytes, at: int, tag: int) -> Span | None:
    """Return where the content of an element with this tag lies."""
    if at + 2 > len(data) or data[at] != tag:
        return None
    size, at = data[at + 1], at + 2
    if size >= _LONG_FORM:
        raw = data[at : at + (size & ~_LONG_FORM)]
        if not 0 < len(raw) <= _MAX_LENGTH_BYTES or len(raw) != size & ~_LONG_FORM or not raw[0]:
            return None
        size, at = int.from_bytes(raw, "big"), at + len(raw)
        if size < _LONG_FORM:
            return None
    return (at, size) if at + size <= len(data) else None
