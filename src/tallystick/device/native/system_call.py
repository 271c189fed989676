"""System calls of native apps that ask what the system is and does beside them: tasks, flags, PIN, log (native-apps 4).

Much of it is the dashboard's own on real devices, and is not for apps here either: what is missing is named in the log when called.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tallystick.device.native.machine import Asking, Handler, Machine, Throw
from tallystick.wire.syscall import MAX_LOG, Log

__all__ = ["HANDLERS"]

#: os_flags: the MCU's code is signed, the device is set up, the PIN was entered
_FLAGS: Final = 0x02 | 0x04 | 0x80
_TRUE: Final = 0xAA
_FALSE: Final = 0x55
_APP_TASK: Final = 2
#: PIN attempts that an app is told of
_RETRIES: Final = 3
_SECURITY: Final = 0x03


def _constant(value: int) -> Handler:
    def handler(_machine: Machine, _arguments: tuple[int, ...]) -> int:
        return value

    return handler


def _is_running(_machine: Machine, arguments: tuple[int, ...]) -> int:
    """Tell whether a task runs: the app does."""
    return _TRUE if arguments[0] == _APP_TASK else _FALSE


def _log(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """Say a line of the app's own in the log."""
    yield Log(machine.memory.text(arguments[0], limit=MAX_LOG))
    return 0


def _log_number(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """Say a line and a number of the app's own in the log."""
    yield Log(f"{machine.memory.text(arguments[0], limit=MAX_LOG)}{arguments[1]}")
    return 0


def _privileged(name: str, why: str) -> Handler:
    """Return the handler of a call that is for the system alone: an exception, as on real devices, and a line in the log."""

    def handler(machine: Machine, _arguments: tuple[int, ...]) -> Asking:
        yield from machine.complain(name, why)
        raise Throw(_SECURITY)

    return handler


HANDLERS: Final[Mapping[str, Handler]] = {
    # firmware 1.x asks for the level it was built for, and goes on where nothing is thrown
    "check_api_level": _constant(0),
    "os_flags": _constant(_FLAGS),
    "os_sched_is_running": _is_running,
    "os_sched_yield": _constant(0),
    "os_global_pin_retries": _constant(_RETRIES),
    # os_nvm.h: the system's own; apps write by nvm_write, which keeps to their data
    "nvm_write_page": _privileged("nvm_write_page", "whole pages of flash are the system's to write"),
    "nvm_erase_page": _privileged("nvm_erase_page", "whole pages of flash are the system's to erase"),
    # os_pin.h: with a permission only; here the PIN is entered on the device's own screen, and no app ever holds it
    "os_global_pin_check": _privileged("os_global_pin_check", "the PIN is the system's to ask for"),
    "os_seph_features": _constant(0),
    "os_customca_verify": _constant(0),
    "os_factory_setting_get": _constant(0),
    "os_stack_operations": _constant(0),
    "os_allow_protected_flash": _constant(0),
    "os_deny_protected_flash": _constant(0),
    "os_allow_protected_ram": _constant(0),
    "os_deny_protected_ram": _constant(0),
    "os_set_ux_time_ms": _constant(0),
    "log_debug": _log,
    "log_debug_nw": _log,
    "log_debug_int": _log_number,
    "log_debug_int_nw": _log_number,
}
