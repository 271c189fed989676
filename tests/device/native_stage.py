"""The example app in C, as the package carries it, installed on a device whose apps run in processes."""

from __future__ import annotations

from pathlib import Path

from process_stage import Stage

import tallystick
from tallystick.device.native.elf import Elf
from tallystick.device.native.image import image_from_elf
from tallystick.wire.panel import Bitmap

EXAMPLE = Path(tallystick.__file__).parent / "device" / "native" / "example" / "hello.elf"
#: for `NativeStage`: a Speculos is looked for as a command looks for it
FOUND = ""


def hello():
    """Return the image of the example."""
    return image_from_elf(Elf.from_bytes(EXAMPLE.read_bytes()))


def lit_rows(device):
    """Return how many rows of the screen an app's picture has lit (one bit each pixel, 128 wide); None where there is no picture."""
    elements = device.board.frame.drawing.elements
    if not elements or not isinstance(elements[0], Bitmap):
        return None
    return elements[0].data.count(b"\xff" * 16)


class NativeStage(Stage):
    """A device with one native app, which is opened; `libraries` is where a Speculos may lie, FOUND for where commands look."""

    def __init__(self, image, *, name="Hello", model="nanox", libraries="/nowhere"):
        super().__init__(model=model, open_app=False)
        self.host._libraries = libraries
        self.install(image)
        self.open(name)

    def install(self, image):
        """Put the image in as the loader does at the end."""
        registry = self.board.system.session.registry
        registry.put(registry.measure(image))
