"""A strict JSON tokeniser that keeps the raw text (cosmos-app 3).

The payload is what gets signed, byte for byte, so nothing is decoded or re-serialised: a node is a place in the payload.
The faults come in the documented order, which is not the order of their places: a character that cannot stand where it
stands comes before an early end, an early end before a full token table.

Two things differ from RFC 8259 on purpose, as in the official app: control characters other than NUL may stand inside
strings, and so may any byte above 7E.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum, unique

from .fault import Fault, refusal

#: room of the token table by kind of screen (cosmos-app 3)
TOKEN_LIMIT_NANO = 768
TOKEN_LIMIT_TOUCH = 600


@unique
class NodeKind(IntEnum):
    """What a node is."""

    OBJECT = 0
    ARRAY = 1
    STRING = 2
    PRIMITIVE = 3


@dataclass(frozen=True, slots=True)
class Node:
    """One value: its kind and its place in the payload.

    `start` and `end` enclose the brackets of an object or array, but only what is between the quotes of a string.
    """

    kind: NodeKind
    start: int
    end: int
    #: members of an object in the order of the text, names raw as they are escaped
    members: tuple[tuple[bytes, Node], ...] = ()
    elements: tuple[Node, ...] = ()

    @property
    def is_plain(self) -> bool:
        """True for a string or a primitive."""
        return self.kind >= NodeKind.STRING

    def member(self, name: bytes) -> Node | None:
        """Return the member called `name` (raw bytes), or None; an array or a plain value has none."""
        return next((value for key, value in self.members if key == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A payload and its root node; `tokens` counts objects, arrays, keys, strings and primitives."""

    payload: bytes = field(repr=False)
    root: Node
    tokens: int

    def raw(self, node: Node) -> bytes:
        """Return the raw text of `node`: of a string what is between its quotes."""
        return self.payload[node.start : node.end]


@unique
class _Due(IntEnum):
    """What may come next."""

    VALUE = 0
    VALUE_OR_CLOSE = 1
    KEY = 2
    KEY_OR_CLOSE = 3
    COLON = 4
    COMMA_OR_CLOSE = 5
    NOTHING = 6


_BLANK = re.compile(rb"[ \t\r\n]+")
_ESCAPED = rb'[^"\\]*+(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})[^"\\]*+)*+'
_STRING = re.compile(rb'"(' + _ESCAPED + rb')"')
# a string that the end of the payload cuts: every escape in it is whole, but for the last one
_CUT_STRING = re.compile(rb'"' + _ESCAPED + rb"(?:\\(?:u[0-9A-Fa-f]{0,3})?)?\Z")
_WORD = re.compile(rb"[-+.0-9A-Za-z]+")
_PRIMITIVE = re.compile(rb"true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_CUT_NUMBER = re.compile(rb"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)?|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?[eE][-+]?[0-9]*")

_QUOTE, _COLON, _COMMA = b'":,'
_OPEN_OBJECT, _OPEN_ARRAY, _CLOSE_OBJECT, _CLOSE_ARRAY = b"{[}]"
_SEPARATORS, _OPENERS, _CLOSERS = frozenset(b",:"), frozenset(b"{["), frozenset(b"}]")
_BLANKS = frozenset(b" \t\r\n")
_VALUE_DUE = frozenset({_Due.VALUE, _Due.VALUE_OR_CLOSE})
_KEY_DUE = frozenset({_Due.KEY, _Due.KEY_OR_CLOSE})


class _Frame:
    """An object or array that is still open."""

    __slots__ = ("elements", "is_object", "key", "members", "start")

    def __init__(self, *, is_object: bool, start: int) -> None:
        self.is_object = is_object
        self.start = start
        self.key = b""
        self.members: list[tuple[bytes, Node]] = []
        self.elements: list[Node] = []


class _Scanner:
    """One pass over a payload, without recursion: the depth is bounded by its length alone."""

    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self._open: list[_Frame] = []
        self._due = _Due.VALUE
        self.root: Node | None = None
        self.tokens = 0
        self.has_blanks = False

    def run(self) -> None:
        """Scan the whole payload; raise Reject for characters that cannot stand where they stand, then for an early end."""
        payload, at, end = self._payload, 0, len(self._payload)
        while at < end:
            byte = payload[at]
            if byte == _QUOTE:
                at = self._string(at)
            elif byte in _SEPARATORS:
                at = self._separator(at, comma=byte == _COMMA)
            elif byte in _OPENERS:
                at = self._begin(at, is_object=byte == _OPEN_OBJECT)
            elif byte in _CLOSERS:
                at = self._finish(at, is_object=byte == _CLOSE_OBJECT)
            elif byte in _BLANKS:
                self.has_blanks = True
                match = _BLANK.match(payload, at)
                at = match.end() if match else end
            else:
                at = self._word(at)
        if self._open:
            raise refusal(Fault.INCOMPLETE)

    def _begin(self, at: int, *, is_object: bool) -> int:
        if self._due not in _VALUE_DUE:
            raise refusal(Fault.CHARACTERS)
        self.tokens += 1
        self._open.append(_Frame(is_object=is_object, start=at))
        self._due = _Due.KEY_OR_CLOSE if is_object else _Due.VALUE_OR_CLOSE
        return at + 1

    def _finish(self, at: int, *, is_object: bool) -> int:
        empty = _Due.KEY_OR_CLOSE if is_object else _Due.VALUE_OR_CLOSE
        fits = self._due in {_Due.COMMA_OR_CLOSE, empty}
        if not fits or not self._open or self._open[-1].is_object != is_object:
            raise refusal(Fault.CHARACTERS)
        frame = self._open.pop()
        kind = NodeKind.OBJECT if is_object else NodeKind.ARRAY
        self._attach(Node(kind, frame.start, at + 1, tuple(frame.members), tuple(frame.elements)))
        return at + 1

    def _separator(self, at: int, *, comma: bool) -> int:
        if self._due != (_Due.COMMA_OR_CLOSE if comma else _Due.COLON):
            raise refusal(Fault.CHARACTERS)
        self._due = _Due.KEY if comma and self._open[-1].is_object else _Due.VALUE
        return at + 1

    def _string(self, at: int) -> int:
        is_key = self._due in _KEY_DUE
        if not is_key and self._due not in _VALUE_DUE:
            raise refusal(Fault.CHARACTERS)
        match = _STRING.match(self._payload, at)
        if match is None:
            cut = _CUT_STRING.match(self._payload, at) is not None
            raise refusal(Fault.INCOMPLETE if cut else Fault.CHARACTERS)
        self.tokens += 1
        if is_key:
            self._open[-1].key = match[1]
            self._due = _Due.COLON
        else:
            self._attach(Node(NodeKind.STRING, at + 1, match.end() - 1))
        return match.end()

    def _word(self, at: int) -> int:
        match = _WORD.match(self._payload, at)
        if match is None or self._due not in _VALUE_DUE:
            raise refusal(Fault.CHARACTERS)
        if not _PRIMITIVE.fullmatch(match[0]):
            cut = self._open and match.end() == len(self._payload) and _begins_primitive(match[0])
            raise refusal(Fault.INCOMPLETE if cut else Fault.CHARACTERS)
        self.tokens += 1
        self._attach(Node(NodeKind.PRIMITIVE, at, match.end()))
        return match.end()

    def _attach(self, node: Node) -> None:
        if not self._open:
            self.root, self._due = node, _Due.NOTHING
            return
        frame = self._open[-1]
        if frame.is_object:
            frame.members.append((frame.key, node))
        else:
            frame.elements.append(node)
        self._due = _Due.COMMA_OR_CLOSE


def _begins_primitive(word: bytes) -> bool:
    return any(name.startswith(word) for name in (b"true", b"false", b"null")) or bool(_CUT_NUMBER.fullmatch(word))


def tokenise(payload: bytes, *, token_limit: int) -> Document:
    """Read `payload` (1 to 16384 bytes of JSON) into a document of at most `token_limit` tokens.

    Raises Reject (6984 with text) for what cosmos-app 3 lists up to whitespace, in that order.
    """
    if 0 in payload:
        raise refusal(Fault.CHARACTERS)
    scanner = _Scanner(payload)
    scanner.run()
    if scanner.tokens > token_limit:
        raise refusal(Fault.TOO_MANY_TOKENS)
    root = scanner.root
    if root is None:
        raise refusal(Fault.ZERO_TOKENS)
    if root.kind is NodeKind.OBJECT and (root.start, root.end) != (0, len(payload)):
        raise refusal(Fault.CHARACTERS)
    if scanner.has_blanks:
        raise refusal(Fault.WHITESPACE)
    return Document(payload=payload, root=root, tokens=scanner.tokens)
