"""Typing on a touch screen: a keypad for a PIN, a keyboard with suggestions for a word."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tallystick.device.os.display.entry import BACKSPACE, CONFIRM, DiceKeys, Keys, PinKeys, WordKeys
from tallystick.device.os.display.layout import Layout
from tallystick.device.os.display.sheet import Area, Key, Sheet, TouchPage
from tallystick.device.os.display.text import clean
from tallystick.device.os.display.touch import Touchscreen
from tallystick.wire.panel import Box, Role, Style
from tallystick.wire.screen import Answer, DiceEntry, PinEntry, WordEntry

_KEYPAD = (("1", "2", "3"), ("4", "5", "6"), ("7", "8", "9"), (BACKSPACE, "0", CONFIRM))
_FACES = (("1", "2", "3"), ("4", "5", "6"), (BACKSPACE, CONFIRM))
_KEYBOARD = (tuple("qwertyuiop"), tuple("asdfghjkl"), (*"zxcvbnm", BACKSPACE))
_ICONS = {BACKSPACE: "left", CONFIRM: "check"}


class EntryScreen(Touchscreen):
    """A touch screen with keys: each key taken makes the page anew."""

    def __init__(self, *, keys: Keys, page: Callable[[], TouchPage]) -> None:
        super().__init__(page=lambda _: page())
        self._keys = keys

    def _type(self, key: str) -> Answer | None:
        self._page = None
        return self._keys.take(key)


def pin_view(scene: PinEntry, layout: Layout) -> EntryScreen:
    """Return dots above a keypad; keys that mean nothing now are not there."""
    return _keypad_view(scene.title, PinKeys(scene), _KEYPAD, layout)


def dice_view(scene: DiceEntry, layout: Layout) -> EntryScreen:
    """Return the number of throws above the faces of a die."""
    return _keypad_view(scene.title, DiceKeys(scene), _FACES, layout)


def _keypad_view(title: str, keys: Keys, rows: Sequence[Sequence[str]], layout: Layout) -> EntryScreen:
    def page() -> TouchPage:
        sheet = _headed(title, keys, layout)
        top = sheet.row(5).y
        _draw_keys(sheet, rows, keys=keys, area=Area(layout.margin, top, layout.text_width, layout.height - top - 8))
        return sheet.page()

    return EntryScreen(keys=keys, page=page)


def word_view(scene: WordEntry, layout: Layout) -> EntryScreen:
    """Return the letters so far, words to choose from once they are few, and the keyboard."""
    keys = WordKeys(scene)

    def page() -> TouchPage:
        sheet = _headed(scene.title, keys, layout)
        _draw_words(sheet, keys.words)
        top = sheet.row(layout.rows - 4).y
        _draw_keys(sheet, _KEYBOARD, keys=keys, area=Area(4, top, layout.width - 8, layout.height - top - 8))
        return sheet.page()

    return EntryScreen(keys=keys, page=page)


def _headed(title: str, keys: Keys, layout: Layout) -> Sheet:
    sheet = Sheet(layout)
    sheet.write(sheet.row(0), clean(title), style=Style.BOLD)
    sheet.write(sheet.row(2), clean(keys.shown()), style=Style.LARGE)
    return sheet


def _draw_words(sheet: Sheet, words: Sequence[str]) -> None:
    """Draw whole words as buttons, two in a row."""
    for number, word in enumerate(words):
        row, column = divmod(number, 2)
        place = sheet.row(4 + row * 2)
        width = place.w // 2 - 4
        area = Area(place.x + column * (place.w - width), place.y, width, place.h * 2 - 8)
        sheet.button(area, word, Key(word), role=Role.KEY)


def _draw_keys(sheet: Sheet, rows: Sequence[Sequence[str]], *, keys: Keys, area: Area) -> None:
    """Draw rows of keys over `area`; those that may not be taken now are drawn without a box and lead nowhere."""
    active = frozenset(keys.possible())
    height, width = area.h // len(rows), area.w // max(map(len, rows))
    for number, row in enumerate(rows):
        left = area.x + (area.w - len(row) * width) // 2
        for column, key in enumerate(row):
            place = Area(left + column * width, area.y + number * height, width - 2, height - 4)
            if key in active:
                sheet.add(Box(x=place.x, y=place.y, w=place.w, h=place.h, radius=4))
                sheet.target(place, Key(key), role=Role.KEY, label=key)
            if key in _ICONS:
                sheet.icon(place, _ICONS[key])
            else:
                sheet.write(place, key)
