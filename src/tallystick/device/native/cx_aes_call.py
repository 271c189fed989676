"""AES by blocks: the chip's unit (`ox_aes.h`, system calls), and the library's functions for one block (`lcx_aes.h`).

A key in the app's memory is its size u32 and room for 32 bytes; the unit is `tallystick.device.native.cx_aes_unit`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tallystick.crypto import aes
from tallystick.device.native.cx_error import CxError, CxStatus, word
from tallystick.device.native.machine import Handler, Machine

__all__ = ["HANDLERS", "LIBRARY", "read_key", "write_key"]

_KEY_ROOM: Final = 32


def read_key(machine: Machine, pointer: int) -> bytes:
    """Return the key in the app's memory; raise CxError for a size that is none, and BadPointer."""
    size = word(machine, pointer)
    if size not in aes.KEY_BYTES:
        raise CxError(CxStatus.INVALID_PARAMETER)
    return machine.memory.read(pointer + 4, size)


def write_key(machine: Machine, pointer: int, key: bytes) -> None:
    """Put a key into the app's memory; raise CxError for a size that is none, and BadPointer."""
    if len(key) not in aes.KEY_BYTES:
        raise CxError(CxStatus.INVALID_PARAMETER)
    machine.memory.write(pointer, len(key).to_bytes(4, "little") + key)


def _set_key(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_set_key_hw(key, mode)."""
    machine.aes.set(read_key(machine, arguments[0]), arguments[1])
    return CxStatus.OK


def _reset(machine: Machine, _arguments: tuple[int, ...]) -> int:
    """cx_aes_reset_hw()."""
    machine.aes.reset()
    return CxStatus.OK


def _block(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_block_hw(input, output)."""
    output = machine.aes.block(machine.memory.read(arguments[0], aes.BLOCK_BYTES))
    if output is not None:
        machine.memory.write(arguments[1], output)
    return CxStatus.OK


def _init_key(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_init_key_no_throw(raw, length, key): the key's whole room is cleared first."""
    raw, size, key = arguments[:3]
    if size not in aes.KEY_BYTES:
        return CxStatus.INVALID_PARAMETER
    data = machine.memory.read(raw, size)
    machine.memory.write(key, bytes(4 + _KEY_ROOM))
    write_key(machine, key, data)
    return CxStatus.OK


def _one_block(*, decrypt: bool) -> Handler:
    """cx_aes_enc_block(key, input, output), and cx_aes_dec_block."""

    def handler(machine: Machine, arguments: tuple[int, ...]) -> int:
        key, pointer, target = arguments[:3]
        data = machine.memory.read(pointer, aes.BLOCK_BYTES)
        machine.memory.write(target, aes.ecb(read_key(machine, key), data, decrypt=decrypt))
        machine.aes.reset()
        return CxStatus.OK

    return handler


HANDLERS: Final[Mapping[str, Handler]] = {
    "cx_aes_set_key_hw": _set_key,
    "cx_aes_reset_hw": _reset,
    "cx_aes_block_hw": _block,
}
LIBRARY: Final[Mapping[str, Handler]] = {
    "cx_aes_init_key_no_throw": _init_key,
    "cx_aes_enc_block": _one_block(decrypt=False),
    "cx_aes_dec_block": _one_block(decrypt=True),
}
