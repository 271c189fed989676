"""The walk through a document: which values become items, and under which key (cosmos-app 4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .json_token import Document, Node, NodeKind
from .title import MULTI_SEND, is_known_type

TYPE_KEY = b"msgs/type"

#: members of the root that are shown, in the order they are shown, with the levels of objects that are opened
_LEVELS = (
    (b"chain_id", 2),
    (b"account_number", 2),
    (b"sequence", 2),
    (b"msgs", 2),
    (b"memo", 2),
    (b"fee", 1),
    (b"tip", 1),
)
SHOWN_MEMBERS = tuple(name for name, _ in _LEVELS)
#: steps into objects and arrays together
_DEPTH = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A value that is shown, and the names on the way to it, joined by slashes."""

    key: bytes
    node: Node


class _Walk:
    """One member's walk; a multi-send opens one level more from its type on, until the next type there is a word for."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._extra = 0

    def visit(self, leaf: Leaf, *, level: int, depth: int) -> Iterator[Leaf]:
        """Yield the leaves below `leaf`; `level` counts objects still to open, `depth` steps still to take."""
        node = leaf.node
        if node.is_plain or level + self._extra <= 0 or depth <= 0:
            self._note_type(leaf)
            yield leaf
        elif node.kind is NodeKind.OBJECT:
            for name, value in node.members:
                below = Leaf(key=leaf.key + b"/" + name, node=value)
                yield from self.visit(below, level=level - 1, depth=depth - 1)
        else:
            for element in node.elements:
                yield from self.visit(Leaf(key=leaf.key, node=element), level=level, depth=depth - 1)

    def _note_type(self, leaf: Leaf) -> None:
        if leaf.key == TYPE_KEY:
            raw = self._document.raw(leaf.node)
            if is_known_type(raw):
                self._extra = int(raw == MULTI_SEND)


def leaves(document: Document, name: bytes) -> Iterator[Leaf]:
    """Yield what is shown of the root member `name` (one of `SHOWN_MEMBERS`), in the order of the text.

    Nothing when the member is missing. An empty object or array gives nothing, unless it stands where the walk ends.
    """
    node = document.root.member(name)
    if node is not None:
        level = next(level for member, level in _LEVELS if member == name)
        yield from _Walk(document).visit(Leaf(key=name, node=node), level=level, depth=_DEPTH)
