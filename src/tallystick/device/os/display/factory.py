"""From a scene to its view, for the model at hand.

This is where the size of a scene is checked: apps are not trusted to ask for little. A scene that is too large is
refused whole, never shortened: what a person is asked to agree to must be everything there is.
"""

from __future__ import annotations

from collections.abc import Iterable

from tallystick.device.os.display import nano_scene, touch_entry, touch_review, touch_scene
from tallystick.device.os.display.entry import DiceKeys, PinKeys, WordKeys
from tallystick.device.os.display.layout import Layout, layout_for
from tallystick.device.os.display.nano_entry import EntryCarousel
from tallystick.device.os.display.view import View
from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.model import Model
from tallystick.wire.screen import (
    Choice,
    DiceEntry,
    Menu,
    Notice,
    PinEntry,
    Progress,
    Review,
    Scene,
    WordEntry,
    WordList,
)

#: items of a review, entries of a menu, options of a choice
MAX_ITEMS = 255
#: values of all items of a review together
MAX_VALUES = 4096
#: characters of all texts of a scene together
MAX_CHARACTERS = 65536
#: digits of a PIN
MAX_DIGITS = 16
#: throws of a die
MAX_THROWS = 255


def view_for(scene: Scene, model: Model) -> View:
    """Return a fresh view of `scene` on `model`.

    Raises:
        RemoteProtocolError: the scene has more texts or longer ones than the limits above, or nothing to choose from.
        LocalProtocolError: the OS asked for a PIN of no possible length, or for a word out of none.
        UsageError: no layout fits the screen of this model.

    """
    _check(scene)
    layout = layout_for(model)
    return _touch_view(scene, layout) if layout.touch else _nano_view(scene, layout)


def _nano_view(scene: Scene, layout: Layout) -> View:
    match scene:
        case Review():
            return nano_scene.review_view(scene, layout)
        case Menu():
            return nano_scene.menu_view(scene, layout)
        case Choice():
            return nano_scene.choice_view(scene, layout)
        case Notice():
            return nano_scene.notice_view(scene, layout)
        case Progress():
            return nano_scene.progress_view(scene, layout)
        case WordList():
            return nano_scene.word_list_view(scene, layout)
        case PinEntry():
            return EntryCarousel(title=scene.title, keys=PinKeys(scene), layout=layout)
        case DiceEntry():
            return EntryCarousel(title=scene.title, keys=DiceKeys(scene), layout=layout)
        case WordEntry():
            return EntryCarousel(title=scene.title, keys=WordKeys(scene), layout=layout)


def _touch_view(scene: Scene, layout: Layout) -> View:
    match scene:
        case Review():
            return touch_review.review_view(scene, layout)
        case Menu():
            return touch_scene.menu_view(scene, layout)
        case Choice():
            return touch_scene.choice_view(scene, layout)
        case Notice():
            return touch_scene.notice_view(scene, layout)
        case Progress():
            return touch_scene.progress_view(scene, layout)
        case WordList():
            return touch_scene.word_list_view(scene, layout)
        case PinEntry():
            return touch_entry.pin_view(scene, layout)
        case DiceEntry():
            return touch_entry.dice_view(scene, layout)
        case WordEntry():
            return touch_entry.word_view(scene, layout)


def _check(scene: Scene) -> None:
    match scene:
        case Review(items=items):
            if sum(len(item.values) for item in items) > MAX_VALUES:
                raise RemoteProtocolError("a review of too many values")
            values = (text for item in items for text in (item.title, *item.values))
            _check_size(len(items), (*values, *scene.intro, scene.approve, scene.reject))
        case Menu(entries=entries):
            texts = (text for entry in entries for text in (entry.label, entry.value))
            _check_size(len(entries), (*texts, scene.title, scene.icon))
        case Choice(options=options):
            if not options:
                raise RemoteProtocolError("a choice of nothing")
            _check_size(len(options), (*options, *scene.lines, scene.icon))
        case Notice(lines=lines):
            _check_size(len(lines), (*lines, scene.button))
        case Progress(text=text):
            _check_size(1, (text,))
        case PinEntry(minimum=minimum, maximum=maximum):
            if not 1 <= minimum <= maximum <= MAX_DIGITS:
                raise LocalProtocolError("a PIN of impossible length")
        case DiceEntry(minimum=minimum, maximum=maximum):
            if not 1 <= minimum <= maximum <= MAX_THROWS:
                raise LocalProtocolError("an impossible number of throws")
        case WordEntry(candidates=candidates):
            letters = "".join(candidates)
            if min(map(len, candidates), default=0) < 2 or not (
                letters.isascii() and letters.isalpha() and letters.islower()
            ):
                raise LocalProtocolError("words to choose from are two letters or more, of a to z")
        case WordList():
            pass  # from the OS, of a few words


def _check_size(count: int, texts: Iterable[str]) -> None:
    if count > MAX_ITEMS:
        raise RemoteProtocolError("a scene of too many parts")
    if sum(map(len, texts)) > MAX_CHARACTERS:
        raise RemoteProtocolError("a scene of too much text")
