"""Amino documents: which are accepted, and what is shown of them."""

import json

import pytest
from cosmos_stage import fault_of, load, refused
from hypothesis import given
from hypothesis import strategies as st

from tallystick.apps.cosmos import amino, summary
from tallystick.apps.cosmos.chain import ChainKind, digest
from tallystick.apps.cosmos.fault import Fault
from tallystick.apps.cosmos.title import title_of, value_of

VECTORS = load("cosmos_app_reviews.json")
REVIEWS = VECTORS["reviews"]
WORKED = REVIEWS[0]["document"].encode()
FAULTS = load("cosmos_app_faults.json")["amino"]


def shown(payload: bytes, *, expert: bool, own: str = VECTORS["own_address"]) -> list[list[str]]:
    """Return title and values of every item."""
    document = amino.read(payload, token_limit=768)
    return [[item.title, *item.values] for item in summary.items(document, expert=expert, own_address=own)]


def transaction(**changes: object) -> bytes:
    """Return a small document on the hub with the members in `changes` replaced, or left out when None."""
    base: dict[str, object] = {
        "account_number": "1",
        "chain_id": "cosmoshub-4",
        "fee": {"amount": [], "gas": "1"},
        "memo": "",
        "msgs": [],
        "sequence": "2",
    }
    members = {name: value for name, value in (base | changes).items() if value is not ...}
    return json.dumps(members, separators=(",", ":"), sort_keys=True).encode()


@pytest.mark.parametrize("review", REVIEWS, ids=lambda review: review["name"])
def test_short_review(review):
    """Without expert mode the items are those the reference asks for."""
    assert shown(review["document"].encode(), expert=False) == review["short"]


@pytest.mark.parametrize("review", REVIEWS, ids=lambda review: review["name"])
def test_expert_review(review):
    """In expert mode the items are those the reference asks for."""
    assert shown(review["document"].encode(), expert=True) == review["expert"]


def test_digest_of_the_worked_document():
    """The digest is SHA-256 over the payload as it came (375 bytes in the reference)."""
    assert len(WORKED) == 375
    assert digest(ChainKind.COSMOS, WORKED).hex() == VECTORS["digest"]


@pytest.mark.parametrize(("name", "payload", "text"), FAULTS, ids=[row[0] for row in FAULTS])
def test_fault(name, payload, text):
    """Each fault of the table has its text before 6984."""
    raw = payload.replace("TX", WORKED.decode()).encode("latin-1")
    assert refused(lambda: shown(raw, expert=False)) == (0x6984, text)


@pytest.mark.parametrize(
    ("missing", "text"),
    [
        (("chain_id", "sequence", "fee", "msgs", "account_number", "memo"), "JSON Missing chain_id"),
        (("sequence", "fee", "msgs", "account_number", "memo"), "JSON Missing sequence"),
        (("fee", "msgs", "account_number", "memo"), "JSON Missing fee"),
        (("msgs", "account_number", "memo"), "JSON Missing msgs"),
        (("account_number", "memo"), "JSON Missing account number"),
        (("memo",), "JSON Missing memo"),
    ],
)
def test_missing_members_are_looked_for_in_order(missing, text):
    """With several members missing the first in the documented order is named."""
    payload = transaction(**dict.fromkeys(missing, ...))
    assert refused(lambda: shown(payload, expert=False)) == (0x6984, text)


def test_a_key_of_255_bytes_is_the_longest():
    """A longer key counts as out of order."""
    assert shown(transaction(**{"z" * 255: 1}), expert=True)
    assert refused(lambda: shown(transaction(**{"z" * 256: 1}), expert=True))[1] == Fault.NOT_SORTED.value


def test_a_key_twice_is_told_before_keys_out_of_order():
    """Of both faults in one document, the key twice is named, wherever the two stand."""
    payload = b'{"b":{"d":1,"c":2},"c":{"a":1,"a":2}}'
    assert refused(lambda: amino.read(payload, token_limit=768))[1] == "Unexpected duplicated field"


@pytest.mark.parametrize(("amount", "text"), [
    ("1", "0.000001 ATOM"),
    ("4000", "0.004000 ATOM"),
    ("1500000", "1.500000 ATOM"),
    ("1234567890123", "1234567.890123 ATOM"),
    ("0", "0.000000 ATOM"),
    ("1000000", "1.000000 ATOM"),
    ("9" * 49, "9" * 43 + "." + "9" * 6 + " ATOM"),
    (5, "0.000005 ATOM"),
])  # fmt: skip
def test_atom_has_six_decimals(amount, text):
    """In short, uatom is shown as ATOM with six decimals, never trimmed, without marks."""
    payload = transaction(fee={"amount": [{"amount": amount, "denom": "uatom"}]})
    assert shown(payload, expert=False) == [["Fee", text]]


@pytest.mark.parametrize("denom", ["uatom2", "Uatom", "atom", "ibc/27394FB0", "x" * 128])
def test_other_denoms_are_shown_as_they_are(denom):
    """Only uatom has a word; everything else keeps amount and denom."""
    payload = transaction(fee={"amount": [{"amount": "1500000", "denom": denom}]})
    assert shown(payload, expert=False) == [["Fee", f"1500000 {denom}"]]


@pytest.mark.parametrize(("amount", "denom"), [("1" * 50, "x"), ("1", "x" * 129)])
def test_coins_have_longest_amount_and_denom(amount, denom):
    """An amount of 50 or a denom of 129 characters is too long."""
    payload = transaction(fee={"amount": [{"amount": amount, "denom": denom}]})
    assert refused(lambda: shown(payload, expert=False)) == (0x6984, "Unrecognized error code")


def test_coins_in_another_order_are_refused_before_they_are_formatted():
    """A denom before its amount cannot be: the keys are out of order."""
    payload = transaction().replace(b'"amount":[]', b'"amount":[{"denom":"x","amount":"1"}]')
    assert refused(lambda: shown(payload, expert=False))[1] == "JSON Dictionaries are not sorted"


def test_a_bare_string_where_coins_are_due_is_shown():
    """Some messages have a plain amount: its text is shown, never `Empty`."""
    payload = transaction(msgs=[{"type": "stride/MsgLiquidStake", "value": {"amount": "1000"}}])
    assert ["Amount", "1000"] in shown(payload, expert=False)


def test_255_items_are_the_most():
    """A review of 255 items passes, one of 256 does not; the fault of an amount is told first."""
    messages = ["x"] * 254
    assert len(shown(transaction(msgs=messages), expert=False)) == 255
    too_many = transaction(msgs=[*messages, "x"])
    assert refused(lambda: shown(too_many, expert=False)) == (0x6984, "Unrecognized error code")
    both = transaction(msgs=[*messages, "x"], fee={"amount": [{}]})
    assert refused(lambda: shown(both, expert=False)) == (0x6984, "Unexpected field")


def test_chain_is_judged_before_amounts():
    """A document with both faults is refused for its chain."""
    payload = transaction(chain_id="1", fee={"amount": [{}]})
    assert refused(lambda: shown(payload, expert=False))[1] == "Unexpected chain"


@pytest.mark.parametrize("chain", ["cosmoshub-3", "cosmoshub-4 ", "Cosmoshub-4", "", {"a": "cosmoshub-4"}])
def test_only_the_hub_is_short(chain):
    """Whatever is not exactly the string cosmoshub-4 is shown in full."""
    assert shown(transaction(chain_id=chain), expert=False)[-1] == ["Gas", "1"]


def test_walk_stops_at_six_steps():
    """Below six steps a structure is shown as its text, however many arrays stand around it."""
    payload = transaction(chain_id="x", msgs=[[[[[[{"a": {"b": 1}}]]]]]])
    assert ["msgs", '{"a":{"b":1}}'] in shown(payload, expert=False)


def test_objects_below_the_level_are_shown_as_their_text():
    """The third object down is not opened."""
    payload = transaction(chain_id="x", msgs=[{"a": {"b": {"c": {"d": "e"}}}}], fee={"a": {"b": "c"}})
    items = shown(payload, expert=False)
    assert ["msgs/a/b", '{"c":{"d":"e"}}'] in items
    assert ["fee/a", '{"b":"c"}'] in items


def test_a_memo_that_is_an_object_is_opened():
    """No member can hide behind an empty first one."""
    items = shown(transaction(memo={"a": "", "b": {"c": "d"}}), expert=False)
    assert items[:2] == [["memo/a", ""], ["memo/b/c", "d"]]


def test_grouping_compares_what_was_signed_not_what_is_shown():
    """A type that is called like a word of ours is another type."""
    messages = [{"type": "cosmos-sdk/MsgSend"}, {"type": "Send"}]
    assert shown(transaction(msgs=messages), expert=False)[:2] == [["Type", "Send"], ["Type", "Send"]]


def test_without_an_own_address_no_delegator_is_hidden():
    """An empty delegator is not taken for a signer whose address is not known."""
    payload = transaction(msgs=[{"value": {"delegator_address": ""}}])
    assert shown(payload, expert=False, own="")[0] == ["Delegator", ""]


def test_unprintable_bytes_are_spelled_out():
    """What a screen cannot show is shown as escapes that JSON does not have, so nothing can pass for it."""
    payload = transaction(memo="MEMO").replace(b"MEMO", "é\n\\u00e9".encode())
    assert ["Memo", "\\xC3\\xA9\\x0A\\u00e9"] in shown(payload, expert=False)


@pytest.mark.parametrize("review", REVIEWS, ids=lambda review: review["name"])
@pytest.mark.parametrize("width", [*range(17, 65), 39])
def test_pages_of_every_width_hold_the_whole_text(review, width):
    """Put together, the pages of an item are its values, none longer than the width, numbered to the last."""
    document = amino.read(review["document"].encode(), token_limit=768)
    items = summary.items(document, expert=True, own_address="")
    pages = [page for item in items for page in item.pages(width)]
    assert all(len(text) <= width for _, text in pages)
    assert "".join(text for _, text in pages) == "".join(value for item in items for value in item.values)
    first = items[0].pages(4)
    assert [title for title, _ in first] == [f"Chain ID [{n}/{len(first)}]" for n in range(1, len(first) + 1)]


NAMES = st.text(max_size=8)
MEMBERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(MEMBERS, max_size=4), MEMBERS, st.booleans())
def test_every_item_is_a_piece_of_the_payload(messages, memo, expert):
    """What is shown of a valid document stands in it, byte for byte, but for words and coins."""
    payload = transaction(msgs=messages, memo=memo)
    fault = fault_of(lambda: amino.read(payload, token_limit=768))
    # Python sorts by code points, the app by the bytes of the escapes
    assert fault in {None, Fault.NOT_SORTED}
    if fault:
        return
    document = amino.read(payload, token_limit=768)
    for item in summary.items(document, expert=expert, own_address=""):
        if item.title not in {"Fee", "Amount"}:
            assert item.values[0].encode() in payload


@given(st.binary(max_size=400) | st.text('{}[],:"chain_idfeemsgs01').map(str.encode))
def test_any_bytes_are_shown_or_refused(payload):
    """Noise never gets anything out but items or a documented refusal."""
    fault_of(lambda: shown(payload, expert=True))


def test_words_for_keys_and_types():
    """Every row of the two tables of words, as the reference prints them."""
    rows = load("cosmos_app_words.json")
    assert {key: title_of(key.encode()) for key in rows["titles"]} == rows["titles"]
    assert {name: value_of(f"cosmos-sdk/{name}".encode()) for name in rows["types"]} == rows["types"]
    assert value_of(b"cosmos-sdk/MsgSend2") == "cosmos-sdk/MsgSend2"
    assert value_of(b"MsgSend") == "MsgSend"
