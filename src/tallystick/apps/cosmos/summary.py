"""What a person is shown of an amino document: the items, full or short (cosmos-app 4)."""

from __future__ import annotations

from tallystick.wire.screen import Item

from .amount import AMOUNT_KEYS, format_amount
from .fault import Fault, refusal
from .json_token import Document, NodeKind
from .title import title_of, value_of
from .walk import SHOWN_MEMBERS, TYPE_KEY, Leaf, leaves

#: more items than this cannot be counted by the app this one matches
ITEM_LIMIT = 255
#: the chain whose transactions are shown in short
HUB = b"cosmoshub-4"

_DELEGATOR_KEY = b"msgs/value/delegator_address"
_ONLY_FULL = frozenset({b"chain_id", b"account_number", b"sequence"})


def is_full(document: Document, *, expert: bool) -> bool:
    """Tell whether everything is shown: in expert mode, and for every chain but the hub."""
    chain = document.root.member(b"chain_id")
    is_hub = chain is not None and chain.kind is NodeKind.STRING and document.raw(chain) == HUB
    return expert or not is_hub


def items(document: Document, *, expert: bool, own_address: str) -> tuple[Item, ...]:
    """Return the items to review, at most 255, in the order they are shown.

    `own_address` is the signer's: in short a delegator that is the signer is not worth a page. Raises Reject (6984 with
    text) for an amount that is none, for more items, and for a fee that would show nothing in short.
    """
    short = not is_full(document, expert=expert)
    shown: list[Leaf] = []
    for name in SHOWN_MEMBERS:
        shown += _member(document, name, short=short, own_address=own_address.encode())
    result = tuple(_item(document, leaf, short=short) for leaf in shown)
    if len(result) > ITEM_LIMIT:
        raise refusal(Fault.UNRECOGNIZED)
    return result


def _member(document: Document, name: bytes, *, short: bool, own_address: bytes) -> list[Leaf]:
    if short and name in _ONLY_FULL:
        return []
    found = list(leaves(document, name))
    match name:
        case b"msgs":
            found = _grouped(document, found, TYPE_KEY)
            return _grouped(document, found, _DELEGATOR_KEY, hidden=own_address) if short else found
        case b"memo" if len(found) == 1 and found[0].node.kind is NodeKind.STRING:
            return found if document.raw(found[0].node) else []
        case b"fee" if short:
            if not found:
                raise refusal(Fault.NO_RESULTS)
            return found[:1]
    return found


def _grouped(document: Document, found: list[Leaf], key: bytes, *, hidden: bytes = b"") -> list[Leaf]:
    """Leave only the first of the leaves with `key` when all have one value, and none when that value is `hidden`."""
    same = [leaf for leaf in found if leaf.key == key]
    values = {document.raw(leaf.node) for leaf in same}
    if len(values) != 1:
        return found
    kept = None if hidden in values and hidden else same[0]
    return [leaf for leaf in found if leaf.key != key or leaf is kept]


def _item(document: Document, leaf: Leaf, *, short: bool) -> Item:
    if leaf.key in AMOUNT_KEYS:
        return Item(title_of(leaf.key), format_amount(document, leaf.node, short=short))
    return Item(title_of(leaf.key), (value_of(document.raw(leaf.node)),))
