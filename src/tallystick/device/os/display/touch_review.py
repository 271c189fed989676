"""A review on a touch screen: what it is, the items, as many on a page as fit, then the area to hold."""

from __future__ import annotations

from tallystick.device.os.display.layout import Layout
from tallystick.device.os.display.pagination import Chunk, chunks
from tallystick.device.os.display.sheet import Area, GoTo, Sheet, TouchPage
from tallystick.device.os.display.text import clean, wrap_characters, wrap_words
from tallystick.device.os.display.touch import Touchscreen
from tallystick.wire.panel import Align, Code, Role, Style
from tallystick.wire.screen import Decided, Item, Review, ReviewKind

#: how long the approving area must be held
HOLD_S = 1.0
#: lines of an address below its QR code; a longer address is shown as text only
_ADDRESS_ROWS = 4

_HINTS = {
    ReviewKind.TRANSACTION: "Hold to sign",
    ReviewKind.MESSAGE: "Hold to sign",
    ReviewKind.ADDRESS: "Hold to confirm",
    ReviewKind.OTHER: "Hold to confirm",
}


def review_view(scene: Review, layout: Layout) -> Touchscreen:
    """Return the view of a review; each page but the last leads on, every page can reject."""
    pages = _ReviewPages(scene, layout)
    return Touchscreen(page=pages.page)


class _ReviewPages:
    """Pages of one review: cut once, drawn when shown."""

    def __init__(self, scene: Review, layout: Layout) -> None:
        self._scene, self._layout = scene, layout
        items = scene.items
        self._address = _address(scene, layout)
        if self._address is not None:
            items = items[1:]
        columns = layout.cells(layout.text_width, large=True)
        intro = wrap_words(clean(" ".join(scene.intro)), columns)
        rows = layout.rows - 2
        self._intro = [intro[at : at + rows] for at in range(0, len(intro), rows)]
        self._groups = _pack(chunks(items, layout), layout)
        self._first_group = len(self._intro) + (self._address is not None)
        self._count = self._first_group + len(self._groups) + 1

    def page(self, index: int) -> TouchPage:
        sheet = Sheet(self._layout)
        if index < len(self._intro):
            self._draw_intro(sheet, index)
        elif index == self._count - 1:
            self._draw_approval(sheet)
        elif index < self._first_group and self._address is not None:
            self._draw_address(sheet, self._address)
        else:
            self._draw_group(sheet, self._groups[index - self._first_group])
        no = Decided(approved=False)
        sheet.button(sheet.footer_left(), self._scene.reject, no, role=Role.REJECT)
        if index >= len(self._intro):
            sheet.footer(page=index, count=self._count)
        return sheet.page()

    def _draw_intro(self, sheet: Sheet, index: int) -> None:
        lines = self._intro[index]
        sheet.lines(lines, at=(self._layout.rows - len(lines)) // 2, style=Style.LARGE)
        sheet.write(sheet.row(self._layout.rows - 1), "Tap to continue", style=Style.SMALL)
        area = Area(0, 0, self._layout.width, self._layout.body)
        sheet.target(area, GoTo(index + 1), role=Role.NEXT, label="Tap to continue")

    def _draw_group(self, sheet: Sheet, group: list[Chunk]) -> None:
        row = 0
        for chunk in group:
            row = sheet.lines(chunk.title, at=row, style=Style.SMALL, align=Align.LEFT)
            row = sheet.lines(chunk.value_lines(self._layout.columns), at=row, align=Align.LEFT) + 1

    def _draw_address(self, sheet: Sheet, item: Item) -> None:
        layout = self._layout
        side = min(layout.text_width, (layout.rows - _ADDRESS_ROWS - 2) * layout.line_height)
        row = sheet.lines([item.title], at=0, style=Style.SMALL)
        x, y = (layout.width - side) // 2, sheet.row(row).y
        sheet.add(Code(x=x, y=y, w=side, h=side, text=item.values[0]))
        lines = wrap_characters(item.values[0], layout.columns)
        sheet.lines(lines, at=layout.rows - _ADDRESS_ROWS)

    def _draw_approval(self, sheet: Sheet) -> None:
        area = sheet.bottom()
        middle = (self._layout.rows - 3) // 2
        sheet.icon(sheet.row(middle - 1), "check")
        sheet.write(sheet.row(middle + 1), _HINTS[self._scene.kind], style=Style.SMALL)
        yes = Decided(approved=True)
        sheet.button(area, self._scene.approve, yes, role=Role.APPROVE, hold_s=HOLD_S)


def _address(scene: Review, layout: Layout) -> Item | None:
    """Return the first item of an address review if it can be shown with a QR code that says just what is written."""
    if scene.kind is not ReviewKind.ADDRESS or not scene.items or len(scene.items[0].values) != 1:
        return None
    item = scene.items[0]
    text = item.values[0]
    if not 0 < len(text) <= _ADDRESS_ROWS * layout.columns or clean(text) != text or len(item.title) > layout.columns:
        return None
    return Item(clean(item.title), (text,))


def _pack(parts: list[Chunk], layout: Layout) -> list[list[Chunk]]:
    """Put chunks on pages in order, with an empty row between two."""
    pages: list[list[Chunk]] = []
    free = 0
    for part in parts:
        rows = part.rows(layout.columns)
        if not pages or rows > free:
            pages.append([])
            free = layout.rows
        pages[-1].append(part)
        free -= rows + 1
    return pages
