"""Transactions as bytes, judged by what gaiad made of the same ones (tests/vectors/cosmos_chain.json tells how)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto import bip32, bip39, secp256k1
from tallystick.crypto.hash import sha256
from tallystick.errors import LocalProtocolError, RemoteProtocolError, UsageError
from tallystick.host.chain import protobuf, schema
from tallystick.host.chain.coin import Coin
from tallystick.host.chain.protobuf import MAX_UINT64, ProtobufReader
from tallystick.host.chain.textual import CoinMetadata, to_textual
from tallystick.host.chain.transaction import Fee, SignedTransaction, Signer, SignMode, Transaction, compact
from tallystick.host.chain.unsigned import read_unsigned, signed_document
from tallystick.wire.path import Bip32Path

VECTORS = json.loads((Path(__file__).parents[3] / "vectors/cosmos_chain.json").read_text())
ADDRESS = "cosmos15yk64u7zc9g9k2yr2wmzeva5qgwxps6yxj00e7"
OTHER = "cosmos1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnrk363e"
#: the account of the vectors
KEY = bip32.derive(bip32.master(bip39.seed("test " * 11 + "junk")), Bip32Path.parse("44'/118'/0'/0/0"))
SIGNER = Signer(
    address=ADDRESS,
    public_key=KEY.public_key(),
    public_key_type="/cosmos.crypto.secp256k1.PubKey",
    account_number=VECTORS["account_number"],
    sequence=VECTORS["sequence"],
)
SEND = schema.message(schema.SEND, from_address=ADDRESS, to_address=OTHER, amount=(Coin(amount=1, denom="uatom"),))
FEE = Fee(amount=(Coin(amount=5000, denom="uatom"),), gas=200_000)


def _metadata(denom):
    found = VECTORS["metadata"].get(denom)
    return (
        None
        if found is None
        else CoinMetadata(display=found["display"], exponents=tuple(map(tuple, found["exponents"])))
    )


def _transaction(case, mode):
    content = read_unsigned(json.dumps(case["file"]).encode())
    return Transaction(
        chain_id=VECTORS["chain_id"], signer=SIGNER, messages=content.messages, fee=content.fee, mode=mode, memo=content.memo,
        timeout_height=content.timeout_height,
    )  # fmt: skip


def _signed(transaction):
    is_amino = transaction.mode is SignMode.AMINO_JSON
    payload = transaction.to_amino() if is_amino else to_textual(transaction, _metadata)
    der = secp256k1.sign_ecdsa_der(KEY.private_key, sha256(payload))
    return SignedTransaction(transaction=transaction, signature=compact(der))


@pytest.mark.parametrize("mode", list(SignMode))
@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_bytes_and_what_is_signed_are_those_of_gaiad(case, mode):
    """The signature is deterministic, so that the same bytes in the end mean the same document, or the same screens, before it."""
    assert _signed(_transaction(case, mode)).to_bytes().hex() == case[mode.name.lower()]


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_signed_file_reads_back(case):
    """What is written for `gaiad tx broadcast` has the messages, fee, memo and height of what was read."""
    signed = _signed(_transaction(case, SignMode.AMINO_JSON))
    again = read_unsigned(json.dumps(signed_document(signed)).encode())
    one = signed.transaction
    assert (again.messages, again.fee, again.memo, again.timeout_height) == (
        one.messages, one.fee, one.memo, one.timeout_height,
    )  # fmt: skip


def _plain(**changes):
    one = Transaction(chain_id="local-1", signer=SIGNER, messages=(SEND,), fee=FEE, mode=SignMode.TEXTUAL)
    return replace(one, **changes)


@pytest.mark.parametrize(
    ("exponents", "shown"),
    [
        ((("uatom", 0), ("atom", 6)), "0.000001 atom"),
        ((("uatom", 6), ("atom", 0)), "1'000'000 atom"),
        ((("uatom", 0),), "1 uatom"),
        ((), "1 uatom"),
    ],
)
def test_coin_is_shown_by_what_the_chain_says(exponents, shown):
    """In the unit of display, where both units have an exponent, and as it is otherwise."""
    payload = to_textual(_plain(), lambda _denom: CoinMetadata(display="atom", exponents=exponents))
    assert b"\x02" + bytes((0x60 + len(shown),)) + shown.encode() in payload


@pytest.mark.parametrize("display", ["a,tom", "atom"])
def test_coin_that_cannot_be_shown_is_refused(display):
    """A comma would look like two coins, and more than 18 decimals are more than the chain's numbers have."""
    metadata = CoinMetadata(display=display, exponents=(("uatom", 0), (display, 6 if "," in display else 19)))
    with pytest.raises(UsageError):
        to_textual(_plain(), lambda _denom: metadata)


def test_long_text_and_many_screens_are_canonical():
    """Lengths from 24 and from 256 on take one and two bytes more."""
    payload = to_textual(_plain(memo="m" * 256, messages=(SEND,) * 64), lambda _denom: None)
    assert b"\x01dMemo\x02\x79\x01\x00mmm" in payload
    assert payload[:2] == b"\xa1\x01"
    # 64 messages of four screens, their beginning and end, five about chain and signer, four at the end
    assert payload[2:5] == b"\x99" + (64 * 4 + 2 + 5 + 4).to_bytes(2, "big")


@pytest.mark.parametrize(
    "changes",
    [
        {"messages": ()},
        {"messages": (SEND,) * 65},
        {"memo": "é" * 129},
        {"messages": (replace(SEND, values={**SEND.values, "from_address": OTHER}),)},
        {"fee": replace(FEE, payer=OTHER)},
    ],
)
def test_what_no_chain_takes_is_refused(changes):
    """No message, too many, a long memo, messages and fees of others."""
    with pytest.raises(UsageError):
        _plain(**changes)


def test_message_needs_all_members_and_no_others():
    """A missing member is an error, not an empty one."""
    with pytest.raises(UsageError, match="amount, from_address, to_address"):
        schema.message(schema.SEND, from_address=ADDRESS)


def test_coins_are_brought_into_order():
    """Chains want them by name, each once."""
    coins = (Coin(amount=1, denom="uatom"), Coin(amount=2, denom="stake"))
    found = schema.message(schema.SEND, from_address=ADDRESS, to_address=OTHER, amount=coins)
    assert [one.denom for one in found.spent] == ["stake", "uatom"]
    with pytest.raises(UsageError, match="twice"):
        schema.message(schema.SEND, from_address=ADDRESS, to_address=OTHER, amount=coins * 2)


@given(
    st.integers(1, secp256k1.ORDER - 1).map(lambda number: number.to_bytes(32, "big")),
    st.binary(min_size=32, max_size=32),
)
def test_compact_signature_has_the_numbers_of_the_der_one(private, digest):
    """Whatever their lengths in DER, r and s have 32 bytes each."""
    der = secp256k1.sign_ecdsa_der(private, digest)
    found = compact(der)
    r_length = der[3]
    assert len(found) == 64
    assert int.from_bytes(found[:32], "big") == int.from_bytes(der[4 : 4 + r_length], "big")
    assert int.from_bytes(found[32:], "big") == int.from_bytes(der[6 + r_length :], "big")


def test_cut_signature_is_refused():
    """At every length, and with a byte too many."""
    der = secp256k1.sign_ecdsa_der(KEY.private_key, bytes(32))
    for bad in (*(der[:length] for length in range(len(der))), der + b"\x00"):
        with pytest.raises(UsageError):
            compact(bad)


@given(st.integers(0, MAX_UINT64), st.integers(1, 1000), st.binary(max_size=300))
def test_fields_read_back(number, field, data):
    """Numbers and bytes by field; defaults are left out and read as such."""
    raw = protobuf.number_field(field, number) + protobuf.bytes_field(field + 1, data)
    reader = ProtobufReader(raw)
    assert (reader.number(field), reader.bytes(field + 1)) == (number, data)
    assert (raw == b"") == (not number and not data)


def test_message_cut_short_is_refused():
    """At every length that is no end of a field."""
    raw = (
        protobuf.message_field(1, b"abcdef")
        + protobuf.varint(2 << 3 | 1)
        + bytes(8)
        + protobuf.varint(3 << 3 | 5)
        + bytes(4)
    )
    ends = {0, 8, 17, len(raw)}
    for length in range(len(raw)):
        if length not in ends:
            with pytest.raises(RemoteProtocolError):
                ProtobufReader(raw[:length])
    assert ProtobufReader(raw).bytes(1) == b"abcdef"


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\x00",
        b"\x0b",
        b"\x08" + b"\xff" * 10,
        b"\x08" + b"\xff" * 9 + b"\x7f",
        b"\x0a\xff\xff\xff\xff\x0f",
        b"\x08\x00" * 1001,
    ],
)
def test_what_is_no_message_is_refused(raw):
    """Field 0, groups, numbers too large, lengths beyond the end, more fields than there are."""
    with pytest.raises(RemoteProtocolError):
        ProtobufReader(raw)


def test_field_of_another_kind_is_refused():
    """A number where bytes are due, bytes where a number is, and a text that is none."""
    reader = ProtobufReader(b"\x08\x01\x12\x01\xff")
    for ask in (lambda: reader.bytes(1), lambda: reader.number(2), lambda: reader.text(2), lambda: reader.messages(1)):
        with pytest.raises(RemoteProtocolError):
            ask()


def test_number_too_large_is_a_fault_of_ours():
    """Nothing that does not fit is ever cut."""
    for number in (-1, MAX_UINT64 + 1):
        with pytest.raises(LocalProtocolError):
            protobuf.varint(number)


def _file(**changes):
    return json.loads(json.dumps(VECTORS["cases"][0]["file"])) | changes


def _body(**changes):
    document = _file()
    document["body"] |= changes
    return document


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "has no body"),
        ({}, "has no body"),
        (_file(auth_info={}), "has no fee"),
        (_file(auth_info={**_file()["auth_info"], "tip": {"amount": []}}), "tips"),
        (_body(messages=None), "no messages"),
        (_body(messages=[1]), "no @type"),
        (_body(messages=[{"@type": "/cosmos.authz.v1beta1.MsgExec"}]), "not supported"),
        (_body(messages=[{**_file()["body"]["messages"][0], "more": 1}]), "no member 'more'"),
        (
            _body(messages=[{**_file()["body"]["messages"][0], "amount": [{"denom": "uatom", "amount": "-1"}]}]),
            "not a number",
        ),
        (
            _body(messages=[{**_file()["body"]["messages"][0], "amount": [{"denom": "\n", "amount": "1"}]}]),
            "not the name of a coin",
        ),
        (_body(unordered=True), "not supported"),
        (_body(extension_options=[{}]), "not supported"),
        (_body(something=0), "not supported"),
        (_body(timeout_height="x"), "not a number"),
    ],
)
def test_file_that_would_not_be_signed_as_it_is_is_refused(document, words):
    """Whatever this does not know would be lost, and the person would not see it."""
    with pytest.raises(UsageError, match=words):
        read_unsigned(json.dumps(document).encode())


@pytest.mark.parametrize(
    "raw", [b"", b"{", b'{"body":{},"body":{}}', b"\xff", b"[" * 60_000, b" " * (64 << 10) + b"{}"]
)
def test_file_that_is_no_json_is_refused(raw):
    """Cut, ambiguous, not UTF-8, nested without end, too long."""
    with pytest.raises(UsageError):
        read_unsigned(raw)


@pytest.mark.parametrize(("word", "wanted"), [("VOTE_OPTION_YES", 1), (3, 3), ("4", 4)])
def test_vote_may_be_a_name_or_a_number(word, wanted):
    """As JSON of protobuf allows."""
    case = next(one for one in VECTORS["cases"] if one["name"] == "vote")
    document = json.loads(json.dumps(case["file"]))
    document["body"]["messages"][0]["option"] = word
    assert read_unsigned(json.dumps(document).encode()).messages[0].values["option"] == wanted


@pytest.mark.parametrize("word", ["MAYBE", 0, 9, None, []])
def test_vote_that_is_none_is_refused(word):
    """Unspecified is none either."""
    case = next(one for one in VECTORS["cases"] if one["name"] == "vote")
    document = json.loads(json.dumps(case["file"]))
    document["body"]["messages"][0]["option"] = word
    with pytest.raises(UsageError):
        read_unsigned(json.dumps(document).encode())
