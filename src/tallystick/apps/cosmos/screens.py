"""Scenes of the app: what the person sees, in the words of cosmos-app 2 and 4."""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.wire.path import Bip32Path
from tallystick.wire.screen import Entry, Item, Menu, Notice, Review, ReviewKind, Tone

EXPERT_ENTRY = 1


def transaction(items: Sequence[Item]) -> Review:
    """Return the review of a transaction."""
    return Review(items=tuple(items), kind=ReviewKind.TRANSACTION)


def address(text: str, path: Bip32Path, *, with_path: bool) -> Review:
    """Return the review of the address `text`, with its path if asked for (expert mode, or a chain of the Ethereum kind)."""
    items = [Item("Address", (text,))]
    if with_path:
        items.append(Item("Path", (str(path),)))
    return Review(items=tuple(items), kind=ReviewKind.ADDRESS)


def expert_required() -> Notice:
    """Return what is shown when coin 60' is to sign without expert mode."""
    return Notice(lines=("Expert Mode", "Required"), button="Ok", tone=Tone.WARNING)


def menu(*, version: str, expert: bool, start: int = 0) -> Menu:
    """Return the idle menu, `start` being the entry shown first."""
    entries = (
        Entry("Cosmos", "ready"),
        Entry("Expert mode:", "enabled" if expert else "disabled"),
        Entry("Version:", f"v{version}"),
        Entry("Developed by:", "tallystick"),
        Entry("License:", "MIT"),
        Entry("Quit"),
    )
    return Menu(title="Cosmos", entries=entries, icon="cosmos", start=start)
