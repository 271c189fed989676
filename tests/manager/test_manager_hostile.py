"""What must not harm a manager: devices that answer anything, a database that is away, clients that dawdle."""

from __future__ import annotations

import socket
import threading
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from tests.manager.manager_device import NANOSP, ScriptedDevice
from tests.manager.manager_stage import play

from tallystick.device.normal.listener import bind
from tallystick.manager.app import build
from tallystick.manager.conversation import Conversation, Outcome
from tallystick.manager.db.engine import open_engine
from tallystick.manager.flow import FlowResult
from tallystick.manager.genuine.channel import ChannelKeys
from tallystick.manager.genuine.endorsement import endorse
from tallystick.manager.genuine.flow import check_genuine, list_apps
from tallystick.manager.service import Service
from tallystick.manager.worker import WorkerServer
from tallystick.wire.manager_flow import FlowRequest
from tallystick.wire.manager_message import ClientReply, Error, Exchange, Response, Success, decode_server_message

ENDORSE = FlowRequest(target_id=NANOSP, endorse="attest_1", endorse_scheme="1")


def keys_of(keyring):
    """Return who a manager with these keys is to devices."""
    return ChannelKeys(signer=keyring.signer, certificate=keyring.signer_certificate, issuer=keyring.issuer.public_key)


FLOWS = {
    "genuine": lambda keyring: check_genuine(keys_of(keyring), NANOSP),
    "list": lambda keyring: list_apps(keys_of(keyring), NANOSP),
    "endorse": lambda keyring: endorse(keys_of(keyring), keyring.signer, ENDORSE),
}


def talk_with(flow, device):
    """Play a device into a flow without a socket; return the last message and how it ended."""
    talk = Conversation(flow, uuid="u", session="s")
    text = talk.start()
    while not talk.ended:
        message = decode_server_message(text)
        assert isinstance(message, Exchange)
        data, _ = device.exchange(message.apdu)
        text = talk.receive(ClientReply(nonce=message.nonce, response=Response.SUCCESS, data=data).to_json())
    return decode_server_message(text), talk.outcome


@pytest.mark.parametrize("name", FLOWS)
@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_device_that_answers_anything_ends_in_an_error(keyring, name, data):
    """A device that is honest up to some step and then answers any bytes at all never passes, and breaks nothing."""
    honest = ScriptedDevice(keyring)
    steps = data.draw(st.integers(0, 6))
    lies = []

    def exchange(apdu):
        nonlocal steps
        steps -= 1
        good, status = honest.exchange(apdu)
        # an answer that says nothing may be answered with anything
        if steps >= 0 or not good:
            return good, status
        said = data.draw(st.one_of(st.binary(max_size=255), st.just(good[:-1]), st.just(good + b"\x00")))
        lies.extend([said] if said != good else [])
        return said, status

    end, outcome = talk_with(FLOWS[name](keyring), SimpleNamespace(exchange=exchange))
    assert isinstance(end, Error if lies else Success)
    assert outcome is (Outcome.FAILED if lies else Outcome.SUCCESS)


@pytest.mark.parametrize("name", FLOWS)
@pytest.mark.parametrize("step", range(9))
def test_one_changed_bit_is_found(keyring, name, step):
    """One bit that is changed in any answer that says something ends the flow: nothing of the handshake is unsigned."""
    device = ScriptedDevice(keyring)
    seen = 0

    def exchange(apdu):
        nonlocal seen
        data, status = device.exchange(apdu)
        seen += 1
        if seen == step + 1 and len(data) > 8:
            data = data[:-3] + bytes((data[-3] ^ 1,)) + data[-2:]
            changed.append(seen)
        return data, status

    changed = []
    end, _ = talk_with(FLOWS[name](keyring), SimpleNamespace(exchange=exchange))
    assert isinstance(end, Error) if changed else isinstance(end, Success)


def test_a_flow_that_ended_stays_ended():
    """After its end a conversation is not woken by anything, and the first reason stays."""

    def flow():
        yield from ()
        return FlowResult(data="0000")

    talk = Conversation(flow(), uuid="u", session="s")
    assert isinstance(decode_server_message(talk.start()), Success)
    talk.leave()
    assert talk.outcome is Outcome.SUCCESS


def test_a_database_that_is_away_is_503_and_an_error(client, service):
    """While the database does not answer, requests get 503 and flows an error, with what to do; the process lives on."""
    broken = open_engine(str(service.engine.url))
    with broken.begin() as connection:
        connection.execute(text("ALTER TABLE device RENAME TO elsewhere"))
        connection.execute(text("ALTER TABLE app_offer RENAME TO nowhere"))
    answer = client.get("/get_device_version", params={"target_id": NANOSP})
    assert answer.status_code == 503
    assert answer.json()["error"] == "no_database"
    with client.websocket_connect(f"/install?targetId={NANOSP}&firmware=x") as flow:
        assert "database" in play(flow, None).text
    with broken.begin() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO device"))
        connection.execute(text("ALTER TABLE nowhere RENAME TO app_offer"))
    broken.dispose()
    assert client.get("/get_device_version", params={"target_id": NANOSP}).status_code == 200


def test_a_body_that_never_comes_is_let_go(settings_with):
    """A client that announces a body and does not send it hears 408."""
    chosen = settings_with(body_s=0.05)
    listener = bind(0)
    server = WorkerServer(build(Service.open(chosen)), chosen)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        with socket.create_connection(listener.getsockname(), timeout=120) as line:
            line.sendall(b"POST /api/v2/apps/hash HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n[")
            assert line.recv(4096).startswith(b"HTTP/1.1 408")
    finally:
        server.should_exit = True
        thread.join()
