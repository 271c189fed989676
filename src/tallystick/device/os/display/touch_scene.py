"""Scenes of the touch family other than reviews and entries."""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.device.os.display.layout import Layout
from tallystick.device.os.display.sheet import Area, Sheet, TouchPage
from tallystick.device.os.display.text import clean, clip_lines, wrap_lines
from tallystick.device.os.display.touch import Touchscreen
from tallystick.wire.panel import Align, Box, Role, Style
from tallystick.wire.screen import Choice, Dismissed, Menu, Notice, Progress, Selected, Tone, WordList

_TONE_ICONS = {Tone.INFO: "", Tone.SUCCESS: "check", Tone.WARNING: "warning", Tone.FAILURE: "cross"}
#: rows kept for a heading with its picture
_HEAD_ROWS = 3
#: buttons one above the other at most
_STACK = 4
_WORDS_PER_PAGE = 12


def menu_view(scene: Menu, layout: Layout) -> Touchscreen:
    """Return rows to tap under the name of what is running."""
    height = layout.line_height * 2 + 8
    per_page = (layout.body - layout.top - _HEAD_ROWS * layout.line_height) // height
    count = max(-(-len(scene.entries) // per_page), 1)

    def page(number: int) -> TouchPage:
        sheet = Sheet(layout)
        if scene.icon:
            sheet.icon(sheet.row(0), scene.icon)
        sheet.write(sheet.row(1), clean(scene.title), style=Style.LARGE)
        first = number * per_page
        for place, entry in enumerate(scene.entries[first : first + per_page]):
            y = sheet.row(_HEAD_ROWS).y + place * height
            area = Area(layout.margin, y, layout.text_width, height - 4)
            label, value = clean(entry.label), clean(entry.value)
            sheet.add(Box(x=area.x, y=area.y, w=area.w, h=area.h, radius=8))
            indent = 8 + (sheet.picture(area, entry.picture) if entry.picture is not None else 0)
            inner = Area(area.x + indent, area.y, area.w - indent - 8, area.h // 2 if value else area.h)
            sheet.write(inner, label, align=Align.LEFT)
            if value:
                lower = Area(inner.x, area.y + area.h // 2, inner.w, area.h // 2)
                sheet.write(lower, value, style=Style.SMALL, align=Align.LEFT)
            sheet.target(area, Selected(first + place), role=Role.SELECT, label=label)
        sheet.footer(page=number, count=count)
        return sheet.page()

    start = min(max(scene.start, 0), max(len(scene.entries) - 1, 0))
    return Touchscreen(page=page, start=start // per_page)


def choice_view(scene: Choice, layout: Layout) -> Touchscreen:
    """Return the question above its options; what does not fit one page follows on others."""
    icon = scene.icon
    lines = wrap_lines(scene.lines, layout.columns)
    stack = min(len(scene.options), _STACK)
    together = len(scene.options) <= _STACK and len(lines) + bool(icon) * 2 <= layout.rows - 2 * stack
    texts = [lines] if together else _split(lines, layout.rows - 2)
    groups = [range(at, min(at + stack, len(scene.options))) for at in range(0, len(scene.options), stack)]
    count = len(groups) + (0 if together else len(texts))

    def page(number: int) -> TouchPage:
        sheet = Sheet(layout)
        if together or number < len(texts):
            room = layout.rows - 2 * stack if together else layout.rows
            _draw_text(sheet, texts[number], rows=room, icon="" if number else icon)
        if together or number >= len(texts):
            group = groups[0 if together else number - len(texts)]
            for index in group:
                place = sheet.bottom(group.stop - 1 - index)
                sheet.button(place, scene.options[index], Selected(index), role=Role.SELECT)
        sheet.footer(page=number, count=count)
        return sheet.page()

    return Touchscreen(page=page)


def notice_view(scene: Notice, layout: Layout) -> Touchscreen:
    """Return the text and, on its last page, the button that dismisses it."""
    pages = _split(wrap_lines(scene.lines, layout.columns), layout.rows - 4)
    icon = _TONE_ICONS[scene.tone]

    def page(number: int) -> TouchPage:
        sheet = Sheet(layout)
        _draw_text(sheet, pages[number], rows=layout.rows - 2, icon="" if number else icon)
        if number == len(pages) - 1:
            sheet.button(sheet.bottom(), scene.button, Dismissed(), role=Role.DISMISS)
        sheet.footer(page=number, count=len(pages))
        return sheet.page()

    return Touchscreen(page=page)


def progress_view(scene: Progress, layout: Layout) -> Touchscreen:
    """Return the text above a bar; without a percentage there is no bar."""

    def page(_: int) -> TouchPage:
        sheet = Sheet(layout)
        lines = clip_lines(wrap_lines((scene.text,), layout.columns), rows=layout.rows - 4, columns=layout.columns)
        _draw_text(sheet, lines, rows=layout.rows - 2)
        if scene.percent is not None:
            place = sheet.row(layout.rows - 2)
            filled = min(max(scene.percent, 0), 100)
            sheet.add(Box(x=place.x, y=place.y, w=place.w, h=12, filled=filled, radius=6))
        return sheet.page()

    return Touchscreen(page=page)


def word_list_view(scene: WordList, layout: Layout) -> Touchscreen:
    """Return numbered words in two columns, then a closing page."""
    title = clean(scene.title)
    count = -(-len(scene.words) // _WORDS_PER_PAGE) + 1
    half = _WORDS_PER_PAGE // 2
    pitch = (layout.rows - 2) // half

    def page(number: int) -> TouchPage:
        sheet = Sheet(layout)
        sheet.write(sheet.row(0), title, style=Style.BOLD)
        first = number * _WORDS_PER_PAGE
        for place, word in enumerate(scene.words[first : first + _WORDS_PER_PAGE]):
            column, line = divmod(place, half)
            row = sheet.row(2 + line * pitch)
            area = Area(row.x + column * (row.w // 2), row.y, row.w // 2, row.h)
            sheet.write(area, f"{first + place + 1}. {clean(word)}", align=Align.LEFT)
        if number == count - 1:
            sheet.button(sheet.bottom(), "Done", Dismissed(), role=Role.DISMISS)
        sheet.footer(page=number, count=count)
        return sheet.page()

    return Touchscreen(page=page)


def _split(lines: Sequence[str], rows: int) -> list[list[str]]:
    return [list(lines[at : at + rows]) for at in range(0, max(len(lines), 1), rows)]


def _draw_text(sheet: Sheet, lines: Sequence[str], *, rows: int, icon: str = "") -> None:
    """Draw lines, and the picture with a free row below it, in the middle of the first `rows` rows."""
    top = max((rows - len(lines) - bool(icon) * 2) // 2, 0)
    if icon:
        sheet.icon(sheet.row(top), icon)
        top += 2
    sheet.lines(lines, at=top)
