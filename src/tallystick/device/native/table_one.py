"""System calls that firmware 1.x of Nano S and Nano X share: number, name, how many arguments, and the word that says it was answered.

Numbers, counts and the words that answer are facts of the public SDK of these firmwares; names are those of today where a call was
renamed (native-apps 1).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tallystick.device.native.call_table import Call

__all__ = ["SHARED", "SHARED_NEWER", "SHARED_OLDER"]

#: of Nano S 1.5, Nano S 1.6 and Nano X 1.2
SHARED: Final[Mapping[int, Call]] = MappingProxyType(
    {
        0x60000137: Call("check_api_level", 0, 0x900001C6),
        0x6000037F: Call("nvm_write", 3, 0x900003BC),
        0x600004C0: Call("cx_rng_u8", 0, 0x90000425),
        0x6000052C: Call("cx_rng", 2, 0x90000567),
        0x6000073B: Call("cx_hash", 6, 0x900007AD),
        0x6000087F: Call("cx_ripemd160_init", 1, 0x900008F8),
        0x6000095B: Call("cx_sha224_init", 1, 0x9000091D),
        0x60000ADB: Call("cx_sha256_init", 1, 0x90000A64),
        0x60000B2C: Call("cx_hash_sha256", 4, 0x90000BA0),
        0x60000C2B: Call("cx_sha384_init", 1, 0x90000CAF),
        0x60000DC1: Call("cx_sha512_init", 1, 0x90000DEE),
        0x60000E48: Call("cx_hash_sha512", 4, 0x90000E55),
        0x60000FD1: Call("cx_sha3_init", 2, 0x90000F76),
        0x600010CF: Call("cx_keccak_init", 2, 0x900010D8),
        0x60001140: Call("cx_sha3_xof_init", 3, 0x900011E0),
        0x60001220: Call("cx_groestl_init", 2, 0x90001243),
        0x60001308: Call("cx_blake2b_init", 2, 0x90001399),
        0x60001466: Call("cx_blake2b_init2", 6, 0x90001491),
        0x600015CF: Call("cx_hmac_ripemd160_init", 3, 0x90001576),
        0x600016D1: Call("cx_hmac_sha256_init", 3, 0x90001607),
        0x600017B3: Call("cx_hmac_sha512_init", 3, 0x90001719),
        0x600018D1: Call("cx_hmac", 6, 0x900018D6),
        0x600019CF: Call("cx_hmac_sha512", 6, 0x9000197E),
        0x60001A2B: Call("cx_hmac_sha256", 6, 0x90001AB4),
        0x60001C83: Call("cx_des_init_key", 3, 0x90001C4D),
        0x60001E4E: Call("cx_des", 6, 0x90001EFE),
        0x60001F2B: Call("cx_aes_init_key", 3, 0x90001F31),
        0x600021E2: Call("cx_aes", 6, 0x9000213C),
        0x600022E5: Call("cx_rsa_init_public_key", 6, 0x9000228B),
        0x60002337: Call("cx_rsa_init_private_key", 6, 0x900023C3),
        0x600024A1: Call("cx_rsa_generate_pair", 6, 0x900024FD),
        0x600025C6: Call("cx_rsa_sign", 7, 0x900025F3),
        0x600026AB: Call("cx_rsa_verify", 7, 0x900026B3),
        0x600027DA: Call("cx_rsa_encrypt", 7, 0x900027C9),
        0x60002884: Call("cx_rsa_decrypt", 7, 0x900028A7),
        0x6000296B: Call("cx_ecfp_is_valid_point", 3, 0x90002901),
        0x60002AE3: Call("cx_ecfp_is_cryptographic_point", 3, 0x90002AF0),
        0x60002B17: Call("cx_ecfp_add_point", 5, 0x90002BC7),
        0x60002CF3: Call("cx_ecfp_scalar_mult", 5, 0x90002CE3),
        0x60002DED: Call("cx_ecfp_init_public_key", 4, 0x90002D49),
        0x60002EEA: Call("cx_ecfp_init_private_key", 4, 0x90002E63),
        0x60002F2E: Call("cx_ecfp_generate_pair", 4, 0x90002F74),
        0x6000301F: Call("cx_ecfp_generate_pair2", 5, 0x900030E6),
        0x60003141: Call("cx_ecschnorr_sign", 9, 0x9000314A),
        0x60003205: Call("cx_ecschnorr_verify", 8, 0x900032F7),
        0x60003359: Call("cx_edward_compress_point", 3, 0x9000332B),
        0x60003431: Call("cx_edward_decompress_point", 3, 0x900034CA),
        0x6000351C: Call("cx_eddsa_get_public_key", 3, 0x900035BF),
        0x6000363B: Call("cx_eddsa_sign", 10, 0x900036F6),
        0x600037CA: Call("cx_eddsa_verify", 9, 0x90003721),
        0x600038F3: Call("cx_ecdsa_sign", 8, 0x90003876),
        0x600039F1: Call("cx_ecdsa_verify", 7, 0x900039E7),
        0x60003A9D: Call("cx_ecdh", 6, 0x90003A94),
        0x60003D5B: Call("cx_math_cmp", 3, 0x90003DBC),
        0x60003E37: Call("cx_math_is_zero", 2, 0x90003E50),
        0x60003FFB: Call("cx_math_add", 4, 0x90003FD8),
        0x6000409F: Call("cx_math_sub", 4, 0x9000401D),
        0x6000413E: Call("cx_math_mult", 4, 0x900041C2),
        0x600042A6: Call("cx_math_addm", 5, 0x90004248),
        0x6000437D: Call("cx_math_subm", 5, 0x900043E0),
        0x60004445: Call("cx_math_multm", 5, 0x900044F3),
        0x6000454D: Call("cx_math_powm", 6, 0x9000453E),
        0x60004645: Call("cx_math_modm", 4, 0x9000468C),
        0x600047E9: Call("cx_math_invprimem", 4, 0x90004719),
        0x6000482C: Call("cx_math_invintm", 4, 0x90004891),
        0x60004948: Call("cx_math_is_prime", 2, 0x900049FA),
        0x60004AA4: Call("cx_math_next_prime", 2, 0x90004ACB),
        0x60004BF5: Call("os_perso_erase_all", 0, 0x90004BF4),
        0x60004CDF: Call("os_perso_set_pin", 3, 0x90004C95),
        0x60004DFE: Call("os_perso_set_current_identity_pin", 2, 0x90004D0A),
        0x60004EBC: Call("os_perso_set_seed", 4, 0x90004EEA),
        0x60004FBD: Call("os_perso_derive_and_set_seed", 7, 0x90004FCF),
        0x60005018: Call("os_perso_set_words", 2, 0x900050EA),
        0x60005180: Call("os_perso_finalize", 0, 0x90005154),
        0x600053BA: Call("os_perso_derive_node_bip32", 5, 0x9000531E),
        0x6000550F: Call("os_endorsement_get_code_hash", 1, 0x900055A1),
        0x600056F3: Call("os_endorsement_get_public_key", 2, 0x90005699),
        0x6000574C: Call("os_endorsement_get_public_key_certificate", 2, 0x9000577F),
        0x6000585C: Call("os_endorsement_key1_get_app_secret", 1, 0x90005860),
        0x600059D8: Call("os_endorsement_key1_sign_data", 3, 0x9000592B),
        0x60005A4A: Call("os_endorsement_key2_derive_sign_data", 3, 0x90005A3E),
        0x60005DD0: Call("os_global_pin_invalidate", 0, 0x90005DFB),
        0x60005E59: Call("os_global_pin_retries", 0, 0x90005E18),
        0x60005F40: Call("os_registry_count", 0, 0x90005F06),
        0x60006065: Call("os_registry_get", 2, 0x900060B2),
        0x60006458: Call("os_ux", 1, 0x9000641F),
        0x60008381: Call("io_seph_send", 2, 0x900083ED),
        0x600084BB: Call("io_seph_is_status_sent", 0, 0x90008405),
        0x600085E4: Call("io_seph_recv", 3, 0x900085F7),
        0x600087B1: Call("try_context_get", 0, 0x90008722),
        0x60008875: Call("try_context_set", 1, 0x9000883C),
    }
)
#: of Nano S 1.5 and Nano X 1.2: Nano S 1.6 has them by other numbers, or not at all
SHARED_OLDER: Final[Mapping[int, Call]] = MappingProxyType(
    {
        0x60000671: Call("cx_rng_rfc6979", 8, 0x90000669),
        0x60001BE9: Call("cx_pbkdf2_sha512", 7, 0x90001B83),
        0x60001D27: Call("cx_des_iv", 8, 0x90001DAB),
        0x6000202C: Call("cx_aes_iv", 8, 0x9000201B),
        0x6000529A: Call("os_perso_isonboarded", 0, 0x900052D5),
        0x6000547A: Call("os_perso_derive_node_with_seed_key", 8, 0x900054E2),
        0x60005B89: Call("os_global_pin_is_validated", 0, 0x90005B45),
        0x60005C6F: Call("os_global_pin_check", 2, 0x90005C1E),
        0x60006114: Call("os_sched_exec", 1, 0x9000619F),
        0x600062E1: Call("os_sched_exit", 1, 0x9000626F),
    }
)
#: of Nano S 1.6 and Nano X 1.2: Nano S 1.5 has them by other numbers, or not at all
SHARED_NEWER: Final[Mapping[int, Call]] = MappingProxyType(
    {
        0x6000023C: Call("halt", 0, 0x9000020D),
        0x60006500: Call("os_ux_result", 1, 0x900065B0),
        0x600066A7: Call("os_ux_read_parameters", 1, 0x900066AB),
        0x6000670D: Call("os_lib_call", 1, 0x9000675C),
        0x6000688D: Call("os_lib_end", 0, 0x90006808),
        0x60006945: Call("os_lib_throw", 1, 0x90006987),
        0x60006A6E: Call("os_flags", 0, 0x90006A7F),
        0x60006BB8: Call("os_version", 2, 0x90006BC4),
        0x60006CB3: Call("os_serial", 2, 0x90006CD6),
        0x60006ED6: Call("os_seph_features", 0, 0x90006E44),
        0x60006FAC: Call("os_seph_version", 2, 0x90006F5D),
        0x600070C5: Call("os_setting_get", 3, 0x900070AF),
        0x60007196: Call("os_setting_set", 3, 0x900071A5),
        0x60007263: Call("os_get_memory_info", 1, 0x900072CB),
        0x60007351: Call("os_registry_get_tag", 6, 0x90007389),
        0x600074D4: Call("os_registry_get_current_app_tag", 3, 0x90007487),
        0x600077C7: Call("os_sched_create", 7, 0x900077A6),
        0x600078D8: Call("os_sched_kill", 1, 0x9000783D),
        0x600086FE: Call("nvm_write_page", 1, 0x900086FC),
        0x600089EC: Call("cx_rng_u32", 0, 0x900089D4),
        0x60008B51: Call("os_sched_current_task", 0, 0x90008BF0),
        0x60008D42: Call("os_mpu_protect_ram", 2, 0x90008D80),
        0x60008EF7: Call("os_mpu_protect_flash", 2, 0x90008ED2),
        0x600091F8: Call("cx_crc16", 2, 0x9000912C),
        0x6000926E: Call("cx_crc16_update", 3, 0x900092EB),
    }
)
