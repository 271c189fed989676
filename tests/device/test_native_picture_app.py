"""The example app that draws by itself: its pixels are those of committed pictures, and it hears of the buttons.

The pictures were looked at once: four strokes, four strokes crossed out, a line at the lower edge.
"""

from io import BytesIO
from pathlib import Path

import pytest
from native_stage import EXAMPLE, NativeStage
from PIL import Image

from tallystick.device.native.elf import Elf
from tallystick.device.native.image import image_from_elf
from tallystick.ui.picture import draw_png
from tallystick.wire.events import Button, press
from tallystick.wire.panel import Bitmap

PICTURES = Path(__file__).parents[1] / "vectors" / "native_picture"
ASK = "e001000000"


@pytest.fixture
async def device():
    """Return a device on which the example has drawn its first screen."""
    image = image_from_elf(Elf.from_bytes((EXAMPLE.parent / "picture.elf").read_bytes()))
    stage = NativeStage(image, name="Picture")
    yield stage
    stage.close()


async def shows(device, name):
    """Wait until the screenshot has the pixels of a committed picture."""
    expected = pixels((PICTURES / f"{name}.png").read_bytes())
    await device.until(lambda: is_drawn(device) and screenshot(device) == expected)


def is_drawn(device):
    """Tell whether the app's own picture is on the screen."""
    elements = device.board.frame.drawing.elements
    return bool(elements) and isinstance(elements[0], Bitmap)


def screenshot(device):
    """Return size and pixels of what /screenshot gives."""
    return pixels(draw_png(device.board.frame))


def pixels(png):
    """Return size and grey levels of a PNG."""
    with Image.open(BytesIO(png)) as picture:
        return picture.size, picture.convert("L").tobytes()


def push(device, button):
    """Press a button and let it go."""
    for gesture in press(button):
        device.board.event(gesture)


@pytest.mark.parametrize(
    ("button", "picture", "status"), [(Button.RIGHT, "crossed", "9000"), (Button.LEFT, "empty", "6985")]
)
async def test_picture_is_drawn_and_the_button_decides(device, button, picture, status):
    """Each screen has the pixels of its picture, and the button that was pressed is what the APDU is answered by."""
    await shows(device, "idle")
    device.client.send(ASK)
    await shows(device, "asking")
    assert device.client.answers == []
    push(device, Button.BOTH)
    push(device, button)
    await device.until(lambda: device.client.answers)
    assert device.client.answers == [bytes.fromhex(status)]
    await shows(device, picture)
