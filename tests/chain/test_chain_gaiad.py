"""The node's own client signs with a device of ours: gaiad, built for Zemu's door, as it is published."""

import pytest
from chain_stage import CHAIN_ID, DENOM, gaiad

#: nobody's: twenty bytes that count from nought
RECEIVER = "cosmos1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnrk363e"
#: where clients that were built for Zemu look, always
ZEMU_PORT = 3002


@pytest.fixture
def ledger(node, device):
    """Return the home of a client that knows the device's key as `dev`."""
    device("--zemu-port", str(ZEMU_PORT))
    told = gaiad(
        "keys", "add", "dev", "--ledger", "--keyring-backend", "test", "--output", "json",
        home=node.home, program="gaiad-zemu",
    )  # fmt: skip
    assert told["address"] == node.funded
    yield node.home
    gaiad("keys", "delete", "dev", "-y", "--keyring-backend", "test", home=node.home)


def sign_and_send(node, home, *words, mode):
    """Have gaiad build, sign on the device, and broadcast; return the transaction as the chain has it."""
    told = gaiad(
        "tx", *words, "--from", "dev", "--ledger", "--sign-mode", mode, "--chain-id", CHAIN_ID, "--keyring-backend", "test", "--gas", "300000", "--fees", f"5000{DENOM}",
        "--output", "json", "-y", home=home, program="gaiad-zemu",
    )  # fmt: skip
    assert told["code"] == 0, told["raw_log"]
    path = f"/cosmos/tx/v1beta1/txs/{told['txhash']}"
    node.until(lambda: node.get(path)["tx_response"]["height"] != "0")
    return node.get(path)["tx_response"]


@pytest.mark.parametrize("mode", ["amino-json", "textual"])
def test_gaiad_sends_with_a_key_of_the_device(node, ledger, mode):
    """Key, review on the device's screen, signature and transfer, in both ways of signing; the receiver has the coins."""
    before = node.balance(RECEIVER)
    found = sign_and_send(node, ledger, "bank", "send", node.funded, RECEIVER, f"12345{DENOM}", mode=mode)
    assert found["code"] == 0, found
    assert node.balance(RECEIVER) == before + 12345


def staked(node):
    """Return what the device's account has staked; other tests stake, too."""
    found = node.get(f"/cosmos/staking/v1beta1/delegations/{node.funded}")["delegation_responses"]
    return sum(int(one["balance"]["amount"]) for one in found)


def test_gaiad_delegates_with_a_key_of_the_device(node, ledger):
    """Another message, read by the device from the same document."""
    validator = node.get("/cosmos/staking/v1beta1/validators")["validators"][0]["operator_address"]
    before = staked(node)
    found = sign_and_send(node, ledger, "staking", "delegate", validator, f"777{DENOM}", mode="amino-json")
    assert found["code"] == 0, found
    assert staked(node) == before + 777
