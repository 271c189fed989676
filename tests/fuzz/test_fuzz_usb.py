"""Bounded fuzzing of the USB device: URBs of any kind in any order do no harm."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st
from targets_usb import attach

from tallystick.errors import RemoteProtocolError
from tallystick.wire.hid import HidFraming
from tallystick.wire.role import Role
from tallystick.wire.urb import Direction, ReturnReader, Submit, Submitted, Unlink, Unlinked
from tallystick.wire.usb import Setup

small = st.sampled_from([0, 1, 2, 3, 6, 8, 9, 10, 11, 0x21, 0x22, 0x77, 0x80, 0x81, 0xA1, 0xC0])
values = st.sampled_from([0, 1, 2, 7, 0x0100, 0x0200, 0x0300, 0x0302, 0x0F00, 0x2100, 0x2200, 0xFFFF])
lengths = st.sampled_from([0, 1, 8, 18, 63, 64, 65, 255, 0xFFFF])
setups = st.builds(Setup, request_type=small, request=small, value=values, index=values, length=lengths)
packets = st.binary(max_size=130) | st.binary(max_size=300).map(lambda apdu: b"".join(HidFraming(Role.HOST).send(apdu)))
#: direction, endpoint, data or length, set-up packet; or the index of an earlier transfer to take back
urbs = (
    st.tuples(st.just(Direction.OUT), st.integers(0, 4), packets, setups)
    | st.tuples(st.just(Direction.IN), st.integers(0, 4), lengths, setups)
    | st.integers(0, 40)
)


@settings(deadline=None, max_examples=300)
@given(st.lists(urbs, max_size=60))
def test_every_transfer_is_answered_once_or_waits(steps):
    """Whatever a host submits and takes back: no answer comes twice, none is lost, and each unlink has its own."""
    _port, session, said = attach()
    reader, open_transfers, unlinks = ReturnReader(), set(), {}
    for sequence, step in enumerate(steps, start=1):
        if isinstance(step, int):
            unlinks[sequence] = step
            session.receive(Unlink(sequence, step).to_bytes())
        else:
            direction, endpoint, what, setup = step
            data, length = (what, len(what)) if direction is Direction.OUT else (b"", what)
            if direction is Direction.IN:
                reader.expect(sequence)
            open_transfers.add(sequence)
            session.receive(Submit(sequence, direction, endpoint, length, data, setup.to_bytes()).to_bytes())
        for answer in reader.receive(b"".join(said)):
            match answer:
                case Submitted(number, _, actual, data):
                    open_transfers.remove(number)
                    assert not data or actual == len(data)
                case Unlinked(number, status):
                    victim = unlinks.pop(number)
                    assert (status == -104) == (victim in open_transfers)
                    open_transfers.discard(victim)
        said.clear()
    assert not unlinks
    assert session.waiting == len(open_transfers)


@settings(deadline=None, max_examples=100)
@given(st.lists(urbs.filter(lambda step: not isinstance(step, int)), max_size=20), st.binary(min_size=48, max_size=100))
def test_after_any_host_the_next_one_is_served(steps, noise):
    """Transfers, then noise, then the plug: the device is free again, and its answers are the new host's own."""
    port, session, _said = attach()
    for sequence, (direction, endpoint, what, setup) in enumerate(steps):
        data, length = (what, len(what)) if direction is Direction.OUT else (b"", what)
        session.receive(Submit(sequence, direction, endpoint, length, data, setup.to_bytes()).to_bytes())
    with contextlib.suppress(RemoteProtocolError):
        session.receive(noise)
    session.close()
    assert not port.is_taken
