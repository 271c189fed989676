"""The dashboard shows the icon that an app brought among its install parameters, and the text alone of one without."""

from dataclasses import replace
from io import BytesIO

import pytest
from native_stage import hello
from PIL import Image

from tallystick.testing.device import VirtualDevice
from tallystick.ui.picture import LIT, draw_png
from tallystick.wire.events import Button, press
from tallystick.wire.install import InstallParameters
from tallystick.wire.panel import Bitmap

#: a step of the stairs in each column, from the left one down to the right one
STAIRS = [[column <= row for column in range(14)] for row in range(14)]
#: pixels of the icon of a larger screen
SIDE = 32


def newer(side, form, data):
    """Return an icon of the newer form."""
    return side.to_bytes(2, "little") * 2 + bytes((form,)) + len(data).to_bytes(3, "little") + data


def icon_of_nano():
    """Return the stairs as files for a Nano X have them."""
    bits = "".join(str(int(STAIRS[row][column])) for column in range(13, -1, -1) for row in range(14))
    return newer(14, 0x00, int(f"{bits:0<200}", 2).to_bytes(25, "big"))


def icon_of_touch():
    """Return large stairs of four bits a pixel."""
    digits = "".join("3" if column <= row else "f" for column in range(SIDE - 1, -1, -1) for row in range(SIDE))
    return newer(SIDE, 0x20, bytes.fromhex(digits))


def app(icon):
    """Return the example with an icon among its parameters."""
    image = hello()
    said = replace(InstallParameters.from_bytes(image.parameters), icon=icon).to_bytes()
    return replace(image, create=replace(image.create, parameters_length=len(said)), parameters=said)


def at_the_app(model, icon):
    """Return a device whose dashboard shows the app."""
    device = VirtualDevice(model=model, apps=[app(icon)])
    if device.frame.width == 128:
        for gesture in press(Button.RIGHT):
            device.event(gesture)
    assert "Hello" in device.screen
    return device


def bitmaps(device):
    """Return the pictures on the screen."""
    return [element for element in device.frame.drawing.elements if isinstance(element, Bitmap)]


def screenshot(device, element):
    """Return the grey levels of a part of what /screenshot gives, row by row."""
    with Image.open(BytesIO(draw_png(device.frame))) as picture:
        part = picture.convert("L").crop((element.x, element.y, element.x + element.w, element.y + element.h))
    levels = part.tobytes()
    return [list(levels[at : at + element.w]) for at in range(0, len(levels), element.w)]


@pytest.mark.parametrize("model", ["nanos", "nanox", "nanosp"])
def test_icon_of_a_nano_is_on_the_page_of_its_app(model):
    """The screenshot shows the icon pixel by pixel, above the name or beside it, and over no text."""
    device = at_the_app(model, icon_of_nano())
    (icon,) = bitmaps(device)
    assert screenshot(device, icon) == [[LIT if lit else 0 for lit in row] for row in STAIRS]
    for text in device.frame.drawing.elements:
        if hasattr(text, "text"):
            assert text.y >= icon.y + icon.h or text.x >= icon.x + icon.w


@pytest.mark.parametrize("model", ["stax", "flex"])
def test_icon_of_a_touch_model_is_in_the_row_of_its_app(model):
    """The screenshot shows the icon in its grey levels, at the left of the app's row."""
    device = at_the_app(model, icon_of_touch())
    (icon,) = bitmaps(device)
    wanted = [[0x33 if column <= row else 0xFF for column in range(SIDE)] for row in range(SIDE)]
    assert screenshot(device, icon) == wanted


@pytest.mark.parametrize(
    "icon", [None, b"", b"\x01", newer(65, 0x00, bytes(600)), newer(14, 0x01, bytes(40)), bytes(500)]
)
@pytest.mark.parametrize("model", ["nanox", "flex"])
def test_app_without_an_icon_that_can_be_drawn_has_its_name(model, icon):
    """An app that brings no icon, or one that is none, is installed and listed by its name."""
    assert bitmaps(at_the_app(model, icon)) == []


def test_icon_stays_when_the_plug_was_pulled():
    """The icon is in flash with its app."""
    device = at_the_app("flex", icon_of_touch())
    device.replug()
    assert len(bitmaps(device)) == 1
