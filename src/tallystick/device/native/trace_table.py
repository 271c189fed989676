"""What the arguments of calls are, for a trace: name and kind of each, by the name of the call.

Calls that are not here are shown with bare numbers. No kind shows bytes that a pointer leads to, but for texts, names and paths.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto, unique
from types import MappingProxyType
from typing import Final

from tallystick.wire.syscall import REQUESTS

__all__ = ["CURVES", "HIDDEN", "KINDS", "REQUEST_NAMES", "Kind"]


@unique
class Kind(Enum):
    """How an argument is shown."""

    PLAIN = auto()
    POINTER = auto()
    SIZE = auto()
    TEXT = auto()
    CURVE = auto()
    #: a pointer to levels of a path, whose number is the next argument
    PATH = auto()
    #: a number that may come from a secret: not shown
    HIDDEN = auto()
    #: a pointer to a system call of our own, shown by its name
    REQUEST = auto()
    #: a pointer to words of which the first one points to a text
    NAME = auto()


_KINDS: Final = {
    "": Kind.PLAIN,
    "*": Kind.POINTER,
    "#": Kind.SIZE,
    '"': Kind.TEXT,
    "@": Kind.CURVE,
    "/": Kind.PATH,
    "!": Kind.REQUEST,
    "?": Kind.HIDDEN,
    "^": Kind.NAME,
}
#: each word is a mark of the kind, if any, and the argument's name
_TABLE: Final = {
    "cx_aes_set_key_hw": "*key mode",
    "cx_bn_alloc": "*bn #size",
    "cx_bn_alloc_init": "*bn #size *value #value_size",
    "cx_bn_destroy": "*bn",
    "cx_bn_export": "bn *out #size",
    "cx_bn_init": "bn *value #size",
    "cx_bn_lock": "#word_size flags",
    "cx_bn_cmp_u32": "bn ?number *order",
    "cx_bn_mod_add": "r a b n",
    "cx_bn_mod_mul": "r a b n",
    "cx_bn_mod_sub": "r a b n",
    "cx_bn_set_u32": "bn ?number",
    "cx_bn_rng": "r n",
    "cx_ecdomain_generator_bn": "@curve *point",
    "cx_ecdomain_parameter": "@curve id *out #size",
    "cx_ecdomain_parameter_bn": "@curve id bn",
    "cx_ecdomain_parameters_length": "@curve *length",
    "cx_ecdomain_size": "@curve *bits",
    "cx_ecdsa_sign_no_throw": "*key mode hash *digest",
    "cx_ecfp_generate_pair_no_throw": "@curve *public *private keep",
    "cx_ecfp_init_private_key_no_throw": "@curve *raw #size *key",
    "cx_ecfp_init_public_key_no_throw": "@curve *raw #size *key",
    "cx_ecpoint_alloc": "*point @curve",
    "cx_ecpoint_destroy": "*point",
    "cx_ecpoint_export": "*point *x #x_size *y",
    "cx_ecpoint_rnd_scalarmul": "*point *scalar #size",
    "cx_ecpoint_scalarmul": "*point *scalar #size",
    "cx_get_random_bytes": "*out #size",
    "cx_hash_final": "*hash *out",
    "cx_hash_init": "*hash id",
    "cx_hash_no_throw": "*hash mode *in #size",
    "cx_hash_sha256": "*in #size *out #room",
    "cx_hash_update": "*hash *in #size",
    "cx_hmac_no_throw": "*hmac mode *in #size",
    "cx_rng_no_throw": "*out #size",
    "cx_sha256_init_no_throw": "*hash",
    "cx_trng_get_random_data": "*out #size",
    "hdkey_derive": "mode @curve /path #levels *private #room *chain #chain_room *seed_key #seed_key_size",
    "io_seph_recv": "*out #room flags",
    "io_seph_send": "*packet #size",
    "nbgl_front_draw_img": "*area *buffer transform *colors",
    "nbgl_front_draw_line": "*area",
    "nbgl_front_draw_rect": "*area",
    "nbgl_front_refresh_area": "*area mode",
    "nvm_erase": "*target #size",
    "nvm_write": "*target *source #size",
    "nvm_write_page": "page",
    "os_endorsement_get_code_hash": "*out #room",
    "os_endorsement_get_metadata": "slot *out *size",
    "os_endorsement_get_public_key": "slot *out *size",
    "os_endorsement_get_public_key_certificate": "slot *out *size",
    "os_endorsement_key1_get_app_secret": "*out #room",
    "os_endorsement_key1_sign_data": "*message #size *signature *signature_size",
    "os_endorsement_key1_sign_without_code_hash": "*message #size *signature *signature_size",
    "os_endorsement_key2_derive_sign_data": "*message #size *signature *signature_size",
    "os_io_init": "*settings",
    "os_io_rx_evt": "*out #room *timeout",
    "os_io_seph_tx": "*packet #size",
    "os_io_tx_cmd": "kind *data #size",
    "os_lib_call": "^library",
    "os_perso_derive_node_bip32": "@curve /path #levels *private *chain",
    "os_perso_derive_node_with_seed_key": "mode @curve /path #levels *private *chain *seed_key #seed_key_size",
    "os_registry_get_current_app_tag": "tag *out #room",
    "os_sched_exit": "code",
    "os_seph_version": "*out #room",
    "os_setting_get": "id *out #room",
    "os_version": "*out #room",
    "tally_request": "!call #size *outcome #room",
    "try_context_set": "*context",
}


def _read(words: str) -> tuple[tuple[str, Kind], ...]:
    return tuple((word[1:], _KINDS[word[0]]) if word[0] in _KINDS else (word, Kind.PLAIN) for word in words.split())


#: label and kind of each argument, by call
KINDS: Final[Mapping[str, tuple[tuple[str, Kind], ...]]] = MappingProxyType(
    {name: _read(words) for name, words in _TABLE.items()}
)
#: calls whose result is itself random, or comes from a secret
HIDDEN: Final = frozenset(
    {"cx_rng_u8", "cx_rng_u32", "cx_rng_u32_range_func", "cx_get_random", "cx_trng_u32", "cx_rng_u8_modulo"}
)
#: the SDK's numbers of curves
CURVES: Final[Mapping[int, str]] = MappingProxyType(
    {0x21: "secp256k1", 0x22: "secp256r1", 0x71: "ed25519", 0x61: "curve25519", 0x39: "bls12-381-g1"}
)
REQUEST_NAMES: Final[Mapping[int, str]] = MappingProxyType({number: one.__name__ for number, one in REQUESTS.items()})
