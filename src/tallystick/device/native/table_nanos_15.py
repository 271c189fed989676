"""System calls of Nano S 1.5: number, name, how many arguments, and the word that says it was answered (native-apps 1).

Numbers, counts and the words that answer are facts of the public SDK of that firmware; names are those of today where a call was renamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tallystick.device.native.call_table import Call
from tallystick.device.native.table_one import SHARED, SHARED_OLDER

__all__ = ["CALLS"]

CALLS: Final[Mapping[int, Call]] = MappingProxyType(
    {
        **SHARED,
        **SHARED_OLDER,
        0x60000200: Call("halt", 0, 0x900002F1),
        0x60003B0E: Call("cx_crc16", 2, 0x90003B3C),
        0x60003C9E: Call("cx_crc16_update", 3, 0x90003CB9),
        0x60006315: Call("os_ux_register", 1, 0x900063B9),
        0x6000650B: Call("os_lib_call", 1, 0x90006515),
        0x600066C8: Call("os_lib_end", 0, 0x900066E3),
        0x60006745: Call("os_lib_throw", 1, 0x90006787),
        0x6000686E: Call("os_flags", 0, 0x9000687F),
        0x600069B8: Call("os_version", 2, 0x900069C4),
        0x60006AD6: Call("os_seph_features", 0, 0x90006A44),
        0x60006BAC: Call("os_seph_version", 2, 0x90006B5D),
        0x60006CC5: Call("os_setting_get", 3, 0x90006CAF),
        0x60006D96: Call("os_setting_set", 3, 0x90006DA5),
        0x60006E63: Call("os_get_memory_info", 1, 0x90006ECB),
        0x60006F51: Call("os_registry_get_tag", 6, 0x90006F89),
        0x600070D4: Call("os_registry_get_current_app_tag", 3, 0x90007087),
        0x60007161: Call("os_customca_verify", 3, 0x90007182),
        0x6000721C: Call("io_seph_send", 2, 0x900072F3),
        0x600073CF: Call("io_seph_is_status_sent", 0, 0x9000737F),
        0x600074D1: Call("io_seph_recv", 3, 0x9000742B),
        0x60008A1E: Call("os_sched_last_status", 0, 0x90008AE6),
    }
)
