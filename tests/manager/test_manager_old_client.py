"""Old clients at the manager: what they send that others do not, and what they cannot take (wire-protocol H).

One is written in a language that knows each member's type beforehand: a null or a number where it wants a text is the end of it.
"""

from __future__ import annotations

import json

import pytest
from tests.manager.manager_device import NANOSP, Commit, ScriptedDevice

WANTED = ("versionName", "version", "perso", "deleteKey", "firmware", "firmwareKey", "hash")
FLOWS = ("genuine", "apps/list", "install")


def strict(text):
    """Read a message as that client does; return it."""
    message = json.loads(text)
    assert type(message["nonce"]) is int
    assert message["nonce"] >= 0
    assert type(message["uuid"]) is str
    assert type(message["session"]) is str
    data = message.get("data")
    assert data is None or type(data) is str or all(type(one) is str and len(one) >= 10 for one in data)
    return message


def talk(socket, device):
    """Hold a conversation as that client does: a bulk is run whatever its answers are, and answered by empty data."""
    seen = []
    while True:
        message = strict(socket.receive_text())
        seen.append(message)
        if message["query"] not in {"exchange", "bulk"}:
            return seen
        commands = message["data"] if message["query"] == "bulk" else [message["data"]]
        answers = [device.exchange(bytes.fromhex(one))[0].hex() for one in commands]
        data = "" if message["query"] == "bulk" else answers[0]
        socket.send_text(json.dumps({"nonce": message["nonce"], "response": "success", "data": data}))


def post(client, path, **asked):
    """Ask by POST with a JSON body and the client's version in the query, as they did."""
    answer = client.post(f"/api/{path}?livecommonversion=34.0.0", json=asked)
    assert answer.status_code == 200
    return answer.json()


@pytest.fixture
def device(keyring):
    """Return a device of the manager's issuer."""
    return ScriptedDevice(keyring)


@pytest.fixture
def app(client):
    """Return the app as the catalogue describes it."""
    query = {"provider": 1, "target_id": NANOSP, "firmware_version_name": "1.1.1"}
    (found,) = client.get("/api/v2/apps/by-target", params=query).json()
    return found


def test_the_way_to_a_firmware_is_one_of_posts(client):
    """Device, firmware and latest firmware follow from each other by numbers in JSON bodies; `perso` is a text."""
    found = post(client, "get_device_version", target_id=NANOSP, provider=1)
    final = post(client, "get_firmware_version", device_version=found["id"], version_name="1.1.1", provider=1)
    assert type(final["perso"]) is str
    asked = {"current_se_firmware_final_version": final["id"], "device_version": found["id"], "provider": 1}
    latest = post(client, "get_latest_firmware", **asked)
    assert latest["result"] == "success"
    osu = latest["se_firmware_osu_version"]
    assert [type(osu[name]) for name in ("perso", "firmware", "firmware_key")] == [str] * 3
    post(client, "get_apps", **asked)


def test_no_member_of_an_app_is_null(app):
    """Each text that the strictest client reads of an app is one, and its number is a number."""
    assert {type(app[name]) for name in WANTED} == {str}
    assert type(app["versionId"]) is int


def test_apps_by_hash_are_objects_or_null(client, app):
    """The list of hashes in a body is answered in its order, with null for what nobody knows."""
    found = client.post("/api/v2/apps/hash", json=["00" * 32, app["hash"]]).json()
    assert [one and one["versionName"] for one in found] == [None, app["versionName"]]


@pytest.mark.parametrize("flow", FLOWS)
def test_the_nonce_of_every_message_grows_and_the_last_has_one(client, device, app, flow):
    """Every message has nonce, uuid and session, the last and an error, too; all of one conversation share uuid and session."""
    names = {"firmware": app["firmware"], "firmwareKey": app["firmwareKey"], "deleteKey": app["deleteKey"]}
    query = "&".join(f"{name}={value}" for name, value in ({} if flow != "install" else names).items())
    with client.websocket_connect(f"/update/{flow}?targetId={NANOSP}&perso=perso_11&{query}") as socket:
        seen = talk(socket, device)
    assert [one["nonce"] for one in seen] == list(range(1, len(seen) + 1))
    assert len({(one["uuid"], one["session"]) for one in seen}) == 1
    assert seen[-1]["query"] == "success"


def test_an_error_is_a_message_like_any_other(client):
    """What is not offered is one strict message whose text ends in a status word."""
    with client.websocket_connect(
        f"/update/install?targetId={NANOSP}&firmware=nothing&firmwareKey=nothing_key"
    ) as socket:
        (only,) = talk(socket, None)
    assert only["query"] == "error"
    assert only["data"][-4:] == "6a82"


def test_the_bulk_is_last_and_its_reply_is_not_needed(client, device, app):
    """Behind the bulk comes nothing but success; a client that closed the socket has what it needs to install."""
    path = f"/update/install?targetId={NANOSP}&firmware={app['firmware']}&firmwareKey={app['firmwareKey']}&hash={app['hash']}"
    with client.websocket_connect(path) as socket:
        while (message := strict(socket.receive_text()))["query"] == "exchange":
            data = device.exchange(bytes.fromhex(message["data"]))[0].hex()
            socket.send_text(json.dumps({"nonce": message["nonce"], "response": "success", "data": data}))
    assert message["query"] == "bulk"
    assert all(message["data"])  # an empty text in a bulk breaks one client
    assert {device.exchange(bytes.fromhex(one))[1] for one in message["data"]} == {0x9000}
    assert len(device.of_kind(Commit)) == 1


@pytest.mark.parametrize("response", ["unsupported", "I/O", "parse error"])
def test_words_of_one_old_client_end_the_flow(client, response):
    """An answer that the manager never asked for, in the old client's own words, is an error and not a hang; data may be absent."""
    with client.websocket_connect(f"/update/genuine?targetId={NANOSP}") as socket:
        first = strict(socket.receive_text())
        socket.send_text(json.dumps({"nonce": first["nonce"], "response": response}))
        assert strict(socket.receive_text())["query"] == "error"
