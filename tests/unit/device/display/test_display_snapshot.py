"""Typical scenes on all models, page by page, against texts kept beside this file.

To write them anew after a wanted change: TALLYSTICK_UPDATE_SNAPSHOTS=1 pytest tests/unit/device/display
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from display_hand import pages, type_keys
from mnemonic import Mnemonic

from tallystick.device.os.display import view_for
from tallystick.wire.model import MODELS
from tallystick.wire.panel import Action, Box, Code, Drawing, Element, Icon, Text
from tallystick.wire.screen import (
    Choice,
    DiceEntry,
    Entry,
    Item,
    Menu,
    Notice,
    PinEntry,
    Progress,
    Review,
    ReviewKind,
    Tone,
    WordEntry,
    WordList,
)

_FOLDER = Path(__file__).parent / "snapshots"
_ADDRESS = "cosmos1r5v5srda7xfth3hn2s26txvrcrntldjumt8mhl"
_WORDS = tuple(Mnemonic("english").wordlist)

_SEND = (
    Item("Chain ID", ("cosmoshub-4",)),
    Item("Type", ("Send",)),
    Item("Amount", ("1.000000 ATOM", "0.5 OSMO")),
    Item("From", (_ADDRESS,)),
    Item("Memo", ("a memo that is long enough to take more than one page on a small screen, certainly",)),
    Item("Fee", ("0.005000 ATOM",)),
)

_SCENES = {
    "transaction": (Review(items=_SEND), ""),
    "address": (
        Review(
            kind=ReviewKind.ADDRESS,
            items=(Item("Address", (_ADDRESS,)), Item("Path", ("44'/118'/0'/0/0",))),
            intro=("Verify", "address"),
        ),
        "",
    ),
    "menu": (
        Menu(
            title="Cosmos",
            icon="cosmos",
            entries=(Entry("is ready"), Entry("Expert mode:", "disabled"), Entry("Version", "2.35.0"), Entry("Quit")),
        ),
        "",
    ),
    "choice": (Choice(lines=("Allow", "Manager to list your apps?"), options=("Allow", "Refuse"), icon="lock"), ""),
    "notice": (Notice(lines=("Expert mode", "required"), tone=Tone.WARNING), ""),
    "progress": (Progress(text="Installing Cosmos", percent=40), ""),
    "pin": (PinEntry(title="Enter PIN"), "1234"),
    "dice": (DiceEntry(title="Throw a die", minimum=3, maximum=4), "162"),
    "words": (WordList(title="Recovery words", words=_WORDS[:24]), ""),
    "word": (WordEntry(title="Word #1", candidates=_WORDS), "ab"),
}


def _element(element: Element) -> str:
    box = f"{element.x:>4},{element.y:<4}{element.w:>4}x{element.h:<4}"
    match element:
        case Text():
            return f"{box} {element.style.value:<8}{element.align.value:<7} |{element.text}|"
        case Icon():
            return f"{box} icon {element.name}"
        case Box():
            return f"{box} box filled {element.filled}"
        case Code():
            return f"{box} code |{element.text}|"
    raise AssertionError(element)


def _action(action: Action) -> str:
    where = action.button.name if action.button else f"{action.x},{action.y}"
    hold = f" for {action.hold_s} s" if action.hold_s else ""
    return f"  -> {action.role.value} {action.label!r} {where}{hold}"


def _page(drawing: Drawing) -> str:
    return "\n".join([*map(_element, drawing.elements), *map(_action, drawing.actions)])


def _picture(name: str) -> str:
    parts = []
    for title, (scene, typed) in _SCENES.items():
        view = view_for(scene, MODELS[name])
        type_keys(view, list(typed))
        shown = [view.draw()] if typed else list(pages(view))
        parts += [f"== {title} {number}/{len(shown)}\n{_page(page)}\n" for number, page in enumerate(shown, 1)]
    return "\n".join(parts)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_typical_scenes_look_as_kept(name):
    """Every element and action of the typical scenes is where it was when somebody last looked."""
    kept = _FOLDER / f"{name}.txt"
    picture = _picture(name)
    if os.environ.get("TALLYSTICK_UPDATE_SNAPSHOTS") == "1":
        kept.write_text(picture, encoding="utf-8")
    assert kept.read_text(encoding="utf-8") == picture
