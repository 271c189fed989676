"""The two-button family: every scene is a row of pages to walk along.

Left and right walk, both together take what the page offers; all of them act when the last button is up again.

======================  ====================================  =======================
page                    right                                 both
======================  ====================================  =======================
text, item              next page                             nothing
label of a decision     next page                             answer
end of a notice         answer                                answer
key of an entry         next key                              taken into the entry
======================  ====================================  =======================

At the ends of the row nothing happens, except in menus and entries, which go round.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tallystick.device.os.display.button import ButtonTracker
from tallystick.device.os.display.layout import Layout
from tallystick.wire.app_icon import AppIcon
from tallystick.wire.events import Button, ButtonEvent, Gesture
from tallystick.wire.panel import Action, Bitmap, Box, Drawing, Element, Icon, Role, Style, Text
from tallystick.wire.screen import Answer

#: width and height of the arrows at the sides, and of the picture of a page
_ARROW = (4, 7)
_PICTURE = 14


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a page, already cut to fit."""

    text: str = field(repr=False)
    style: Style = Style.REGULAR


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page: lines to show, and what both buttons (`answer`) or the right one at its end (`leave`) answer."""

    lines: tuple[Line, ...]
    icon: str = ""
    #: shown in place of `icon`
    picture: AppIcon | None = None
    #: role and label of the action that both buttons are
    role: Role | None = None
    label: str = field(default="", repr=False)
    answer: Answer | None = None
    #: the right button answers as well instead of moving on
    leave: bool = False
    #: percent of a bar below the lines
    bar: int | None = None


def draw_page(page: Page, *, layout: Layout, actions: tuple[Action, ...]) -> Drawing:
    """Lay one page out: lines in the middle, the picture above them (low screens: beside), arrows at the sides."""
    elements: list[Element] = []
    left, width, height = layout.margin, layout.text_width, len(page.lines) * layout.line_height
    top = (layout.height - height) // 2
    if page.picture is not None:
        left, width, top = _place_picture(elements, page.picture, layout=layout, text_height=height)
    elif page.icon and (layout.rows - len(page.lines)) * layout.line_height >= _PICTURE:
        top = (layout.height - height - _PICTURE) // 2
        elements.append(Icon(x=(layout.width - _PICTURE) // 2, y=top, w=_PICTURE, h=_PICTURE, name=page.icon))
        top += _PICTURE
    if page.bar is not None:
        top = max(top - 4, 0)
    for number, line in enumerate(page.lines):
        y = top + number * layout.line_height
        elements.append(Text(x=left, y=y, w=width, h=layout.line_height, text=line.text, style=line.style))
    if page.bar is not None:
        elements.append(Box(x=left, y=layout.height - 7, w=width, h=5, filled=page.bar))
    arrow_width, arrow_height = _ARROW
    y = (layout.height - arrow_height) // 2
    for action in actions:
        if action.role is Role.PREVIOUS:
            elements.append(Icon(x=1, y=y, w=arrow_width, h=arrow_height, name="left"))
        elif action.role is Role.NEXT:
            x = layout.width - 1 - arrow_width
            elements.append(Icon(x=x, y=y, w=arrow_width, h=arrow_height, name="right"))
    return Drawing(elements=tuple(elements), actions=actions)


def _place_picture(
    elements: list[Element], picture: AppIcon, *, layout: Layout, text_height: int
) -> tuple[int, int, int]:
    """Add a picture above the text, or beside it where that is too low; return where the text goes: left, width, top."""
    bits, data = picture.packed()
    w, h = picture.width, picture.height
    left, width, top = layout.margin, layout.text_width, (layout.height - text_height) // 2
    if text_height + h <= layout.height:
        top = (layout.height - text_height - h) // 2
        elements.append(Bitmap(x=(layout.width - w) // 2, y=top, w=w, h=h, bpp=bits, data=data))
        return left, width, top + h
    if h <= layout.height and w <= width // 4:
        elements.append(Bitmap(x=left, y=(layout.height - h) // 2, w=w, h=h, bpp=bits, data=data))
        return left + w, width - w, top
    return left, width, top


class Carousel:
    """A view of pages in a row; `page` makes the page of an index when it is first shown."""

    def __init__(
        self, *, layout: Layout, count: int, page: Callable[[int], Page], around: bool = False, start: int = 0
    ) -> None:
        self._layout = layout
        self._count = count
        self._make = page
        self._around = around
        self._index = start
        self._buttons = ButtonTracker()
        self._shown: tuple[int, Page, Drawing | None] | None = None

    def _page(self) -> Page:
        if self._shown is None or self._shown[0] != self._index:
            self._shown = (self._index, self._make(self._index), None)
        return self._shown[1]

    def draw(self) -> Drawing:
        """Return the page shown now."""
        page = self._page()
        if self._shown is not None and self._shown[2] is not None:
            return self._shown[2]
        drawing = draw_page(page, layout=self._layout, actions=self._actions(page))
        self._shown = (self._index, page, drawing)
        return drawing

    def _actions(self, page: Page) -> tuple[Action, ...]:
        actions: list[Action] = []
        if page.role is not None:
            actions.append(Action(role=page.role, label=page.label, button=Button.BOTH))
            if page.leave:
                actions.append(Action(role=page.role, label=page.label, button=Button.RIGHT))
        around = self._around and self._count > 1
        if around or self._index > 0:
            actions.append(Action(role=Role.PREVIOUS, button=Button.LEFT))
        if not page.leave and (around or self._index < self._count - 1):
            actions.append(Action(role=Role.NEXT, button=Button.RIGHT))
        return tuple(actions)

    def gesture(self, gesture: Gesture, *, now_s: float) -> Answer | None:  # noqa: ARG002 - buttons know no time
        """Take one button going down or up; a finger means nothing here."""
        if not isinstance(gesture, ButtonEvent):
            return None
        match self._buttons.feed(gesture):
            case Button.BOTH:
                return self._take()
            case Button.RIGHT if self._page().leave:
                return self._take()
            case Button.RIGHT:
                self._move(1)
            case Button.LEFT:
                self._move(-1)
        return None

    def _restart(self, count: int) -> None:
        """Begin again at the first of `count` pages, none of which has been drawn yet."""
        self._count, self._index, self._shown = count, 0, None

    def _take(self) -> Answer | None:
        return self._page().answer

    def _move(self, step: int) -> None:
        index = self._index + step
        if self._around:
            self._index = index % self._count
        elif 0 <= index < self._count:
            self._index = index

    def let_go(self) -> None:
        """Forget which buttons are down."""
        self._buttons.let_go()

    def deadline_s(self) -> float | None:
        """Return None: nothing here waits for time to pass."""
        return None

    def advance(self, *, now_s: float) -> Answer | None:  # noqa: ARG002 - nothing here waits for time to pass
        """Return None: nothing here waits for time to pass."""
        return None
