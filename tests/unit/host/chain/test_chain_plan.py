"""Plans and their delivery: numbers, gas and fees found out; sent once; what is told when nobody knows what became of it."""

from __future__ import annotations

from decimal import Decimal

import httpx
import pytest
from fake_chain import URL
from scripted_device import ScriptedDevice

from tallystick.errors import ProtocolError, UsageError, UserRefused
from tallystick.host.actions import cosmos as actions
from tallystick.host.actions.step import result
from tallystick.host.chain import schema
from tallystick.host.chain.coin import Coin
from tallystick.host.chain.delivery import Delivery, deliver, lookup, sign
from tallystick.host.chain.fault import (
    ChainRefusal,
    FailedInBlock,
    NoAccount,
    NodeDown,
    NotEnough,
    SequenceUsed,
    Unconfirmed,
)
from tallystick.host.chain.finder import open_node
from tallystick.host.chain.network import Registry
from tallystick.host.chain.node import Receipt, Verdict
from tallystick.host.chain.plan import Wish, in_words, make_plan
from tallystick.host.chain.transaction import SignMode
from tallystick.host.session import Session
from tallystick.wire.path import Bip32Path

LOCAL = Registry.built_in().find("local")
OTHER = "cosmos1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnrk363e"


def _coins(amount):
    return (Coin(amount=amount, denom="uatom"),)


@pytest.fixture
def device():
    """Return a device with the test sentence and the app open."""
    found = ScriptedDevice()
    found.app = "Cosmos"
    return found


@pytest.fixture
def session(device):
    """Return a session with it."""
    with Session(device) as found:
        yield found


@pytest.fixture
def node(chain):
    """Return a node of the chain."""
    return open_node(LOCAL, url=URL, open_door=chain.door)


@pytest.fixture
def plan(node, session):
    """Give a function that plans to send some coins."""

    def make(*, amount=1_000_000, **wish):
        owner = result(actions.address(session, LOCAL.path, hrp=LOCAL.hrp))
        one = schema.message(schema.SEND, from_address=owner.address, to_address=OTHER, amount=_coins(amount))
        return make_plan(node, LOCAL, owner, Wish(messages=(one,), **wish))

    return make


@pytest.fixture
def signed(plan, session):
    """Return a signed transaction."""
    return result(sign(session, plan(), path=LOCAL.path))


def test_numbers_gas_and_fee_are_found(plan):
    """1.4 of what the trial used, at the price of the node."""
    one = plan().transaction
    assert (one.signer.account_number, one.signer.sequence) == (12, 3)
    assert one.fee.gas == 98_001
    assert one.fee.amount == _coins(2451)


@pytest.mark.parametrize(
    ("wish", "gas", "fee"),
    [
        ({"gas": 200_000}, 200_000, 5000),
        ({"gas": 200_000, "gas_price": Decimal("0.1")}, 200_000, 20_000),
        ({"fees": _coins(7)}, 98_001, 7),
        ({"gas": 1, "fees": _coins(9)}, 1, 9),
    ],
)
def test_what_is_given_is_not_asked(plan, chain, wish, gas, fee):
    """Gas, price and fee of the person count."""
    one = plan(**wish).transaction
    assert (one.fee.gas, one.fee.amount) == (gas, _coins(fee))
    assert ("gas" in wish) == (chain.count("imulate") == 0)


def test_no_fee_is_none(plan):
    """A fee of nothing is an empty list, as chains want it."""
    assert plan(fees=()).transaction.fee.amount == ()


def test_cheaper_node_gets_the_usual_price(plan, chain):
    """Others of its chain may want more than this one."""
    chain.price = "0.000001000000000000"
    assert plan().transaction.fee.amount == _coins(2451)


def test_price_far_above_the_usual_one_is_for_the_person_to_decide(plan, chain):
    """A node cannot make a fee large."""
    chain.price = "1.000000000000000000"
    with pytest.raises(UsageError, match=r"asks 1.0*uatom for one of gas, where 0.025 is usual") as failed:
        plan()
    assert "--gas-price" in failed.value.remedy


def test_more_gas_than_a_block_has_is_not_believed(plan, chain):
    """A node cannot make a fee large that way either."""
    chain.gas_used = 2**40
    with pytest.raises(ProtocolError, match="more gas than a block has"):
        plan()


@pytest.mark.parametrize("amount", [10_000_001, 10_000_000, 9_999_999])
def test_too_little_money_is_told_before_anything_is_signed(plan, device, amount):
    """With the fee in it, and in the coin's own name."""
    with pytest.raises(NotEnough, match=r"atom would be spent, fees included, and .* has 10 atom"):
        plan(amount=amount)
    assert not [one for one in device.log if one[:2] == b"\x55\x02"]


def test_account_that_nobody_knows(plan, chain):
    """Nothing is simulated."""
    chain.account = None
    with pytest.raises(NoAccount):
        plan()
    assert chain.count("imulate") == 0


def test_number_that_is_given_must_be_the_next(plan, chain):
    """A used one names what used it; one that is too high is refused; the right one is taken."""
    chain.used_by = "AB" * 32
    with pytest.raises(SequenceUsed, match="number 2 .* is in the chain already: " + "AB" * 32):
        plan(sequence=2)
    chain.used_by = None
    with pytest.raises(SequenceUsed, match=r"is in the chain already$"):
        plan(sequence=2)
    with pytest.raises(SequenceUsed, match="has number 3, not 4"):
        plan(sequence=4)
    assert plan(sequence=3).transaction.signer.sequence == 3


def test_textual_asks_the_node_how_coins_are_shown(plan):
    """The same transaction, as screens."""
    one = plan(mode=SignMode.TEXTUAL)
    assert b"\x01fAmount\x02f1 atom" in one.payload
    assert one.transaction.mode is SignMode.TEXTUAL


def test_words_tell_everything(plan):
    """What a person compares with the device's screen."""
    assert dict(in_words(plan(memo="hi").transaction, LOCAL)) == {
        "Chain": "local (local-1)",
        "Account": "cosmos15yk64u7zc9g9k2yr2wmzeva5qgwxps6yxj00e7",
        "Message": "Send",
        "  to address": OTHER,
        "  amount": "1 atom",
        "Memo": "hi",
        "Fee": "0.002451 atom",
        "Gas": "98001",
        "Sequence": "3",
    }


def test_same_request_makes_the_same_transaction(plan, session):
    """Run again before its block, it has the same number and the same hash."""
    hashes = {result(sign(session, plan(), path=LOCAL.path)).hash for _ in range(2)}
    assert len(hashes) == 1


def test_delivery_waits_for_the_block(node, signed, chain, clock):
    """Sent once, looked for until it is there."""
    done = result(deliver(node, signed, waiting=clock))
    assert done == Delivery(hash=signed.hash, receipt=Receipt(height=77, gas_used=65_000, verdict=Verdict(code=0)))
    assert chain.received == [signed.to_bytes()]
    assert clock.at == 1.0


def test_delivery_without_waiting(node, signed, chain):
    """The hash is known, and nothing is looked for."""
    assert result(deliver(node, signed, wait_s=0)) == Delivery(hash=signed.hash, receipt=None)
    assert len(chain.received) == 1


@pytest.mark.parametrize(
    ("verdict", "kind", "remedy"),
    [
        ((5, "sdk", "insufficient funds"), NotEnough, "balance"),
        ((13, "sdk", "insufficient fee"), ChainRefusal, "--fees"),
        ((11, "sdk", "out of gas"), ChainRefusal, "--gas"),
        ((32, "sdk", "account sequence mismatch"), SequenceUsed, "run the command again"),
        ((4, "sdk", "signature verification failed"), ChainRefusal, "--path"),
        ((5, "wasm", "\x1b[2Jno"), ChainRefusal, "nothing is spent"),
    ],
)
def test_no_at_first_sight(node, signed, chain, verdict, kind, remedy):
    """Each of the chain's reasons has its remedy, and nothing is waited for."""
    chain.verdict = verdict
    with pytest.raises(kind, match="will not take") as failed:
        result(deliver(node, signed))
    assert remedy in failed.value.remedy
    assert "\x1b" not in failed.value.message
    assert chain.count("/txs/") == chain.count(" tx ") == 0


def test_transaction_that_the_node_has_already_is_waited_for(node, signed, chain, clock):
    """A second run of the same command finds the first one's transaction."""
    chain.verdict = (19, "sdk", "tx already in mempool")
    assert result(deliver(node, signed, waiting=clock)).receipt.height == 77


def test_failure_inside_the_block(node, signed, chain, clock):
    """The fee is paid, the rest is undone, and it is told."""
    chain.block_verdict = (11, "sdk", "out of gas")
    with pytest.raises(FailedInBlock, match="is in block 77 and failed: out of gas") as failed:
        result(deliver(node, signed, waiting=clock))
    assert signed.hash in failed.value.message


def _sending(chain):
    return {"rest": "/txs ", "rpc": "broadcast_tx_sync"}[chain.kind]


@pytest.mark.parametrize(
    "fault", ["lost", httpx.ReadError("cut"), httpx.Response(200, text="<html>"), httpx.Response(503)]
)
def test_answer_that_is_lost_sends_nothing_again(node, signed, chain, clock, fault):
    """It may have arrived: it is looked for, and when it is not found the person is told how to go on without paying twice."""
    chain.faults = {_sending(chain): fault}
    if fault == "lost":
        assert result(deliver(node, signed, waiting=clock)).receipt.height == 77
    else:
        with pytest.raises(Unconfirmed, match="not known whether it arrived") as failed:
            result(deliver(node, signed, wait_s=5, waiting=clock))
        assert (failed.value.transaction, failed.value.sequence) == (signed.hash, 3)
        assert f"tally cosmos status {signed.hash}" in failed.value.remedy
        assert "--sequence 3" in failed.value.remedy
        assert clock.at == 5
    assert chain.count(_sending(chain)) == 1


def test_node_that_was_never_reached_sent_nothing(node, signed, chain, clock):
    """Then it is said that nothing was sent, and nothing is waited for."""
    chain.faults = {_sending(chain): httpx.ConnectError("refused")}
    with pytest.raises(NodeDown) as failed:
        result(deliver(node, signed, waiting=clock))
    assert failed.value.remedy.startswith("nothing was sent")
    assert clock.at == 0


def test_no_block_in_time(node, signed, chain, clock):
    """The node took it, and nobody knows more."""
    chain.blocks_to_wait = 10**6
    with pytest.raises(Unconfirmed, match="the node took it, and within 60 s it was in no block"):
        result(deliver(node, signed, waiting=clock))
    assert clock.at == 60
    assert len(chain.received) == 1


def test_node_that_goes_away_while_waiting_is_asked_again(node, signed, chain, clock):
    """Looking is no sending: it is repeated until the time is over."""
    steps = deliver(node, signed, wait_s=10, waiting=clock)
    word = {"rest": "/txs/", "rpc": "/ tx "}[chain.kind]
    for step in steps:
        if getattr(step, "step", "") == "waiting for a block":
            chain.faults = {word: httpx.ConnectError("gone")}
            break
    with pytest.raises(Unconfirmed):
        next(steps)
    assert clock.at == 10


def test_lookup_ends_in_time(node, chain, clock):
    """None while it is in no block."""
    assert lookup(node, "AB" * 32, wait_s=3, waiting=clock) is None
    assert clock.at == 3


def test_refusal_on_the_device_sends_nothing(plan, session, device, chain):
    """The person's no is final."""
    one = plan()
    device.refuses = True
    with pytest.raises(UserRefused):
        result(sign(session, one, path=LOCAL.path))
    assert chain.received == []


def test_signature_of_another_account_is_not_used(plan, session):
    """The device gives the key that the plan was made for, or nothing is sent."""
    one = plan()
    with pytest.raises(ProtocolError, match="another key"):
        result(sign(session, one, path=Bip32Path.parse("44'/118'/0'/0/1")))


def test_ethereum_kind_of_account(chain, session):
    """Another coin, prefix, kind of key and digest: all by the network's entry."""
    network = Registry.built_in().find("injective")
    chain.chain_id, chain.balances, chain.price = "injective-1", {"inj": 10**18}, "160000000.000000000000000000"
    node = open_node(network, url=URL, open_door=chain.door)
    owner = result(actions.address(session, network.path, hrp=network.hrp))
    assert owner.address == "inj17w0adeg64ky0daxwd2ugyuneellmjgnxf5vkec"
    coins = (Coin(amount=5, denom="inj"),)
    one = schema.message(schema.SEND, from_address=owner.address, to_address=owner.address, amount=coins)
    signed = result(sign(session, make_plan(node, network, owner, Wish(messages=(one,))), path=network.path))
    assert b"/injective.crypto.v1beta1.ethsecp256k1.PubKey" in signed.to_bytes()
    assert len(signed.signature) == 64
