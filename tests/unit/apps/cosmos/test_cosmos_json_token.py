"""The tokeniser: what it accepts, what it keeps, and where its table ends."""

import json

import pytest
from cosmos_stage import fault_of, refused
from hypothesis import given
from hypothesis import strategies as st

from tallystick.apps.cosmos.fault import Fault
from tallystick.apps.cosmos.json_token import TOKEN_LIMIT_NANO, TOKEN_LIMIT_TOUCH, Document, Node, NodeKind, tokenise

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=30
)


def compact(value: object, *, ascii_only: bool = True) -> bytes:
    """Return JSON as clients write it before they sign: no blanks, keys in order."""
    text = json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=ascii_only)
    return text.encode("utf-8", "surrogatepass")


def rebuild(document: Document, node: Node) -> object:
    """Read the nodes back with the standard library, one plain value at a time."""
    if node.kind is NodeKind.OBJECT:
        return {json.loads(b'"' + name + b'"'): rebuild(document, value) for name, value in node.members}
    if node.kind is NodeKind.ARRAY:
        return [rebuild(document, element) for element in node.elements]
    raw = document.raw(node)
    return json.loads(b'"' + raw + b'"' if node.kind is NodeKind.STRING else raw)


@given(VALUES)
def test_valid_json_is_read_as_the_standard_library_reads_it(value):
    """Any JSON value without blanks is accepted, and its nodes hold what the standard library finds there."""
    payload = compact(value)
    document = tokenise(payload, token_limit=10_000)
    assert rebuild(document, document.root) == json.loads(payload)


@given(VALUES)
def test_raw_text_is_a_piece_of_the_payload(value):
    """The raw text of a node is what stands in the payload, escapes and all."""
    payload = compact(value)
    document = tokenise(payload, token_limit=10_000)
    raw = document.raw(document.root)
    assert raw == (payload[1:-1] if document.root.kind is NodeKind.STRING else payload)


@given(VALUES.filter(lambda value: isinstance(value, dict | list | str)))
def test_every_cut_of_a_document_is_incomplete(value):
    """Whatever is left of a structure or string after a cut is not complete, at each length."""
    payload = compact(value)
    for size in range(1, len(payload)):
        status, text = refused(lambda size=size: tokenise(payload[:size], token_limit=10_000))
        assert (status, text) == (0x6984, Fault.INCOMPLETE.value)


@given(st.binary(max_size=300) | st.text('{}[],:"\\u0a1-.etrufalsn \t\n').map(str.encode))
def test_any_bytes_are_read_or_refused(payload):
    """Noise never gets anything out of the tokeniser but a document or a documented refusal."""
    if fault_of(lambda: tokenise(payload, token_limit=TOKEN_LIMIT_NANO)) is None:
        # what is accepted is JSON for the standard library, too, but for control characters inside strings
        json.loads(payload.decode("utf-8", "replace"), strict=False)


@given(VALUES, st.data())
def test_a_changed_byte_is_never_accepted_as_something_else(value, data):
    """What is accepted after a change still is JSON."""
    payload = bytearray(compact(value))
    at = data.draw(st.integers(0, len(payload) - 1))
    payload[at] = data.draw(st.integers(0, 255))
    if fault_of(lambda: tokenise(bytes(payload), token_limit=10_000)) is None:
        json.loads(payload.decode("utf-8", "replace"), strict=False)


@pytest.mark.parametrize("limit", [TOKEN_LIMIT_NANO, TOKEN_LIMIT_TOUCH])
def test_the_table_holds_its_limit_and_no_more(limit):
    """An array of one element less than the limit fits; one more is too many."""
    fits = compact([1] * (limit - 1))
    assert tokenise(fits, token_limit=limit).tokens == limit
    assert refused(lambda: tokenise(compact([1] * limit), token_limit=limit)) == (0x6984, "JSON. Too many tokens")


def test_keys_count_as_tokens():
    """An object of two members has five tokens: itself, two keys, two values."""
    assert tokenise(b'{"a":1,"b":[]}', token_limit=768).tokens == 5


def test_faults_of_characters_come_before_a_full_table():
    """A bad character and an early end are told first, even behind the last token that fits."""
    many = b"[" + b"1," * 800
    assert refused(lambda: tokenise(many + b"\\", token_limit=768))[1] == "Unexpected characters"
    assert refused(lambda: tokenise(many, token_limit=768))[1] == "JSON string is not complete"
    assert refused(lambda: tokenise(many + b"1] ", token_limit=768))[1] == "JSON. Too many tokens"


def test_depth_is_bounded_by_length_alone():
    """A payload of brackets is refused for its tokens, not for what the interpreter can take."""
    payload = b"[" * 8192 + b"]" * 8192
    assert refused(lambda: tokenise(payload, token_limit=768))[1] == "JSON. Too many tokens"


def test_any_byte_but_nul_may_stand_inside_a_string():
    """Control characters and bytes above 7E are kept as they are inside strings."""
    inside = bytes(byte for byte in range(1, 256) if byte not in b'"\\')
    document = tokenise(b'"' + inside + b'"', token_limit=768)
    assert document.raw(document.root) == inside
