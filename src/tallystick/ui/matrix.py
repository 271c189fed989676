"""QR codes as rows of modules, for the screens and for the page, which has no encoder of its own."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=16)
def matrix_rows(text: str) -> tuple[str, ...]:
    """Return the modules of the QR code of `text`, row by row, `1` for dark; without the light margin.

    A text too long for a QR code gives no rows.
    """
    import segno

    try:
        code = segno.make_qr(text or " ", error="m", boost_error=False)
    except segno.DataOverflowError:
        return ()
    return tuple("".join("1" if module else "0" for module in row) for row in code.matrix)
