"""What the bench says at power-on: whole, and in words that firmware older than some of them understands."""

import json
import socket

import pytest

from tallystick.device.board.jig import PowerOn
from tallystick.errors import RemoteProtocolError


@pytest.fixture
def ends():
    """Return the bench's end and the device's."""
    bench, device = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with bench, device:
        yield bench, device


ORDER = PowerOn(model="stax", hold=2, usb_fd=7, bundle_fds=(8, 9), seed="words", facts={"randomness": "repeatable"})


def test_an_order_arrives_as_it_was_given(ends):
    """Every member, and those that were not set as usual."""
    ORDER.send(ends[0])
    assert PowerOn.receive(ends[1]) == ORDER


def test_what_is_as_usual_is_not_said(ends):
    """So firmware that is older than a member can be held, as long as the member is not used."""
    PowerOn(model="stax").send(ends[0])
    assert json.loads(ends[1].recv(1 << 16)) == {"model": "stax", "bundle_fds": []}


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"{}", b'{"model": "stax", "new": 1}', b'{"model": "x", "bundle_fds": 1}']
)
def test_what_is_no_order_is_refused(ends, raw):
    """Nothing, no JSON, no model, a member that is not known: the device does not start."""
    ends[0].send(raw)
    if not raw:
        ends[0].close()
    with pytest.raises(RemoteProtocolError):
        PowerOn.receive(ends[1])
