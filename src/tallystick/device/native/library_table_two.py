"""Functions of the shared library before API levels, by the number that an app's stub loads (native-apps 1).

Facts of the public SDK of each firmware. Nano S 2.0 and 2.1 and Nano X 2.0 have one list; Nano X 2.0.2 is without Groestl; Nano S+ 1.0.3
has a list of its own, and 1.0 is that without ChaCha.
"""

from __future__ import annotations

from typing import Final

from tallystick.device.native.library_cx import functions_without

__all__ = ["FUNCTIONS_NANOSP_10", "FUNCTIONS_NANOSP_103", "FUNCTIONS_NANOX_202", "FUNCTIONS_TWO"]

#: what came with API levels
_LEVELS: Final = ("cx_aes_gcm_", "cx_aes_siv_", "cx_cipher_", "cx_cmac", "cx_constant_time_eq", "cx_crc32_update")
_TWO: Final = (*_LEVELS, "cx_aead_", "cx_chacha_", "cx_hash_ripemd160")
_NANOSP: Final = (*_LEVELS, "cx_groestl", "cx_init")

FUNCTIONS_TWO: Final = functions_without(*_TWO)
FUNCTIONS_NANOX_202: Final = functions_without(*_TWO, "cx_groestl")
FUNCTIONS_NANOSP_103: Final = functions_without(*_NANOSP)
FUNCTIONS_NANOSP_10: Final = functions_without(*_NANOSP, "cx_chacha_")
