"""Firmware from before API levels: Nano S 1.5 to 2.1, Nano X 1.2 and 2.0, Nano S+ 1.0 (native-apps 1).

Apps of these eras do not say for which firmware they were built. Their code does: the number of a system call stands in it as a
word (Nano S), and so do, in the stubs that call the shared library, the numbers of its functions, of which the last is always there.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tallystick.device.native import table_nanos_15, table_nanos_16, table_nanox_12, table_two
from tallystick.device.native.call_table import Call, CallTable, ReturnStyle
from tallystick.device.native.library_cx import (
    FUNCTIONS_NANOSP_10,
    FUNCTIONS_NANOSP_103,
    FUNCTIONS_NANOX_202,
    FUNCTIONS_TWO,
)
from tallystick.device.native.table import argument_count, name_of

__all__ = ["ERAS", "Era", "era_of"]

_KIB: Final = 1024
_LONG_OK: Final = 0xB010_5011
_NANO_S_FLASH: Final = 0xC0D0_0000
#: what a stub begins with: push {r0, r1}, then movs r0 or mov.w r0 with the number of the function
_STUB: Final = re.compile(rb"\x03\xb4(?:(.)\x20|\x4f\xf0(.)\x00)", re.DOTALL)
_FEWEST: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Era:
    """One firmware: sizes in bytes, addresses of 32 bits; `ram` is 0 where RAM is found by a register."""

    model: str
    name: str
    calls: CallTable
    #: numbers of its calls, where they stand in the code as words
    marks: frozenset[int] = frozenset()
    functions: tuple[str, ...] = ()
    trampoline: int = 0
    flash_link: int = 0xC0DE_0000
    ram: int = 0
    ram_bytes: int = 30 * _KIB
    #: what the OS says when an app asks for its level
    told_level: int = 1
    #: what the OS says where all is well: that somebody set the device up, that the PIN was entered
    ux_ok: int = 0xAA


def _calls(calls: Mapping[int, Call], style: ReturnStyle) -> CallTable:
    def find(number: int) -> Call:
        return calls.get(number) or Call(f"{number:#010x}", 0)

    return CallTable(find, style)


def _find_nanosp(number: int) -> Call:
    """Nano S+ 1.0 has the numbers of API levels, apart from a few that were given to other calls later."""
    return _NANOSP_CALLS.get(number) or Call(name_of(number), argument_count(number))


_NANOSP_CALLS: Final[Mapping[int, Call]] = {
    0x0200_0056: Call("os_endorsement_get_public_key", 2),
    0x0200_0057: Call("os_endorsement_get_public_key_certificate", 2),
    0x0200_0102: Call("cx_crc32_hw", 2),
    0x0100_0065: Call("os_ux_result", 1),
}
_15, _16, _2 = (frozenset(each.CALLS) for each in (table_nanos_15, table_nanos_16, table_two))
_TWO: Final = _calls(table_two.CALLS, ReturnStyle.EXCEPTION)
_NANOSP: Final = CallTable(_find_nanosp, ReturnStyle.EXCEPTION)

#: the newest of each model first: it is taken where the code does not tell
ERAS: Final = (
    Era(
        model="nanos",
        name="2.1",
        calls=_TWO,
        marks=_2,
        functions=FUNCTIONS_TWO,
        trampoline=0x0012_0000,
        flash_link=_NANO_S_FLASH,
        ram=0x2000_0200,
        ram_bytes=0x1200,
    ),
    Era(
        model="nanos",
        name="1.6",
        calls=_calls(table_nanos_16.CALLS, ReturnStyle.IN_ARRAY),
        marks=_16,
        flash_link=_NANO_S_FLASH,
        ram=0x2000_1800,
        ram_bytes=4 * _KIB,
        told_level=10,
    ),
    Era(
        model="nanos",
        name="1.5",
        calls=_calls(table_nanos_15.CALLS, ReturnStyle.WORD_FIRST),
        marks=_15,
        flash_link=_NANO_S_FLASH,
        ram=0x2000_1800,
        ram_bytes=4 * _KIB,
        told_level=9,
        ux_ok=_LONG_OK,
    ),
    Era(
        model="nanox",
        name="2.0.2",
        calls=_TWO,
        marks=_2,
        functions=FUNCTIONS_NANOX_202,
        trampoline=0x0021_0000,
    ),
    Era(
        model="nanox",
        name="2.0",
        calls=_TWO,
        marks=_2,
        functions=FUNCTIONS_TWO,
        trampoline=0x0021_0000,
    ),
    Era(
        model="nanox",
        name="1.2",
        calls=_calls(table_nanox_12.CALLS, ReturnStyle.IN_ARRAY),
        marks=frozenset(table_nanox_12.CALLS),
        told_level=10,
        ux_ok=_LONG_OK,
    ),
    Era(
        model="nanosp",
        name="1.0.3",
        calls=_NANOSP,
        functions=FUNCTIONS_NANOSP_103,
        trampoline=0x0080_8000,
    ),
    Era(
        model="nanosp",
        name="1.0",
        calls=_NANOSP,
        functions=FUNCTIONS_NANOSP_10,
        trampoline=0x0080_8000,
    ),
)


def era_of(model: str, code: bytes) -> Era | None:
    """Return the firmware that an app without an API level was built for, None for a model that had none."""
    eras = [era for era in ERAS if era.model == model]
    if not eras:
        return None
    words = {word for (word,) in struct.iter_unpack("<I", code[: len(code) // 4 * 4])}
    known = max(len(era.marks & words) for era in eras)
    if known >= _FEWEST:
        eras = [era for era in eras if len(era.marks & words) == known]
    last = max((number[0] for match in _STUB.finditer(code) for number in match.groups() if number), default=0)
    return next((era for era in eras if len(era.functions) == last + 1), eras[0])
