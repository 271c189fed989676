"""Nodes by REST and by RPC, against a chain written for the test, and against answers that are none."""

from __future__ import annotations

import base64
from decimal import Decimal

import httpx
import pytest
from fake_chain import URL, FakeChain, pb

from tallystick.errors import ProtocolError, TallyError, TransportError, UsageError
from tallystick.host.chain import door as door_module
from tallystick.host.chain.answer import Answer
from tallystick.host.chain.coin import Coin
from tallystick.host.chain.door import Door, node_url
from tallystick.host.chain.fault import (
    ChainError,
    ChainRefusal,
    ChainTimeout,
    NoAccount,
    NodeDown,
    NotEnough,
    SequenceUsed,
    WrongChain,
    printable,
)
from tallystick.host.chain.finder import open_node
from tallystick.host.chain.network import Registry
from tallystick.host.chain.node import Account, Verdict
from tallystick.host.chain.textual import CoinMetadata

LOCAL = Registry.built_in().find("local")
ADDRESS = "cosmos15yk64u7zc9g9k2yr2wmzeva5qgwxps6yxj00e7"
HASH = "AB" * 32


def _node(chain):
    return open_node(LOCAL, url=URL, open_door=chain.door)


def _answering(answer):
    def take(_request):
        if isinstance(answer, Exception):
            raise answer
        return answer

    return lambda url: Door(url, http=httpx.Client(transport=httpx.MockTransport(take)))


def test_everything_is_asked_in_both_ways(chain):
    """The same answers by REST and by RPC."""
    node = _node(chain)
    assert node.account(ADDRESS) == Account(number=12, sequence=3)
    assert node.balances(ADDRESS) == (Coin(amount=10_000_000, denom="uatom"),)
    assert (node.balance(ADDRESS, "uatom"), node.balance(ADDRESS, "stake")) == (10_000_000, 0)
    assert node.metadata("uatom") == CoinMetadata(display="atom", exponents=(("uatom", 0), ("atom", 6)))
    assert node.metadata("stake") is None
    assert node.gas_price("uatom") == Decimal("0.025")
    assert node.simulate(b"tx") == 70_000
    assert node.broadcast(b"tx") == Verdict(code=0)
    assert chain.received == [b"tx"]
    assert node.find(HASH) is None
    assert node.find_by_sequence(ADDRESS, 2) is None
    chain.used_by = HASH
    assert node.find_by_sequence(ADDRESS, 2) == HASH


@pytest.mark.parametrize(
    "kind", ["/cosmos.auth.v1beta1.BaseAccount", "/cosmos.vesting.v1beta1.ContinuousVestingAccount"]
)
def test_account_inside_another_is_found(chain, kind):
    """Vesting accounts hold one that holds the numbers."""
    chain.account_kind = kind
    assert _node(chain).account(ADDRESS) == Account(number=12, sequence=3)


def test_account_that_nobody_knows(chain):
    """It has a word of its own, and a remedy."""
    chain.account = None
    with pytest.raises(NoAccount, match=ADDRESS) as failed:
        _node(chain).account(ADDRESS)
    assert "send it some" in failed.value.remedy


def test_gas_price_without_a_fee_market(chain):
    """The least that the node takes in this coin, and None for a coin that it does not take."""
    chain.price = None
    node = _node(chain)
    assert node.gas_price("uatom") == Decimal("0.03")
    assert node.gas_price("photon") == Decimal("0.5")
    assert node.gas_price("atom2") is None


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("spendable balance 5uatom is smaller than 6uatom: insufficient funds", NotEnough),
        ("account sequence mismatch, expected 4, got 3: incorrect account sequence", SequenceUsed),
        ("proposal 9 doesn't exist: unknown proposal", ChainRefusal),
    ],
)
def test_trial_that_fails_tells_why(chain, words, kind):
    """The node's words, and what kind of fault they mean."""
    chain.simulate_fault = words
    with pytest.raises(kind, match=words[:20]):
        _node(chain).simulate(b"tx")


def test_another_chain_is_refused(chain):
    """Before anything else is asked of the node."""
    chain.chain_id = "cosmoshub-4"
    with pytest.raises(WrongChain, match="of the chain 'cosmoshub-4', not 'local-1'"):
        _node(chain)


@pytest.mark.parametrize(
    ("fault", "may_have_arrived"),
    [
        (httpx.ConnectError("refused"), False),
        (httpx.ConnectTimeout("slow"), False),
        (httpx.ReadTimeout("slow"), True),
        (httpx.ReadError("cut"), True),
        (httpx.RemoteProtocolError("not HTTP"), True),
        (httpx.Response(503), True),
        (httpx.Response(429, text="later"), True),
    ],
)
def test_node_that_is_down_tells_whether_it_may_have_heard(fault, may_have_arrived):
    """It decides whether a transaction may be on its way."""
    with pytest.raises((NodeDown, ChainTimeout)) as failed:
        open_node(LOCAL, url=URL, open_door=_answering(fault))
    assert failed.value.may_have_arrived is (False if isinstance(failed.value, NodeDown) else may_have_arrived)
    with pytest.raises((NodeDown, ChainTimeout)) as failed:
        _answering(fault)(URL).get("/")
    assert failed.value.may_have_arrived is may_have_arrived
    assert failed.value.remedy


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(200, text="[" * 100_000),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"default_node_info": 7}),
        httpx.Response(200, json={"result": {"node_info": {"network": 7}}}),
        httpx.Response(301, headers={"Location": "http://elsewhere.example"}),
        httpx.Response(404),
        httpx.Response(200, content=b" " * (door_module.MAX_ANSWER_BYTES + 1)),
    ],
)
def test_what_is_no_node_is_told(answer):
    """A page, a flood, another service: one clear error, and nothing is followed elsewhere."""
    with pytest.raises((ChainError, ProtocolError)):
        open_node(LOCAL, url=URL, open_door=_answering(answer))


def test_answer_that_does_not_end_is_left():
    """A node that sends a byte now and then does not hold us for ever."""
    times = iter(range(0, 1000, 25))
    answer = httpx.Response(200, content=iter([b" "] * 10))
    http = httpx.Client(transport=httpx.MockTransport(lambda _request: answer))
    with pytest.raises(ChainTimeout):
        Door(URL, http=http, now=lambda: float(next(times))).get("/")


@pytest.mark.parametrize("word", ["accounts", "balances", "denoms_metadata", "feemarket", "simulate", "txs"])
@pytest.mark.parametrize(
    "document",
    [
        [], 7, "x", None, {}, {"account": 5}, {"account": {"base_account": {}}}, {"account": {"account_number": "-1"}},
        {"account": {"account_number": "9" * 40}}, {"balances": {}}, {"balances": [{"amount": "1"}]},
        {"balances": [{"amount": "1" * 80, "denom": "uatom"}]}, {"balances": [{"amount": 1.5, "denom": "uatom"}]},
        {"balances": [{"amount": "1", "denom": "\x1b[2J"}]}, {"balances": [{}] * 1001}, {"metadata": {"display": 1}},
        {"metadata": {"display": "a", "denom_units": [{"denom": "a", "exponent": 999}]}}, {"price": {"amount": "1e99999"}},
        {"gas_info": {"gas_used": True}}, {"tx_response": {"code": "x"}}, {"tx_response": {"code": 0, "raw_log": 5}},
        {"tx_response": {"code": 0, "height": "7", "gas_used": -1}},
    ],
)  # fmt: skip
def test_rest_answers_that_make_no_sense(word, document):
    """Every question fails with an error of ours, whatever is answered to it; none is taken for nothing."""
    chain = FakeChain()
    node = _node(chain)
    chain.faults = {word: httpx.Response(200, json=document)}
    ask = {
        "accounts": lambda: node.account(ADDRESS),
        "balances": lambda: (node.balances(ADDRESS), node.balance(ADDRESS, "uatom")),
        "denoms_metadata": lambda: node.metadata("uatom"),
        "feemarket": lambda: node.gas_price("uatom"),
        "simulate": lambda: node.simulate(b"tx"),
        "txs": lambda: (node.broadcast(b"tx"), node.find(HASH)),
    }[word]
    with pytest.raises(TallyError):
        ask()


@pytest.mark.parametrize(
    "word", ["Account", "AllBalances", "Query/Balance", "Metadata", "GasPrice", "Simulate", "broadcast", "tx"]
)
@pytest.mark.parametrize(
    "result",
    [
        None, [], {"response": {"value": "!"}}, {"response": {"value": "/w=="}}, {"response": {"code": -1}},
        {"response": {"code": 0, "value": "CgL/"}}, {"code": "a"}, {"tx_result": 5, "height": "1"},
    ],
)  # fmt: skip
def test_rpc_answers_that_make_no_sense(word, result):
    """JSON and the protobuf inside it are both read as hostile."""
    chain = FakeChain(kind="rpc")
    node = _node(chain)
    chain.faults = {word: httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "result": result})}
    ask = {
        "Account": lambda: node.account(ADDRESS),
        "AllBalances": lambda: node.balances(ADDRESS),
        "Query/Balance": lambda: node.balance(ADDRESS, "uatom"),
        "Metadata": lambda: node.metadata("uatom"),
        "GasPrice": lambda: node.gas_price("uatom"),
        "Simulate": lambda: node.simulate(b"tx"),
        "broadcast": lambda: node.broadcast(b"tx"),
        "tx": lambda: node.find(HASH),
    }[word]
    with pytest.raises(TallyError):
        ask()


def test_account_of_somebody_else_is_not_taken():
    """A node that answers about another address is refused."""
    chain = FakeChain(kind="rpc")
    node = _node(chain)
    other = pb((1, pb((1, "/x"), (2, pb((1, "cosmos1other"), (3, 1))))))
    value = base64.b64encode(other).decode()
    chain.faults = {"Account": httpx.Response(200, json={"result": {"response": {"value": value}}})}
    with pytest.raises(ProtocolError):
        node.account(ADDRESS)


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("http://127.0.0.1:1317/", "http://127.0.0.1:1317"),
        ("tcp://127.0.0.1:26657", "http://127.0.0.1:26657"),
        ("https://example.org/key/abc", "https://example.org/key/abc"),
    ],
)
def test_urls_of_nodes(url, wanted):
    """With a path, and in the manner of the nodes' own settings."""
    assert node_url(url) == wanted


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:1317",
        "ftp://x",
        "http://",
        "http://x:y",
        "http://u:p@x",
        "http://x?a=b",
        "http://x#f",
        "http://x\n",
    ],
)
def test_what_is_no_url_of_a_node_is_refused(url):
    """A name and a password in it, too: they would end up in errors."""
    with pytest.raises(UsageError, match="is not the URL of a node"):
        node_url(url)


def test_words_of_nodes_are_made_harmless():
    """No control characters, and not without end."""
    assert printable("a\x1b[2Jb\n") == "a [2Jb"
    assert len(printable("x" * 5000)) == 301


def test_network_without_a_node_needs_one_named():
    """Nothing is asked anywhere."""
    with pytest.raises(UsageError, match="no node of local is known"):
        open_node(
            Registry(())
            .changed_by(
                b'{"local":{"chain_id":"a","hrp":"a","denom":"aaa","display":"a","decimals":0,"gas_price":"0"}}'
            )
            .find("local")
        )


def test_errors_of_the_way_are_transport_errors():
    """So that whoever handles those handles these."""
    assert issubclass(ChainError, TransportError)
    assert issubclass(ChainTimeout, TransportError)


def test_data_that_is_no_base64_is_refused():
    """Bytes in JSON are strict."""
    with pytest.raises(ProtocolError):
        Answer("a=b").data()
