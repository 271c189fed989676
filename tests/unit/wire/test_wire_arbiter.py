"""One device, many clients: order, fairness, limits and clients that go away."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError
from tallystick.wire.arbiter import TRANSITIONS, Arbiter, ArbiterState, Cancel, Deliver, Execute, Pause, Resume, Trigger


def test_an_idle_device_gets_the_request_at_once():
    """Without contention a request goes straight in and its answer straight back."""
    arbiter = Arbiter()
    assert arbiter.submit("a", b"1") == [Execute("a", b"1")]
    assert arbiter.state is ArbiterState.BUSY
    assert arbiter.reply(b"r") == [Deliver("a", b"r")]
    assert arbiter.state is ArbiterState.IDLE


def test_one_request_at_a_time_in_fair_turns():
    """A client with many requests does not hold up one with a single request."""
    arbiter = Arbiter()
    arbiter.submit("a", b"a0")
    for name in (b"a1", b"a2", b"a3"):
        assert arbiter.submit("a", name) == []
    assert arbiter.submit("b", b"b0") == []
    executed = []
    for _ in range(5):
        executed += [event.apdu for event in arbiter.reply(b"") if isinstance(event, Execute)]
    assert executed == [b"a1", b"b0", b"a2", b"a3"]


def test_a_full_queue_pauses_the_client_and_room_resumes_it():
    """The edge is told once to stop and once to go on; what it had read already is kept."""
    arbiter = Arbiter(max_queued=2)
    arbiter.submit("a", b"0")
    assert arbiter.submit("a", b"1") == []
    assert arbiter.submit("a", b"2") == [Pause("a")]
    assert arbiter.submit("a", b"3") == []
    assert arbiter.queued("a") == 3
    assert arbiter.reply(b"r") == [Deliver("a", b"r"), Execute("a", b"1")]
    assert arbiter.reply(b"r") == [Deliver("a", b"r"), Execute("a", b"2"), Resume("a")]
    assert arbiter.reply(b"r") == [Deliver("a", b"r"), Execute("a", b"3")]


def test_resume_comes_even_with_a_queue_of_one():
    """A client whose whole queue went into the device is not left paused."""
    arbiter = Arbiter(max_queued=1)
    arbiter.submit("a", b"0")
    assert arbiter.submit("a", b"1") == [Pause("a")]
    assert arbiter.reply(b"r") == [Deliver("a", b"r"), Execute("a", b"1"), Resume("a")]


def test_an_edge_that_reads_on_meets_the_hard_limit():
    """Memory is bounded whatever the edge does, and what is queued stays."""
    arbiter = Arbiter(max_queued_bytes=100)
    arbiter.submit("a", b"0")
    arbiter.submit("a", bytes(60))
    with pytest.raises(LocalProtocolError):
        arbiter.submit("a", bytes(60))
    assert arbiter.queued("a") == 1
    with pytest.raises(LocalProtocolError):
        arbiter.submit("b", bytes(100))
    assert arbiter.queued("b") == 0
    assert arbiter.reply(b"r")[1] == Execute("a", bytes(60))
    assert arbiter.reply(b"r") == [Deliver("a", b"r")]


def test_a_client_that_leaves_takes_its_queue_along():
    """Requests of a client that is gone are not carried out."""
    arbiter = Arbiter()
    arbiter.submit("a", b"0")
    arbiter.submit("b", b"1")
    arbiter.submit("c", b"2")
    assert arbiter.drop("b") == []
    assert arbiter.reply(b"r") == [Deliver("a", b"r"), Execute("c", b"2")]
    assert arbiter.drop("nobody") == []


def test_the_request_of_a_client_that_leaves_is_cancelled_and_its_late_answer_discarded():
    """Nobody gets an answer that was meant for somebody else, not even the same name come back."""
    arbiter = Arbiter()
    arbiter.submit("a", b"0")
    arbiter.submit("a", b"1")
    assert arbiter.drop("a") == [Cancel("a")]
    assert arbiter.drop("a") == []
    assert arbiter.submit("a", b"new") == []
    assert arbiter.submit("b", b"2") == []
    assert arbiter.reply(b"late") == [Execute("a", b"new")]
    assert arbiter.reply(b"r") == [Deliver("a", b"r"), Execute("b", b"2")]


def test_an_answer_nobody_asked_for_is_a_local_error():
    """A device that answers twice is a bug of the edge."""
    with pytest.raises(LocalProtocolError):
        Arbiter().reply(b"r")


def test_the_table_names_every_legal_step():
    """A request only goes into an idle device, and an answer only comes out of one that has a request."""
    assert {state for state, trigger in TRANSITIONS if trigger is Trigger.EXECUTE} == {ArbiterState.IDLE}
    assert {state for state, trigger in TRANSITIONS if trigger is Trigger.REPLY} == set(ArbiterState) - {
        ArbiterState.IDLE
    }


ACTIONS = st.lists(st.tuples(st.sampled_from(["submit", "submit", "reply", "drop"]), st.integers(0, 3)), max_size=60)


@given(ACTIONS)
def test_each_client_gets_its_own_answers_in_order(actions):
    """Under any interleaving: one request in the device, and each client's answers follow its requests."""
    arbiter, device = Arbiter(max_queued=3), deque()
    waiting = {client: deque() for client in range(4)}

    def take(events):
        for event in events:
            if isinstance(event, Execute):
                assert not device
                device.append(event)
            if isinstance(event, Deliver):
                assert event.response == waiting[event.client].popleft()

    def answer():
        take(arbiter.reply(device.popleft().apdu))

    for number, (action, client) in enumerate(actions):
        if action == "submit":
            request = b"%d:%d" % (client, number)
            waiting[client].append(request)
            take(arbiter.submit(client, request))
        elif action == "drop":
            waiting[client].clear()
            take(arbiter.drop(client))
        elif device:
            answer()
    while device:
        answer()
    assert not any(waiting.values())
    assert arbiter.state is ArbiterState.IDLE
