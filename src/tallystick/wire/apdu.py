"""Command and response APDUs (wire-protocol B, ISO 7816-4).

On this platform the length byte Lc is always present, ``00`` when there is no data, and there is no Le. ISO would read a
lone ``00`` behind the header as "Le = 256"; here it is an empty Lc, and nothing is lost, since 256 means "all there is".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Self

from tallystick.errors import LocalProtocolError, RemoteProtocolError

__all__ = ["MAX_APDU_BYTES", "CommandApdu", "ResponseApdu"]

#: header, extended Lc (3), data, extended Le (2): the longest command ISO 7816 knows, rounded as wire-protocol A.5 does
MAX_APDU_BYTES = 65_544

_WRONG_LENGTH = 0x6700
_SUCCESS = 0x9000
_STATUS = struct.Struct(">H")


def _bad_length(message: str) -> RemoteProtocolError:
    return RemoteProtocolError(message, status=_WRONG_LENGTH)


@dataclass(frozen=True, slots=True)
class CommandApdu:
    """One command: four header bytes, up to 65,535 bytes of data, and the answer length asked for (1 to 65,536) or None.

    Raises LocalProtocolError when a field does not fit.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    le: int | None = None

    def __post_init__(self) -> None:
        if (self.cla | self.ins | self.p1 | self.p2) >> 8:
            raise LocalProtocolError("CLA, INS, P1 and P2 are one byte each")
        if len(self.data) > 0xFFFF:
            raise LocalProtocolError(f"an APDU carries at most 65535 bytes, not {len(self.data)}")
        if self.le is not None and not 1 <= self.le <= 0x10000:
            raise LocalProtocolError(f"an expected length is 1 to 65536, not {self.le}")

    @property
    def header(self) -> bytes:
        """The four bytes CLA INS P1 P2."""
        return bytes((self.cla, self.ins, self.p1, self.p2))

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read one of ISO 7816's cases, short or extended; raise RemoteProtocolError (6700) for any other length."""
        if len(raw) < 4:
            raise _bad_length(f"an APDU has at least 4 bytes, not {len(raw)}")
        body = raw[4:]
        if len(body) > 1 and body[0] == 0 and len(body) != 2:
            data, le = _extended(body)
        else:
            data, le = _short(body)
        return cls(raw[0], raw[1], raw[2], raw[3], bytes(data), le)

    @classmethod
    def lenient(cls, raw: bytes) -> Self:
        """Read what real clients send to a device: the bytes that arrived win over the length they announce.

        Lc may be missing (``B0 01 00 00`` is sent by a current client) or wrong; the data is whatever follows it. Raises
        RemoteProtocolError (6700) for fewer than 4 bytes, or more than an extended APDU can hold.
        """
        size = len(raw)
        if size < 4:
            raise _bad_length(f"an APDU has at least 4 bytes, not {size}")
        if size > MAX_APDU_BYTES:
            raise _bad_length(f"an APDU has at most {MAX_APDU_BYTES} bytes, not {size}")
        extended = size > 7 and raw[4] == 0 and int.from_bytes(raw[5:7], "big") == size - 7
        data = raw[7:] if extended else raw[5:]
        if len(data) > 0xFFFF:
            raise _bad_length(f"an APDU carries at most 65535 bytes, not {len(data)}")
        return cls(raw[0], raw[1], raw[2], raw[3], bytes(data))

    def to_bytes(self, *, extended: bool = False) -> bytes:
        """Return the command with its Lc, ``00`` when empty; raise LocalProtocolError when the short form cannot hold it."""
        size = len(self.data)
        if not extended:
            if size > 0xFF or (self.le or 0) > 0x100:
                raise LocalProtocolError(
                    f"a short APDU carries at most 255 bytes, not {size}, and asks for at most 256"
                )
            if self.le is None:
                return bytes((self.cla, self.ins, self.p1, self.p2, size)) + self.data
            le = bytes((self.le & 0xFF,))
            return self.header + (bytes((size,)) + self.data if size else b"") + le
        le = b"" if self.le is None else (self.le & 0xFFFF).to_bytes(2, "big")
        lc = size.to_bytes(2, "big") if size or self.le is None else b""
        return self.header + b"\x00" + lc + self.data + le


def _short(body: bytes) -> tuple[bytes, int | None]:
    if not body or body == b"\x00":
        return b"", None
    if len(body) == 1:
        return b"", body[0]
    lc = body[0]
    if lc and len(body) == 1 + lc:
        return body[1:], None
    if lc and len(body) == 2 + lc:
        return body[1:-1], body[-1] or 0x100
    raise _bad_length(f"Lc announces {lc} bytes, {len(body) - 1} follow")


def _extended(body: bytes) -> tuple[bytes, int | None]:
    number = int.from_bytes(body[1:3], "big")
    if len(body) == 3:
        return b"", number or None
    if number and len(body) == 3 + number:
        return body[3:], None
    if number and len(body) == 5 + number:
        return body[3:-2], int.from_bytes(body[-2:], "big") or 0x10000
    raise _bad_length(f"extended Lc announces {number} bytes, {len(body) - 3} follow")


@dataclass(frozen=True, slots=True)
class ResponseApdu:
    """One answer: `data` (0 to 65,536 bytes) and the status word that ends it (16 bits)."""

    data: bytes
    status: int

    def __post_init__(self) -> None:
        if not 0 <= self.status <= 0xFFFF:
            raise LocalProtocolError(f"a status word has 16 bits, not {self.status:x}")

    @property
    def ok(self) -> bool:
        """True for 9000."""
        return self.status == _SUCCESS

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Split the status word off the end; raise RemoteProtocolError when there is none."""
        if len(raw) < 2:
            raise RemoteProtocolError(f"an answer ends in a status word of 2 bytes, this one has {len(raw)} bytes")
        return cls(bytes(raw[:-2]), _STATUS.unpack(raw[-2:])[0])

    def to_bytes(self) -> bytes:
        """Return the data and the status word."""
        return self.data + _STATUS.pack(self.status)
