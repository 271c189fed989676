"""The endpoint behind the lock of the Normal World: it accepts, reads and answers, and that is all it can."""

import os
import signal
import socket
import subprocess
import sys
import textwrap

import pytest

from tallystick.device.sandbox.confine import survey
from tallystick.device.sandbox.inspect import inspect, require_confined
from tallystick.wire.role import Role
from tallystick.wire.tcp import TcpFraming

PATIENCE_S = 120.0
#: a Normal World whose Secure World answers each APDU with itself, and `f0…` with the attempt to look at a file
PROGRAM = """
import asyncio, os, socket, sys, types
from tallystick.device.normal.relay import Relay
from tallystick.device.normal.tcp import TcpEndpoint
from tallystick.device.sandbox import entry
from tallystick.wire.world import Apdu, Reply

def prepare(arguments):
    loop = asyncio.new_event_loop()
    link = socket.socket(fileno=int(arguments[0]))
    link.setblocking(False)

    def gate(message):
        if not isinstance(message, Apdu):
            return
        if message.raw[0] == 0xF0:
            os.stat("/etc/passwd")
        if message.raw[0] == 0xF1:
            raise ValueError("an error in a callback")
        loop.call_soon(relay.send, Reply(message.channel, message.raw + b"\\x90\\x00"))

    relay = Relay(gate)
    loop.run_until_complete(TcpEndpoint(relay, socket.socket(fileno=int(arguments[1]))).open())

    def stop():
        if not link.recv(1):
            loop.stop()

    def work():
        loop.add_reader(link, stop)
        link.send(b"ready")
        loop.run_forever()
        return 0

    return work

module = types.ModuleType("program")
module.prepare = prepare
sys.modules["program"] = module
sys.exit(entry.main(["normal", sys.argv[1], "program", *sys.argv[2:]]))
"""


class World:
    """A locked Normal World, ready."""

    def __init__(self):
        self.link, outer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.address = listener.getsockname()
        descriptors = (outer.fileno(), listener.fileno())
        with outer, listener:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-c", textwrap.dedent(PROGRAM), str(os.getpid()), *map(str, descriptors)],
                pass_fds=descriptors,
                env={},
                stderr=subprocess.PIPE,
            )
        self.link.settimeout(PATIENCE_S)
        assert self.link.recv(9) == b"ready"

    def client(self):
        """Return a new connection."""
        return socket.create_connection(self.address, timeout=PATIENCE_S)

    def close(self):
        """End it."""
        self.process.kill()
        self.process.communicate()
        self.link.close()


@pytest.fixture
def normal():
    """Return a locked Normal World."""
    world = World()
    yield world
    world.close()


def exchange(client, apdu):
    """Send one APDU and return its answer."""
    framing = TcpFraming(Role.HOST)
    client.sendall(framing.send(apdu))
    while True:
        data = client.recv(4096)
        assert data, "it hung up"
        if answers := framing.receive(data):
            return answers[0].to_bytes()


def test_clients_are_served_behind_the_lock(normal):
    """Many clients at once, large and small, coming and going; none makes it die."""
    clients = [normal.client() for _ in range(40)]
    for number, client in enumerate(clients):
        assert exchange(client, bytes([number]) * 5) == bytes([number]) * 5 + b"\x90\x00"
    clients[0].sendall(b"\x00\x00\x00\x09half")
    for client in clients[::2]:
        client.close()
    large = bytes(5) + bytes(range(256)) * 100
    assert exchange(clients[1], large) == large + b"\x90\x00"
    for client in clients[1::2]:
        client.close()
    with normal.client() as late:
        assert exchange(late, b"12345") == b"12345\x90\x00"
    assert normal.process.poll() is None


def test_a_client_that_does_not_read_and_one_that_resets_do_no_harm(normal):
    """Full buffers and connections that are reset are part of the loop's work: no call for them is missing."""
    greedy, other = normal.client(), normal.client()
    greedy.settimeout(0.05)
    frame = TcpFraming(Role.HOST).send(bytes(60_000))
    try:
        for _ in range(200):
            greedy.sendall(frame)
    except TimeoutError:
        pass
    assert exchange(other, b"12345") == b"12345\x90\x00"
    greedy.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    greedy.close()
    assert exchange(other, b"12345") == b"12345\x90\x00"
    other.close()
    assert normal.process.poll() is None


def test_an_error_in_a_callback_is_logged_and_survived(normal):
    """The loop tells of it with a traceback, for which it would like to read files, and goes on without."""
    with normal.client() as client:
        client.sendall(TcpFraming(Role.HOST).send(b"\xf1\0\0\0\0"))
        assert client.recv(100) == b""
    normal.link.close()
    _, stderr = normal.process.communicate(timeout=PATIENCE_S)
    assert normal.process.returncode == 0, stderr
    assert b"an error in a callback" in stderr


def test_a_file_looked_at_behind_the_lock_is_the_end(normal):
    """One wrong call of a release and there is no Normal World any more."""
    client = normal.client()
    client.sendall(TcpFraming(Role.HOST).send(b"\xf0\0\0\0\0"))
    assert client.recv(100) == b""
    assert normal.process.wait(PATIENCE_S) == -signal.SIGSYS
    client.close()


def test_it_is_found_locked_from_outside(normal):
    """The Secure World's look at it is satisfied, and it has nothing but streams, link, listener and its own loop."""
    require_confined(normal.process.pid, survey())
    found = inspect(normal.process.pid)
    assert (found.no_new_privs, found.threads, found.capabilities) == (1, 1, 0)


def test_more_clients_than_descriptors_do_not_end_it(normal):
    """Past its limit it refuses; when some leave, it serves again."""
    clients = [normal.client() for _ in range(400)]
    assert exchange(clients[0], b"12345") == b"12345\x90\x00"
    for client in clients[1:]:
        client.close()
    assert exchange(clients[0], b"54321") == b"54321\x90\x00"
    clients[0].close()
    assert normal.process.poll() is None
