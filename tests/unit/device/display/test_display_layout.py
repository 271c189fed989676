"""Sizes of the screens."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tallystick.device.os.display import layout_for
from tallystick.errors import UsageError
from tallystick.wire.model import MODELS


@pytest.mark.parametrize(("name", "columns", "page_width"), [("nanos", 17, 34), ("nanox", 17, 51), ("nanosp", 17, 51)])
def test_two_button_page_widths(name, columns, page_width):
    """Low screens hold two lines of a value, the others three, of 17 characters each."""
    layout = layout_for(MODELS[name])
    assert (layout.columns, layout.page_width) == (columns, page_width)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_rows_fit_the_screen(name):
    """The rows of every model end above its footer, and title and value rows fit one page."""
    model = MODELS[name]
    layout = layout_for(model)
    assert (layout.width, layout.height, layout.touch) == (model.screen_width, model.screen_height, model.touch)
    assert layout.top + layout.rows * layout.line_height <= layout.body
    assert layout.title_rows + layout.value_rows <= layout.rows
    assert layout.line_height >= 10


def test_unknown_screen_is_refused():
    """A screen of a size no model has is an error that names the size."""
    with pytest.raises(UsageError, match="13 x 37"):
        layout_for(replace(MODELS["nanox"], screen_width=13, screen_height=37))
