"""The little of protocol buffers that transactions and queries need, in its deterministic form (ADR-027).

Written: fields in ascending order, defaults left out, varints in their shortest form. Read: what nodes answer, up to limits;
fields that nobody asks for are passed over.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tallystick.errors import LocalProtocolError, RemoteProtocolError

MAX_UINT64: Final = 2**64 - 1
#: fields of one message that are read; the longest list that is asked for has 200 entries
MAX_FIELDS: Final = 1000

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_VARINT_BYTES: Final = 10


def varint(value: int) -> bytes:
    """Return a whole number from 0 to 2^64 - 1 in groups of seven bits, lowest first."""
    if not 0 <= value <= MAX_UINT64:
        raise LocalProtocolError(f"{value} does not fit in 64 bits")
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def number_field(number: int, value: int) -> bytes:
    """Return field `number` holding a whole number; nothing for 0."""
    return varint(number << 3 | _VARINT) + varint(value) if value else b""


def bytes_field(number: int, value: bytes) -> bytes:
    """Return field `number` holding bytes; nothing when there are none."""
    return message_field(number, value) if value else b""


def text_field(number: int, value: str) -> bytes:
    """Return field `number` holding a text; nothing when it is empty."""
    return bytes_field(number, value.encode("utf-8"))


def message_field(number: int, value: bytes) -> bytes:
    """Return field `number` holding a message, which is there even when it is empty."""
    return varint(number << 3 | _BYTES) + varint(len(value)) + value


def repeated_field(number: int, values: Iterable[bytes]) -> bytes:
    """Return field `number` once for each of some messages."""
    return b"".join(message_field(number, value) for value in values)


def any_message(type_url: str, value: bytes) -> bytes:
    """Return google.protobuf.Any: a message with the name of its type."""
    return text_field(1, type_url) + bytes_field(2, value)


class ProtobufReader:
    """The fields of one message; every method raises RemoteProtocolError for what is not as it must be."""

    __slots__ = ("_fields",)

    def __init__(self, data: bytes) -> None:
        self._fields: dict[int, list[int | bytes]] = {}
        at = count = 0
        while at < len(data):
            key, at = _varint(data, at)
            value, at = _value(data, at, wire_type=key & 7)
            count += 1
            if count > MAX_FIELDS or not key >> 3:
                raise RemoteProtocolError("the node's answer is no protobuf message")
            self._fields.setdefault(key >> 3, []).append(value)

    def number(self, field: int) -> int:
        """Return the last number of a field, 0 when there is none."""
        value = self._fields.get(field, [0])[-1]
        if not isinstance(value, int):
            raise RemoteProtocolError("the node's answer has bytes where a number is due")
        return value

    def bytes(self, field: int) -> bytes:
        """Return the last bytes of a field, none when there are none."""
        value = self._fields.get(field, [b""])[-1]
        if isinstance(value, int):
            raise RemoteProtocolError("the node's answer has a number where bytes are due")
        return value

    def text(self, field: int) -> str:
        """Return the last text of a field, empty when there is none."""
        try:
            return self.bytes(field).decode("utf-8")
        except UnicodeDecodeError:
            raise RemoteProtocolError("the node's answer has a text that is not UTF-8") from None

    def message(self, field: int) -> ProtobufReader:
        """Return the message in a field; an empty one when there is none."""
        return ProtobufReader(self.bytes(field))

    def messages(self, field: int) -> tuple[ProtobufReader, ...]:
        """Return every message of a field."""
        values = self._fields.get(field, [])
        if any(isinstance(value, int) for value in values):
            raise RemoteProtocolError("the node's answer has a number where a message is due")
        return tuple(ProtobufReader(value) for value in values if not isinstance(value, int))


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(data[at : at + _MAX_VARINT_BYTES]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            if value > MAX_UINT64:
                break
            return value, at + place + 1
    raise RemoteProtocolError("the node's answer has a number that is cut short or too large")


def _value(data: bytes, at: int, *, wire_type: int) -> tuple[int | bytes, int]:
    if wire_type == _VARINT:
        return _varint(data, at)
    if wire_type == _BYTES:
        size, at = _varint(data, at)
    elif wire_type in {_FIXED64, _FIXED32}:
        size = 8 if wire_type == _FIXED64 else 4
    else:
        raise RemoteProtocolError("the node's answer is no protobuf message")
    if at + size > len(data):
        raise RemoteProtocolError("the node's answer is cut short")
    return data[at : at + size], at + size
