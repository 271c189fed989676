"""Hashes, MACs, ciphers, random numbers and sums of native apps in one place: all of cx but curves and big numbers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tallystick.device.native import (
    cx_aes_call,
    cx_cipher_call,
    cx_cmac_call,
    cx_des_call,
    cx_gcm_call,
    cx_hash_call,
    cx_mac_call,
    cx_memory_call,
    cx_random_call,
    cx_siv_call,
)
from tallystick.device.native.machine import Handler

__all__ = ["HANDLERS", "LIBRARY", "OLD_LIBRARY"]

#: system calls
HANDLERS: Final[Mapping[str, Handler]] = MappingProxyType(
    {**cx_aes_call.HANDLERS, **cx_des_call.HANDLERS, **cx_memory_call.HANDLERS}
)
#: functions of the shared library
LIBRARY: Final[Mapping[str, Handler]] = MappingProxyType(
    {
        **cx_aes_call.LIBRARY,
        **cx_cipher_call.LIBRARY,
        **cx_cmac_call.LIBRARY,
        **cx_gcm_call.LIBRARY,
        **cx_hash_call.LIBRARY,
        **cx_mac_call.LIBRARY,
        **cx_memory_call.LIBRARY,
        **cx_random_call.LIBRARY,
        **cx_siv_call.LIBRARY,
    }
)
#: functions that libraries before API levels had beside them
OLD_LIBRARY: Final[Mapping[str, Handler]] = MappingProxyType({**cx_des_call.OLD_LIBRARY, **cx_hash_call.OLD_LIBRARY})
