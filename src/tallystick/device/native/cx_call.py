"""Cryptography of native apps on numbers, curves and keys, in one place (native-apps 1, way two; 2).

System calls compute on what an app holds by handle. Functions of the shared library that we answer ourselves work on the app's
memory, and need no library.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tallystick.device.native import (
    cx_agree_call,
    cx_bls_call,
    cx_bn_call,
    cx_domain_call,
    cx_ecdsa_call,
    cx_eddsa_call,
    cx_key_call,
    cx_math_call,
    cx_mod_call,
    cx_point_call,
    cx_schnorr_call,
    cx_vss_call,
)
from tallystick.device.native.machine import Handler

__all__ = ["HANDLERS", "LIBRARY"]

HANDLERS: Final[Mapping[str, Handler]] = {
    **cx_bn_call.HANDLERS,
    **cx_mod_call.HANDLERS,
    **cx_domain_call.HANDLERS,
    **cx_point_call.HANDLERS,
    **cx_bls_call.HANDLERS,
    **cx_vss_call.HANDLERS,
}

LIBRARY: Final[Mapping[str, Handler]] = {
    **cx_key_call.LIBRARY,
    **cx_ecdsa_call.LIBRARY,
    **cx_eddsa_call.LIBRARY,
    **cx_schnorr_call.LIBRARY,
    **cx_agree_call.LIBRARY,
    **cx_math_call.LIBRARY,
}
