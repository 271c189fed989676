"""A frame as a PNG, and as the JSON document that pages and scripts get."""

from __future__ import annotations

from io import BytesIO
from threading import Lock
from typing import Any

from tallystick.errors import UsageError
from tallystick.ui.matrix import matrix_rows
from tallystick.wire.panel import Code, Frame

#: screens up to this width have lit and dark pixels only
PIXEL_WIDTH = 128
#: what Speculos draws a lit pixel of such a screen in: suites compare with pictures that it made
LIT = 221
_SHADES = [level * LIT // 255 for level in range(256)]
#: no model's screen is wider or higher, in pixels
MAX_SIDE = 1024


class Picture:
    """Draws frames when somebody asks; the last PNG is kept until another frame is asked for. Any thread may ask."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._last: tuple[Frame, bytes] | None = None

    def png(self, frame: Frame) -> bytes:
        """Return the frame as a PNG of the screen's size; dark if the screen is not lit.

        Raises:
            UsageError: the frame is larger than any screen.

        """
        with self._lock:
            if self._last is None or self._last[0] is not frame:
                self._last = (frame, draw_png(frame))
            return self._last[1]


def draw_png(frame: Frame) -> bytes:
    """Return the frame as a PNG (see `Picture.png`)."""
    from PIL import Image

    if not 0 < frame.width <= MAX_SIDE or not 0 < frame.height <= MAX_SIDE:
        raise UsageError(f"a screen of {frame.width} x {frame.height} pixels cannot be drawn")
    if not frame.lit:
        image = Image.new("L", (frame.width, frame.height), 0)
    elif frame.width <= PIXEL_WIDTH:
        from tallystick.ui.pixel_screen import PixelScreen

        pixels = PixelScreen(width=frame.width, height=frame.height)
        pixels.draw(frame)
        image = Image.frombytes("L", (frame.width, frame.height), bytes(pixels.pixels)).point(_SHADES)
    else:
        from tallystick.ui.paper_screen import PaperScreen

        paper = PaperScreen(width=frame.width, height=frame.height)
        paper.draw(frame)
        image = paper.image
    out = BytesIO()
    image.convert("RGB").save(out, "PNG", compress_level=3)
    return out.getvalue()


def frame_document(frame: Frame) -> dict[str, Any]:
    """Return the JSON object of a frame; each QR code has its modules with it, as rows of 0 and 1."""
    document = frame.to_json()
    for entry, element in zip(document["elements"], frame.drawing.elements, strict=True):
        if isinstance(element, Code):
            entry["modules"] = list(matrix_rows(element.text))
    return document
