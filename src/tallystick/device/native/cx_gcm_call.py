"""Functions of the shared library for AES-GCM (`lcx_aes_gcm.h`), on contexts in the app's memory."""

from __future__ import annotations

from collections.abc import Mapping
from hmac import compare_digest
from typing import Final

from tallystick.crypto import aes
from tallystick.device.native.cx_aes_call import read_key, write_key
from tallystick.device.native.cx_cipher import Operation
from tallystick.device.native.cx_error import CxError, CxStatus
from tallystick.device.native.cx_gcm import GCM_BYTES, Gcm
from tallystick.device.native.machine import Handler, Machine

__all__ = ["LIBRARY"]

_KEY_ROOM: Final = 36
_MAX_TAG: Final = 16
#: so many bytes are as much work as a call, a power of two
_WORK_SHIFT: Final = 7


def _load(machine: Machine, pointer: int) -> Gcm:
    return Gcm.from_bytes(machine.memory.read(pointer, GCM_BYTES), key=read_key(machine, pointer))


def _store(machine: Machine, pointer: int, gcm: Gcm) -> int:
    # a long text is the work of many calls
    machine.calls += gcm.worked >> _WORK_SHIFT
    gcm.worked = 0
    machine.memory.write(pointer, gcm.to_bytes())
    return CxStatus.OK


def _vector(machine: Machine, pointer: int, size: int) -> bytes:
    if not pointer or not size:
        raise CxError(CxStatus.INVALID_PARAMETER)
    return machine.memory.read(pointer, size)


def _init(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_aes_gcm_init(context)."""
    machine.memory.write(arguments[0], bytes(GCM_BYTES))
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
