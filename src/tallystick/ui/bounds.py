"""Which elements can be drawn: a frame from outside must not cost more time or memory than its screen has pixels."""

from __future__ import annotations

from tallystick.wire.panel import Element, Text


def fits_screen(element: Element, *, width: int, height: int) -> bool:
    """Say whether an element has a size, and one that is not larger than a screen of width x height pixels.

    A text is always drawn: it costs what its characters cost, and no line may be missing.
    """
    return isinstance(element, Text) or (0 < element.w <= width and 0 < element.h <= height)
