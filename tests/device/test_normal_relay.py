"""The Relay: channels, turns, and what becomes of requests whose client has gone."""

import pytest

from tallystick.device.normal.relay import Relay
from tallystick.wire.world import Apdu, Attention, Link, LinkState, Reply, Status, Stop


class Gate:
    """The Secure World as a list; with `echo` it answers at once."""

    def __init__(self, *, echo=False):
        self.messages = []
        self._echo = echo
        self.relay = Relay(self._take)

    def _take(self, message):
        self.messages.append(message)
        if self._echo and isinstance(message, Apdu):
            self.relay.send(Reply(message.channel, message.raw + b"\x90\x00"))


class Client:
    """A client that notes what it is told."""

    def __init__(self):
        self.told = []

    def deliver(self, response):
        """Note an answer."""
        self.told.append(response)

    def pause(self):
        """Note it."""
        self.told.append("pause")

    def resume(self):
        """Note it."""
        self.told.append("resume")

    def close(self):
        """Note it."""
        self.told.append("close")


@pytest.fixture
def gate():
    """Return a Secure World that answers when the test does."""
    return Gate()


def test_channels_are_small_numbers_of_their_own(gate):
    """Every client has one of 1 to 65535, and a number is not used again at once."""
    channels = [gate.relay.connect(Client()) for _ in range(3)]
    gate.relay.drop(channels[1])
    channels.append(gate.relay.connect(Client()))
    assert channels == [1, 2, 3, 4]


def test_channels_go_round_and_leave_out_those_in_use(gate):
    """After 65535 comes 1, unless somebody has it."""
    first = gate.relay.connect(Client())
    for _ in range(0xFFFF - 1):
        gate.relay.drop(gate.relay.connect(Client()))
    assert (first, gate.relay.connect(Client())) == (1, 2)


def test_one_request_is_in_the_secure_world_at_a_time(gate):
    """The second goes when the first is answered, and each answer finds its client."""
    one, two = Client(), Client()
    first, second = gate.relay.connect(one), gate.relay.connect(two)
    gate.relay.submit(first, b"a")
    gate.relay.submit(second, b"b")
    assert gate.messages == [Apdu(first, b"a")]
    gate.relay.send(Reply(first, b"A"))
    assert gate.messages == [Apdu(first, b"a"), Apdu(second, b"b")]
    gate.relay.send(Reply(second, b"B"))
    assert (one.told, two.told) == ([b"A"], [b"B"])


def test_answers_at_once_do_not_deepen_the_stack():
    """Ten thousand requests that are answered inside the call are served in a loop."""
    gate = Gate(echo=True)
    client = Client()
    channel = gate.relay.connect(client)
    for number in range(10_000):
        gate.relay.submit(channel, number.to_bytes(2, "big"))
    assert client.told == [number.to_bytes(2, "big") + b"\x90\x00" for number in range(10_000)]


def test_queued_requests_answered_at_once_do_not_deepen_the_stack(gate):
    """A long queue that is released by one answer is served in a loop too."""
    client = Client()
    channel = gate.relay.connect(client)
    for _ in range(5000):
        gate.relay.submit(channel, b"x")
    gate._echo = True
    gate.relay.send(Reply(channel, b"x\x90\x00"))
    assert len([answer for answer in client.told if isinstance(answer, bytes)]) == 5000
    assert client.told.count("pause") == client.told.count("resume") == 1


def test_a_client_that_leaves_is_forgotten(gate):
    """Its request is cancelled by a Link message, its answer thrown away, its queue emptied."""
    gone, other = Client(), Client()
    first, second = gate.relay.connect(gone), gate.relay.connect(other)
    gate.relay.submit(first, b"a")
    gate.relay.submit(first, b"never")
    gate.relay.submit(second, b"b")
    gate.relay.drop(first)
    gate.relay.drop(first)
    assert gate.messages == [Apdu(first, b"a"), Link(first, LinkState.DOWN)]
    gate.relay.send(Reply(first, b"late"))
    assert gate.messages[2:] == [Apdu(second, b"b")]
    assert (gone.told, other.told) == ([], [])


def test_unplugging_disconnects_everybody(gate):
    """Each client is closed and each channel told to be down."""
    clients = [Client() for _ in range(3)]
    channels = [gate.relay.connect(client) for client in clients]
    gate.relay.unplug()
    assert [client.told for client in clients] == [["close"]] * 3
    assert gate.messages == [Link(channel, LinkState.DOWN) for channel in channels]
    gate.relay.unplug()
    assert len(gate.messages) == 3


def test_nothing_that_waited_is_carried_out_while_the_plug_is_pulled():
    """The cancelled request frees the device, but no other client's request is given to it any more."""
    gate = Gate()
    clients = [Client() for _ in range(3)]
    for client in clients:
        gate.relay.submit(gate.relay.connect(client), b"x")

    def answer(message):
        gate.messages.append(message)
        if message == Link(1, LinkState.DOWN):
            gate.relay.send(Reply(1, b"cancelled"))

    gate.relay._gate = answer
    gate.relay.unplug()
    assert gate.messages == [Apdu(1, b"x"), *(Link(channel, LinkState.DOWN) for channel in (1, 2, 3))]
    assert [client.told for client in clients] == [["close"]] * 3


def test_a_request_that_pulls_the_plug_leaves_a_relay_that_works():
    """A device that restarts itself while it handles a request never answers it; the next client is served all the same."""
    gate = Gate()
    gate.relay._gate = lambda message: gate.messages.append(message) or gate.relay.unplug()
    gate.relay.submit(gate.relay.connect(Client()), b"reset")
    gate.relay._gate = gate._take
    gate._echo = True
    client = Client()
    gate.relay.submit(gate.relay.connect(client), b"x")
    assert client.told == [b"x\x90\x00"]


def test_status_and_stop_are_kept(gate):
    """What the Secure World says of itself is there for keep-alive frames."""
    assert (gate.relay.attention, gate.relay.is_stopped) == (Attention.READY, False)
    gate.relay.send(Status(Attention.LOCKED))
    gate.relay.send(Stop())
    assert (gate.relay.attention, gate.relay.is_stopped) == (Attention.LOCKED, True)
