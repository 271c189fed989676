"""One page of a touch screen, composed: what is drawn, and what can be tapped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tallystick.device.os.display.layout import Layout
from tallystick.device.os.display.text import clean, clip, name
from tallystick.wire.app_icon import AppIcon
from tallystick.wire.panel import Action, Align, Bitmap, Box, Drawing, Element, Icon, Role, Style, Text
from tallystick.wire.screen import Answer

#: air around what stands in the footer, and corners of what can be tapped, in pixels
_PAD = 8


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of w x h pixels at (x, y)."""

    x: int
    y: int
    w: int
    h: int

    def holds(self, x: int, y: int) -> bool:
        """Tell whether a point lies inside."""
        return self.x <= x < self.x + self.w and self.y <= y < self.y + self.h


@dataclass(frozen=True, slots=True)
class GoTo:
    """The effect of turning to another page, counted from 0."""

    page: int


@dataclass(frozen=True, slots=True)
class Key:
    """The effect of typing a key; hidden from `repr`, for it may be a digit of a PIN."""

    key: str = field(repr=False)


Effect = Answer | GoTo | Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An area to tap, or to hold for `hold_s` seconds, and what that does."""

    area: Area
    effect: Effect
    hold_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchPage:
    """A page laid out; its targets lie apart."""

    drawing: Drawing
    targets: tuple[Target, ...]


class Sheet:
    """Collects elements, actions and targets of one page."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._elements: list[Element] = []
        self._actions: list[Action] = []
        self._targets: list[Target] = []

    def page(self) -> TouchPage:
        """Return what was collected."""
        drawing = Drawing(elements=tuple(self._elements), actions=tuple(self._actions))
        return TouchPage(drawing=drawing, targets=tuple(self._targets))

    def add(self, element: Element) -> None:
        """Draw an element."""
        self._elements.append(element)

    def target(self, area: Area, effect: Effect, *, role: Role, label: str = "", hold_s: float = 0.0) -> None:
        """Make `area` lead on; its middle is the point of the action."""
        x, y = area.x + area.w // 2, area.y + area.h // 2
        self._actions.append(Action(role=role, label=name(label), x=x, y=y, hold_s=hold_s))
        self._targets.append(Target(area=area, effect=effect, hold_s=hold_s))

    def row(self, number: int) -> Area:
        """Return the area of a line of the body, counted from 0."""
        layout = self.layout
        y = layout.top + number * layout.line_height
        return Area(layout.margin, y, layout.text_width, layout.line_height)

    def write(self, area: Area, text: str, *, style: Style = Style.REGULAR, align: Align = Align.CENTRE) -> None:
        """Draw one line in the middle of the height of `area`; what does not fit its width is cut short."""
        height = self.layout.line_height
        y = area.y + (area.h - height) // 2
        shown = clip(text, self.layout.cells(area.w, large=style is Style.LARGE))
        self.add(Text(x=area.x, y=y, w=area.w, h=height, text=shown, style=style, align=align))

    def lines(self, texts: Iterable[str], *, at: int, style: Style = Style.REGULAR, align: Align = Align.CENTRE) -> int:
        """Draw lines from row `at` on; return the row after the last."""
        layout = self.layout
        x, w, h = layout.margin, layout.text_width, layout.line_height
        cells = layout.cells(w, large=style is Style.LARGE)
        for text in texts:  # the many lines of reviews: no area of its own for each
            y = layout.top + at * h
            self._elements.append(Text(x=x, y=y, w=w, h=h, text=clip(text, cells), style=style, align=align))
            at += 1
        return at

    def icon(self, area: Area, picture: str) -> None:
        """Draw a picture in the middle of `area`, as high as a line."""
        side = self.layout.line_height
        x, y = area.x + (area.w - side) // 2, area.y + (area.h - side) // 2
        self.add(Icon(x=x, y=y, w=side, h=side, name=name(picture)))

    def picture(self, area: Area, picture: AppIcon) -> int:
        """Draw an app's picture at the left of `area`, if it is high enough; return the width that it takes."""
        if picture.height > area.h:
            return 0
        bits, data = picture.packed()
        x, y = area.x + _PAD, area.y + (area.h - picture.height) // 2
        self.add(Bitmap(x=x, y=y, w=picture.width, h=picture.height, bpp=bits, data=data))
        return _PAD + picture.width

    def button(self, area: Area, label: str, effect: Effect, *, role: Role, hold_s: float = 0.0) -> None:
        """Draw a box with a label that can be tapped."""
        label = clean(label)
        self.add(Box(x=area.x, y=area.y, w=area.w, h=area.h, radius=_PAD))
        self.write(area, label, style=Style.BOLD)
        self.target(area, effect, role=role, label=label, hold_s=hold_s)

    def bottom(self, number: int = 0) -> Area:
        """Return the area of a full-width button; number 0 stands just above the footer, 1 above that, and so on."""
        layout = self.layout
        height = 2 * layout.line_height
        return Area(layout.margin, layout.body - (number + 1) * height, layout.text_width, height - _PAD)

    def footer(self, *, page: int, count: int, forward: bool = True) -> None:
        """Draw arrows to the pages before and after, and where we are; `forward` False leaves out the way on."""
        if count < 2:
            return
        layout = self.layout
        w, h, y = layout.text_width * 19 // 100, layout.footer - 2 * _PAD, layout.body + _PAD
        x = layout.margin + layout.text_width - 3 * w
        place = f"{page + 1}/{count}"
        if len(place) <= layout.cells(w):
            self.write(Area(x + w, y, w, h), place, style=Style.SMALL)
        if page > 0:
            area = Area(x, y, w, h)
            self.icon(area, "left")
            self.target(area, GoTo(page - 1), role=Role.PREVIOUS)
        if forward and page < count - 1:
            area = Area(x + 2 * w, y, w, h)
            self.icon(area, "right")
            self.target(area, GoTo(page + 1), role=Role.NEXT)

    def footer_left(self) -> Area:
        """Return the area at the left of the footer, where a review is rejected."""
        layout = self.layout
        return Area(layout.margin, layout.body + _PAD, layout.text_width * 2 // 5, layout.footer - 2 * _PAD)
