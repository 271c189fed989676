"""APDUs over gRPC, as clients built for the emulator Zemu send them (cosmos-chain; ledger-go's ``zemu.proto``).

One call, ``/ledger_go.ZemuCommand/Exchange``: the request has the APDU in field 1, the reply the answer with its status word in
field 1, both as bytes. A gRPC message is a flag (1: compressed), its length (u32, big endian) and the protobuf message.
"""

from __future__ import annotations

from typing import Final

from tallystick.errors import RemoteProtocolError

__all__ = ["EXCHANGE", "MAX_MESSAGE", "Compressed", "reply", "request"]

#: the path of the one call
EXCHANGE: Final = b"/ledger_go.ZemuCommand/Exchange"
_PREFIX_BYTES: Final = 5
#: an APDU with a long length has 65,535 bytes of data at most; tag and length of its field take four
_MAX_APDU: Final = 7 + 0xFFFF
#: bytes of a whole message, prefix included; more is never kept
MAX_MESSAGE: Final = _PREFIX_BYTES + 4 + _MAX_APDU
_FIELD_1_BYTES: Final = 0x0A
_MORE: Final = 0x80
_MAX_VARINT_BYTES: Final = 3


class Compressed(RemoteProtocolError):
    """The message is compressed, which nobody offered."""


def request(message: bytes) -> bytes:
    """Return the APDU in a gRPC message (5 bytes of prefix and a protobuf message).

    An empty message is an empty APDU: protobuf leaves out what is empty. Of a field that is there twice, the last counts.

    Raises:
        Compressed: the sender compressed it.
        RemoteProtocolError: it is not one whole message, or has fields that are not known.

    """
    if len(message) < _PREFIX_BYTES:
        raise RemoteProtocolError("a gRPC message begins with five bytes")
    if message[0]:
        raise Compressed("the message is compressed")
    body = message[_PREFIX_BYTES:]
    if int.from_bytes(message[1:_PREFIX_BYTES], "big") != len(body):
        raise RemoteProtocolError("one gRPC message was expected, and no more")
    apdu = b""
    while body:
        if body[0] != _FIELD_1_BYTES:
            raise RemoteProtocolError("only field 1, of bytes, is known")
        length, at = _varint(body, 1)
        if len(body) < at + length:
            raise RemoteProtocolError("the message is cut off")
        apdu, body = body[at : at + length], body[at + length :]
    return apdu


def reply(response: bytes) -> bytes:
    """Return the gRPC message that carries an answer, status word included; at most 65,538 bytes."""
    if len(response) > _MAX_APDU:
        raise ValueError("an answer is never that long")
    body = bytes((_FIELD_1_BYTES, *_varint_bytes(len(response)))) + response if response else b""
    return bytes(1) + len(body).to_bytes(4, "big") + body


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(_MAX_VARINT_BYTES):
        if at >= len(raw):
            break
        value |= (raw[at] & ~_MORE) << 7 * place
        at += 1
        if not raw[at - 1] & _MORE:
            return value, at
    raise RemoteProtocolError("the message is cut off")


def _varint_bytes(value: int) -> bytes:
    out = bytearray()
    while value >= _MORE:
        out.append(value & ~_MORE & 0xFF | _MORE)
        value >>= 7
    return bytes((*out, value))
