"""Functions of the shared library on plain memory: sums, comparing, turning bytes round (`lcx_crc.h`, `cx_utils.h`)."""

from __future__ import annotations

import binascii
import zlib
from collections.abc import Mapping
from hmac import compare_digest
from typing import Final

from tallystick.device.native.cpu import Register
from tallystick.device.native.machine import Handler, Machine

__all__ = ["HANDLERS", "LIBRARY"]

_START16: Final = 0xFFFF
_WORD: Final = 0xFFFF_FFFF
_CRC16, _CRC32 = 0, 1


def _reversed(value: int) -> int:
    """Return 32 bits in the other order."""
    return int(f"{value & _WORD:032b}"[::-1], 2)


def _crc_unit(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_crc_hw(kind, state, data, length): CRC-16/CCITT-FALSE or CRC-32, else 0."""
    kind, state, pointer, size = arguments[:4]
    data = machine.memory.read(pointer, size)
    if kind == _CRC16:
        return binascii.crc_hqx(data, state & 0xFFFF)
    # the unit's state has its bits in the other order, and is not inverted
    return zlib.crc32(data, _reversed(state) ^ _WORD) if kind == _CRC32 else 0


def _crc16(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_crc16(data, length)."""
    return binascii.crc_hqx(machine.memory.read(arguments[0], arguments[1]), _START16)


def _crc16_update(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_crc16_update(sum, data, length)."""
    return binascii.crc_hqx(machine.memory.read(arguments[1], arguments[2]), arguments[0] & 0xFFFF)


def _crc32(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_crc32(data, length)."""
    return zlib.crc32(machine.memory.read(arguments[0], arguments[1]))


def _crc32_update(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_crc32_update(sum, data, length)."""
    return zlib.crc32(machine.memory.read(arguments[1], arguments[2]), arguments[0])


def _memxor(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_memxor(to, what, length)."""
    target, source, size = arguments[:3]
    one = int.from_bytes(machine.memory.read(target, size), "little")
    other = int.from_bytes(machine.memory.read(source, size), "little")
    machine.memory.write(target, (one ^ other).to_bytes(size, "little"))
    return 0


def _differ(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_constant_time_eq(one, other, length): 0 for the same, 1 for another."""
    one, other, size = arguments[:3]
    return int(not compare_digest(machine.memory.read(one, size), machine.memory.read(other, size)))


def _turned(data: bytes, width: int) -> bytes:
    return b"".join(data[at : at + width][::-1] for at in range(0, len(data), width))


def _swap_buffer(width: int) -> Handler:
    """cx_swap_buffer32(words, how many), and cx_swap_buffer64."""

    def handler(machine: Machine, arguments: tuple[int, ...]) -> int:
        pointer, count = arguments[:2]
        machine.memory.write(pointer, _turned(machine.memory.read(pointer, width * count), width))
        return 0

    return handler


def _swap32(_machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_swap_uint32(word)."""
    return int.from_bytes(arguments[0].to_bytes(4, "little"), "big")


def _swap64(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_swap_uint64(word): taken and given in r0 (low) and r1 (high)."""
    machine.cpu.set(Register.R1, int.from_bytes(arguments[0].to_bytes(4, "little"), "big"))
    return int.from_bytes(arguments[1].to_bytes(4, "little"), "big")


HANDLERS: Final[Mapping[str, Handler]] = {"cx_crc_hw": _crc_unit}
LIBRARY: Final[Mapping[str, Handler]] = {
    "cx_crc16": _crc16,
    "cx_crc16_update": _crc16_update,
    "cx_crc32": _crc32,
    "cx_crc32_update": _crc32_update,
    "cx_memxor": _memxor,
    "cx_constant_time_eq": _differ,
    "cx_swap_buffer32": _swap_buffer(4),
    "cx_swap_buffer64": _swap_buffer(8),
    "cx_swap_uint32": _swap32,
    "cx_swap_uint64": _swap64,
}
