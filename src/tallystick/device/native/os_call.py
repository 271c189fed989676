"""System calls of native apps about the OS: versions, settings, registry, flash, exceptions, ending (native-apps 1 and 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tallystick.device.native.machine import Asking, Ended, Handler, Machine, Throw
from tallystick.errors import RemoteProtocolError
from tallystick.wire.syscall import MAX_MESSAGE, CallStatus, Exchange, Exit, Random, Wait, request_from_bytes
from tallystick.wire.tlv import iterate_tlv

__all__ = ["HANDLERS"]

_PLANE_MODE: Final = 6
_APP_TASK: Final = 2
_MAX_COPY: Final = 512
_RANDOM_STEP: Final = 1024
_MAX_RANDOM: Final = 64 * 1024
_INVALID_PARAMETER: Final = 0x02


def _get_api_level(machine: Machine, _arguments: tuple[int, ...]) -> int:
    return machine.generation.level


def _exit(_machine: Machine, _arguments: tuple[int, ...]) -> int:
    raise Ended


def _try_context_get(machine: Machine, _arguments: tuple[int, ...]) -> int:
    return machine.try_context


def _try_context_set(machine: Machine, arguments: tuple[int, ...]) -> int:
    before, machine.try_context = machine.try_context, arguments[0]
    return before


def _yes(machine: Machine, _arguments: tuple[int, ...]) -> int:
    return machine.generation.ux_ok


def _flags(_machine: Machine, _arguments: tuple[int, ...]) -> int:
    return 0


def _setting(_machine: Machine, arguments: tuple[int, ...]) -> int:
    return 1 if arguments[0] == _PLANE_MODE else 0


def _current_task(_machine: Machine, _arguments: tuple[int, ...]) -> int:
    return _APP_TASK


def _copy_out(machine: Machine, pointer: int, room: int, data: bytes) -> int:
    data = data[: min(room, _MAX_COPY)]
    machine.memory.write(pointer, data)
    return len(data)


def _version(machine: Machine, arguments: tuple[int, ...]) -> int:
    return _copy_out(machine, arguments[0], arguments[1], machine.info.os_version.encode())


def _seph_version(machine: Machine, arguments: tuple[int, ...]) -> int:
    return _copy_out(machine, arguments[0], arguments[1], machine.info.mcu_version.encode())


def _registry_tag(machine: Machine, arguments: tuple[int, ...]) -> int:
    """Return what the install parameters say under one tag."""
    tag, pointer, room = arguments
    for element in iterate_tlv(machine.image.parameters):
        if element.tag == tag:
            return _copy_out(machine, pointer, room, element.value)
    return 0


def _nvm_write(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """Write into the app's data area; without a source, clear it."""
    target, source, size = arguments
    limit = machine.image.create.data_length
    if size > limit:
        raise Throw(_INVALID_PARAMETER)
    data = machine.memory.read(source, size) if source else bytes(size)
    if machine.nvm is not None and data:
        status = yield from machine.nvm.write(target, data)
        if status is not CallStatus.OK:
            raise Throw(_INVALID_PARAMETER)
    return 0


def _nvm_erase(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    target, size = arguments
    return (yield from _nvm_write(machine, (target, 0, size)))


def _random(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    pointer, size = arguments
    if size > _MAX_RANDOM:
        raise Throw(_INVALID_PARAMETER)
    for at in range(0, size, _RANDOM_STEP):
        outcome = yield Random(min(_RANDOM_STEP, size - at))
        machine.memory.write(pointer + at, outcome.unwrap())
    return 0


def _own_request(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """Pass a system call of `tallystick.wire.syscall` on as it is: what our own SDK is made of.

    Ending and exchanging APDUs have calls of their own here. Returns the outcome's length, 0 when it does not fit.
    """
    pointer, size, target, room = arguments
    if size > MAX_MESSAGE:
        raise Throw(_INVALID_PARAMETER)
    try:
        request = request_from_bytes(machine.memory.read(pointer, size))
    except RemoteProtocolError:
        raise Throw(_INVALID_PARAMETER) from None
    if isinstance(request, Exchange | Wait | Exit):
        raise Throw(_INVALID_PARAMETER)
    outcome = yield request
    raw = outcome.to_bytes(request)
    if len(raw) > room:
        return 0
    machine.memory.write(target, raw)
    return len(raw)


HANDLERS: Final[Mapping[str, Handler]] = {
    "get_api_level": _get_api_level,
    "halt": _exit,
    "os_sched_exit": _exit,
    "try_context_get": _try_context_get,
    "try_context_set": _try_context_set,
    "os_ux": _yes,
    "os_serial": _flags,
    "os_setting_get": _setting,
    "os_sched_current_task": _current_task,
    "os_sched_last_status": _yes,
    "os_version": _version,
    "os_seph_version": _seph_version,
    "os_registry_get_current_app_tag": _registry_tag,
    "os_global_pin_is_validated": _yes,
    "os_perso_isonboarded": _yes,
    "os_perso_is_pin_set": _yes,
    "nvm_write": _nvm_write,
    "nvm_erase": _nvm_erase,
    "cx_get_random_bytes": _random,
    "cx_trng_get_random_data": _random,
    "tally_request": _own_request,
}
