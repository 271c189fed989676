"""System calls of Nano X 1.2: number, name, how many arguments, and the word that says it was answered (native-apps 1).

Numbers, counts and the words that answer are facts of the public SDK of that firmware; names are those of today where a call was renamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tallystick.device.native.call_table import Call
from tallystick.device.native.table_one import SHARED, SHARED_NEWER, SHARED_OLDER

__all__ = ["CALLS"]

CALLS: Final[Mapping[int, Call]] = MappingProxyType(
    {
        **SHARED,
        **SHARED_OLDER,
        **SHARED_NEWER,
        0x6000631C: Call("os_sched_is_running", 1, 0x900063D0),
        0x60006DD4: Call("os_seph_serial", 2, 0x90006D6C),
        0x600075B8: Call("os_sched_yield", 1, 0x900075E2),
        0x600076B9: Call("os_sched_switch", 2, 0x9000762D),
        0x600079F4: Call("screen_clear", 0, 0x90007905),
        0x60007AF3: Call("screen_update", 0, 0x90007A2A),
        0x60007BED: Call("screen_set_keepout", 4, 0x90007B41),
        0x60007CA0: Call("bagl_hal_draw_bitmap_within_rect", 9, 0x90007CF2),
        0x60007DA4: Call("bagl_hal_draw_rect", 5, 0x90007D7F),
        0x60008A1E: Call("os_sched_last_status", 1, 0x90008AE6),
        0x60008F22: Call("io_button_read", 0, 0x90008F47),
        0x60009317: Call("os_bootloader_version", 2, 0x9000937A),
        0x60009434: Call("os_perso_derive_eip2333", 4, 0x9000948D),
    }
)
