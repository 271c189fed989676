"""HID framing, both roles: what a device answers, what it drops, and what a host refuses."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.apdu import ResponseApdu
from tallystick.wire.hid import (
    ApduReceived,
    ControlReceived,
    HidFraming,
    Ignored,
    Reason,
    ReplyFrames,
    ResponseReceived,
    Role,
    Tag,
)
from tallystick.wire.packet import TRANSITIONS, Action, Assembly, PacketKind

SAMPLE = json.loads((Path(__file__).parents[2] / "vectors" / "wire.json").read_text())["hid"]
LONG = bytes(range(200))


def padded(text, size=64):
    """Return a packet of `size` bytes that begins as given."""
    return bytes.fromhex(text).ljust(size, b"\x00")


def device(**options):
    """Return a device's end."""
    return HidFraming(Role.DEVICE, **options)


def host(**options):
    """Return a host's end."""
    return HidFraming(Role.HOST, **options)


def test_sample_both_ways():
    """The worked example of wire-protocol A.3 is what a host writes and a device reads."""
    packet = padded(SAMPLE["packet_start"])
    apdu = bytes.fromhex(SAMPLE["apdu"])
    assert host().send(apdu) == [packet]
    assert device().receive(packet) == [ApduReceived(0x0101, apdu)]


@given(st.binary(max_size=1500), st.integers(0, 0xFFFF), st.sampled_from([8, 16, 64, 512]))
def test_round_trip_at_any_packet_size(message, channel, size):
    """Commands and answers of any length survive, on any channel, with packets of one size."""
    one, other = host(channel=channel, packet_bytes=size), device(packet_bytes=size)
    packets = one.send(message)
    assert {len(packet) for packet in packets} == {size}
    assert [event for packet in packets for event in other.receive(packet)] == [ApduReceived(channel, message)]
    answer = ResponseApdu(message, 0x9000)
    events = [event for packet in other.send(answer) for event in one.receive(packet)]
    assert events == [ResponseReceived(answer)]


def test_the_layout_of_later_packets():
    """The first packet carries 57 bytes and the length, later ones 59 (wire-protocol A.3)."""
    packets = host().send(LONG)
    assert len(packets) == 4
    assert packets[0][:7] == bytes.fromhex("0101 05 0000 00c8")
    assert packets[0][7:] == LONG[:57]
    assert packets[1] == bytes.fromhex("0101 05 0001") + LONG[57:116]


@pytest.mark.parametrize(
    ("packet", "answer"),
    [
        ("1234 00", "1234 00 00000000"),
        ("1234 01", "1234 01"),
        ("1234 02 aabbcc", "1234 02 aabbcc"),
        ("1234 08 00000000", "1234 08 00 003e 01 3e"),
    ],
)
def test_a_device_answers_control_tags_itself(packet, answer):
    """Tags 00, 01, 02 and 08 never reach the APDU layer and leave an APDU in the making alone."""
    end, packets = device(), host(channel=0x1234).send(LONG)
    assert end.receive(packets[0]) == []
    assert end.receive(padded(packet)) == [ReplyFrames((padded(answer),))]
    assert [event for later in packets[1:] for event in end.receive(later)] == [ApduReceived(0x1234, LONG)]


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        ("0101 03", Reason.UNKNOWN_TAG),
        ("0101 06 0000 0001 aa", Reason.UNKNOWN_TAG),
        ("0101 05 0001", Reason.STRAY),
        ("0101 05 0000 0105", Reason.LENGTH),
    ],
)
def test_a_device_drops_silently(packet, reason):
    """What a real device drops gets no answer, and the next command works."""
    end = device(max_apdu_bytes=260)
    assert end.receive(padded(packet)) == [Ignored(reason)]
    assert end.receive(host().send(b"\xb0\x01\x00\x00\x00")[0]) == [ApduReceived(0x0101, b"\xb0\x01\x00\x00\x00")]


@pytest.mark.parametrize("sequence", [0, 2, 0xFFFF])
def test_a_wrong_sequence_throws_the_apdu_away_and_the_next_first_packet_works(sequence):
    """Sequence 0 does not re-synchronise in the middle; after the silent reset it does."""
    end, packets = device(), host().send(LONG)
    end.receive(packets[0])
    wrong = packets[1][:3] + sequence.to_bytes(2, "big") + packets[1][5:]
    assert end.receive(wrong) == [Ignored(Reason.WRONG_SEQUENCE)]
    assert end.state is Assembly.WAITING
    assert end.receive(packets[1]) == [Ignored(Reason.STRAY)]
    assert [event for packet in packets for event in end.receive(packet)] == [ApduReceived(0x0101, LONG)]


def test_a_device_answers_on_the_channel_of_the_request():
    """The channel may change in the middle; the last one counts, and an explicit one wins."""
    end, packets = device(), host(channel=0x0202).send(LONG)
    end.receive(b"\x77\x77" + packets[0][2:])
    for packet in packets[1:]:
        end.receive(packet)
    assert end.send(b"\x90\x00")[0][:2] == b"\x02\x02"
    assert end.send(b"\x90\x00", channel=0x7777)[0][:2] == b"\x77\x77"


@pytest.mark.parametrize("size", range(7))
def test_truncation_at_each_length_of_a_header_is_dropped(size):
    """A packet without a whole header is nothing."""
    packet = bytes.fromhex("0101 05 0000 0001 aa")[:size]
    assert device().receive(packet) == [Ignored(Reason.TOO_SHORT)]


def test_a_packet_longer_than_the_links_packets_is_dropped():
    """65 bytes are not a report: the report id is the edge's business."""
    assert device().receive(bytes(65)) == [Ignored(Reason.TOO_LONG)]


def test_bytes_behind_the_length_are_padding():
    """Whatever fills the packet is ignored, also in the last of several."""
    end, packets = device(), host().send(LONG)
    packets[-1] = packets[-1].rstrip(b"\x00").ljust(64, b"\xee")
    assert [event for packet in packets for event in end.receive(packet)] == [ApduReceived(0x0101, LONG)]


def test_a_host_ignores_other_channels():
    """An answer on another channel belongs to another program."""
    end, other = host(channel=0x0101), device()
    other.receive(host(channel=0x0202).send(b"\x00" * 5)[0])
    assert end.receive(other.send(b"\x90\x00")[0]) == [Ignored(Reason.WRONG_CHANNEL)]


@pytest.mark.parametrize("packet", ["0101 06 0000 0002 9000", "0101 05 0001 9000", "0101 05 0000 0001 90"])
def test_a_host_refuses_a_wrong_tag_sequence_or_status(packet):
    """On its own channel a broken answer is the device's mistake, and the next answer is read."""
    end = host()
    with pytest.raises(RemoteProtocolError):
        end.receive(padded(packet))
    assert end.receive(padded("0101 05 0000 0002 9000")) == [ResponseReceived(ResponseApdu(b"", 0x9000))]


def test_a_host_asks_the_framing():
    """A question by tag gets its payload back, once."""
    one, other = host(), device()
    question = one.ask(Tag.MTU)
    [reply] = other.receive(question)
    assert one.receive(reply.frames[0]) == [ControlReceived(Tag.MTU, padded("00 003e 01 3e", 61))]
    with pytest.raises(RemoteProtocolError):
        one.receive(reply.frames[0])


def test_a_new_command_forgets_a_half_read_answer():
    """After a time-out the host starts afresh."""
    one, other = host(), device()
    one.receive(other.send(bytes(100) + b"\x90\x00", channel=0x0101)[0])
    assert one.state is Assembly.ASSEMBLING
    one.send(b"\xb0\x01\x00\x00\x00")
    assert one.state is Assembly.WAITING


@pytest.mark.parametrize(
    "misuse",
    [
        lambda: device(packet_bytes=7),
        lambda: host(channel=0x10000),
        lambda: device().ask(Tag.PING),
        lambda: host().ask(Tag.APDU),
        lambda: host().ask(Tag.PING, bytes(62)),
        lambda: host().send(bytes(65_536)),
    ],
)
def test_misuse_is_a_local_error(misuse):
    """A caller's bug never reaches the wire."""
    with pytest.raises(LocalProtocolError):
        misuse()


def test_the_table_covers_every_case():
    """Each state knows what to do with each packet that can reach it, and waiting never appends."""
    for state in Assembly:
        assert TRANSITIONS[state, PacketKind.FIRST]
        assert TRANSITIONS[state, PacketKind.UNEXPECTED]
    assert (Assembly.WAITING, PacketKind.EXPECTED) not in TRANSITIONS
    assert Action.APPEND not in {action for (state, _), action in TRANSITIONS.items() if state is Assembly.WAITING}
