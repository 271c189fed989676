"""Functions of the shared library, by the number that an app's stub loads before it jumps there (native-apps 1).

Numbers 00 to 90 are cryptography (cx), the same from API level 18 on as far as a level has them; 91 to C4 are drawing (NBGL), from level 23 on.
"""

from __future__ import annotations

from typing import Final

from tallystick.device.native.library_cx import functions_without

__all__ = ["FUNCTIONS", "function_name"]


def function_name(number: int) -> str:
    """Return the name of the library's function `number`, or its number where there is none."""
    return FUNCTIONS[number] if number < len(FUNCTIONS) else f"function {number:#x} of the shared library"


FUNCTIONS: Final = (
    *functions_without("cx_aead_", "cx_chacha_", "cx_des_", "cx_groestl", "cx_init"),
    "cx_eddsa_final_hash",
    "cx_eddsa_sign_init_first_hash",
    "cx_eddsa_sign_init_second_hash",
    "cx_eddsa_sign_hash",
    "cx_eddsa_update_hash",
    "cx_eddsa_verify_init_hash",
    "cx_eddsa_verify_hash",
    "cx_aes_siv_update_mac",
    "cx_cipher_reset",
    "cx_cmac_start",
    "cx_cmac_update",
    "cx_cmac_finish",
    "cx_aes_siv_reset",
    "nbgl_refresh",
    "nbgl_refreshSpecial",
    "nbgl_refreshSpecialWithPostRefresh",
    "nbgl_refreshIsNeeded",
    "nbgl_refreshReset",
    "nbgl_objInit",
    "nbgl_objDraw",
    "nbgl_objAllowDrawing",
    "nbgl_objGetRAMBuffer",
    "nbgl_screenContainsObjType",
    "nbgl_screenSet",
    "nbgl_screenPush",
    "nbgl_screenRedraw",
    "nbgl_screenPop",
    "nbgl_screenGetElements",
    "nbgl_screenGetCurrentStackSize",
    "nbgl_screenGetUxStackSize",
    "nbgl_screenGetAt",
    "nbgl_screenGetTop",
    "nbgl_screenUpdateTicker",
    "nbgl_screenUpdateBackgroundColor",
    "nbgl_screenReset",
    "nbgl_screenHandler",
    "nbgl_objPoolGet",
    "nbgl_objPoolGetArray",
    "nbgl_containerPoolGet",
    "nbgl_getCharWidth",
    "nbgl_getFont",
    "nbgl_getFontHeight",
    "nbgl_getFontLineHeight",
    "nbgl_getSingleLineTextWidth",
    "nbgl_getSingleLineTextWidthInLen",
    "nbgl_getTextHeight",
    "nbgl_getTextHeightInWidth",
    "nbgl_getTextMaxLenAndWidth",
    "nbgl_getTextNbLinesInWidth",
    "nbgl_getTextNbPagesInWidth",
    "nbgl_getTextWidth",
    "nbgl_getTextMaxLenInNbLines",
    "nbgl_textReduceOnNbLines",
    "nbgl_textWrapOnNbLines",
    "nbgl_refreshUnicodeFont",
    "nbgl_touchHandler",
    "nbgl_touchGetTouchDuration",
    "nbgl_touchGetTouchedPosition",
    "nbgl_buttonsHandler",
    "nbgl_buttonsReset",
    "nbgl_keyboardCallback",
    "nbgl_keypadCallback",
    "nbgl_drawText",
    "pic_shared",
    "pic_init",
)
