"""Coins as text (cosmos-app 4, amounts)."""

from __future__ import annotations

from .escape import escape_raw
from .fault import Fault, refusal
from .json_token import Document, Node, NodeKind

#: keys under which a value is coins
AMOUNT_KEYS = frozenset(
    {
        b"fee/amount",
        b"tip/amount",
        b"msgs/value/amount",
        b"msgs/inputs/coins",
        b"msgs/outputs/coins",
        b"msgs/value/inputs/coins",
        b"msgs/value/outputs/coins",
    }
)
EMPTY = "Empty"

_AMOUNT_MAX_BYTES = 49
_DENOM_MAX_BYTES = 128
_COIN_NAMES = (b"amount", b"denom")
_BASE_DENOM = b"uatom"
_DECIMALS = 6


def format_amount(document: Document, node: Node, *, short: bool) -> tuple[str, ...]:
    """Return the text of each coin in `node`: a list of coins, or one coin; ``Empty`` for a list of none.

    With `short`, ``uatom`` is shown as ATOM with six decimals. A plain value where coins are due is shown as it is
    written. Raises Reject (6984 with text) for any other shape.
    """
    if node.is_plain:
        return (escape_raw(document.raw(node)),)
    if node.kind is NodeKind.OBJECT:
        return (_format_coin(document, node, short=short),)
    return tuple(_format_coin(document, coin, short=short) for coin in node.elements) or (EMPTY,)


def _format_coin(document: Document, node: Node, *, short: bool) -> str:
    if tuple(name for name, _ in node.members) != _COIN_NAMES or not all(value.is_plain for _, value in node.members):
        raise refusal(Fault.FIELD)
    amount, denom = (document.raw(value) for _, value in node.members)
    if not 1 <= len(denom) <= _DENOM_MAX_BYTES or not 1 <= len(amount) <= _AMOUNT_MAX_BYTES:
        raise refusal(Fault.UNRECOGNIZED)
    if short and denom == _BASE_DENOM:
        return _in_atom(amount)
    return f"{escape_raw(amount)} {escape_raw(denom)}"


def _in_atom(amount: bytes) -> str:
    # bytes.isdigit knows ASCII digits only
    if not amount.isdigit():
        raise refusal(Fault.FIELD)
    digits = amount.decode("ascii").lstrip("0").zfill(_DECIMALS + 1)
    return f"{digits[:-_DECIMALS]}.{digits[-_DECIMALS:]} ATOM"
