"""Sizes of the screens: what fits on each model.

Two families share nothing but these numbers' names. A *nano* screen (two buttons) shows one short page at a time; a
*touch* screen shows a body of text rows above a footer that holds what can be tapped.
"""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.errors import UsageError
from tallystick.wire.model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Geometry of one screen, in pixels unless said otherwise."""

    width: int
    height: int
    touch: bool
    #: characters of one line, and lines of one page (touch: of the body above the footer)
    columns: int
    rows: int
    #: lines of a review page that a title may take, at most, and that are kept for the value
    title_rows: int
    value_rows: int
    line_height: int
    #: left and right of the text, and above the first row
    margin: int
    top: int
    #: height of the strip at the bottom of a touch screen
    footer: int = 0

    @property
    def page_width(self) -> int:
        """Return how many characters of a value fit on one page of a review."""
        return self.columns * self.value_rows

    @property
    def text_width(self) -> int:
        """Return the width of a line of text in pixels."""
        return self.width - 2 * self.margin

    def cells(self, width: int, *, large: bool = False) -> int:
        """Return how many characters fit `width` pixels; large ones are half as wide again."""
        cells = width * self.columns // self.text_width
        return cells * 2 // 3 if large else cells

    @property
    def body(self) -> int:
        """Return where the footer begins, in pixels from the top."""
        return self.height - self.footer


def _nano(*, height: int, rows: int, title_rows: int, value_rows: int, line_height: int) -> Layout:
    return Layout(
        width=128,
        height=height,
        touch=False,
        columns=17,
        rows=rows,
        title_rows=title_rows,
        value_rows=value_rows,
        line_height=line_height,
        margin=8,
        top=(height - rows * line_height) // 2,
    )


def _touch(*, width: int, height: int, columns: int, line_height: int, margin: int, footer: int) -> Layout:
    rows = (height - footer - margin) // line_height
    return Layout(
        width=width,
        height=height,
        touch=True,
        columns=columns,
        rows=rows,
        title_rows=2,
        value_rows=rows - 2,
        line_height=line_height,
        margin=margin,
        top=margin,
        footer=footer,
    )


#: nanos; nanox and nanosp; stax; flex; apex_p
_LAYOUTS = {
    (layout.width, layout.height): layout
    for layout in (
        _nano(height=32, rows=3, title_rows=1, value_rows=2, line_height=10),
        _nano(height=64, rows=5, title_rows=2, value_rows=3, line_height=12),
        _touch(width=400, height=672, columns=28, line_height=32, margin=24, footer=96),
        _touch(width=480, height=600, columns=32, line_height=32, margin=28, footer=96),
        _touch(width=300, height=400, columns=26, line_height=22, margin=16, footer=60),
    )
}


def layout_for(model: Model) -> Layout:
    """Return the layout of a model, found by the size of its screen.

    Raises:
        UsageError: no model has a screen of this size.

    """
    layout = _LAYOUTS.get((model.screen_width, model.screen_height))
    if layout is None:
        raise UsageError(f"no layout for a screen of {model.screen_width} x {model.screen_height} pixels")
    return layout
