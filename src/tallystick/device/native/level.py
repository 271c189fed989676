"""What differs from one API level to the next: where the shared library lies, its functions, RAM, calls given up since (native-apps 1).

Facts of the public SDK, one branch for each level: its link scripts, `cx_trampoline.h` or `shared_trampoline.h`, `cx_stubs.h` and
`syscalls.h`. Models have apps of some levels alone; what a level says of the others does no harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Final

from tallystick.device.native.call_table import Call, CallTable, ReturnStyle
from tallystick.device.native.library_cx import functions_without
from tallystick.device.native.library_table import FUNCTIONS

__all__ = ["LEVELS", "MODELS", "calls_of", "functions_of", "ram_bytes_of", "trampoline_of"]

#: API levels whose apps run
LEVELS: Final = range(1, 28)
#: models whose apps say an API level
MODELS: Final = ("nanox", "nanosp", "stax", "flex", "apex_p")
_KIB: Final = 1024
_By = Mapping[str, tuple[tuple[int, int], ...]]
#: the first level of each size, in KiB, for an app's static data and stack together
_RAM: Final[_By] = MappingProxyType(
    {
        "nanox": ((1, 30), (22, 28)),
        "nanosp": ((1, 30), (5, 44), (24, 40)),
        "stax": ((1, 30), (14, 44), (23, 40), (24, 36)),
        "flex": ((1, 44), (23, 40), (24, 36)),
        "apex_p": ((1, 40),),
    }
)
#: the first level of each place of the code that leads into the shared library
_TRAMPOLINE: Final[_By] = MappingProxyType(
    {
        "nanox": ((1, 0x0021_0000),),
        "nanosp": ((1, 0x0080_8000), (14, 0x0081_0000), (23, 0x0080_8000)),
        "stax": ((1, 0x0081_0000), (7, 0x0081_8000), (23, 0x0081_0000), (24, 0x0080_8000)),
        "flex": ((1, 0x0081_8000), (23, 0x0081_0000), (24, 0x0080_8000)),
        "apex_p": ((1, 0x0080_8000),),
    }
)
_EARLY: Final = ("cx_aead_", "cx_chacha_", "cx_groestl", "cx_init", "cx_crc32_update")
#: the level that was without these, while those before and behind had them
_SHORT_LEVEL: Final = 6
_SHORT: Final = ("cx_blake2b", "cx_hash_ripemd160", "cx_hmac_ripemd160", "cx_ripemd160")
_FUNCTIONS_1: Final = functions_without(*_EARLY, "cx_constant_time_eq")
_FUNCTIONS_3: Final = functions_without(*_EARLY)
_FUNCTIONS_6: Final = functions_without(*_EARLY, *_SHORT)
_FIRST_CONSTANT_TIME, _FIRST_TODAY = 3, 18
#: calls whose number is another one today, or none; and the last level that had them
_GONE: Final[Mapping[int, tuple[int, str]]] = MappingProxyType(
    {
        0x0000_00B0: (11, "cx_des_reset_hw"),
        0x0200_00AF: (11, "cx_des_set_key_hw"),
        0x0200_00B1: (11, "cx_des_block_hw"),
        0x04FA_0010: (11, "nbgl_front_draw_img_rle"),
        0x0100_0065: (12, "os_ux_result"),
        0x01FA_0008: (9, "nbgl_side_refresh_area"),
        0x01FA_0009: (21, "fetch_background_img"),
        0x01FA_000A: (21, "delete_background_img"),
        0x01FA_000F: (11, "touch_read_sensi"),
        0x01FA_0010: (11, "touch_read_diff_data"),
        0x0200_0102: (17, "cx_crc32_hw"),
        0x0200_0CA0: (11, "os_bolos_custom_ca_get_info"),
        0x02FA_0003: (9, "nbgl_front_refresh_area"),
        0x02FA_000F: (15, "touch_debug"),
        0x0300_004C: (1, "os_perso_set_pin"),
        0x0400_0153: (6, "fetch_language_packs"),
    }
)


def ram_bytes_of(model: str, level: int) -> int:
    """Return how much RAM an app of `model` has at an API level, in bytes."""
    return _at(_RAM[model], level) * _KIB


def trampoline_of(model: str, level: int) -> int:
    """Return the address where an app of `model` calls the shared library at an API level."""
    return _at(_TRAMPOLINE[model], level)


def functions_of(level: int) -> tuple[str, ...]:
    """Return the functions of the shared library at an API level, in the order of their numbers."""
    if level >= _FIRST_TODAY:
        return FUNCTIONS
    if level == _SHORT_LEVEL:
        return _FUNCTIONS_6
    return _FUNCTIONS_3 if level >= _FIRST_CONSTANT_TIME else _FUNCTIONS_1


@cache
def calls_of(level: int) -> CallTable:
    """Return the system calls of an API level."""
    from tallystick.device.native import table  # a device of another era never reads it

    @lru_cache(maxsize=1024)  # numbers are an app's to choose
    def find(number: int) -> Call:
        last, name = _GONE.get(number, (0, ""))
        return Call(name if level <= last else table.name_of(number), table.argument_count(number, level=level))

    return CallTable(find, ReturnStyle.EXCEPTION)


def _at(steps: tuple[tuple[int, int], ...], level: int) -> int:
    return next(value for first, value in reversed(steps) if level >= first)
