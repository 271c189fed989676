"""Amino JSON: which documents are accepted (cosmos-app 3).

The tokeniser has judged the characters; here are the rules about members, in the documented order. A document that
passes can be walked (`walk`) and shown (`summary`).
"""

from __future__ import annotations

from collections.abc import Iterator

from .fault import Fault, refusal
from .json_token import Document, Node, NodeKind, tokenise
from .walk import leaves

#: longest key of an object, in bytes as it is escaped
KEY_MAX_BYTES = 255

#: members every document has, in the order they are looked for
_REQUIRED = (
    (b"chain_id", Fault.MISSING_CHAIN_ID),
    (b"sequence", Fault.MISSING_SEQUENCE),
    (b"fee", Fault.MISSING_FEE),
    (b"msgs", Fault.MISSING_MSGS),
    (b"account_number", Fault.MISSING_ACCOUNT_NUMBER),
    (b"memo", Fault.MISSING_MEMO),
)
#: what transactions were bound to before there were chain names
_UNEXPECTED_CHAINS = frozenset({b"0", b"1"})


def read(payload: bytes, *, token_limit: int) -> Document:
    """Return the document in `payload` (up to 16384 bytes), at most `token_limit` tokens.

    Raises Reject (6984 with text) for everything in the table of cosmos-app 3, but for what only shows when amounts are
    formatted and items counted: `summary.items` refuses that.
    """
    if not payload:
        raise refusal(Fault.EMPTY)
    document = tokenise(payload, token_limit=token_limit)
    _check_keys(document)
    for name, fault in _REQUIRED:
        if document.root.member(name) is None:
            raise refusal(fault)
    _check_chain(document)
    return document


def _objects(node: Node) -> Iterator[Node]:
    # a stack, not recursion: how deep a document goes is the client's choice
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if current.kind is NodeKind.OBJECT:
            yield current
            waiting.extend(value for _, value in current.members)
        else:
            waiting.extend(current.elements)


def _check_keys(document: Document) -> None:
    is_sorted = True
    for node in _objects(document.root):
        names = [name for name, _ in node.members]
        if len(set(names)) != len(names):
            raise refusal(Fault.DUPLICATED)
        is_sorted = is_sorted and names == sorted(names) and all(len(name) <= KEY_MAX_BYTES for name in names)
    if not is_sorted:
        raise refusal(Fault.NOT_SORTED)


def _check_chain(document: Document) -> None:
    first = next(leaves(document, b"chain_id"), None)
    if first is None:
        raise refusal(Fault.NO_RESULTS)
    if document.raw(first.node) in _UNEXPECTED_CHAINS:
        raise refusal(Fault.CHAIN)
