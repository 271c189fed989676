"""What the manager's bench counts and says, without a clock."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from bench.manager import floor, limit, part
from bench.manager.client import Refused, Talk
from bench.manager.device import TARGET_ID, Device, Identity
from bench.manager.load import Asking
from bench.manager.table import FILE, TOKEN, Figures

from tallystick.crypto import secp256k1
from tallystick.manager.conversation import Conversation
from tallystick.manager.genuine.channel import ChannelKeys
from tallystick.manager.genuine.flow import check_genuine
from tallystick.manager.hsm import key_file
from tallystick.manager.hsm.keyring import Keyring
from tallystick.manager.hsm.role import Realm

NAMES = {"sign_ecdsa_der": "sign", "ecdh": "ecdh", "verify_ecdsa_der": "verify", "public_key": "public key"}


@pytest.fixture
def keyring(tmp_path):
    """Return keys in files."""
    return Keyring.create(f"file:{tmp_path / 'ring'}", Realm.TEST)


def check(keyring, *, within=lambda name: None):
    """Have a device of the bench checked; `within` hears who is at work. Return the last message."""
    ring = ChannelKeys(signer=keyring.signer, certificate=keyring.signer_certificate, issuer=keyring.issuer.public_key)
    device = Asking(Device(Identity.make(keyring)), is_thorough=True)
    within("manager")
    talk = Conversation(check_genuine(ring, TARGET_ID), uuid="u", session="s")
    text = talk.start()
    turns = 0
    while not talk.ended:
        within("device")
        reply = device(json.loads(text))
        within("manager")
        text = talk.receive(reply)
        turns += 1
    assert device(json.loads(text)) is None
    assert turns + 1 == limit.TURNS
    return json.loads(text)


def test_the_limit_counts_what_a_check_does(keyring, monkeypatch):
    """Both sides of a check do exactly the curve operations whose cost is called the limit."""
    done: Counter[tuple[str, str]] = Counter()
    side = "nobody"

    def counted(name, function):
        def call(*arguments, **named):
            done[side, NAMES[name]] += 1
            return function(*arguments, **named)

        return call

    def within(name):
        nonlocal side
        side = name

    for module in (secp256k1, key_file):
        for name in NAMES:
            if hasattr(module, name):
                monkeypatch.setattr(module, name, counted(name, getattr(module, name)))
    assert check(keyring, within=within)["data"] == "0000"
    for who in ("manager", "device"):
        assert {name: done[who, name] for name in limit.OPERATIONS} == limit.OPERATIONS


class Transport:
    """A transport that keeps what is written to it."""

    def __init__(self):
        self.written, self.is_closed = [], False

    def write(self, data):
        """Keep a packet."""
        self.written.append(data)

    def close(self):
        """Note the end."""
        self.is_closed = True


async def test_the_floor_says_the_packets_of_a_check_and_does_its_operations(keyring):
    """A device that says the same each time takes its packets for a check; the operations are as many as the limit counts."""
    identity = Identity.make(keyring)
    said = floor.packets(keyring, identity)
    assert len(said) == limit.TURNS
    done, transport = Counter(), Transport()
    work = {
        turn: [lambda name=name: done.update([name]) for name in names] for turn, names in floor._OPERATIONS.items()
    }
    server = floor.Ready(said, work)
    server.connection_made(transport)
    talk = Talk("bench", "/", Asking(Device(identity, repeats=True), is_thorough=True))
    talk.connection_made(Transport())
    for turn, _ in enumerate(said):
        server.data_received(b"anything")
        talk.data_received(transport.written[turn])
    server.data_received(b"\x88\x80\0\0\0\0")
    assert talk.done.result()["data"] == "0000"
    assert transport.is_closed
    assert done == limit.OPERATIONS


def test_the_operations_of_the_floor_can_be_done(keyring, tmp_path):
    """With keys in files every operation is libsecp256k1's, and returns."""
    with floor.work(f"file:{tmp_path / 'ring'}") as work:
        assert [len(ones) for ones in work.values()] == [2, 2, 3]
        for one in (one for ones in work.values() for one in ones):
            assert one() == 1


def test_a_flow_that_fails_ends_the_measurement():
    """An error of the manager is no flow to be counted."""
    asking = Asking(None, is_thorough=False)
    with pytest.raises(Refused, match="not genuine"):
        asking({"query": "error", "nonce": 1, "data": "not genuine: 6300"})


def test_a_share_says_how_much_of_the_limit_is_used():
    """Of a rate and of a cost alike, half the limit is 50 %; what was not measured is a dash."""
    figures = Figures()
    for value, most in ((90, 180), (110, 220), (100, 200)):
        figures.add(FILE, "genuine.rate", value)
        figures.add(FILE, "genuine.rate.limit", most)
    figures.add(FILE, "genuine.cpu", 2)
    figures.add(FILE, "genuine.cpu.limit", 1)
    figures.add(TOKEN, "genuine.p99", 3)
    rows = {row[0]: row[1:] for row in figures.rows()}
    assert rows["genuine checks"] == ("100/s", "200/s", "50%", "–", "–", "–")
    assert rows["… CPU of the manager, each"][:3] == ("2.00 ms", "1.00 ms", "50%")
    assert rows["… p99"] == ("–", "–", "–", "3.00 ms", "–", "–")
    assert figures.markdown().splitlines()[0].startswith("| probe | keys in files |")
    assert figures.to_json()["genuine.rate"][FILE]["median"] == 100


def test_the_parts_of_a_check_are_told_with_what_is_left():
    """Each part holds the one before it, and the table ends in what none of them explains."""
    parts = {"curve": 100.0, "cryptography": 120.0, "conversation": 200.0, "edge": 280.0, "log": 30.0, "packets": 40.0}
    figures = Figures()
    figures.add(FILE, "genuine.cpu", 0.4)
    lines = [line.strip("| ").split(" | ")[1:] for line in figures.parts(parts).splitlines()]
    assert [row[0] for row in lines[2:]] == ["100", "20", "80", "80", "30", "40", "50", "400"]
    assert lines[2][1] == "25%"


def test_the_parts_of_a_check_can_be_measured(keyring, monkeypatch):
    """Every part goes through to its end."""
    monkeypatch.setattr(part, "_CHECKS", 2)
    monkeypatch.setattr(part, "_BATCHES", 1)
    assert all(us > 0 for us in part.parts_us(keyring).values())


def test_the_costs_of_a_check_add_up():
    """One signature, one ECDH, two verifications and three public keys."""
    assert limit.check_us({"sign": 1000, "ecdh": 100, "verify": 10, "public key": 1}) == 1123
