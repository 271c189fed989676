"""Reports for FIDO over TCP: to the app as they are, to every client that listens, and nothing else by that door."""

import struct

import pytest
from normal_stage import TcpStage

from tallystick.device.normal import report as report_module
from tallystick.device.normal.relay import Relay
from tallystick.device.normal.report import ReportEndpoint
from tallystick.wire.world import DeviceReport, HostReport


def numbered(number):
    """Return a report that differs from others."""
    return number.to_bytes(4, "big") + bytes(60)


class Listener:
    """A client of the interface that notes what it is told."""

    def __init__(self):
        self.told = []

    def hear(self, report):
        """Note a report."""
        self.told.append(report)

    def close(self):
        """Note it."""
        self.told.append("close")


@pytest.fixture
async def stage():
    """Return a device that listens for reports, and what reached its Secure World."""
    made = TcpStage(endpoint=ReportEndpoint)
    made.heard = []
    made.board.system.supervisor.report = made.heard.append
    await made.endpoint.open()
    yield made
    await made.close()


def test_reports_go_over_and_wait_for_nothing():
    """Each is one message to the Secure World, whether or not an APDU is in hand."""
    messages = []
    relay = Relay(messages.append)
    for number in range(3):
        relay.report(numbered(number))
    assert messages == [HostReport(numbered(number)) for number in range(3)]


def test_everyone_who_listens_hears_every_report():
    """Two listeners hear the same; one that has gone hears no more; a pulled plug closes those that are left."""
    relay = Relay(lambda _message: None)
    first, second = Listener(), Listener()
    relay.listen(first)
    relay.listen(second)
    relay.send(DeviceReport(numbered(1)))
    relay.ignore(second)
    relay.ignore(second)
    relay.send(DeviceReport(numbered(2)))
    relay.unplug()
    relay.send(DeviceReport(numbered(3)))
    assert (first.told, second.told) == ([numbered(1), numbered(2), "close"], [numbered(1)])


async def test_reports_reach_the_app_in_order(stage):
    """However the stream is cut, whole reports go on, in their order."""
    client = await stage.connect()
    client.send(*(numbered(number) for number in range(300)))
    await stage.until(lambda: len(stage.heard) == 300)
    assert stage.heard == [numbered(number) for number in range(300)]
    frame = struct.pack(">I", 64) + numbered(7)
    for at in range(0, len(frame), 5):
        client.writer.write(frame[at : at + 5])
        await client.writer.drain()
    await stage.until(lambda: len(stage.heard) == 301)
    assert stage.heard[-1] == numbered(7)


async def test_a_locked_device_takes_no_report(stage, monkeypatch):
    """What comes while the PIN is wanted does not reach the app."""
    client = await stage.connect()
    session = type(stage.board.system.session)
    with monkeypatch.context() as patch:
        patch.setattr(session, "is_locked", property(lambda _session: True))
        stage.board.receive(HostReport(numbered(1)))
    client.send(numbered(2))
    await stage.until(lambda: stage.heard)
    assert stage.heard == [numbered(2)]


async def test_every_client_hears_the_device(stage):
    """A report of the device has a length that leaves its last two bytes out, as an answer's does."""
    clients = [await stage.connect() for _ in range(3)]
    await stage.until(lambda: len(stage.board.relay._listeners) == 3)
    stage.board.relay.send(DeviceReport(numbered(5)))
    for client in clients:
        assert await client.receive() == numbered(5)
    clients[0].writer.close()
    await stage.until(lambda: len(stage.board.relay._listeners) == 2)
    stage.board.relay.send(DeviceReport(numbered(6)))
    assert await clients[1].receive() == numbered(6)


@pytest.mark.parametrize("wrong", [b"", b"\xb0\x01\x00\x00\x00", bytes(63), bytes(65), bytes(1000)], ids=len)
async def test_what_is_no_report_ends_the_connection(stage, caplog, wrong):
    """The report before it counts, nothing behind it does, a line says why, and other clients go on."""
    client, other = await stage.connect(), await stage.connect()
    client.send(numbered(1), wrong, numbered(2))
    assert await client.ended() == b""
    other.send(numbered(3))
    await stage.until(lambda: len(stage.heard) == 2)
    assert stage.heard == [numbered(1), numbered(3)]
    assert any("reports of 64" in line for line in caplog.messages)


async def test_client_that_does_not_read_is_not_waited_for(stage):
    """Beyond what is kept for it, reports pass it by, and those who read hear all."""
    deaf, other = await stage.connect(limit=1), await stage.connect()
    await stage.until(lambda: len(stage.board.relay._listeners) == 2)
    clients = list(stage.endpoint._clients)
    one = next(
        one for one in clients if one._transport.get_extra_info("peername") == deaf.writer.get_extra_info("sockname")
    )
    one.pause_writing()
    stage.board.relay.send(DeviceReport(numbered(1)))
    one.resume_writing()
    stage.board.relay.send(DeviceReport(numbered(2)))
    assert [await other.receive() for _ in range(2)] == [numbered(1), numbered(2)]
    assert await deaf.receive() == numbered(2)


async def test_clients_have_a_limit(stage, monkeypatch):
    """One client too many is refused, and the others go on."""
    monkeypatch.setattr(report_module, "_MAX_CLIENTS", 1)
    first = await stage.connect()
    await stage.until(lambda: stage.board.relay._listeners)
    assert await (await stage.connect()).ended() == b""
    first.send(numbered(1))
    await stage.until(lambda: stage.heard)
