"""A chain of one node, gaiad as it is published, and its own client; all in a folder that goes with the test."""

import json
import os
import socket
import subprocess
import tomllib
import urllib.error
import urllib.request
from pathlib import Path

BIN = Path(__file__).parent / "node" / "bin"
CHAIN_ID = "local-1"
DENOM = "uatom"
#: seconds for a node to begin, or for a block; nothing here is measured
PATIENCE_S = 60.0
_FUNDS = 1_000_000_000


def free_port():
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def gaiad(*words, home, program="gaiad", fails=False):
    """Run the node's own client; return what it prints, as JSON where it is JSON."""
    ended = subprocess.run(
        [str(BIN / program), *words, "--home", str(home)],
        check=False, capture_output=True, text=True, timeout=PATIENCE_S, stdin=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(home)},
    )  # fmt: skip
    assert (ended.returncode != 0) == fails, ended.stdout + ended.stderr
    try:
        return json.loads(ended.stdout or ended.stderr)
    except ValueError:
        return ended.stdout + ended.stderr


class Node:
    """One validator with blocks of a fifth of a second; `fund` are the addresses that begin with a thousand ATOM."""

    def __init__(self, home, *, chain_id=CHAIN_ID, fund=(), rpc_port=None, rest_port=None):
        self.home, self.chain_id = home, chain_id
        self.rpc_port, self.rest_port = rpc_port or free_port(), rest_port or free_port()
        self.rpc, self.rest = f"http://127.0.0.1:{self.rpc_port}", f"http://127.0.0.1:{self.rest_port}"
        self._log = home.parent / "node.log"
        gaiad("init", "test", "--chain-id", chain_id, "--default-denom", DENOM, home=home)
        self._genesis()
        gaiad("keys", "add", "validator", "--keyring-backend", "test", home=home)
        self.validator = gaiad("keys", "show", "validator", "-a", "--keyring-backend", "test", home=home).strip()
        for address in (self.validator, *fund):
            gaiad("genesis", "add-genesis-account", address, f"{_FUNDS}{DENOM}", home=home)
        gaiad(
            "genesis", "gentx", "validator", f"{_FUNDS // 2}{DENOM}", "--chain-id", chain_id, "--keyring-backend", "test",
            home=home,
        )  # fmt: skip
        gaiad("genesis", "collect-gentxs", home=home)
        self._settings()
        # the client's own settings: it asks the node for the metadata of coins before it reads its flags
        gaiad("config", "set", "client", "node", self.rpc.replace("http", "tcp"), home=home)
        self._process = None

    def _genesis(self):
        """Fees of a thousandth of the smallest unit for one of gas, and deposits of one."""
        path = self.home / "config" / "genesis.json"
        genesis = json.loads(path.read_text())
        state = genesis["app_state"]
        price = "0.001000000000000000"
        state["feemarket"]["params"] |= {"enabled": False, "fee_denom": DENOM, "min_base_gas_price": price}
        state["feemarket"]["state"] |= {"base_gas_price": price}
        state["gov"]["params"] |= {"min_deposit": [{"denom": DENOM, "amount": "1"}]}
        state["bank"]["denom_metadata"] = [
            {
                "base": DENOM, "display": "atom", "name": "Atom", "symbol": "ATOM", "description": "",
                "denom_units": [{"denom": DENOM, "exponent": 0}, {"denom": "atom", "exponent": 6}],
            }
        ]  # fmt: skip
        path.write_text(json.dumps(genesis))

    def _settings(self):
        path = self.home / "config" / "config.toml"
        text = path.read_text().replace('timeout_commit = "5s"', 'timeout_commit = "200ms"')
        path.write_text(text)
        assert tomllib.loads(text)["consensus"]["timeout_commit"] == "200ms"

    def __enter__(self):
        words = [
            "start", "--minimum-gas-prices", f"0{DENOM}", "--rpc.laddr", f"tcp://127.0.0.1:{self.rpc_port}",
            "--p2p.laddr", f"tcp://127.0.0.1:{free_port()}", "--grpc.address", f"127.0.0.1:{free_port()}",
            "--api.enable", "--api.address", f"tcp://127.0.0.1:{self.rest_port}", "--log_level", "error",
        ]  # fmt: skip
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(BIN / "gaiad"), *words, "--home", str(self.home)], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self.until(
            lambda: int(self.get("/cosmos/base/tendermint/v1beta1/blocks/latest")["block"]["header"]["height"]) > 1
        )
        return self

    def __exit__(self, *_unused):
        self._process.terminate()
        self._process.wait(PATIENCE_S)

    def get(self, path):
        """Ask the node's REST service."""
        with urllib.request.urlopen(self.rest + path, timeout=PATIENCE_S) as answer:
            return json.load(answer)

    def balance(self, address):
        """Return what an address has, in the smallest unit."""
        found = self.get(f"/cosmos/bank/v1beta1/balances/{address}")["balances"]
        return sum(int(coin["amount"]) for coin in found if coin["denom"] == DENOM)

    def until(self, condition):
        """Wait until `condition` holds; the node that begins is asked again, ten times a second."""
        pause = socket.socketpair()
        with pause[0], pause[1]:
            pause[0].settimeout(0.1)
            for _ in range(int(PATIENCE_S * 10)):
                assert self._process.poll() is None, self._log.read_text()
                try:
                    if condition():
                        return
                except (urllib.error.URLError, ConnectionError):
                    pass
                try:
                    pause[0].recv(1)
                except TimeoutError:
                    continue
        raise AssertionError(self._log.read_text()[-4000:])
