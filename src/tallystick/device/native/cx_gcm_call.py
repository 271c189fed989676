"""Functions of the shared library for AES-GCM (`lcx_aes_gcm.h`, NIST SP 800-38D), on contexts in the app's memory.

Layout (116 bytes, little endian): key 36; bytes of text u32 and of additional data u32; first block enciphered 16; counter
16; state 16; hash key 16; mode u32; whether it began u8. As in the SDK every piece of text or data is filled up to a block.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Final

from tallystick.crypto import aes
from tallystick.device.native.cx_aes_call import read_key, write_key
from tallystick.device.native.cx_cipher import Operation
from tallystick.device.native.cx_error import CxError, CxStatus
from tallystick.device.native.machine import Handler, Machine

__all__ = ["LIBRARY"]

_KEY_ROOM: Final = 36
_LAYOUT: Final = struct.Struct("<36s2I16s16s16s16sIB3x")
_BLOCK: Final = aes.BLOCK_BYTES
_MAX_TAG: Final = 16
_SHORT_VECTOR: Final = 12
_MASK: Final = 0xFFFF_FFFF
#: so many bytes are as much work as a call, a power of two
_WORK_SHIFT: Final = 7
#: x^128 + x^7 + x^2 + x + 1, the lowest power in the highest bit
_POLYNOMIAL: Final = 0xE1 << 120


def _multiples(key: int) -> tuple[int, ...]:
    """Return the 128 products of the hash key with a power of x, lowest power first."""
    found = []
    for _ in range(8 * _BLOCK):
        found.append(key)
        key = key >> 1 ^ (_POLYNOMIAL if key & 1 else 0)
    return tuple(found)


def _ghash(key: bytes, state: bytes, data: bytes) -> bytes:
    """Return the state after data, filled up with zeros to whole blocks (SP 800-38D, 6.4)."""
    if not data:
        return state
    multiples = _multiples(int.from_bytes(key, "big"))
    value = int.from_bytes(state, "big")
    for at in range(0, len(data), _BLOCK):
        value ^= int.from_bytes(data[at : at + _BLOCK].ljust(_BLOCK, b"\0"), "big")
        bits, value = f"{value:0128b}", 0
        for bit, multiple in zip(bits, multiples, strict=True):
            if bit == "1":
                value ^= multiple
    return value.to_bytes(_BLOCK, "big")


@dataclass(slots=True, kw_only=True)
class _Gcm:
    """A context."""

    raw_key: bytes = field(repr=False)
    key: bytes = field(repr=False)
    text_bytes: int
    data_bytes: int
    first: bytes
    counter: bytes
    state: bytes
    hash_key: bytes = field(repr=False)
    mode: int
    began: int
    #: bytes that went through
    worked: int = 0

    def start(self, mode: int, vector: bytes) -> None:
        """Take the initialization vector, once."""
        self.mode = mode
        if self.began:
            return
        self.hash_key = aes.ecb(self.key, bytes(_BLOCK))
        if len(vector) == _SHORT_VECTOR:
            self.counter = vector + b"\0\0\0\1"
        else:
            length = (8 * len(vector) & _MASK).to_bytes(_BLOCK, "big")
            self.counter = _ghash(self.hash_key, _ghash(self.hash_key, bytes(_BLOCK), vector), length)
        self.first = aes.ecb(self.key, self.counter)
        self.began = 1

    def add(self, data: bytes) -> None:
        """Take additional data."""
        self.worked += len(data)
        self.data_bytes = self.data_bytes + len(data) & _MASK
        self.state = _ghash(self.hash_key, self.state, data)

    def update(self, data: bytes) -> bytes:
        """Return a piece of text enciphered or deciphered; raise CxError."""
        if self.mode not in {Operation.ENCRYPT, Operation.DECRYPT}:
            raise CxError(CxStatus.INVALID_PARAMETER_VALUE)
        blocks = -(-len(data) // _BLOCK)
        head, count = self.counter[:12], int.from_bytes(self.counter[12:], "big")
        counters = [head + (count + 1 + at & _MASK).to_bytes(4, "big") for at in range(blocks)]
        stream = aes.ecb(self.key, b"".join(counters))
        self.counter = counters[-1] if counters else self.counter
        output = bytes(one ^ other for one, other in zip(data, stream, strict=False))
        self.worked += len(data)
        self.text_bytes = self.text_bytes + len(data) & _MASK
        self.state = _ghash(self.hash_key, self.state, output if self.mode == Operation.ENCRYPT else data)
        return output

    def finish(self) -> bytes:
        """Return the tag of 16 bytes."""
        self.counter = b"".join((8 * size & _MASK).to_bytes(8, "big") for size in (self.data_bytes, self.text_bytes))
        self.state = _ghash(self.hash_key, self.state, self.counter)
        return bytes(one ^ other for one, other in zip(self.first, self.state, strict=True))


def _load(machine: Machine, pointer: int) -> _Gcm:
    raw = machine.memory.read(pointer, _LAYOUT.size)
    key, text, data, first, counter, state, hash_key, mode, began = _LAYOUT.unpack(raw)
    return _Gcm(
        raw_key=key,
        key=read_key(machine, pointer),
        text_bytes=text,
        data_bytes=data,
        first=first,
        counter=counter,
        state=state,
        hash_key=hash_key,
        mode=mode,
        began=began,
    )


def _store(machine: Machine, pointer: int, gcm: _Gcm) -> int:
    counts = (gcm.text_bytes, gcm.data_bytes)
    blocks = (gcm.first, gcm.counter, gcm.state, gcm.hash_key)
    # a long text is the work of many calls
    machine.calls += gcm.worked >> _WORK_SHIFT
    gcm.worked = 0
    machine.memory.write(pointer, _LAYOUT.pack(gcm.raw_key, *counts, *blocks, gcm.mode, gcm.began))
    return CxStatus.OK


def _vector(machine: Machine, pointer: int, size: int) -> bytes:
    if not pointer or not size:
        raise CxError(CxStatus.INVALID_PARAMETER)
    return machine.memory.read(pointer, size)


def _init(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_gcm_init(context)."""
    machine.memory.write(arguments[0], bytes(_LAYOUT.size))
    return CxStatus.OK


def _set_key(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_gcm_set_key(context, key, length in bytes)."""
    context, key, size = arguments[:3]
    if size not in aes.KEY_BYTES:
        return CxStatus.INVALID_PARAMETER
    data = machine.memory.read(key, size)
    machine.memory.write(context, bytes(_KEY_ROOM))
    write_key(machine, context, data)
    return CxStatus.OK


def _start(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_gcm_start(context, mode, vector, length)."""
    context, mode, vector, size = arguments[:4]
    data = _vector(machine, vector, size)
    gcm = _load(machine, context)
    gcm.start(mode, data)
    return _store(machine, context, gcm)


def _update_aad(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_gcm_update_aad(context, data, length)."""
    context, pointer, size = arguments[:3]
    gcm = _load(machine, context)
    gcm.add(machine.memory.read(pointer, size))
    return _store(machine, context, gcm)


def _update(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_gcm_update(context, input, output, length)."""
    context, pointer, target, size = arguments[:4]
    gcm = _load(machine, context)
    machine.memory.write(target, gcm.update(machine.memory.read(pointer, size)))
    return _store(machine, context, gcm)


def _tag_size(size: int) -> int:
    if size > _MAX_TAG:
        raise CxError(CxStatus.INVALID_PARAMETER_SIZE)
    return size


def _finish(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_gcm_finish(context, tag, length)."""
    context, target, size = arguments[:3]
    size = _tag_size(size)
    gcm = _load(machine, context)
    machine.memory.write(target, gcm.finish()[:size])
    return _store(machine, context, gcm)


def _check_tag(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_gcm_check_tag(context, tag, length)."""
    context, pointer, size = arguments[:3]
    size = _tag_size(size)
    gcm = _load(machine, context)
    same = compare_digest(gcm.finish()[:size], machine.memory.read(pointer, size))
    _store(machine, context, gcm)
    return CxStatus.OK if same else CxStatus.INVALID_PARAMETER_VALUE


def _through(machine: Machine, arguments: tuple[int, ...], mode: Operation) -> tuple[bytes, bytes]:
    """Write the output of one whole text, and return it and its tag; arguments are those of `_encrypt`."""
    context, pointer, size, vector, vector_size, data, data_size, target, _tag, tag_size = arguments[:10]
    start = _vector(machine, vector, vector_size)
    gcm = _load(machine, context)
    gcm.start(mode, start)
    gcm.add(machine.memory.read(data, data_size))
    output = gcm.update(machine.memory.read(pointer, size))
    machine.memory.write(target, output)
    _store(machine, context, gcm)
    size = _tag_size(tag_size)
    tag = gcm.finish()[:size]
    _store(machine, context, gcm)
    return output, tag


def _encrypt(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_gcm_encrypt_and_tag(context, input, length, vector, length, data, length, output, tag, length)."""
    _, tag = _through(machine, arguments, Operation.ENCRYPT)
    machine.memory.write(arguments[8], tag)
    return CxStatus.OK


def _decrypt(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_gcm_decrypt_and_auth(as before): with a wrong tag the output is zeros."""
    output, tag = _through(machine, arguments, Operation.DECRYPT)
    if compare_digest(tag, machine.memory.read(arguments[8], len(tag))):
        return CxStatus.OK
    machine.memory.write(arguments[7], bytes(len(output)))
    return CxStatus.INVALID_PARAMETER_VALUE


LIBRARY: Final[Mapping[str, Handler]] = {
    "cx_aes_gcm_init": _init,
    "cx_aes_gcm_set_key": _set_key,
    "cx_aes_gcm_start": _start,
    "cx_aes_gcm_update_aad": _update_aad,
    "cx_aes_gcm_update": _update,
    "cx_aes_gcm_finish": _finish,
    "cx_aes_gcm_check_tag": _check_tag,
    "cx_aes_gcm_encrypt_and_tag": _encrypt,
    "cx_aes_gcm_decrypt_and_auth": _decrypt,
}
