"""What an app's screen and the person's hand are to its handlers: pixels, texts, the finger, and whether time matters to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Final

from tallystick.device.native.fido_port import FidoPort
from tallystick.device.native.framebuffer import Area, Framebuffer
from tallystick.device.native.glyph import Texts
from tallystick.device.native.memory import Memory
from tallystick.device.native.seph import PacketStream
from tallystick.device.native.usb_host import UsbHost
from tallystick.wire.call_canvas import ButtonsInput, FingerInput, HandInput, Paint, TickInput
from tallystick.wire.call_report import MAX_REPORTS
from tallystick.wire.model import MODELS
from tallystick.wire.syscall import ApduEvent, NativeEvent

__all__ = ["FONT_PLACE", "FONT_PLACES", "Window"]

#: ticks in a row that an app gets while nothing else happens and it draws nothing: a minute
_IDLE_TICKS: Final = 600
_PATIENCE: Final = 16
_WHITE: Final = 15
#: where apps up to level 22 find the OS's fonts, a list of pointers first
FONT_PLACE: Final = 0x0080_5000
FONT_PLACES: Final[Mapping[str, int]] = {"nanox": 0x0020_5000}
#: the others have light and dark pixels alone
_GREY_MODELS: Final = frozenset({"stax", "flex"})
_MAX_EVENTS: Final = 256


class Window:
    """The screen of one app, and what it heard of the person last."""

    def __init__(self, memory: Memory, *, model: str) -> None:
        known = MODELS[model]
        self.is_touch = known.touch
        self.screen = Framebuffer(
            width=known.screen_width,
            height=known.screen_height,
            level=_WHITE if known.touch else 0,
            has_greys=model in _GREY_MODELS,
        )
        self.texts = Texts(memory, model=model)
        self.packets = PacketStream()
        self.finger = FingerInput(x=0, y=0, pressed=False)
        #: the buttons that are down: 1 left, 2 right
        self.buttons = 0
        #: what came together with the input before, for the app to hear next
        self.ahead: deque[HandInput] = deque()
        #: whether an APDU waits for its answer
        self.is_owing = False
        #: packets that wait for the app, whether its status followed the last one, and how long that one was
        self.events: deque[bytes] = deque(maxlen=_MAX_EVENTS)
        #: reports for FIDO that the app has sent, until it waits again
        self.reports: deque[bytes] = deque(maxlen=MAX_REPORTS)
        self.usb = UsbHost(self.events, self.reports)
        #: FIDO's interface of an app that leaves its IO to the OS, if it asked for one
        self.fido: FidoPort | None = None
        self.is_status_sent = False
        self.received = 0
        #: what an app with an IO stack of its own received last, its kind first
        self.last = b""
        #: an APDU for such an app that has not plugged in, and how often it is told the time instead before it is given that
        self.held: ApduEvent | None = None
        self.patience = _PATIENCE
        #: whether fonts were looked for in the app's flash
        self.has_looked = False
        self._has_drawn = False
        self._ticks = _IDLE_TICKS

    @property
    def wants_ticks(self) -> bool:
        """Whether time is to be told: an app that has done nothing for a minute sleeps until something happens.

        One that draws nothing has no use for it.
        """
        is_owing = self.is_owing or (self.fido is not None and self.fido.is_busy)
        return self._has_drawn and (is_owing or self._ticks > 0)

    def fill(self, area: Area, level: int) -> None:
        """Give an area one level; what stood there is gone."""
        self.texts.covered(area)
        self.screen.fill(area, level)

    def refresh_all(self) -> None:
        """Make everything visible."""
        self.screen.refresh(Area(x=0, y=0, w=self.screen.width, h=self.screen.height))

    def show(self) -> Iterator[Paint]:
        """Return what has become visible."""
        for painting in self.screen.show(self.texts):
            self._has_drawn, self._ticks = True, _IDLE_TICKS
            yield painting

    def keep_awake(self) -> None:
        """Have time matter for another minute."""
        self._ticks = _IDLE_TICKS

    def heard(self, event: NativeEvent) -> None:
        """Note an event: all but time make time matter again."""
        if isinstance(event, TickInput):
            self._ticks = max(self._ticks - 1, 0)
            if self.fido is not None:
                self.fido.ticked()
            return
        self._ticks = _IDLE_TICKS
        if isinstance(event, FingerInput):
            self.finger = event
        elif isinstance(event, ButtonsInput):
            self.buttons = event.down
        self.is_owing |= isinstance(event, ApduEvent)
