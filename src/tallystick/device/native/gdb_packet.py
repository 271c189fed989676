"""Packets of gdb's remote serial protocol: ``$``, data, ``#`` and a sum in two hexadecimal digits; 03 alone interrupts.

Only what gdb sends to a stub is read here. Sums are checked, acknowledgements are sent until gdb asks for none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

__all__ = ["INTERRUPT", "MAX_PACKET", "PacketReader", "packet"]

#: data of one packet, in bytes; a longer one is no packet
MAX_PACKET: Final = 16384
#: stands for the byte 03, which is no packet
INTERRUPT: Final = "\x03"
_BEGIN, _END, _ESCAPE, _BREAK = b"$"[0], b"#"[0], b"}"[0], 3
_SUM_DIGITS: Final = 2


def packet(data: str) -> bytes:
    """Return a packet with this data (ASCII); the four characters that mean something else are escaped."""
    raw = bytearray()
    for byte in data.encode("ascii"):
        raw += bytes((_ESCAPE, byte ^ 0x20)) if byte in b"$#}*" else bytes((byte,))
    return b"$" + bytes(raw) + b"#%02x" % (sum(raw) & 0xFF)


class PacketReader:
    """Cuts a stream into packets. `replies` gathers acknowledgements for whoever feeds it to send."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.acknowledges = True
        self.replies = bytearray()

    def feed(self, data: bytes) -> Iterator[str]:
        """Take bytes and give the packets they complete; what is no packet, or has another sum, is dropped."""
        self._buffer += data
        while self._buffer:
            first = self._buffer[0]
            if first == _BREAK:
                del self._buffer[:1]
                yield INTERRUPT
                continue
            if first != _BEGIN:  # acknowledgements, and noise
                del self._buffer[:1]
                continue
            end = self._buffer.find(_END)
            if end < 0 or len(self._buffer) < end + 1 + _SUM_DIGITS:
                if len(self._buffer) > MAX_PACKET + 1 + _SUM_DIGITS:
                    self._buffer.clear()
                return
            raw, told = bytes(self._buffer[1:end]), bytes(self._buffer[end + 1 : end + 1 + _SUM_DIGITS])
            del self._buffer[: end + 1 + _SUM_DIGITS]
            is_whole = told.lower() == b"%02x" % (sum(raw) & 0xFF)
            if self.acknowledges:
                self.replies += b"+" if is_whole else b"-"
            if is_whole and len(raw) <= MAX_PACKET:
                yield _plain(raw)


def _plain(raw: bytes) -> str:
    parts = raw.split(b"}")
    plain = parts[0] + b"".join(bytes((part[0] ^ 0x20,)) + part[1:] for part in parts[1:] if part)
    return plain.decode("latin-1")
