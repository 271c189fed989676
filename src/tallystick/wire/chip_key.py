"""The part of the chip's bus for keys that count by themselves: four requests and one reply (secure-world 5.3).

A simulated chip makes keyed hashes (`wire.chip.Mac`). A TPM keeps something for each seal, an *enrolment*, and knows a wrong
proof from a right one. Its *handle* (1 to 1024 bytes, not secret) comes back with every request about it.

====  ==================  =====================================================  =================
type  request             fields                                                 reply
====  ==================  =====================================================  =================
0A    `Enroll`            limit u8, proof 32 bytes, handle that stays or nothing  `Handle`
0B    `Derive`            proof 32 bytes, handle                                 `Tag`
0C    `Failures`          handle                                                 `Value`
0D    `Discard`           handle                                                 `Done`
====  ==================  =====================================================  =================

Reply 86: `Handle` (1 to 1024 bytes).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tallystick.errors import LocalProtocolError

MAX_HANDLE = 1024
PROOF_BYTES = 32
#: the longest request: an enrolment beside another one
MAX_REQUEST = 2 + PROOF_BYTES + MAX_HANDLE
_PROOF_END = 1 + PROOF_BYTES


@dataclass(frozen=True, slots=True)
class Enroll:
    """Make an enrolment for `proof` that shuts after `limit` wrong ones; that of the handle `beside` stays."""

    limit: int
    proof: bytes = field(repr=False)
    beside: bytes = b""


@dataclass(frozen=True, slots=True)
class Derive:
    """Give the answer to this proof; a wrong one counts."""

    handle: bytes
    proof: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Failures:
    """Say how many wrong proofs were counted since the last right one."""

    handle: bytes


@dataclass(frozen=True, slots=True)
class Discard:
    """Forget an enrolment."""

    handle: bytes


@dataclass(frozen=True, slots=True)
class Handle:
    """The handle of a new enrolment."""

    value: bytes


KeyRequest = Enroll | Derive | Failures | Discard


def key_request_to_bytes(message: KeyRequest) -> bytes:
    """Return the datagram of a request; raise LocalProtocolError when a length or number cannot be."""
    match message:
        case Enroll(limit, proof, beside):
            if len(proof) != PROOF_BYTES or not 1 <= limit <= 0xFF or len(beside) > MAX_HANDLE:
                raise LocalProtocolError("a proof has 32 bytes, a limit is 1 to 255, a handle at most 1024 bytes")
            return bytes((0x0A, limit)) + proof + beside
        case Derive(handle, proof):
            if len(proof) != PROOF_BYTES:
                raise LocalProtocolError("a proof has 32 bytes")
            return b"\x0b" + proof + checked_handle(handle)
        case Failures(handle):
            return b"\x0c" + checked_handle(handle)
        case Discard(handle):
            return b"\x0d" + checked_handle(handle)


def key_request_from_bytes(data: bytes) -> KeyRequest | None:
    """Read a request; None for anything that is not exactly one of the four."""
    size = len(data)
    match data[:1]:
        case b"\x0a" if 2 + PROOF_BYTES <= size <= MAX_REQUEST and data[1]:
            return Enroll(data[1], data[2 : 2 + PROOF_BYTES], data[2 + PROOF_BYTES :])
        case b"\x0b" if _PROOF_END < size <= _PROOF_END + MAX_HANDLE:
            return Derive(data[_PROOF_END:], data[1:_PROOF_END])
        case b"\x0c" if 2 <= size <= 1 + MAX_HANDLE:
            return Failures(data[1:])
        case b"\x0d" if 2 <= size <= 1 + MAX_HANDLE:
            return Discard(data[1:])
    return None


def checked_handle(handle: bytes) -> bytes:
    """Return the handle; raise LocalProtocolError unless it has 1 to 1024 bytes."""
    if not 1 <= len(handle) <= MAX_HANDLE:
        raise LocalProtocolError("a handle has 1 to 1024 bytes")
    return handle
