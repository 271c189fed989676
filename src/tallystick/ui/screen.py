"""A screen that frames are drawn on, element by element.

A frame from outside must not cost more time or memory than its screen has pixels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from tallystick.wire.panel import Bitmap, Box, Code, Element, Frame, Icon, Style, Text

#: stands for a character that cannot be shown
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


class Screen(ABC):
    """`width` x `height` pixels; a kind of screen says how it draws each kind of element."""

    def __init__(self, *, width: int, height: int) -> None:
        self.width = width
        self.height = height

    def draw(self, frame: Frame) -> None:
        """Draw the elements of a frame from back to front; what has no size, or more than the screen, is left out."""
        for element in frame.drawing.elements:
            if self._fits(element):
                self._element(element)

    def _fits(self, element: Element) -> bool:
        # a text is always drawn: it costs what its characters cost, and no line may be missing
        return isinstance(element, Text) or (0 < element.w <= self.width and 0 < element.h <= self.height)

    def _element(self, element: Element) -> None:
        match element:
            case Text():
                self._text(element)
            case Icon():
                self._icon(element)
            case Box():
                self._box(element)
            case Code():
                self._code(element)
            case Bitmap():
                self._bitmap(element)

    def _unknown_icon(self, icon: Icon, *, radius: int = 0) -> None:
        """Draw the first letter of an icon that there is no drawing of, in a box."""
        self._box(Box(x=icon.x, y=icon.y, w=icon.w, h=icon.h, radius=radius))
        letter = icon.name[:1].upper()
        self._text(Text(x=icon.x, y=icon.y, w=icon.w, h=icon.h, text=letter, style=Style.BOLD))

    @abstractmethod
    def _text(self, text: Text) -> None:
        """Draw a line of text."""

    @abstractmethod
    def _icon(self, icon: Icon) -> None:
        """Draw an icon."""

    @abstractmethod
    def _box(self, box: Box) -> None:
        """Draw a box, filled from the left by some percent."""

    @abstractmethod
    def _code(self, code: Code) -> None:
        """Draw a QR code."""

    @abstractmethod
    def _bitmap(self, bitmap: Bitmap) -> None:
        """Draw a picture."""
