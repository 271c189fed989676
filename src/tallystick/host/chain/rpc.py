"""A node asked by its RPC service, port 26657 of a node of one's own: JSON-RPC outside, protobuf inside."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Final

from tallystick.errors import RemoteProtocolError, UsageError
from tallystick.host.chain import protobuf
from tallystick.host.chain.answer import Answer
from tallystick.host.chain.coin import MAX_DIGITS, Coin
from tallystick.host.chain.door import Door
from tallystick.host.chain.fault import ChainError, printable
from tallystick.host.chain.node import Account, Receipt, Verdict
from tallystick.host.chain.protobuf import ProtobufReader
from tallystick.host.chain.refusal import no_account, of_simulation
from tallystick.host.chain.rest import price_in
from tallystick.host.chain.textual import CoinMetadata

_MAX_CODE: Final = 2**32 - 1
_MAX_HEIGHT: Final = 2**63 - 1
#: decimal numbers travel as whole ones of 18 decimals
_DECIMALS: Final = 18
_PAGE: Final = 200
_MAX_NESTING: Final = 4


class _Failed(Exception):
    """A query that the application answered with a code."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class RpcNode:
    """`Node` over JSON-RPC."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self.url = door.url

    def chain_id(self) -> str:
        """Return the name of the chain it belongs to."""
        return self._call("status").member("node_info", "network").text()

    def account(self, address: str) -> Account:
        """Return an account's numbers; raise NoAccount when the chain does not know it."""
        try:
            found = self._query("/cosmos.auth.v1beta1.Query/Account", protobuf.text_field(1, address)).message(1)
        except _Failed as error:
            if "not found" in error.words.lower():
                raise no_account(address) from None
            raise _error(error) from None
        account = found.message(2)
        # accounts of other kinds hold a plain one in their first field, or one that does; the plain one begins with its address
        for _ in range(_MAX_NESTING):
            if account.bytes(1) == address.encode():
                break
            account = account.message(1)
        else:
            raise RemoteProtocolError("the node's answer is about another account")
        return Account(number=account.number(3), sequence=account.number(4))

    def balances(self, address: str) -> tuple[Coin, ...]:
        """Return what an address has, the first 200 coins."""
        page = protobuf.message_field(2, protobuf.number_field(3, _PAGE))
        found = self._asked("/cosmos.bank.v1beta1.Query/AllBalances", protobuf.text_field(1, address) + page)
        return tuple(_coin(one) for one in found.messages(1))

    def balance(self, address: str, denom: str) -> int:
        """Return what an address has of one coin."""
        question = protobuf.text_field(1, address) + protobuf.text_field(2, denom)
        return _digits(self._asked("/cosmos.bank.v1beta1.Query/Balance", question).message(1).text(2))

    def metadata(self, denom: str) -> CoinMetadata | None:
        """Return what the chain says about a coin, None when it says nothing."""
        try:
            found = self._query(
                "/cosmos.bank.v1beta1.Query/DenomMetadataByQueryString", protobuf.text_field(1, denom)
            ).message(1)
        except _Failed as error:
            if "could not find" in error.words.lower() or "not found" in error.words.lower():
                return None
            raise _error(error) from None
        units = tuple((one.text(1), one.number(2)) for one in found.messages(2))
        return CoinMetadata(display=found.text(4), exponents=units)

    def gas_price(self, denom: str) -> Decimal | None:
        """Return what one of gas costs: by the fee market where there is one, else the least that this node takes."""
        try:
            found = self._query("/feemarket.feemarket.v1.Query/GasPrice", protobuf.text_field(1, denom))
        except _Failed:
            pass
        else:
            return Decimal(_digits(found.message(1).text(2))).scaleb(-_DECIMALS)
        try:
            return price_in(self._query("/cosmos.base.node.v1beta1.Service/Config", b"").text(1), denom)
        except _Failed:
            return None

    def simulate(self, transaction: bytes) -> int:
        """Return how much gas a transaction without signature uses; raise ChainRefusal when it would fail."""
        try:
            answer = self._query("/cosmos.tx.v1beta1.Service/Simulate", protobuf.bytes_field(2, transaction))
        except _Failed as error:
            raise of_simulation(error.words) from None
        return answer.message(1).number(2)

    def broadcast(self, transaction: bytes) -> Verdict:
        """Hand a transaction over, once, and return what the node says at first sight."""
        text = base64.b64encode(transaction).decode("ascii")
        try:
            return _verdict(self._ask("broadcast_tx_sync", tx=text))
        except _Failed as error:
            if "already exists in cache" in error.words:
                return Verdict(code=19, codespace="sdk", words="tx already in mempool")
            raise _error(error) from None

    def find(self, transaction: str) -> Receipt | None:
        """Return the receipt of the transaction with this hash, None while it is in no block."""
        text = base64.b64encode(bytes.fromhex(transaction)).decode("ascii")
        try:
            found = self._ask("tx", hash=text, prove=False)
        except _Failed as error:
            if "not found" in error.words.lower():
                return None
            raise _error(error) from None
        result = found.member("tx_result")
        return Receipt(
            height=found.member("height").number(maximum=_MAX_HEIGHT),
            gas_used=result.member("gas_used").number(),
            verdict=_verdict(result),
        )

    def find_by_sequence(self, address: str, sequence: int) -> str | None:
        """Return the hash of the account's transaction of this number, None when the node cannot tell."""
        query = f"tx.acc_seq='{address}/{sequence}'"
        try:
            found = self._ask("tx_search", query=query, prove=False, page="1", per_page="1")
        except _Failed:
            return None
        hashes = [one.member("hash").text() for one in found.member("txs").items()]
        return printable(hashes[0]) if hashes else None

    def _asked(self, path: str, question: bytes) -> ProtobufReader:
        try:
            return self._query(path, question)
        except _Failed as error:
            raise _error(error) from None

    def _query(self, path: str, question: bytes) -> ProtobufReader:
        response = self._call("abci_query", path=path, data=question.hex(), height="0", prove=False).member("response")
        code = response.find("code")
        if code is not None and code.number(maximum=_MAX_CODE):
            log = response.find("log")
            raise _Failed("" if log is None else printable(log.text()))
        value = response.find("value")
        return ProtobufReader(b"" if value is None else value.data())

    def _call(self, method: str, **parameters: object) -> Answer:
        try:
            return self._ask(method, **parameters)
        except _Failed as error:
            raise _error(error) from None

    def _ask(self, method: str, **parameters: object) -> Answer:
        document = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        body = self._door.post("/", document).body
        error = body.find("error")
        if error is not None:
            words = [error.find("message"), error.find("data")]
            raise _Failed(printable(": ".join(one.text() for one in words if one is not None)))
        return body.member("result")


def _verdict(found: Answer) -> Verdict:
    codespace, words = found.find("codespace"), found.find("log")
    return Verdict(
        code=found.member("code").number(maximum=_MAX_CODE),
        codespace="" if codespace is None else printable(codespace.text()),
        words="" if words is None else printable(words.text()),
    )


def _coin(found: ProtobufReader) -> Coin:
    try:
        return Coin(amount=_digits(found.text(2)), denom=found.text(1))
    except UsageError as error:
        raise RemoteProtocolError(f"the node's answer: {error.message}") from None


def _digits(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > MAX_DIGITS:
        raise RemoteProtocolError("the node's answer has no amount where one is due")
    return int(text)


def _error(error: _Failed) -> ChainError:
    return ChainError(
        f"the node says: {error.words or 'no words'}",
        remedy="see whether the node is of this chain; or name another with --node",
    )
