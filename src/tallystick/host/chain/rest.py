"""A node asked by its REST service, port 1317 of a node of one's own."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Final
from urllib.parse import quote

from tallystick.errors import RemoteProtocolError, UsageError
from tallystick.host.chain.answer import Answer
from tallystick.host.chain.coin import Coin, read_price
from tallystick.host.chain.door import Door, Reply
from tallystick.host.chain.fault import ChainError, printable
from tallystick.host.chain.node import Account, Receipt, Verdict
from tallystick.host.chain.refusal import no_account, of_simulation
from tallystick.host.chain.textual import CoinMetadata

NODE_INFO: Final = "/cosmos/base/tendermint/v1beta1/node_info"
_TRANSACTIONS: Final = "/cosmos/tx/v1beta1/txs"
_PAGE: Final = "200"
_NOT_FOUND: Final = 404
#: answers of nodes that do not have a question at all, or not this module
_UNKNOWN: Final = frozenset({404, 400, 500, 501})
_ABSENT: Final = frozenset({404, 501})
#: accounts that hold another one, by member
_INNER: Final = ("base_account", "base_vesting_account")
_MAX_NESTING: Final = 4


class RestNode:
    """`Node` over REST."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self.url = door.url

    def chain_id(self) -> str:
        """Return the name of the chain it belongs to."""
        return self._get(NODE_INFO).member("default_node_info", "network").text()

    def account(self, address: str) -> Account:
        """Return an account's numbers; raise NoAccount when the chain does not know it."""
        reply = self._door.get(f"/cosmos/auth/v1beta1/accounts/{quote(address, safe='')}")
        if not reply.is_ok and ("not found" in _words(reply).lower() or reply.status == _NOT_FOUND):
            raise no_account(address)
        found = _ok(reply).member("account")
        for _ in range(_MAX_NESTING):
            inner = next((one for one in map(found.find, _INNER) if one is not None), None)
            if inner is None:
                break
            found = inner
        sequence = found.find("sequence")
        return Account(
            number=found.member("account_number").number(), sequence=0 if sequence is None else sequence.number()
        )

    def balances(self, address: str) -> tuple[Coin, ...]:
        """Return what an address has, the first 200 coins."""
        path = f"/cosmos/bank/v1beta1/balances/{quote(address, safe='')}"
        found = self._get(path, **{"pagination.limit": _PAGE}).member("balances")
        return tuple(one.coin() for one in found.items())

    def balance(self, address: str, denom: str) -> int:
        """Return what an address has of one coin."""
        path = f"/cosmos/bank/v1beta1/balances/{quote(address, safe='')}/by_denom"
        return self._get(path, denom=denom).member("balance", "amount").number(maximum=2**256 - 1)

    def metadata(self, denom: str) -> CoinMetadata | None:
        """Return what the chain says about a coin, None when it says nothing."""
        reply = self._door.get("/cosmos/bank/v1beta1/denoms_metadata_by_query_string", {"denom": denom})
        if reply.status == _NOT_FOUND:
            return None
        found = _ok(reply).member("metadata")
        units = (
            (
                one.member("denom").text(),
                0 if (exponent := one.find("exponent")) is None else exponent.number(maximum=255),
            )
            for one in found.member("denom_units").items()
        )
        return CoinMetadata(display=found.member("display").text(), exponents=tuple(units))

    def gas_price(self, denom: str) -> Decimal | None:
        """Return what one of gas costs: by the fee market where there is one, else the least that this node takes."""
        market = self._door.get(f"/feemarket/v1/gas_price/{quote(denom, safe='')}")
        if market.is_ok:
            return _price(market.body.member("price", "amount").text())
        if market.status not in _UNKNOWN:
            raise _error(market)
        reply = self._door.get("/cosmos/base/node/v1beta1/config")
        found = reply.body.find("minimum_gas_price") if reply.is_ok else None
        return None if found is None else price_in(found.text(), denom)

    def simulate(self, transaction: bytes) -> int:
        """Return how much gas a transaction without signature uses; raise ChainRefusal when it would fail."""
        text = base64.b64encode(transaction).decode("ascii")
        reply = self._door.post("/cosmos/tx/v1beta1/simulate", {"tx_bytes": text})
        if reply.status in _ABSENT:
            raise _error(reply)
        if not reply.is_ok:
            raise of_simulation(_words(reply))
        return reply.body.member("gas_info", "gas_used").number()

    def broadcast(self, transaction: bytes) -> Verdict:
        """Hand a transaction over, once, and return what the node says at first sight."""
        text = base64.b64encode(transaction).decode("ascii")
        reply = self._door.post(_TRANSACTIONS, {"tx_bytes": text, "mode": "BROADCAST_MODE_SYNC"})
        return _verdict(_ok(reply).member("tx_response"))

    def find(self, transaction: str) -> Receipt | None:
        """Return the receipt of the transaction with this hash, None while it is in no block."""
        reply = self._door.get(f"{_TRANSACTIONS}/{transaction}")
        if not reply.is_ok and (reply.status == _NOT_FOUND or "not found" in _words(reply).lower()):
            return None
        found = _ok(reply).member("tx_response")
        height = found.member("height").number()
        if not height:
            return None
        return Receipt(height=height, gas_used=found.member("gas_used").number(), verdict=_verdict(found))

    def find_by_sequence(self, address: str, sequence: int) -> str | None:
        """Return the hash of the account's transaction of this number, None when the node cannot tell."""
        reply = self._door.get(_TRANSACTIONS, {"query": f"tx.acc_seq='{address}/{sequence}'", "limit": "1"})
        found = reply.body.find("tx_responses") if reply.is_ok else None
        hashes = [one.member("txhash").text() for one in found.items()] if found is not None else []
        return printable(hashes[0]) if hashes else None

    def _get(self, path: str, **query: str) -> Answer:
        return _ok(self._door.get(path, query))


def price_in(text: str, denom: str) -> Decimal | None:
    """Return the price in `denom` among prices with commas between them (``0.005uatom,0.1photon``), None when it is not there."""
    for one in text.split(","):
        if one.strip().endswith(denom):
            number = one.strip().removesuffix(denom)
            if number.replace(".", "").isdecimal():
                return _price(number)
    return None


def _price(text: str) -> Decimal:
    try:
        return read_price(text)
    except UsageError as error:
        raise RemoteProtocolError(f"the node's answer: {error.message}") from None


def _verdict(found: Answer) -> Verdict:
    codespace, words = found.find("codespace"), found.find("raw_log")
    return Verdict(
        code=found.member("code").number(maximum=2**32 - 1),
        codespace="" if codespace is None else printable(codespace.text()),
        words="" if words is None else printable(words.text()),
    )


def _ok(reply: Reply) -> Answer:
    if not reply.is_ok:
        raise _error(reply)
    return reply.body


def _words(reply: Reply) -> str:
    found = reply.body.find("message")
    return printable(found.text()) if found is not None else ""


def _error(reply: Reply) -> ChainError:
    return ChainError(
        f"the node answered HTTP {reply.status}: {_words(reply) or 'no words'}",
        remedy="see whether the URL is a node's, and of this chain; or name another node with --node",
    )
