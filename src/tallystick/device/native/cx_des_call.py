"""DES of firmware 1.x and 2.x: the chip's unit (`ox_des.h`, system calls) and the library's functions (`lcx_des.h`).

A key in the app's memory is its size u8 and room for 24 bytes, for 16 in firmware 1.x.
"""

from __future__ import annotations

from collections.abc import Mapping
from hmac import compare_digest
from typing import Final

from tallystick.device.native.cx_des import BLOCK_BYTES, KEY_BYTES, Job, blocks
from tallystick.device.native.cx_error import CxError, CxStatus, word
from tallystick.device.native.machine import Handler, Machine

__all__ = ["HANDLERS", "OLD_LIBRARY"]

_ROOM: Final = 24
#: where there is no library
_ROOM_BEFORE: Final = 16
_WORK_SHIFT: Final = 6


def _key_room(machine: Machine) -> int:
    return _ROOM if machine.generation.trampoline else _ROOM_BEFORE


def _read_key(machine: Machine, pointer: int) -> bytes:
    """Return the key in the app's memory; raise CxError for a size that is none, and BadPointer."""
    (size,) = machine.memory.read(pointer, 1)
    if size not in KEY_BYTES or size > _key_room(machine):
        raise CxError(CxStatus.INVALID_PARAMETER)
    return machine.memory.read(pointer + 1, size)


def _init_key(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_des_init_key_no_throw(raw, length, key): the key's whole room is cleared first."""
    raw, size, key = arguments[:3]
    room = _key_room(machine)
    if size not in KEY_BYTES or size > room:
        machine.memory.write(key, bytes(1 + room))
        return CxStatus.INVALID_PARAMETER
    data = machine.memory.read(raw, size)
    machine.memory.write(key, bytes((size,)) + data.ljust(room, b"\0"))
    return CxStatus.OK


def _cipher_with_vector(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_des_iv_no_throw(key, mode, vector, length, input, length, output, its length): the last is room before and size after."""
    key, mode, vector, vector_size, source, size, target, length = arguments[:8]
    if vector_size != (BLOCK_BYTES if vector else 0) or (size and not source):
        return CxStatus.INVALID_PARAMETER
    start = machine.memory.read(vector, BLOCK_BYTES) if vector else None
    job = Job(key=_read_key(machine, key), mode=mode, vector=start)
    job.check_room(size, word(machine, length))
    if not size:
        return CxStatus.OK
    data = machine.memory.read(source, size)
    machine.calls += size >> _WORK_SHIFT
    output = job.run(data)
    if job.verifies:
        said = BLOCK_BYTES if compare_digest(machine.memory.read(target, BLOCK_BYTES), output) else 0
    else:
        machine.memory.write(target, output)
        said = len(output)
    machine.memory.write(length, said.to_bytes(4, "little"))
    return CxStatus.OK


def _cipher(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_des_no_throw(key, mode, input, length, output, its length)."""
    return _cipher_with_vector(machine, (*arguments[:2], 0, 0, *arguments[2:6]))


def _one_block(*, decrypt: bool) -> Handler:
    """cx_des_enc_block(key, input, output), and cx_des_dec_block."""

    def handler(machine: Machine, arguments: tuple[int, ...]) -> int:
        key, pointer, target = arguments[:3]
        data = machine.memory.read(pointer, BLOCK_BYTES)
        machine.memory.write(target, blocks(_read_key(machine, key), data, decrypt=decrypt))
        return CxStatus.OK

    return handler


def _set_key(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_des_set_key_hw(key, mode)."""
    machine.des.set(_read_key(machine, arguments[0]), arguments[1])
    return CxStatus.OK


def _reset(machine: Machine, _arguments: tuple[int, ...]) -> int:
    """cx_des_reset_hw()."""
    machine.des.set(b"", 0)
    return CxStatus.OK


def _block(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_des_block_hw(input, output)."""
    machine.memory.write(arguments[1], machine.des.block(machine.memory.read(arguments[0], BLOCK_BYTES)))
    return CxStatus.OK


HANDLERS: Final[Mapping[str, Handler]] = {
    "cx_des_set_key_hw": _set_key,
    "cx_des_reset_hw": _reset,
    "cx_des_block_hw": _block,
}
OLD_LIBRARY: Final[Mapping[str, Handler]] = {
    "cx_des_init_key_no_throw": _init_key,
    "cx_des_iv_no_throw": _cipher_with_vector,
    "cx_des_no_throw": _cipher,
    "cx_des_enc_block": _one_block(decrypt=False),
    "cx_des_dec_block": _one_block(decrypt=True),
}
