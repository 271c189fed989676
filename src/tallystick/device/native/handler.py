"""Every handler by the name of its call: those of the OS, and those that stand for functions of the shared library."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tallystick.device.native import (
    bagl_call,
    cx_call,
    cx_rsa_call,
    cx_set,
    endorsement_call,
    io_call,
    io_seph_call,
    key_call,
    library_call,
    nbgl_call,
    old_call,
    old_hmac_call,
    os_call,
    pki_call,
    system_call,
)
from tallystick.device.native.machine import Handler

__all__ = ["HANDLERS", "LIBRARY"]

#: system calls
HANDLERS: Final[Mapping[str, Handler]] = MappingProxyType(
    {
        **os_call.HANDLERS,
        **old_call.HANDLERS,
        **old_hmac_call.HANDLERS,
        **system_call.HANDLERS,
        **pki_call.HANDLERS,
        **io_call.HANDLERS,
        **key_call.HANDLERS,
        **cx_call.HANDLERS,
        **cx_set.HANDLERS,
        **cx_rsa_call.HANDLERS,
        **endorsement_call.HANDLERS,
        **library_call.HANDLERS,
        **nbgl_call.HANDLERS,
        **bagl_call.HANDLERS,
        **io_seph_call.HANDLERS,
    }
)
#: functions of the shared library that need no library
LIBRARY: Final[Mapping[str, Handler]] = MappingProxyType({**cx_call.LIBRARY, **cx_set.LIBRARY, **cx_set.OLD_LIBRARY})
