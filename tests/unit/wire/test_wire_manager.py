"""What a manager and its clients say to each other: frames, replies, requests, objects."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire import manager as wire
from tallystick.wire.manager import (
    Bulk,
    ClientReply,
    Error,
    Exchange,
    FlowRequest,
    Response,
    Success,
    decode_server_message,
    provider_of,
)

HEAD = {"nonce": 7, "uuid": "u1", "session": "s1"}
OBJECTS = (
    wire.DeviceVersion,
    wire.FinalFirmware,
    wire.OsuFirmware,
    wire.McuVersion,
    wire.AppVersion,
    wire.AppV2,
    wire.Application,
    wire.Category,
)
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
        wire.Warning(uuid="u1", session="s1", nonce=4, text="text"),
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
        '{"nonce":1,"response":"success","data":"' + "00" * wire.MAX_REPLY + '"}',
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


def test_a_request_goes_through_its_query():
    """What a host asks for is read back from the query it makes, under the names of the reference."""
    request = FlowRequest(
        target_id=0x33000004, perso="perso_11", firmware="nanox/2.6.0/upgrade_osu", firmware_key="nanox/2.6.0/upgrade_osu_key"
    )  # fmt: skip
    query = request.to_query()
    assert query == {
        "targetId": "855638020",
        "perso": "perso_11",
        "firmware": "nanox/2.6.0/upgrade_osu",
        "firmwareKey": "nanox/2.6.0/upgrade_osu_key",
    }
    assert FlowRequest.from_query(query | {"livecommonversion": "34.0.0"}) == request


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"targetId": ""},
        {"targetId": "0x33000004"},
        {"targetId": "-1"},
        {"targetId": "4294967296"},
        {"targetId": "٣"},
        {"targetId": "1", "firmware": "x" * 300},
        {"targetId": "1", "hash": "a\nb"},
    ],
)
def test_a_request_out_of_bounds_is_refused(query):
    """A target id that is none, and values that are too long or not printable, are refused."""
    with pytest.raises(RemoteProtocolError):
        FlowRequest.from_query(query)


@pytest.mark.parametrize(
    ("version", "provider"),
    [("1.5.5", 1), ("1.5.5-das", 2), ("1.5-club", 3), ("1.5.5-shitcoins", 4), ("1.5.5-ee", 5), ("1.5.5-ee-osu", 5), ("1.5.5-new", 1), ("", 1)],
)  # fmt: skip
def test_the_suffix_of_a_version_names_its_provider(version, provider):
    """The letters behind the dash choose the provider; unknown ones are the first provider's (wire-protocol H.2)."""
    assert provider_of(version) == provider


VALUES = {"int": 3, "str": "x", "bool": True, "float": 0.5, "Ids": (1, 2), "tuple": (1, 2)}


def filled(kind):
    """Return an object with a value in every member."""
    return kind(**{one.name: VALUES[str(one.type).split(" ")[0].split("[")[0]] for one in dataclasses.fields(kind)})


@pytest.mark.parametrize("kind", OBJECTS)
def test_an_object_goes_through_json(kind):
    """Every object of HTTP is read back from what it is written as."""
    one = filled(kind)
    assert kind.from_json(json.loads(json.dumps(one.to_json()))) == one


@pytest.mark.parametrize("kind", OBJECTS)
def test_a_host_ignores_what_it_does_not_know(kind):
    """Unknown members are ignored, and null stands for a default."""
    document = filled(kind).to_json()
    assert kind.from_json(document | {"brand_new": {"a": []}}) == filled(kind)
    optional = [one for one in dataclasses.fields(kind) if one.default is not dataclasses.MISSING]
    nulls = {one.metadata.get("json", one.name): None for one in optional}
    assert all(getattr(kind.from_json(document | nulls), one.name) == one.default for one in optional)


@pytest.mark.parametrize("kind", OBJECTS)
def test_a_member_of_another_type_is_refused(kind):
    """Each member with another type, and each required member that is missing, refuses the object."""
    document = filled(kind).to_json()
    for name in document:
        with pytest.raises(RemoteProtocolError):
            kind.from_json(document | {name: {"wrong": 1}})
    with pytest.raises(RemoteProtocolError):
        kind.from_json({name: value for name, value in document.items() if name != "id" and name != "versionId"})
    with pytest.raises(RemoteProtocolError):
        kind.from_json([document])


def test_objects_stand_for_their_ids():
    """Where a list of ids holds whole objects, as the vendor's service sends them, the ids inside them count."""
    document = filled(wire.FinalFirmware).to_json() | {"osu_versions": [{"id": 9, "name": "x"}, 4]}
    assert wire.FinalFirmware.from_json(document).osu_versions == (9, 4)


def test_an_app_has_the_names_that_clients_check():
    """The members of an app of the second API are exactly those of the reference."""
    assert set(filled(wire.AppV2).to_json()) == set(
        [
            "versionId",
            "versionName",
            "versionDisplayName",
            "version",
            "currencyId",
            "description",
            "applicationType",
            "dateModified",
            "icon",
            "authorName",
            "supportURL",
            "contactURL",
            "sourceURL",
            "compatibleWallets",
            "hash",
            "perso",
            "firmware",
            "firmwareKey",
            "delete",
            "deleteKey",
            "bytes",
            "warning",
            "isDevTools",
            "category",
            "parent",
            "parentName",
        ]
    )
