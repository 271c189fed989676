"""Functions of the shared library for CMAC (`lcx_cmac.h`, NIST SP 800-38B), with a cipher in the app's memory.

What is under way lies where the cipher's context says: state 16, block 16, bytes waiting u32.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tallystick.crypto import aes
from tallystick.device.native.cx_cipher import CIPHER_BYTES, Chain, CipherContext, Operation
from tallystick.device.native.cx_cipher_call import CIPHER_KEYS, cipher_setkey, key_argument, load_cipher
from tallystick.device.native.cx_error import CxError, CxStatus
from tallystick.device.native.cx_page import CMAC_BYTES
from tallystick.device.native.machine import Handler, Machine

__all__ = ["LIBRARY", "cmac_finish", "cmac_start", "cmac_update", "doubled", "xor"]

_BLOCK: Final = aes.BLOCK_BYTES
_CMAC_CONSTANT: Final = 0x87
_OK: Final = CxStatus.OK


def xor(one: bytes, other: bytes) -> bytes:
    """Return two byte strings of the same length added."""
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def cmac_start(machine: Machine, pointer: int, key: bytes) -> None:
    """Begin a CMAC with a cipher that is set up for ECB (NIST SP 800-38B); raise CxError or BadPointer."""
    cipher_setkey(machine, pointer, key, operation=Operation.ENCRYPT)
    context = CipherContext.from_bytes(machine.memory.read(pointer, CIPHER_BYTES))
    context.cmac_at = machine.cx_page.cmac()
    machine.memory.write(pointer, context.to_bytes())
    machine.memory.write(context.cmac_at, bytes(CMAC_BYTES))


def _cmac(machine: Machine, pointer: int) -> tuple[CipherContext, bytes, bytes]:
    """Return the cipher, the state of its CMAC and what waits; raise CxError or BadPointer."""
    context = load_cipher(machine, pointer)
    if not context.cmac_at or context.mode != Chain.ECB or not context.key:
        raise CxError(CxStatus.INVALID_PARAMETER)
    raw = machine.memory.read(context.cmac_at, CMAC_BYTES)
    waiting = int.from_bytes(raw[2 * _BLOCK :], "little")
    if waiting > _BLOCK:
        raise CxError(CxStatus.INVALID_PARAMETER)
    return context, raw[:_BLOCK], raw[_BLOCK : _BLOCK + waiting]


def cmac_update(machine: Machine, pointer: int, data: bytes) -> None:
    """Take data; the last block waits, for it is treated in another way. Raise CxError or BadPointer."""
    context, state, waiting = _cmac(machine, pointer)
    data = waiting + data
    whole = max(0, len(data) - 1) // _BLOCK * _BLOCK
    if whole:
        state = aes.cbc(context.key, data[:whole], start=state)[-_BLOCK:]
    waiting = data[whole:]
    size = len(waiting).to_bytes(4, "little")
    machine.memory.write(context.cmac_at, state + waiting.ljust(_BLOCK, b"\0") + size)


def doubled(block: bytes) -> bytes:
    """Return a block times x in the field of SP 800-38B, 6.1."""
    value = int.from_bytes(block, "big") << 1
    if value >> 8 * _BLOCK:
        value ^= 1 << 8 * _BLOCK | _CMAC_CONSTANT
    return value.to_bytes(_BLOCK, "big")


def cmac_finish(machine: Machine, pointer: int) -> bytes:
    """Return the MAC of 16 bytes; raise CxError or BadPointer."""
    context, state, waiting = _cmac(machine, pointer)
    subkey = doubled(aes.ecb(context.key, bytes(_BLOCK)))
    if len(waiting) < _BLOCK:
        subkey = doubled(subkey)
        waiting = (waiting + b"\x80").ljust(_BLOCK, b"\0")
    machine.memory.write(context.cmac_at, bytes(CMAC_BYTES))
    return aes.ecb(context.key, xor(xor(waiting, subkey), state))


def _cmac_start(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_cmac_start(context, key, its bits)."""
    cmac_start(machine, arguments[0], key_argument(machine, arguments[1], arguments[2]))
    return _OK


def _cmac_update(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_cmac_update(context, input, length)."""
    pointer, source, size = arguments[:3]
    if not source:
        return CxStatus.INVALID_PARAMETER
    cmac_update(machine, pointer, machine.memory.read(source, size))
    return _OK


def _cmac_finish(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_cmac_finish(context, output)."""
    machine.memory.write(arguments[1], cmac_finish(machine, arguments[0]))
    return _OK


def _cmac_at_once(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_cmac(cipher, key, its bits, input, length, output)."""
    number, key, bits, source, size, target = arguments[:6]
    if not (key and source and target) or number not in CIPHER_KEYS:
        return CxStatus.INVALID_PARAMETER
    if 8 * CIPHER_KEYS[number] != bits:
        return CxStatus.INVALID_PARAMETER_SIZE
    secret, data = key_argument(machine, key, bits), machine.memory.read(source, size)
    subkey = doubled(aes.ecb(secret, bytes(_BLOCK)))
    whole = max(0, len(data) - 1) // _BLOCK * _BLOCK
    last = data[whole:]
    if len(last) < _BLOCK:
        subkey = doubled(subkey)
        last = (last + b"\x80").ljust(_BLOCK, b"\0")
    chained = aes.cbc(secret, data[:whole] + xor(last, subkey), start=bytes(_BLOCK))
    machine.memory.write(target, chained[-_BLOCK:])
    return _OK


LIBRARY: Final[Mapping[str, Handler]] = {
    "cx_cmac": _cmac_at_once,
    "cx_cmac_start": _cmac_start,
    "cx_cmac_update": _cmac_update,
    "cx_cmac_finish": _cmac_finish,
}
