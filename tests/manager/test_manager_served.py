"""Whole managers as processes, three ways: on SQLite, on PostgreSQL, and two on one PostgreSQL behind a balancer in turns.

Every test runs against all three, so nothing that a flow or a request needs is kept in a process.
"""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from socket import SHUT_RDWR

import httpx
import pytest
from tests.manager.manager_device import NANOSP, ScriptedDevice
from tests.manager.manager_postgres import fresh, postgres, program
from tests.manager.manager_process import PATIENCE_S, balancer, closes, manager, play_remote
from tests.manager.manager_stage import reply_to, stock_shelves
from websockets.exceptions import ConnectionClosed

from tallystick.manager.db.engine import migrate, open_engine, sessions_of, writing
from tallystick.wire.loader import Commit, Create, DeleteApp
from tallystick.wire.manager_app import AppV2
from tallystick.wire.manager_firmware import DeviceVersion
from tallystick.wire.manager_message import ClientReply, Error, Response, Success, decode_server_message

needs_postgres = pytest.mark.skipif(
    program("initdb") is None and not os.environ.get("CI"), reason="no PostgreSQL here: scripts/postgres_setup"
)
DEPLOYMENTS = (
    "sqlite",
    pytest.param("postgresql", marks=needs_postgres),
    pytest.param("two behind a balancer", marks=needs_postgres),
)


def stocked(url, keyring):
    """Make the tables of a database and fill them; return the URL."""
    engine = open_engine(url)
    migrate(engine)
    with writing(sessions_of(engine)) as session:
        stock_shelves(session, keyring)
    engine.dispose()
    return url


@pytest.fixture(scope="module")
def server():
    """Run a PostgreSQL server."""
    with postgres() as url:
        yield url


@pytest.fixture(scope="module", params=DEPLOYMENTS)
def address(request, tmp_path_factory, keys_url, keyring):
    """Return where a manager is."""
    folder = tmp_path_factory.mktemp("served")
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = stocked(f"sqlite:///{folder / 'manager.db'}", keyring)
        else:
            name = request.param.replace(" ", "_")
            url = stocked(fresh(request.getfixturevalue("server"), name), keyring)
        number = 2 if "two" in request.param else 1
        found = [
            stack.enter_context(
                manager(folder / str(index), "--database", url, "--hsm", keys_url, "--catalogue", "none")
            )
            for index in range(number)
        ]
        yield stack.enter_context(balancer(found)) if number == 2 else found[0]


@pytest.fixture
def device(keyring):
    """Return a device of the manager's issuer."""
    return ScriptedDevice(keyring)


@pytest.fixture
def offered(address):
    """Return the app that is offered to a Nano S+ with 1.1.1."""
    query = {"target_id": NANOSP, "provider": 1, "firmware_version_name": "1.1.1"}
    (app,) = httpx.get(f"{address.http}/v2/apps/by-target", params=query, timeout=PATIENCE_S).json()
    return AppV2.from_json(app)


def test_a_device_is_genuine(address, device):
    """The genuine check goes through, several times, whichever process answers."""
    for _ in range(4):
        with address.flow(f"/genuine?targetId={NANOSP}&perso=perso_11") as socket:
            end = play_remote(socket, device)
        assert isinstance(end, Success)
        assert end.data == "0000"


def test_an_app_is_installed_and_removed(address, device, offered):
    """What the catalogue names is sent whole to the device and signed, and removed by its name."""
    query = f"targetId={NANOSP}&perso=perso_11&hash={offered.hash}"
    with address.flow(f"/install?{query}&firmware={offered.firmware}&firmwareKey={offered.firmware_key}") as socket:
        assert isinstance(play_remote(socket, device), Success)
    assert len(device.of_kind(Create)) == len(device.of_kind(Commit)) == 1
    with address.flow(f"/install?{query}&firmware={offered.delete}&firmwareKey={offered.delete_key}") as socket:
        assert isinstance(play_remote(socket, device), Success)
    assert [one.name for one in device.of_kind(DeleteApp)] == ["Demo"]


def test_a_client_that_closes_at_the_bulk_has_all_it_needs(address, device, offered):
    """A client that closes the socket when the bulk comes runs it alone and gets the whole app."""
    query = f"targetId={NANOSP}&firmware={offered.firmware}&firmwareKey={offered.firmware_key}"
    with address.flow(f"/install?{query}") as socket:
        while (message := decode_server_message(text := socket.recv(timeout=PATIENCE_S))).__class__.__name__ != "Bulk":
            socket.send(reply_to(text, device))
    for apdu in message.apdus:
        assert device.exchange(apdu)[1] == 0x9000
    assert len(device.of_kind(Commit)) == 1


def test_requests_are_answered(address):
    """Devices, firmware and apps are found by whoever is asked."""
    for _ in range(4):
        answer = httpx.post(
            f"{address.http}/get_device_version", json={"target_id": NANOSP, "provider": 1}, timeout=PATIENCE_S
        )
        assert DeviceVersion.from_json(answer.json()).target_id == str(NANOSP)


def test_many_devices_at_once(address, keyring):
    """Thirty devices are checked at the same time, and the log counts all of them."""

    def check(_):
        with address.flow(f"/genuine?targetId={NANOSP}") as socket:
            return play_remote(socket, ScriptedDevice(keyring))

    def counted():
        lines = httpx.get(f"{address.http}/metrics", timeout=PATIENCE_S).text.splitlines()
        start = 'tally_manager_flows_total{action="genuine",outcome="success"} '
        return next((int(line.removeprefix(start)) for line in lines if line.startswith(start)), 0)

    before = counted()
    with ThreadPoolExecutor(30) as threads:
        ends = list(threads.map(check, range(30)))
    assert {end.data for end in ends} == {"0000"}
    assert counted() == before + 30


@pytest.mark.parametrize(
    "reply",
    [
        "not json",
        "[]",
        '{"nonce":99,"response":"success","data":""}',
        '{"response":"success","data":""}',
        '{"nonce":true,"response":"success","data":""}',
        '{"nonce":1,"response":"perhaps","data":""}',
        '{"nonce":1,"response":"success","data":"zz"}',
        '{"nonce":1,"response":"success","data":"abc"}',
        '{"nonce":1,"response":"success","data":["00"]}',
        "[" * 2000,
        b"\x00\x01",
    ],
)
def test_a_client_that_breaks_the_protocol_hears_an_error(address, reply):
    """A wrong nonce, a binary frame, anything that is no reply: one error that ends in a status word, then the end."""
    with address.flow(f"/genuine?targetId={NANOSP}") as socket:
        socket.recv(timeout=PATIENCE_S)
        socket.send(reply)
        message = decode_server_message(socket.recv(timeout=PATIENCE_S))
        assert isinstance(message, Error)
        assert message.text.endswith(": 6f00")
        assert closes(socket)


def test_a_giant_frame_ends_the_conversation(address):
    """A message beyond all limits closes the socket as too big; the manager goes on."""
    with address.flow(f"/genuine?targetId={NANOSP}") as socket:
        socket.recv(timeout=PATIENCE_S)
        with suppress(ConnectionClosed):
            socket.send("x" * (1 << 20))
        assert closes(socket)
        assert socket.close_code == 1009
    assert httpx.get(f"{address.http}/health", timeout=PATIENCE_S).status_code == 200


def test_a_replayed_answer_is_refused(address, device):
    """Answers recorded in one conversation are worth nothing in the next: its nonces are new."""
    recorded = []
    with address.flow(f"/genuine?targetId={NANOSP}") as socket:
        while isinstance(reply := reply_to(socket.recv(timeout=PATIENCE_S), device), str):
            recorded.append(reply)
            socket.send(reply)
    with address.flow(f"/genuine?targetId={NANOSP}") as socket:
        for reply in recorded:
            message = decode_server_message(socket.recv(timeout=PATIENCE_S))
            if isinstance(message, Error):
                break
            socket.send(reply)
        assert isinstance(message, Error)


def test_a_client_that_leaves_costs_nobody_anything(address, device):
    """A socket that is closed in the middle, with and without goodbye, leaves a manager that serves the next one."""
    for leave in ("close", "cut"):
        with address.flow(f"/genuine?targetId={NANOSP}") as socket:
            socket.send(reply_to(socket.recv(timeout=PATIENCE_S), device))
            if leave == "cut":
                socket.socket.shutdown(SHUT_RDWR)
    with address.flow(f"/genuine?targetId={NANOSP}") as socket:
        assert play_remote(socket, device).data == "0000"


def test_pings_are_never_sent(address):
    """A client that waits hears nothing at all from the manager: one old client takes a ping for a broken conversation."""
    with address.flow(f"/genuine?targetId={NANOSP}", ping_interval=None) as socket:
        socket.recv(timeout=PATIENCE_S)
        with pytest.raises(TimeoutError):
            socket.recv(timeout=1)
        answer = ClientReply(nonce=1, response=Response.ERROR).to_json()
        socket.send(answer)
        assert isinstance(decode_server_message(socket.recv(timeout=PATIENCE_S)), Error)


def test_a_killed_worker_costs_its_own_flows_only(tmp_path, keys_url, keyring):
    """Of two workers one is killed in the middle of an install: that socket breaks, and the next attempt goes through."""
    url = stocked(f"sqlite:///{tmp_path / 'manager.db'}", keyring)
    with manager(
        tmp_path / "run", "--database", url, "--hsm", keys_url, "--catalogue", "none", "--workers", "2"
    ) as address:
        query = {"target_id": NANOSP, "firmware_version_name": "1.1.1"}
        (app,) = httpx.get(f"{address.http}/v2/apps/by-target", params=query, timeout=PATIENCE_S).json()
        path = f"/install?targetId={NANOSP}&firmware={app['firmware']}&firmwareKey={app['firmwareKey']}"
        device = ScriptedDevice(keyring)
        before = worker_pids(address.pid)
        with address.flow(path) as socket:
            socket.send(reply_to(socket.recv(timeout=PATIENCE_S), device))
            socket.recv(timeout=PATIENCE_S)
            os.kill(holder_of(before, socket.socket.getsockname()[1]), signal.SIGKILL)
            with pytest.raises(ConnectionClosed):
                socket.recv(timeout=PATIENCE_S)
        with address.flow(path) as socket:
            assert isinstance(play_remote(socket, device), Success)
        assert len(device.of_kind(Commit)) == 1
        deadline = time.monotonic() + PATIENCE_S
        while len(worker_pids(address.pid) - before) < 1:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def worker_pids(parent):
    """Return the processes that a manager has for work."""
    return {int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()}


def holder_of(pids, peer_port):
    """Return which process holds the connection whose other end has this port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    (inode,) = (row[9] for row in rows if row[2].endswith(f":{peer_port:04X}") and row[3] == "01")
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            if str(descriptor.readlink()) == f"socket:[{inode}]":
                return pid
    raise AssertionError("nobody holds the connection")
