"""Networks, their files, amounts as people write them, and fees."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.apps.cosmos.chain import ChainKind, kind_of
from tallystick.crypto.bech32 import encode_bytes
from tallystick.errors import UsageError
from tallystick.host.chain.coin import Coin, CoinUnit, fee_for, read_coins, read_price
from tallystick.host.chain.door import node_url
from tallystick.host.chain.network import Registry
from tallystick.wire.path import harden

ATOM = CoinUnit(denom="uatom", display="atom", decimals=6)
BUILT_IN = Registry.built_in()


@pytest.mark.parametrize("network", BUILT_IN.networks, ids=lambda network: network.name)
def test_every_network_is_one_of_the_app(network):
    """Coin and prefix belong together as the app wants it (cosmos-app 1), and the data can be used."""
    is_ethereum = kind_of(harden(network.coin_type), network.hrp.encode()) is ChainKind.ETHEREUM
    assert ("ethsecp256k1" in network.public_key_type) == is_ethereum
    assert str(network.path) == f"44'/{network.coin_type}'/0'/0/0"
    assert node_url(network.rest)
    assert node_url(network.rpc)
    assert network.price > 0
    assert network.link_to("AB").endswith("AB") == bool(network.link)


def test_network_is_found_by_name_and_by_chain_id():
    """Both are what people know; another word tells which there are."""
    assert BUILT_IN.find("cosmoshub") is BUILT_IN.find("cosmoshub-4")
    with pytest.raises(UsageError, match="no network is called 'x'") as failed:
        BUILT_IN.find("x")
    assert "cosmoshub" in failed.value.remedy


def test_file_changes_and_adds_networks():
    """A member changes alone, and a new network needs all that have no default."""
    entry = {"chain_id": "t-1", "hrp": "cosmos", "denom": "utest", "display": "test", "decimals": 6, "gas_price": "0"}
    changed = BUILT_IN.changed_by(json.dumps({"cosmoshub": {"rest": "http://127.0.0.1:1"}, "mine": entry}).encode())
    assert changed.find("cosmoshub").rest == "http://127.0.0.1:1"
    assert changed.find("cosmoshub").denom == "uatom"
    assert changed.find("t-1").unit.display == "test"


@pytest.mark.parametrize(
    "document",
    [
        b"", b"[]", b'{"x": 1}', b'{"x": {}}', b'{"x": {"chain_id": "a"}}', b'{"cosmoshub": {"nodes": "a"}}',
        b'{"cosmoshub": {"decimals": "6"}}', b'{"cosmoshub": {"decimals": 19}}', b'{"cosmoshub": {"decimals": true}}',
        b'{"cosmoshub": {"gas_price": "cheap"}}', b'{"cosmoshub": {"rest": ""}}', b'{"cosmoshub": {"rest": "a\\n"}}',
        b'{"cosmoshub": {"coin_type": -1}}', b'{"COSMOS HUB": {}}', b'{"a": {}, "a": {}}',
    ],
)  # fmt: skip
def test_bad_list_of_networks_is_refused(document):
    """What is misspelt is not passed over."""
    with pytest.raises(UsageError):
        BUILT_IN.changed_by(document)


def test_addresses_are_checked():
    """Prefix, checksum and size, for accounts and validators."""
    hub = BUILT_IN.find("cosmoshub")
    good, validator = encode_bytes("cosmos", bytes(20)), encode_bytes("cosmosvaloper", bytes(20))
    assert hub.check_address(good) == good
    assert hub.check_address(validator, is_validator=True) == validator
    bad = (
        validator,
        encode_bytes("osmo", bytes(20)),
        encode_bytes("cosmos", bytes(21)),
        good[:-1] + "q",
        "",
        "x" * 500,
    )
    for address in bad:
        with pytest.raises(UsageError):
            hub.check_address(address)


@pytest.mark.parametrize(
    ("text", "amount", "denom"),
    [
        ("1500000uatom", 1_500_000, "uatom"),
        ("1.5atom", 1_500_000, "uatom"),
        ("1.50ATOM", 1_500_000, "uatom"),
        ("0.000001atom", 1, "uatom"),
        ("7ibc/27394FB092D2", 7, "ibc/27394FB092D2"),
        ("0uatom", 0, "uatom"),
    ],
)
def test_amounts_are_read(text, amount, denom):
    """In the smallest unit, by the coin's own name, and of coins that are not the network's."""
    assert ATOM.read(text) == Coin(amount=amount, denom=denom)


@pytest.mark.parametrize(
    "text", ["", "1", "uatom", "1.5uatom", "1.0000001atom", "-1uatom", "1,5atom", "١uatom", "1 atom", "9" * 79 + "uatom",
             "9" * 78 + "uatom", "1x", "1uatom\n"]
)  # fmt: skip
def test_what_is_no_amount_is_refused(text):
    """Nothing is rounded, and nothing guessed."""
    with pytest.raises(UsageError):
        ATOM.read(text)


@given(st.integers(0, 2**200), st.integers(0, 18))
def test_amount_shown_is_the_amount_read(amount, decimals):
    """What is shown to a person, written back, is the same number of smallest units."""
    unit = CoinUnit(denom="uatom", display="atom", decimals=decimals)
    coin = Coin(amount=amount, denom="uatom")
    assert unit.read(unit.show(coin).replace(" ", "")) == coin


def test_coin_whose_two_names_are_one_is_counted_in_its_smallest_unit():
    """Inj is the smallest unit, INJ 10^18 of it."""
    unit = BUILT_IN.find("injective").unit
    assert unit.read("5inj").amount == 5
    assert unit.read("5INJ").amount == 5 * 10**18


def test_several_coins_are_in_order_and_different():
    """With commas between them."""
    assert [str(one) for one in read_coins("2uatom, 1stake", ATOM)] == ["1stake", "2uatom"]
    assert read_coins("", ATOM) == ()
    with pytest.raises(UsageError):
        read_coins("1uatom,1atom", ATOM)


@given(st.integers(1, 10**9), st.integers(0, 10**12), st.integers(0, 12))
def test_fee_is_rounded_up(gas, digits, decimals):
    """Never less than gas times price, and by less than one smallest unit more."""
    fee = fee_for(gas, Decimal(digits).scaleb(-decimals))
    assert 0 <= fee * 10**decimals - gas * digits < 10**decimals


@pytest.mark.parametrize("text", ["", "-1", "1e5", "1.", ".5", "x", "0" * 31, "nan"])
def test_what_is_no_price_is_refused(text):
    """A price is a plain decimal number."""
    with pytest.raises(UsageError):
        read_price(text)
