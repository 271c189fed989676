"""Functions of the shared library for ciphers (`lcx_cipher.h`, `lcx_aes.h`)."""

from __future__ import annotations

from collections.abc import Mapping
from hmac import compare_digest
from typing import Final

from tallystick.crypto import aes
from tallystick.device.native.cx_aes_call import read_key, write_key
from tallystick.device.native.cx_cipher import CIPHER_BYTES, Chain, CipherContext, Operation, Padding
from tallystick.device.native.cx_error import CxError, CxStatus, word
from tallystick.device.native.machine import Handler, Machine

__all__ = [
    "CIPHER_KEYS",
    "LIBRARY",
    "cipher_setiv",
    "cipher_setkey",
    "cipher_setup",
    "cipher_update",
    "key_argument",
    "load_cipher",
]

_OPERATION, _CHAIN, _PADDING = 3 << 1, 7 << 6, 7 << 3
_BLOCK: Final = aes.BLOCK_BYTES
#: ciphers by number (`cx_cipher_id_t`), and the sizes of their keys in bytes
CIPHER_KEYS: Final = {1: 16, 2: 24, 3: 32}
_PADDINGS: Final = tuple(Padding)
_OK: Final = CxStatus.OK


def load_cipher(machine: Machine, pointer: int) -> CipherContext:
    """Return the cipher in the app's memory, its key read; raise BadPointer or CxError."""
    context = CipherContext.from_bytes(machine.memory.read(pointer, CIPHER_BYTES))
    if not pointer or not context.info:
        raise CxError(CxStatus.INVALID_PARAMETER)
    # a cipher may be given its padding and vector before its key
    if context.key_at and word(machine, context.key_at) in aes.KEY_BYTES:
        context.key = read_key(machine, context.key_at)
    for padding in _PADDINGS if context.get_padding else ():
        if context.get_padding == machine.cx_page.padding(_PADDINGS.index(padding)):
            context.padding = padding
    return context


def _store(machine: Machine, pointer: int, context: CipherContext) -> None:
    machine.memory.write(pointer, context.to_bytes())


def _init(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_cipher_init(context)."""
    machine.memory.write(arguments[0], bytes(CIPHER_BYTES))
    return _OK


def cipher_setup(machine: Machine, pointer: int, *, number: int, mode: int) -> None:
    """Choose the cipher and how its blocks hang together; raise CxError or BadPointer."""
    context = CipherContext.from_bytes(machine.memory.read(pointer, CIPHER_BYTES))
    _choose(machine, context, number=number, mode=mode)
    _store(machine, pointer, context)


def _choose(machine: Machine, context: CipherContext, *, number: int, mode: int) -> None:
    if number not in CIPHER_KEYS or not context.key_at:
        raise CxError(CxStatus.INVALID_PARAMETER)
    if mode not in set(Chain):
        raise CxError(CxStatus.INVALID_PARAMETER_VALUE)
    context.mode = mode
    context.info = machine.cx_page.cipher(CIPHER_KEYS[number])


def cipher_setkey(machine: Machine, pointer: int, key: bytes, *, operation: int) -> None:
    """Put the key where the cipher has it; raise CxError or BadPointer."""
    context = CipherContext.from_bytes(machine.memory.read(pointer, CIPHER_BYTES))
    if not context.info:
        raise CxError(CxStatus.INVALID_PARAMETER)
    if machine.cx_page.cipher_at(context.info) != len(key):
        raise CxError(CxStatus.INVALID_PARAMETER_SIZE)
    if operation not in set(Operation):
        raise CxError(CxStatus.INVALID_PARAMETER_VALUE)
    context.key_bits, context.operation = 8 * len(key), operation
    _store(machine, pointer, context)
    write_key(machine, context.key_at, key)


def cipher_setiv(machine: Machine, pointer: int, vector: bytes) -> None:
    """Begin with a vector; raise CxError or BadPointer."""
    context = load_cipher(machine, pointer)
    context.set_start(vector)
    _store(machine, pointer, context)


def cipher_update(machine: Machine, pointer: int, data: bytes, *, room: int) -> tuple[bytes, int]:
    """Take data; return what comes out, and what is said of its length. Raise CxError or BadPointer."""
    context = load_cipher(machine, pointer)
    context.check_room(len(data), room)
    output, size = context.update(data)
    _store(machine, pointer, context)
    return output, size


def _setup(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_cipher_setup(context, cipher, mode)."""
    cipher_setup(machine, arguments[0], number=arguments[1], mode=arguments[2])
    return _OK


def key_argument(machine: Machine, pointer: int, bits: int) -> bytes:
    """Return a key that an app passes with its bits; raise CxError for a size that is none, and BadPointer."""
    if not pointer:
        raise CxError(CxStatus.INVALID_PARAMETER)
    if bits % 8 or bits // 8 not in aes.KEY_BYTES:
        raise CxError(CxStatus.INVALID_PARAMETER_SIZE)
    return machine.memory.read(pointer, bits // 8)


def _setkey(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_cipher_setkey(context, key, its bits, operation)."""
    pointer, key, bits, operation = arguments[:4]
    cipher_setkey(machine, pointer, key_argument(machine, key, bits), operation=operation)
    return _OK


def _vector(machine: Machine, pointer: int, size: int) -> bytes:
    if size not in {0, _BLOCK} or (size and not pointer):
        raise CxError(CxStatus.INVALID_PARAMETER_VALUE)
    return machine.memory.read(pointer, size)


def _setiv(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_cipher_setiv(context, vector, length): ECB has none, whatever is given."""
    context = load_cipher(machine, arguments[0])
    if context.mode != Chain.ECB:
        context.set_start(_vector(machine, arguments[1], arguments[2]))
        _store(machine, arguments[0], context)
    return _OK


def _set_padding(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_cipher_set_padding(context, padding)."""
    context = load_cipher(machine, arguments[0])
    _pad(machine, context, arguments[1])
    _store(machine, arguments[0], context)
    return _OK


def _pad(machine: Machine, context: CipherContext, padding: int) -> None:
    if padding not in set(Padding):
        raise CxError(CxStatus.INVALID_PARAMETER_VALUE)
    address = machine.cx_page.padding(_PADDINGS.index(Padding(padding)))
    context.padding = Padding(padding)
    context.get_padding = address
    context.add_padding = 0 if padding == Padding.NONE else address


def _tell(machine: Machine, length: int, size: int) -> None:
    machine.memory.write(length, size.to_bytes(4, "little"))


def _update(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_cipher_update(context, input, length, output, its length): the last is room before and size after."""
    pointer, source, size, target, length = arguments[:5]
    if not source:
        return CxStatus.INVALID_PARAMETER_VALUE
    context = load_cipher(machine, pointer)
    context.check_room(size, word(machine, length))
    data = machine.memory.read(source, size)
    _tell(machine, length, 0)
    try:
        output, said = context.update(data)
    finally:
        _store(machine, pointer, context)
    machine.memory.write(target, output)
    _tell(machine, length, said)
    return _OK


def _finish(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_cipher_finish(context, output, its length)."""
    pointer, target, length = arguments[:3]
    context = load_cipher(machine, pointer)
    _tell(machine, length, 0)
    output, said = context.finish()
    _store(machine, pointer, context)
    machine.memory.write(target, output)
    if said is None:
        return CxStatus.INVALID_PARAMETER
    _tell(machine, length, said)
    return _OK


def _through(machine: Machine, context: CipherContext, arguments: tuple[int, ...]) -> int:
    """Encrypt, decrypt, sign or verify at once: (vector, length, input, length, output, its length)."""
    vector, vector_size, source, size, target, length = arguments
    if context.mode != Chain.ECB:
        context.set_start(_vector(machine, vector, vector_size))
    if not source:
        return CxStatus.INVALID_PARAMETER_VALUE
    context.check_room(size, word(machine, length))
    data = machine.memory.read(source, size)
    _tell(machine, length, 0)
    output, said = context.update(data)
    machine.memory.write(target, output)
    _tell(machine, length, said)
    behind = said if context.add_padding else 0
    rest, finished = context.finish()
    machine.memory.write(target + behind, rest)
    if finished is None:
        return CxStatus.INVALID_PARAMETER
    if context.operation == Operation.SIGN:
        machine.memory.write(target, context.mac)
        said, finished = 0, _BLOCK
    elif context.operation == Operation.VERIFY:
        same = compare_digest(machine.memory.read(target, _BLOCK), context.mac)
        said, finished = 0, _BLOCK if same else 0
    _tell(machine, length, said + finished)
    return _OK


def _enc_dec(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_cipher_enc_dec(context, vector, length, input, length, output, its length)."""
    context = load_cipher(machine, arguments[0])
    status = _through(machine, context, arguments[1:7])
    _store(machine, arguments[0], context)
    return status


def _reset(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_cipher_reset(context)."""
    context = CipherContext.from_bytes(machine.memory.read(arguments[0], CIPHER_BYTES))
    context.start, context.data, context.waiting, context.start_bytes = bytes(_BLOCK), bytearray(_BLOCK), 0, 0
    _store(machine, arguments[0], context)
    return _OK


def _aes_iv(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_iv_no_throw(key, mode, vector, length, input, length, output, its length)."""
    key, mode = arguments[:2]
    context = CipherContext(key_at=key, key=read_key(machine, key), operation=mode & _OPERATION)
    _choose(machine, context, number=len(context.key) // 8 - 1, mode=mode & _CHAIN)
    _pad(machine, context, mode & _PADDING)
    return _through(machine, context, arguments[2:8])


def _aes(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_no_throw(key, mode, input, length, output, its length)."""
    return _aes_iv(machine, (*arguments[:2], 0, 0, *arguments[2:6]))


LIBRARY: Final[Mapping[str, Handler]] = {
    "cx_cipher_init": _init,
    "cx_cipher_setup": _setup,
    "cx_cipher_setkey": _setkey,
    "cx_cipher_setiv": _setiv,
    "cx_cipher_set_padding": _set_padding,
    "cx_cipher_update": _update,
    "cx_cipher_finish": _finish,
    "cx_cipher_enc_dec": _enc_dec,
    "cx_cipher_reset": _reset,
    "cx_aes_iv_no_throw": _aes_iv,
    "cx_aes_no_throw": _aes,
}
