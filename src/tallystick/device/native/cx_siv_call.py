"""Functions of the shared library for AES-SIV (`lcx_aes_siv.h`, RFC 5297), on contexts in the app's memory.

Layout (96 bytes, little endian): two keys of up to 32; bits of each u32; state 16; cipher u8 and padding; mode u32; address of the cipher
that does the work, which the app provides.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Final

from tallystick.crypto import aes
from tallystick.device.native.cx_cipher import CIPHER_BYTES, Chain, CipherContext, Operation
from tallystick.device.native.cx_cipher_call import cipher_setiv, cipher_setkey, cipher_setup, cipher_update
from tallystick.device.native.cx_cmac_call import cmac_finish, cmac_start, cmac_update, doubled, xor
from tallystick.device.native.cx_error import CxError, CxStatus
from tallystick.device.native.machine import Handler, Machine

__all__ = ["LIBRARY"]

_LAYOUT: Final = struct.Struct("<32s32sI16sB3x2I")
_BLOCK: Final = aes.BLOCK_BYTES
_MAX_KEY_BITS: Final = 512
#: two bits of the counter are zero (RFC 5297, 2.5)
_COUNTER_MASK: Final = bytes((0xFF,) * 8 + (0x7F,) + (0xFF,) * 3 + (0x7F,) + (0xFF,) * 3)


@dataclass(slots=True, kw_only=True)
class _Siv:
    """A context; `key1` is for the MAC and `key2` for the text."""

    key1: bytes = field(repr=False)
    key2: bytes = field(repr=False)
    key_bits: int
    state: bytes
    cipher: int
    mode: int
    context: int

    def keys(self) -> tuple[bytes, bytes]:
        """Return both keys; raise CxError for a size that is none."""
        size = self.key_bits // 8
        if self.key_bits % 8 or size not in aes.KEY_BYTES:
            raise CxError(CxStatus.INVALID_PARAMETER_SIZE)
        return self.key1[:size], self.key2[:size]


def _load(machine: Machine, pointer: int) -> _Siv:
    key1, key2, bits, state, cipher, mode, context = _LAYOUT.unpack(machine.memory.read(pointer, _LAYOUT.size))
    return _Siv(key1=key1, key2=key2, key_bits=bits, state=state, cipher=cipher, mode=mode, context=context)


def _store(machine: Machine, pointer: int, siv: _Siv) -> None:
    raw = _LAYOUT.pack(siv.key1, siv.key2, siv.key_bits, siv.state, siv.cipher, siv.mode, siv.context)
    machine.memory.write(pointer, raw)


def _begin_mac(machine: Machine, siv: _Siv) -> None:
    cipher_setup(machine, siv.context, number=siv.cipher, mode=Chain.ECB)
    cmac_start(machine, siv.context, siv.keys()[0])


def _begin_text(machine: Machine, siv: _Siv, vector: bytes) -> None:
    """Set the cipher up for the text, its counter from the tag."""
    counter = bytes(one & other for one, other in zip(vector, _COUNTER_MASK, strict=True))
    cipher_setup(machine, siv.context, number=siv.cipher, mode=Chain.CTR)
    cipher_setkey(machine, siv.context, siv.keys()[1], operation=Operation.ENCRYPT)
    cipher_setiv(machine, siv.context, counter)


def _reset_cipher(machine: Machine, siv: _Siv) -> CxStatus:
    """Clear what the cipher has under way; the answer for one that was not set up is the SDK's."""
    if not siv.context:
        return CxStatus.INVALID_PARAMETER_VALUE
    context = CipherContext.from_bytes(machine.memory.read(siv.context, CIPHER_BYTES))
    context.start, context.data, context.waiting, context.start_bytes = bytes(_BLOCK), bytearray(_BLOCK), 0, 0
    machine.memory.write(siv.context, context.to_bytes())
    return CxStatus.OK if context.info else CxStatus.INVALID_PARAMETER_VALUE


def _init(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_siv_init(context): the cipher that it points to is cleared."""
    siv = _load(machine, arguments[0])
    if not siv.context:
        return CxStatus.INVALID_PARAMETER
    machine.memory.write(siv.context, bytes(CIPHER_BYTES))
    return CxStatus.OK


def _reset(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_siv_reset(context)."""
    return _reset_cipher(machine, _load(machine, arguments[0]))


def _set_key(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_siv_set_key(context, both keys, bits of both)."""
    pointer, key, bits = arguments[:3]
    if bits > _MAX_KEY_BITS:
        return CxStatus.INVALID_PARAMETER_SIZE
    siv = _load(machine, pointer)
    siv.key_bits = bits // 2
    size = siv.key_bits // 8
    both = machine.memory.read(key, 2 * size)
    siv.key1, siv.key2 = both[:size] + siv.key1[size:], both[size:] + siv.key2[size:]
    _store(machine, pointer, siv)
    return CxStatus.OK


def _start(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_siv_start(context, mode, tag, length): the tag is that of a text to decrypt."""
    pointer, mode, tag, size = arguments[:4]
    siv = _load(machine, pointer)
    if mode == Operation.DECRYPT and size > _BLOCK:
        return CxStatus.INVALID_PARAMETER
    _begin_mac(machine, siv)
    cmac_update(machine, siv.context, bytes(_BLOCK))
    siv.state = cmac_finish(machine, siv.context)
    if mode == Operation.DECRYPT:
        _begin_text(machine, siv, machine.memory.read(tag, size).ljust(_BLOCK, b"\0"))
    siv.mode = mode
    _store(machine, pointer, siv)
    return CxStatus.OK


def _update_aad(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_siv_update_aad(context, data, length): one string of additional data."""
    pointer, data, size = arguments[:3]
    siv = _load(machine, pointer)
    _begin_mac(machine, siv)
    if data:
        cmac_update(machine, siv.context, machine.memory.read(data, size))
        siv.state = xor(cmac_finish(machine, siv.context), doubled(siv.state))
        cmac_start(machine, siv.context, siv.keys()[0])
        _store(machine, pointer, siv)
    return CxStatus.OK


def _update_mac(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_siv_update_mac(context, input, length)."""
    pointer, source, size = arguments[:3]
    if not source:
        return CxStatus.INVALID_PARAMETER
    cmac_update(machine, _load(machine, pointer).context, machine.memory.read(source, size))
    return CxStatus.OK


def _update(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_siv_update(context, input, output, length): text."""
    pointer, source, target, size = arguments[:4]
    if not source:
        return CxStatus.INVALID_PARAMETER_VALUE
    siv = _load(machine, pointer)
    output, _ = cipher_update(machine, siv.context, machine.memory.read(source, size), room=size)
    machine.memory.write(target, output)
    return CxStatus.OK


def _finish(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_siv_finish(context, input, length, tag): the tag is compared when decrypting, else written."""
    pointer, source, size, tag = arguments[:4]
    siv = _load(machine, pointer)
    text = machine.memory.read(source, size)
    if size < _BLOCK:
        last = xor(doubled(siv.state), (text + b"\x80").ljust(_BLOCK, b"\0"))
        cmac_update(machine, siv.context, last)
    else:
        cmac_update(machine, siv.context, text[:-_BLOCK] + xor(siv.state, text[-_BLOCK:]))
    siv.state = cmac_finish(machine, siv.context)
    _store(machine, pointer, siv)
    if siv.mode == Operation.DECRYPT:
        same = compare_digest(machine.memory.read(tag, _BLOCK), siv.state)
        return CxStatus.OK if same else CxStatus.INVALID_PARAMETER_VALUE
    machine.memory.write(tag, siv.state)
    siv.state = bytes(one & other for one, other in zip(siv.state, _COUNTER_MASK, strict=True))
    _store(machine, pointer, siv)
    _begin_text(machine, siv, siv.state)
    return CxStatus.OK


def _in_turn(machine: Machine, pointer: int, *steps: tuple[Handler, tuple[int, ...]]) -> int:
    """Take steps until one is refused, and clear the cipher at the end."""
    status = int(CxStatus.OK)
    try:
        for handler, arguments in steps:
            result = handler(machine, (pointer, *arguments))
            status = result if isinstance(result, int) else status
            if status:
                break
    except CxError as error:
        status = error.status
    return status or _reset_cipher(machine, _load(machine, pointer))


def _encrypt(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_siv_encrypt(context, input, length, data, length, output, tag)."""
    pointer, source, size, data, data_size, target, tag = arguments[:7]
    return _in_turn(
        machine,
        pointer,
        (_start, (Operation.ENCRYPT, 0, 0)),
        (_update_aad, (data, data_size)),
        (_finish, (source, size, tag)),
        (_update, (source, target, size)),
    )


def _decrypt(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_siv_decrypt(context, input, length, data, length, output, tag)."""
    pointer, source, size, data, data_size, target, tag = arguments[:7]
    return _in_turn(
        machine,
        pointer,
        (_start, (Operation.DECRYPT, tag, _BLOCK)),
        (_update, (source, target, size)),
        (_reset, ()),
        (_update_aad, (data, data_size)),
        (_finish, (target, size, tag)),
    )


LIBRARY: Final[Mapping[str, Handler]] = {
    "cx_aes_siv_init": _init,
    "cx_aes_siv_reset": _reset,
    "cx_aes_siv_set_key": _set_key,
    "cx_aes_siv_start": _start,
    "cx_aes_siv_update_aad": _update_aad,
    "cx_aes_siv_update_mac": _update_mac,
    "cx_aes_siv_update": _update,
    "cx_aes_siv_finish": _finish,
    "cx_aes_siv_encrypt": _encrypt,
    "cx_aes_siv_decrypt": _decrypt,
}
