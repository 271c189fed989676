"""System calls of Nano S 1.6: number, name, how many arguments, and the word that says it was answered (native-apps 1).

Numbers, counts and the words that answer are facts of the public SDK of that firmware; names are those of today where a call was renamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tallystick.device.native.call_table import Call
from tallystick.device.native.table_one import SHARED, SHARED_NEWER

__all__ = ["CALLS"]

CALLS: Final[Mapping[int, Call]] = MappingProxyType(
    {
        **SHARED,
        **SHARED_NEWER,
        0x60009061: Call("os_customca_verify", 3, 0x90009082),
        0x60009309: Call("cx_shake128_init", 2, 0x90009391),
        0x600094E6: Call("cx_shake256_init", 2, 0x900094A7),
        0x60009979: Call("os_sched_exec", 1, 0x90009948),
        0x60009ABE: Call("os_sched_exit", 1, 0x90009ADE),
        0x60009BDA: Call("os_sched_is_running", 1, 0x90009B7D),
        0x60009C8B: Call("os_sched_last_status", 1, 0x90009C6D),
        0x60009DBE: Call("os_sched_yield", 1, 0x90009D2D),
        0x60009E1D: Call("os_sched_switch", 2, 0x90009E30),
        0x60009F4F: Call("os_perso_isonboarded", 0, 0x90009F12),
        0x6000A03C: Call("os_global_pin_is_validated", 0, 0x9000A078),
        0x6000A102: Call("os_global_pin_check", 2, 0x9000A1D3),
        0x6000A22C: Call("cx_pbkdf2", 8, 0x9000A255),
        0x6000A322: Call("cx_des_iv", 8, 0x9000A347),
        0x6000A4A5: Call("cx_aes_iv", 8, 0x9000A4E2),
        0x6000A6D8: Call("os_perso_derive_node_with_seed_key", 8, 0x9000A604),
        0x6000A8FC: Call("os_perso_seed_cookie", 2, 0x9000A877),
    }
)
