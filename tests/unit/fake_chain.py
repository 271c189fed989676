"""A small chain behind HTTP, by REST and by RPC, as a transport of httpx: no socket, no clock, and every fault that is wanted.

Written from the interfaces' descriptions, with a protobuf writer of its own: the client's must not judge itself.
"""

from __future__ import annotations

import base64
import hashlib
import json
from urllib.parse import unquote

import httpx

from tallystick.host.chain.door import Door

URL = "http://node.example"


def pb(*fields):
    """Return a protobuf message of (number, whole number or bytes or text)."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += _varint(number << 3) + _varint(value)
        else:
            raw = value.encode() if isinstance(value, str) else value
            out += _varint(number << 3 | 2) + _varint(len(raw)) + raw
    return out


def _varint(value):
    out = b""
    while value > 127:
        out += bytes((value % 128 + 128,))
        value //= 128
    return out + bytes((value,))


class Clock:
    """Time that passes only when it is waited for."""

    def __init__(self):
        self.at = 0.0

    def now(self):
        """Return seconds."""
        return self.at

    def pause(self, seconds):
        """Let them pass."""
        self.at += seconds


class FakeChain:
    """One account and one coin; a transaction that is broadcast is in a block after `blocks_to_wait` questions for it."""

    def __init__(self, *, kind="rest"):
        self.kind = kind
        self.chain_id = "local-1"
        self.account = (12, 3)
        self.account_kind = "/cosmos.auth.v1beta1.BaseAccount"
        self.balances = {"uatom": 10_000_000}
        self.price = "0.025000000000000000"
        self.gas_used = 70_000
        self.simulate_fault = None
        self.verdict = (0, "", "")
        self.block_verdict = (0, "", "")
        self.blocks_to_wait = 2
        self.used_by = None
        self.faults = {}
        self.asked = []
        self.received = []

    def door(self, url=URL):
        """Return the way to it."""
        return Door(url, http=httpx.Client(transport=httpx.MockTransport(self.answer)))

    def count(self, what):
        """Return how often something was asked."""
        return sum(what in one for one in self.asked)

    def answer(self, request):
        """Answer one question, or fail as `faults` says: by a word in the path or method, an exception, a response, or a lost answer."""
        body = json.loads(request.content) if request.content else {}
        name = (
            unquote(request.url.path)
            + " "
            + str(body.get("method", ""))
            + " "
            + str(dict(body.get("params", {})).get("path", ""))
        )
        self.asked.append(name)
        for word, fault in self.faults.items():
            if word in name:
                if isinstance(fault, Exception):
                    raise fault
                if isinstance(fault, httpx.Response):
                    return fault
                self._rest(request, body) if self.kind == "rest" else self._rpc(body)
                raise httpx.ReadTimeout("lost")
        return self._rest(request, body) if self.kind == "rest" else self._rpc(body)

    # REST

    def _rest(self, request, body):
        path = unquote(request.url.path)
        last = path.rpartition("/")[2]
        if path == "/cosmos/base/tendermint/v1beta1/node_info":
            return httpx.Response(200, json={"default_node_info": {"network": self.chain_id}})
        if "/auth/v1beta1/accounts/" in path:
            if self.account is None:
                return httpx.Response(404, json={"code": 5, "message": f"account {last} not found", "details": []})
            plain = {"address": last, "account_number": str(self.account[0]), "sequence": str(self.account[1])}
            if "Vesting" in self.account_kind:
                plain = {"base_vesting_account": {"base_account": plain}}
            return httpx.Response(200, json={"account": {"@type": self.account_kind, **plain}})
        if path.endswith("/by_denom"):
            denom = request.url.params["denom"]
            return httpx.Response(200, json={"balance": {"denom": denom, "amount": str(self.balances.get(denom, 0))}})
        if "/bank/v1beta1/balances/" in path:
            coins = [{"denom": denom, "amount": str(amount)} for denom, amount in self.balances.items()]
            return httpx.Response(200, json={"balances": coins, "pagination": {}})
        if "denoms_metadata" in path:
            if request.url.params["denom"] != "uatom":
                return httpx.Response(404, json={"code": 5, "message": "client metadata for denom not found"})
            units = [{"denom": "uatom", "exponent": 0}, {"denom": "atom", "exponent": 6}]
            return httpx.Response(200, json={"metadata": {"base": "uatom", "display": "atom", "denom_units": units}})
        if "/feemarket/" in path:
            if self.price is None:
                return httpx.Response(501, json={"code": 12, "message": "Not Implemented"})
            return httpx.Response(200, json={"price": {"denom": last, "amount": self.price}})
        if path.endswith("/node/v1beta1/config"):
            return httpx.Response(200, json={"minimum_gas_price": "0.5photon,0.030000000000000000uatom"})
        if path.endswith("/simulate"):
            if self.simulate_fault:
                return httpx.Response(400, json={"code": 2, "message": self.simulate_fault})
            return httpx.Response(200, json={"gas_info": {"gas_used": str(self.gas_used)}})
        if path.endswith("/txs") and request.method == "POST":
            assert body["mode"] == "BROADCAST_MODE_SYNC"
            code, codespace, words = self._take(base64.b64decode(body["tx_bytes"]))
            return httpx.Response(200, json={"tx_response": {"code": code, "codespace": codespace, "raw_log": words}})
        if path.endswith("/txs"):
            assert request.url.params["query"].startswith("tx.acc_seq=")
            return httpx.Response(200, json={"tx_responses": [{"txhash": self.used_by}] if self.used_by else []})
        if "/tx/v1beta1/txs/" in path:
            if not self._is_included(last):
                return httpx.Response(404, json={"code": 5, "message": f"tx not found: {last}"})
            code, codespace, words = self.block_verdict
            found = {"height": "77", "gas_used": "65000", "code": code, "codespace": codespace, "raw_log": words}
            return httpx.Response(200, json={"tx_response": found})
        return httpx.Response(501, json={"code": 12, "message": "Not Implemented"})

    # RPC

    def _rpc(self, body):
        if not body:
            return httpx.Response(404, text="404 page not found\n")
        method, given = body["method"], body["params"]
        if method == "status":
            return _result({"node_info": {"network": self.chain_id}})
        if method == "abci_query":
            return self._query(given["path"], bytes.fromhex(given["data"]))
        if method == "broadcast_tx_sync":
            code, codespace, words = self._take(base64.b64decode(given["tx"]))
            if code == 19:
                return _failure("tx already exists in cache")
            return _result({"code": code, "codespace": codespace, "log": words})
        if method == "tx":
            name = base64.b64decode(given["hash"]).hex().upper()
            if not self._is_included(name):
                return _failure(f"tx ({name}) not found")
            code, codespace, words = self.block_verdict
            result = {"code": code, "codespace": codespace, "log": words, "gas_used": "65000"}
            return _result({"height": "77", "tx_result": result})
        if method == "tx_search":
            return _result({"txs": [{"hash": self.used_by}] if self.used_by else []})
        return _failure("method not found")

    def _query(self, path, question):
        name = path.rpartition("/")[2]
        if name == "Account":
            if self.account is None:
                return _response(22, "account cosmos1… not found: key not found")
            address = question[2 : 2 + question[1]].decode()
            account = pb((1, address), (3, self.account[0]), (4, self.account[1]))
            if "Vesting" in self.account_kind:
                account = pb((1, pb((1, account))))
            return _response(0, pb((1, pb((1, self.account_kind), (2, account)))))
        if name == "Balance":
            denom = question[4 + question[1] :].decode()
            return _response(0, pb((1, pb((1, denom), (2, str(self.balances.get(denom, 0)))))))
        if name == "AllBalances":
            return _response(0, pb(*((1, pb((1, one), (2, str(number)))) for one, number in self.balances.items())))
        if name == "DenomMetadataByQueryString":
            if question[2:] != b"uatom":
                return _response(22, "client metadata for denom not found")
            units = ((2, pb((1, "uatom"))), (2, pb((1, "atom"), (2, 6))))
            return _response(0, pb((1, pb(*units, (3, "uatom"), (4, "atom")))))
        if name == "GasPrice":
            if self.price is None:
                return _response(6, "unknown query path")
            digits = self.price.replace(".", "").lstrip("0")
            return _response(0, pb((1, pb((1, "uatom"), (2, digits)))))
        if name == "Config":
            return _response(0, pb((1, "0.5photon,0.030000000000000000uatom")))
        if name == "Simulate":
            if self.simulate_fault:
                return _response(1, self.simulate_fault)
            return _response(0, pb((1, pb((2, self.gas_used)))))
        return _response(6, "unknown query path")

    # the chain

    def _take(self, raw):
        self.received.append(raw)
        return self.verdict

    def _is_included(self, name):
        if name not in {hashlib.sha256(raw).hexdigest().upper() for raw in self.received}:
            return False
        self.blocks_to_wait -= 1
        return self.blocks_to_wait < 0


def _result(found):
    return httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "result": found})


def _failure(words):
    return httpx.Response(
        500, json={"jsonrpc": "2.0", "id": 1, "error": {"code": -32603, "message": "Internal error", "data": words}}
    )


def _response(code, value):
    found = {"code": code, "log": value} if code else {"code": 0, "value": base64.b64encode(value).decode()}
    return _result({"response": found})
