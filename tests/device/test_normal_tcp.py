"""The TCP endpoint under stress: many clients, slow ones, mad ones and dying ones, each with its own answers or none."""

import asyncio
import random
import socket
import struct

import pytest
from normal_stage import NAME, OPEN_APP, PATIENCE_S, TcpStage

from tallystick.device.normal import tcp
from tallystick.device.normal.listener import bind
from tallystick.errors import DeviceBusy

REVIEW = bytes.fromhex("80010000")
LONG = bytes.fromhex("80020000")


def numbered(client, number):
    """Return a request, and with it the answer, that no other client sends."""
    return struct.pack(">BBHHI", 0x80, 0, 0, client, number)


@pytest.fixture
async def stage():
    """Return a device that listens, with the app open that answers with what it is sent."""
    made = TcpStage()
    await made.endpoint.open()
    yield made
    await made.close()


async def test_pipelined_requests_are_answered_in_order(stage):
    """A thousand requests in one write, a thousand answers in their order."""
    client = await stage.connect()
    client.send(*(numbered(0, number) for number in range(1000)))
    for number in range(1000):
        assert await client.receive() == numbered(0, number) + b"\x90\x00"


async def test_each_client_gets_its_own_answers(stage):
    """Fifty clients pipeline at once: nobody sees another's answer, and nobody's order is broken."""
    clients = [await stage.connect() for _ in range(50)]
    for index, client in enumerate(clients):
        client.send(*(numbered(index, number) for number in range(40)))
    for index, client in enumerate(clients):
        for number in range(40):
            assert await client.receive() == numbered(index, number) + b"\x90\x00"


async def test_a_burst_holds_up_nobody(stage):
    """While thousands of requests of one client wait, one request of another is answered among the first."""
    flooder, other = await stage.connect(), await stage.connect()
    assert await other.exchange(NAME)
    served = []
    submit = stage.board.relay.submit
    stage.board.relay.submit = lambda channel, apdu: (served.append(apdu), submit(channel, apdu))
    flooder.send(*(numbered(1, number) for number in range(20_000)))
    await stage.until(lambda: served)
    other.send(b"\x80\x00other")
    await stage.until(lambda: b"\x80\x00other" in served)
    assert served.index(b"\x80\x00other") < 1000
    assert await other.receive() == b"\x80\x00other\x90\x00"
    for number in range(20_000):
        assert await flooder.receive() == numbered(1, number) + b"\x90\x00"


async def test_half_a_frame_holds_up_nobody(stage):
    """Clients that stop in the middle of a length or of an APDU wait alone, and are served once they go on."""
    frame = struct.pack(">I", len(NAME)) + NAME
    halves = [(await stage.connect(), size) for size in range(1, len(frame))]
    for client, size in halves:
        client.writer.write(frame[:size])
    other = await stage.connect()
    for number in range(20):
        assert await other.exchange(numbered(9, number)) == numbered(9, number) + b"\x90\x00"
    for client, size in halves:
        client.writer.write(frame[size:])
    for client, _ in halves:
        assert (await client.receive()).endswith(b"\x90\x00")


async def test_a_frame_byte_by_byte_is_a_frame(stage):
    """Where the network cuts has no meaning."""
    client = await stage.connect()
    for byte in struct.pack(">I", len(NAME)) + NAME:
        client.writer.write(bytes((byte,)))
        await client.writer.drain()
        await asyncio.sleep(0)
    assert (await client.receive()).endswith(b"\x90\x00")


@pytest.mark.parametrize("length", [0x0001_0010, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF])
async def test_an_impossible_length_disconnects_its_sender_alone(stage, length):
    """What came before is answered, then the connection ends; the others do not notice."""
    client, other = await stage.connect(), await stage.connect()
    client.writer.write(struct.pack(">I", len(NAME)) + NAME + struct.pack(">I", length) + b"x" * 100)
    answer = await client.ended()
    assert answer[4:] == await other.exchange(NAME)


async def test_an_impossible_length_after_a_burst_lets_the_burst_finish(stage):
    """Requests in front of the broken frame are whole requests: each has its answer before the connection ends."""
    client = await stage.connect()
    client.send(*(numbered(0, number) for number in range(100)))
    client.writer.write(b"\xff" * 4)
    answers = await client.ended()
    assert answers == b"".join(b"\0\0\0\x0a" + numbered(0, number) + b"\x90\x00" for number in range(100))


@pytest.mark.parametrize("seed", range(8))
async def test_64_kib_of_noise_does_no_harm(stage, seed):
    """Whatever noise means as frames, the device lives and the next client finds it working."""
    client = await stage.connect()
    client.writer.write(random.Random(seed).randbytes(65_536))
    client.writer.write_eof()
    await client.ended()
    other = await stage.connect()
    assert await other.exchange(numbered(1, 2)) == numbered(1, 2) + b"\x90\x00"


async def test_empty_and_short_apdus_are_answered(stage):
    """An APDU too short to be one has an answer too: silence would leave its sender waiting for ever."""
    client = await stage.connect()
    for size in range(5):
        assert len(await client.exchange(bytes.fromhex("b000000000")[:size])) >= 2
    assert (await client.exchange(NAME)).endswith(b"\x90\x00")


async def test_a_client_that_dies_in_a_request_harms_nobody(stage):
    """A reset connection in the middle of a frame leaves nothing behind."""
    client, other = await stage.connect(), await stage.connect()
    client.writer.write(struct.pack(">I", len(NAME)) + NAME[:3])
    await client.writer.drain()
    client.writer.transport.abort()
    assert (await other.exchange(NAME)).endswith(b"\x90\x00")


@pytest.mark.parametrize("clean", [True, False])
async def test_a_client_that_dies_in_a_review_frees_the_device(stage, clean):
    """The screen returns, its queued requests vanish, and the next client is served."""
    first, second = await stage.connect(), await stage.connect()
    first.send(REVIEW, numbered(1, 1), numbered(1, 2))
    await stage.until(lambda: stage.board.frame.scene == "review")
    second.send(numbered(2, 1))
    if clean:
        first.writer.close()
    else:
        first.writer.transport.abort()
    assert await second.receive() == numbered(2, 1) + b"\x90\x00"
    assert stage.board.frame.scene == "menu"


async def test_a_client_that_dies_in_a_consent_of_the_os_frees_the_device():
    """The same on the dashboard: the question goes when the one who asked goes."""
    stage = TcpStage(open_app="")
    await stage.endpoint.open()
    try:
        first, second = await stage.connect(), await stage.connect()
        menu = stage.board.frame.drawing
        first.send(OPEN_APP)
        await stage.until(lambda: stage.board.frame.drawing != menu)
        first.writer.transport.abort()
        await stage.until(lambda: stage.board.frame.drawing == menu)
        assert (await second.exchange(NAME)).startswith(b"\x01\x05BOLOS")
    finally:
        await stage.close()


async def test_requests_behind_a_review_wait_within_bounds(stage):
    """While the person thinks, a client that floods is not read on for ever; nobody else is, either, kept from waiting."""
    reviewer, flooder = await stage.connect(), await stage.connect()
    reviewer.send(REVIEW)
    await stage.until(lambda: stage.board.frame.scene == "review")
    burst = b"".join(struct.pack(">I", 10) + numbered(1, number) for number in range(200_000))
    flooder.writer.write(burst)
    kernel = socket_room(flooder)
    await settled(stage, flooder)
    assert len(burst) - flooder.writer.transport.get_write_buffer_size() < 1_000_000 + kernel
    reviewer.writer.transport.abort()
    for number in range(1000):
        assert await flooder.receive() == numbered(1, number) + b"\x90\x00"
    flooder.writer.transport.abort()


def socket_room(client):
    """Return how much the kernel may hold between the two ends, generously."""
    return 4 * client.writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) + (6 << 20)


async def settled(stage, client):
    """Let the loop turn until nothing more is taken from the client's buffer."""
    still, before = 0, -1
    while still < 200:
        await asyncio.sleep(0)
        size = client.writer.transport.get_write_buffer_size()
        still, before = (still + 1, before) if size == before else (0, size)
    assert (await (await stage.connect()).reader.read(0)) == b""


async def test_a_client_that_never_reads_is_not_served_for_ever(stage):
    """Answers nobody takes are kept up to a limit; the others are served meanwhile."""
    deaf, other = await stage.connect(limit=1), await stage.connect()
    deaf.writer.transport.pause_reading()
    deaf.send(*[LONG] * 1000)  # 60 MB of answers
    served = []
    submit = stage.board.relay.submit
    stage.board.relay.submit = lambda channel, apdu: (served.append(apdu), submit(channel, apdu))
    for number in range(2000):
        assert await other.exchange(numbered(1, number)) == numbered(1, number) + b"\x90\x00"
    assert served.count(LONG) < 1000
    deaf.writer.transport.resume_reading()
    for _ in range(1000):
        assert len(await deaf.receive()) == 60_006


async def test_300_clients_at_once(stage):
    """256 are served, each with its own answers; the others are turned away, and there is room again when some leave."""
    clients = [await stage.connect() for _ in range(300)]
    for index, client in enumerate(clients):
        client.send(numbered(index, 1))
    served = []
    for index, client in enumerate(clients):
        try:
            assert await client.receive() == numbered(index, 1) + b"\x90\x00"
            served.append(client)
        except (asyncio.IncompleteReadError, ConnectionError):
            continue
    assert len(served) == tcp._MAX_CLIENTS
    for client in served[:10]:
        client.writer.transport.abort()
    await stage.until(lambda: len(stage.endpoint._clients) == len(served) - 10)
    late = await stage.connect()
    assert await late.exchange(numbered(999, 1)) == numbered(999, 1) + b"\x90\x00"


async def test_pulling_the_plug_disconnects_everybody_and_the_next_client_is_served(stage):
    """Idle, waiting and flooding clients lose their connection; the device that comes back knows none of their requests."""
    idle, waiting, flooding = await stage.connect(), await stage.connect(), await stage.connect()
    await idle.exchange(NAME)
    waiting.send(REVIEW)
    await stage.until(lambda: stage.board.frame.scene == "review")
    flooding.send(*(numbered(1, number) for number in range(5000)))
    await stage.until(lambda: stage.board.relay._arbiter.queued(3) > 0)
    stage.board.replug()
    for client in (idle, waiting, flooding):
        assert await client.ended() == b""
    fresh = await stage.connect()
    assert (await fresh.exchange(NAME)).startswith(b"\x01\x05BOLOS")
    assert (await fresh.exchange(b"\xe0\x01\0\0\0")).endswith(b"\x90\x00")


async def test_a_closed_endpoint_takes_no_client(stage):
    """After `close` nobody is connected and nobody can connect."""
    client = await stage.connect()
    await client.exchange(NAME)
    await stage.endpoint.close()
    assert await client.ended() == b""
    with pytest.raises(OSError, match=r".*"):
        await asyncio.wait_for(asyncio.open_connection("127.0.0.1", stage.port), PATIENCE_S)


def test_a_busy_port_is_an_error_with_a_remedy():
    """The error names the port and what it is for; the remedy names the option."""
    with bind(0) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(DeviceBusy, match=f"APDU port 127.0.0.1:{port} is in use") as caught:
            bind(port)
        assert "--apdu-port" in caught.value.remedy
        with pytest.raises(DeviceBusy, match="page and REST") as caught:
            bind(port, what="page and REST", flag="--api-port")
        assert "--api-port" in caught.value.remedy


def test_an_address_of_another_machine_is_an_error_with_a_remedy():
    """An address that is not ours cannot be listened on (192.0.2.0/24 is nobody's: RFC 5737)."""
    with pytest.raises(DeviceBusy, match="not an address of this machine"):
        bind(0, host="192.0.2.1")


def test_a_port_left_a_moment_ago_is_free_again():
    """A device that is restarted takes the port it had, though old connections are still remembered by the kernel."""
    with bind(0) as first:
        port = first.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = first.accept()
            accepted.close()
            assert client.recv(1) == b""
    with bind(port) as second:
        assert second.getsockname()[1] == port


def test_listening_is_on_loopback():
    """Nobody beyond this machine reaches the device unless told so."""
    with bind(0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
