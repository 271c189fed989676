"""A manager over HTTP as the host asks it, against scripted answers; addresses; what a manager's words mean."""

from __future__ import annotations

import json

import httpx
import pytest

from tallystick.errors import RemoteProtocolError, TrustError, UsageError
from tallystick.host import manager_client
from tallystick.host.actions.relay import said
from tallystick.host.manager_address import ManagerAddress, ManagerError, ManagerTimeout, NotOffered
from tallystick.host.manager_client import ManagerClient

ADDRESS = ManagerAddress(http="http://127.0.0.1:1/api", ws="ws://127.0.0.1:1/update")
DEVICE = {"id": 7, "name": "nanosp", "providers": [1], "something": "new"}


@pytest.fixture
def pauses():
    """Return a list of the seconds that were waited."""
    return []


def _client(answer, pauses):
    http = httpx.Client(transport=httpx.MockTransport(answer))
    return ManagerClient(ADDRESS, http=http, pause=pauses.append)


@pytest.mark.parametrize(
    ("url", "http", "ws"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/api", "ws://127.0.0.1:8000/update"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/api", "ws://127.0.0.1:8000/update"),
        ("https://example.org/api", "https://example.org/api", "wss://example.org/update"),
        ("https://example.org/a/api/", "https://example.org/a/api", "wss://example.org/a/update"),
        ("http://[::1]:9/own", "http://[::1]:9/own", "ws://[::1]:9/own"),
    ],
)
def test_one_url_gives_both_bases(url, http, ws):
    """Without a path, with that of the API, and with any other."""
    assert ManagerAddress.parse(url) == ManagerAddress(http=http, ws=ws)


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8000", "ws://x", "http://", "http://x:y", "http://u:p@x", "http://x?a=b", "http://x#f"]
)
def test_what_is_no_url_of_a_manager_is_refused(url):
    """A name and a password in it, too: they would end up in logs."""
    with pytest.raises(UsageError, match="is not the URL of a manager"):
        ManagerAddress.parse(url)


def test_questions_are_gets_with_the_names_of_the_protocol(pauses):
    """The names are those of wire-protocol H.1, and members that nobody knows are ignored."""
    asked = []

    def answer(request):
        asked.append((request.method, request.url.path, dict(request.url.params)))
        return httpx.Response(200, json=DEVICE)

    assert _client(answer, pauses).device_version(0x33100004, provider=1).id == 7
    query = {"target_id": "856686596", "provider": "1", "livecommonversion": "34.0.0"}
    assert asked == [("GET", "/api/get_device_version", query)]


@pytest.mark.parametrize("fault", [httpx.ConnectError("no"), httpx.ReadTimeout("slow"), 502, 503])
def test_a_question_is_asked_again(fault, pauses):
    """Two faults of the way are waited out, the third answer counts."""
    faults = [fault, fault]

    def answer(request):
        if not faults:
            return httpx.Response(200, json=DEVICE)
        one = faults.pop()
        if isinstance(one, Exception):
            raise one
        return httpx.Response(one)

    assert _client(answer, pauses).device_version(1, provider=1).id == 7
    assert len(pauses) == 2


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (httpx.ConnectError("refused"), ManagerError, "no manager listens"),
        (httpx.ReadError("cut"), ManagerError, "cannot be reached: cut"),
        (httpx.ConnectTimeout("slow"), ManagerTimeout, "does not answer in time"),
    ],
)
def test_a_manager_that_cannot_be_reached(fault, kind, words, pauses):
    """After three tries the cause is told, with a remedy."""

    def answer(_request):
        raise fault

    with pytest.raises(kind, match=words) as failed:
        _client(answer, pauses).final_firmware(1)
    assert failed.value.remedy


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (httpx.Response(404, json={"message": "there is no such device"}), NotOffered, "there is no such device"),
        (httpx.Response(404, text="gone"), NotOffered, "Not Found"),
        (httpx.Response(400, json={"message": "\x1b[2J"}), ManagerError, "HTTP 400: Bad Request"),
        (httpx.Response(500, text="x"), ManagerError, "HTTP 500"),
        (httpx.Response(200, text="<html>"), RemoteProtocolError, "not JSON"),
        (httpx.Response(200, text="[" * 100_000), RemoteProtocolError, "not JSON"),
        (httpx.Response(200, json=[]), RemoteProtocolError, "DeviceVersion"),
        (httpx.Response(200, json={"id": "7"}), RemoteProtocolError, "DeviceVersion.id"),
    ],
)
def test_answers_that_are_none(answer, kind, words, pauses):
    """Each is one error with the manager's own words where they can be printed, and nothing is asked again."""
    with pytest.raises(kind, match=words):
        _client(lambda _request: answer, pauses).device_version(1, provider=1)
    assert pauses == []


def test_an_endless_answer_is_not_read_to_its_end(pauses, monkeypatch):
    """Reading stops at the limit."""
    monkeypatch.setattr(manager_client, "MAX_ANSWER_BYTES", 1000)
    with pytest.raises(RemoteProtocolError, match="longer than 1000"):
        _client(lambda _request: httpx.Response(200, content=iter([b"x" * 600] * 5)), pauses).final_firmware(1)


@pytest.mark.parametrize(
    "document",
    [{"result": "null", "se_firmware_osu_version": {}}, {"result": "error"}, {"se_firmware_osu_version": {}}],
)
def test_anything_but_success_is_no_update(document, pauses):
    """As the strictest client has it (wire-protocol H.1)."""
    client = _client(lambda _request: httpx.Response(200, text=json.dumps(document)), pauses)
    assert client.latest_firmware(1, 2, provider=1, salt="0") is None


@pytest.mark.parametrize("document", [{}, None, "x"])
def test_a_list_that_is_none_is_refused(document, pauses):
    """A manager that answers something else is not taken for one that has nothing."""
    with pytest.raises(RemoteProtocolError, match="not a list"):
        _client(lambda _request: httpx.Response(200, text=json.dumps(document)), pauses).apps(1, "1.0.0", provider=1)


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("the device is not genuine: 6300", TrustError, "does not trust this device: the device is not genuine"),
        ("nothing is called x: 6a82", NotOffered, "nothing is called x"),
        ("Invalid status 6985", ManagerError, "ended it: Invalid status"),
        ("no words \x1b[2J", ManagerError, "ended it: no words"),
        ("", ManagerError, "it gave no reason"),
        ("cafe", ManagerError, "it gave no reason"),
    ],
)
def test_a_managers_words(text, kind, words):
    """The last four characters are a status word where they can be; the rest is told, printable."""
    error = said(text)
    assert type(error) is kind
    assert words in error.message
    assert error.message.isprintable()
    assert error.remedy
