"""Functions of the shared library for random numbers, and for those that are not: the nonces of RFC 6979 (`lcx_rng.h`).

Layout of a running RFC 6979 (little endian): V 65, K 64, order 66 and a byte of padding; bits of the order u32 and of whole
bytes of it u32; scratch 66; hash u8 and a byte of padding; size of its digest u32; a running HMAC, which is not used here.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

from tallystick.device.native.cx_chain import CHAINS
from tallystick.device.native.cx_error import CxError, CxStatus
from tallystick.device.native.cx_mac_call import md_of
from tallystick.device.native.cx_nonce import MAX_ORDER_BYTES, Rfc6979
from tallystick.device.native.machine import Asking, Handler, Machine
from tallystick.wire.syscall import Random

__all__ = ["LIBRARY"]

_LAYOUT: Final = struct.Struct("<65s64s66sx2I66sBxI")
_RANDOM_STEP: Final = 1024
_WORD: Final = 0xFFFF_FFFF


def _begin(machine: Machine, arguments: tuple[int, ...]) -> Rfc6979:
    """Return a generator of (hash, private key, length, digest, length, order, length); raise CxError or BadPointer."""
    md, scalar, scalar_size, digest, digest_size, order, order_size = arguments
    md_of(md)
    if not 0 < order_size <= MAX_ORDER_BYTES:
        raise CxError(CxStatus.INVALID_PARAMETER)
    modulus = machine.memory.read(order, order_size)
    made = Rfc6979.fresh(md, modulus)
    seed = made.scalar(machine.memory.read(scalar, scalar_size)) if scalar else b""
    seed += made.octets(machine.memory.read(digest, digest_size)) if digest else b""
    made.seed(seed)
    return made


def _init(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_rng_rfc6979_init(context, hash, private key, length, digest, length, order, length)."""
    context = arguments[0]
    made = _begin(machine, arguments[1:8])
    _store(machine, context, made)
    return CxStatus.OK


def _store(machine: Machine, context: int, made: Rfc6979) -> None:
    sizes = (made.order_bits, made.whole_bits)
    raw = _LAYOUT.pack(made.v, made.k, made.order, *sizes, made.scratch, made.md, len(made.k))
    machine.memory.write(context, raw)


def _next(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_rng_rfc6979_next(context, output, its room)."""
    context, target, room = arguments[:3]
    v, k, order, bits, whole, scratch, md, size = _LAYOUT.unpack(machine.memory.read(context, _LAYOUT.size))
    if size != CHAINS[md_of(md)].output_bytes or not 0 < bits <= whole <= 8 * MAX_ORDER_BYTES or whole % 8:
        return CxStatus.INVALID_PARAMETER
    made = Rfc6979(v=v[:size], k=k[:size], order=order, order_bits=bits, whole_bits=whole, md=md, scratch=scratch)
    if room < made.size:
        return CxStatus.INVALID_PARAMETER
    machine.memory.write(target, made.next())
    _store(machine, context, made)
    return CxStatus.OK


def _rfc6979(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_rng_rfc6979(hash, private key, length, digest, length, order, length, output, its room)."""
    target, room = arguments[7:9]
    made = _begin(machine, arguments[:7])
    if room < made.size:
        return CxStatus.INVALID_PARAMETER
    machine.memory.write(target, made.next())
    return CxStatus.OK


def _random(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """cx_rng_no_throw(output, length)."""
    pointer, size = arguments[:2]
    if size > machine.generation.ram_bytes:
        return CxStatus.INVALID_PARAMETER
    for at in range(0, size, _RANDOM_STEP):
        outcome = yield Random(min(_RANDOM_STEP, size - at))
        machine.memory.write(pointer + at, outcome.unwrap())
    return CxStatus.OK


def _range(_machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """cx_rng_u32_range_func(from, to, source): one of from..to-1, each as likely; the source is the OS, whatever is given."""
    low, high = arguments[:2]
    span = high - low & _WORD
    chunk = _WORD // span if span else 1
    power = span & span - 1 == 0
    while True:
        number = int.from_bytes((yield Random(4)).unwrap(), "little")
        if power:
            return low + (number % span if span else number) & _WORD
        if number < chunk * span:
            return low + number // chunk & _WORD


LIBRARY: Final[Mapping[str, Handler]] = {
    "cx_rng_no_throw": _random,
    "cx_rng_u32_range_func": _range,
    "cx_rng_rfc6979": _rfc6979,
    "cx_rng_rfc6979_init": _init,
    "cx_rng_rfc6979_next": _next,
}
