"""Scenes of the app: what a person is told before a key moves or stays."""

from __future__ import annotations

from tallystick.app import Entry, Item, Menu, Review, ReviewKind

from .key import Held

#: shown instead of 65 bytes: enough to tell keys apart, and what the host's tool prints, too
FINGERPRINT_BYTES = 8


def fingerprint(public: bytes) -> str:
    """Return the first bytes of a public key's X, in digits."""
    return public[1 : 1 + FINGERPRINT_BYTES].hex()


def export(public: bytes) -> Review:
    """Ask whether the key may leave this device, for good."""
    items = (
        Item("Key", (fingerprint(public),)),
        Item("This device", ("loses it for good",)),
    )
    return Review(items=items, kind=ReviewKind.OTHER, intro=("Send the", "private key"), approve="SEND")


def receive() -> Review:
    """Ask whether a key may come."""
    items = (Item("From", ("a certified peer",)),)
    return Review(items=items, kind=ReviewKind.OTHER, intro=("Receive a", "private key"), approve="RECEIVE")


def first_signature(digest: bytes, public: bytes) -> Review:
    """Ask whether the key may sign for the first time, after which it never moves."""
    items = (
        Item("Hash", (digest.hex(),)),
        Item("Key", (fingerprint(public),)),
        Item("After this", ("it stays here",)),
    )
    return Review(items=items, kind=ReviewKind.MESSAGE, intro=("Break the seal", "and sign"), approve="SIGN")


def state(held: Held | None) -> str:
    """Return what became of the key, in two words; None is a record that cannot be read."""
    if held is None:
        return "damaged"
    if not held.is_available:
        return "none"
    return "can move" if held.is_movable else "stays here"


def menu(state: str, *, version: str) -> Menu:
    """Return the idle menu: what became of the key is its first line."""
    entries = (Entry("Private key:", state), Entry("Version:", f"v{version}"), Entry("Quit"))
    return Menu(title="Transfer", entries=entries)
