"""Hashes that run in an app's memory: begun, gone on with and ended there (`lcx_hash.h`)."""

from __future__ import annotations

from typing import Final

from tallystick.device.native.cpu import Access
from tallystick.device.native.cx_algorithm import Digest, Md
from tallystick.device.native.cx_chain import ChainDigest
from tallystick.device.native.cx_digest import HASHES, kind_of
from tallystick.device.native.cx_error import CxError, CxStatus, word
from tallystick.device.native.machine import Machine

__all__ = [
    "LAST",
    "hash_final",
    "hash_final_bytes",
    "hash_start",
    "hash_update",
    "load_hash",
    "output_bytes",
    "store_hash",
]

#: in a mode: this is the end
LAST: Final = 1
#: blocks are of 64 bytes and more
_BLOCK_SHIFT: Final = 6


def load_hash(machine: Machine, context: int) -> tuple[int, Digest]:
    """Return the description's address and the hash that runs in the app's memory; raise BadPointer or CxError."""
    info = word(machine, context)
    md = machine.cx_page.hash_at(info)
    kind = HASHES[md]
    return info, kind.digest.from_bytes(md, machine.memory.read(context, kind.context_bytes))


def store_hash(machine: Machine, context: int, md: Md, digest: Digest) -> int:
    """Put a hash into the app's memory; raise BadPointer."""
    machine.memory.write(context, digest.to_bytes(machine.cx_page.info(md)))
    return CxStatus.OK


def hash_start(machine: Machine, context: int, md: int) -> Md:
    """Begin a hash with one size of output in the app's memory; raise CxError or BadPointer."""
    known, kind = kind_of(md)
    if not kind.output_bytes:
        raise CxError(CxStatus.INVALID_PARAMETER)
    store_hash(machine, context, known, ChainDigest.start(known))
    return known


def hash_update(machine: Machine, context: int, data: bytes) -> None:
    """Go on with a hash in the app's memory; raise CxError or BadPointer."""
    info, digest = load_hash(machine, context)
    # a block is as much work as a call: what an app may do for one APDU has an end
    machine.calls += len(data) >> _BLOCK_SHIFT
    digest.update(data)
    machine.memory.write(context, digest.to_bytes(info))


def hash_final_bytes(machine: Machine, context: int) -> bytes:
    """End a hash in the app's memory and return its digest; raise CxError or BadPointer."""
    info, digest = load_hash(machine, context)
    output = digest.final()
    machine.memory.write(context, digest.to_bytes(info))
    return output


def hash_final(machine: Machine, context: int, target: int) -> None:
    """End a hash in the app's memory and write its digest; raise CxError or BadPointer."""
    # first whether there is room: an app may ask for any size
    machine.memory.place(target, output_bytes(machine, context), Access.WRITE)
    machine.memory.write(target, hash_final_bytes(machine, context))


def output_bytes(machine: Machine, context: int) -> int:
    """Return the size of the digest of a running hash; raise CxError or BadPointer."""
    md = machine.cx_page.hash_at(word(machine, context))
    return HASHES[md].output_bytes or word(machine, context + 8)
