"""What an app's screen and the person's hand are to its handlers: pixels, texts, the finger, and whether time matters to it."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

from tallystick.device.native.framebuffer import Area, Framebuffer
from tallystick.device.native.glyph import Texts
from tallystick.device.native.memory import Memory
from tallystick.device.native.seph import PacketStream
from tallystick.wire.call_canvas import FingerInput, TickInput
from tallystick.wire.model import MODELS
from tallystick.wire.syscall import ApduEvent, AppEvent, CanvasEvent, Outcome, Request

__all__ = ["Window"]

#: ticks in a row that an app gets while nothing else happens and it draws nothing: a minute
_IDLE_TICKS: Final = 600
_WHITE: Final = 15


class Window:
    """The screen of one app, and what it heard of the person last."""

    def __init__(self, memory: Memory, *, model: str) -> None:
        known = MODELS[model]
        self.is_touch = known.touch
        self.screen = Framebuffer(
            width=known.screen_width, height=known.screen_height, level=_WHITE if known.touch else 0
        )
        self.texts = Texts(memory, model=model)
        self.packets = PacketStream()
        self.finger = FingerInput(x=0, y=0, pressed=False)
        #: whether an APDU waits for its answer
        self.is_owing = False
        self._has_drawn = False
        self._ticks = _IDLE_TICKS

    @property
    def wants_ticks(self) -> bool:
        """Whether time is to be told: an app that has done nothing for a minute sleeps until something happens.

        One that draws nothing has no use for it.
        """
        return self._has_drawn and (self.is_owing or self._ticks > 0)

    def fill(self, area: Area, level: int) -> None:
        """Give an area one level; what stood there is gone."""
        self.texts.covered(area)
        self.screen.fill(area, level)

    def show(self) -> Generator[Request, Outcome, None]:
        """Send what has become visible."""
        for painting in self.screen.show(self.texts):
            self._has_drawn, self._ticks = True, _IDLE_TICKS
            yield painting

    def heard(self, event: AppEvent | CanvasEvent) -> None:
        """Note an event: all but time make time matter again."""
        if isinstance(event, TickInput):
            self._ticks = max(self._ticks - 1, 0)
            return
        self._ticks = _IDLE_TICKS
        if isinstance(event, FingerInput):
            self.finger = event
        self.is_owing |= isinstance(event, ApduEvent)
