"""What a manager and its clients say to each other: messages and replies."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.manager_message import (
    MAX_REPLY,
    Bulk,
    ClientReply,
    Error,
    Exchange,
    Response,
    Success,
    decode_server_message,
)
from tallystick.wire.manager_message import Warning as Notice

HEAD = {"nonce": 7, "uuid": "u1", "session": "s1"}
#: as wire-protocol H.5 has them
SAMPLES = (
    (
        Exchange(uuid="u1", session="s1", nonce=1, apdu=bytes.fromhex("e00400000433000004")),
        '{"uuid":"u1","session":"s1","query":"exchange","nonce":1,"data":"e00400000433000004"}',
    ),
    (
        Bulk(uuid="u1", session="s1", nonce=8, apdus=(bytes.fromhex("e000000000"), bytes.fromhex("e000000001aa"))),
        '{"uuid":"u1","session":"s1","query":"bulk","nonce":8,"data":["e000000000","e000000001aa"]}',
    ),
    (
        Success(uuid="u1", session="s1", nonce=8, data="0000"),
        '{"uuid":"u1","session":"s1","query":"success","nonce":8,"data":"0000"}',
    ),
    (
        Success(uuid="u1", session="s1", nonce=12, result=[{"name": "Bitcoin"}]),
        '{"uuid":"u1","session":"s1","query":"success","nonce":12,"data":"","result":[{"name":"Bitcoin"}]}',
    ),
    (
        Error(uuid="u1", session="s1", nonce=4, text="Invalid status 6985"),
        '{"uuid":"u1","session":"s1","query":"error","nonce":4,"data":"Invalid status 6985"}',
    ),
    (
        Notice(uuid="u1", session="s1", nonce=4, text="text"),
        '{"uuid":"u1","session":"s1","query":"warning","nonce":4,"data":"text"}',
    ),
)


@pytest.mark.parametrize(("message", "text"), SAMPLES)
def test_a_message_has_the_text_of_the_reference(message, text):
    """Every message is written as the reference's transcripts have it, and read back as what it was."""
    assert message.to_json() == text
    assert decode_server_message(text) == message


@given(st.binary(min_size=5, max_size=300), st.integers(0, 1 << 53))
def test_every_apdu_goes_through(apdu, nonce):
    """An exchange carries any APDU there and back."""
    message = Exchange(nonce=nonce, apdu=apdu)
    assert decode_server_message(message.to_json()) == message


@given(st.binary(max_size=300), st.sampled_from(Response), st.integers(0, 1 << 53))
def test_every_reply_goes_through(data, response, nonce):
    """A reply carries any answer there and back."""
    reply = ClientReply(nonce=nonce, response=response, data=data)
    assert ClientReply.from_json(reply.to_json()) == reply


@pytest.mark.parametrize("data", ["", None])
def test_a_reply_without_data_is_empty(data):
    """Data that is empty, null or not there is an empty answer."""
    assert ClientReply.from_json(json.dumps({"nonce": 1, "response": "success", "data": data})).data == b""
    assert ClientReply.from_json('{"nonce":1,"response":"success"}').data == b""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"nonce":1}',
        '{"nonce":-1,"response":"success"}',
        '{"nonce":1.5,"response":"success"}',
        '{"nonce":"1","response":"success"}',
        '{"nonce":true,"response":"success"}',
        '{"nonce":1,"response":null}',
        '{"nonce":1,"response":"fine"}',
        '{"nonce":1,"response":"success","data":7}',
        '{"nonce":1,"response":"success","data":"0"}',
        '{"nonce":1,"response":"success","data":"0g"}',
        '{"nonce":1,"response":"success","data":"' + "00" * MAX_REPLY + '"}',
        "[" * 4000,
    ],
)
def test_what_is_no_reply_is_refused(text):
    """Anything but a reply is an error of the peer, whatever it is."""
    with pytest.raises(RemoteProtocolError):
        ClientReply.from_json(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"nonce":1}',
        '{"query":"exchange","data":"e004000000"}',
        '{"query":"exchange","nonce":1,"data":"e0"}',
        '{"query":"exchange","nonce":1,"data":["e004000000"]}',
        '{"query":"exchange","nonce":1,"data":"xx04000000"}',
        '{"query":"bulk","nonce":1,"data":[]}',
        '{"query":"bulk","nonce":1,"data":"e004000000"}',
        '{"query":"bulk","nonce":1,"data":["e0"]}',
        '{"query":"other","nonce":1}',
    ],
)
def test_what_is_no_message_is_refused(text):
    """Anything but a message of the protocol is an error of the peer."""
    with pytest.raises(RemoteProtocolError):
        decode_server_message(text)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    """No text makes the readers fail in another way."""
    for read in (decode_server_message, ClientReply.from_json):
        with pytest.raises(RemoteProtocolError):
            read(text)


def test_an_empty_bulk_is_not_sent():
    """A bulk of nothing, or with less than an APDU in it, is a fault of ours: strict clients fail on it."""
    for apdus in ((), (b"",), (b"\xe0\x00\x00\x00",)):
        with pytest.raises(LocalProtocolError):
            Bulk(nonce=1, apdus=apdus).to_json()


def test_empty_texts_in_a_bulk_mean_nothing():
    """A host leaves out the empty texts that stand in some bulks."""
    message = decode_server_message('{"query":"bulk","nonce":1,"data":["","e004000000"]}')
    assert message.apdus == (bytes.fromhex("e004000000"),)
