"""Our own tools on the live chain: each command against what the node itself says, over REST and over RPC, in both ways of signing."""

import base64
import json
import os
import subprocess
import sys

import pytest
from chain_stage import CHAIN_ID, DENOM, PATIENCE_S, gaiad

from tallystick.crypto.bech32 import encode_bytes

#: nobody's: twenty bytes that count from nought
RECEIVER = "cosmos1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnrk363e"
#: the same twenty bytes
NO_VALIDATOR = encode_bytes("cosmosvaloper", bytes(range(20)))
#: no account the chain has ever seen
STRANGER_PATH = "44'/118'/77'/0/0"


@pytest.fixture
def tally(node, device, tmp_path):
    """Give a function that runs `tally cosmos` with the device, on the chain: exit code, and the JSON it printed."""
    port = device()["apdu_port"]

    def run(*words, by="rest", code=0):
        ended = subprocess.run(
            [
                sys.executable, "-m", "tallystick", "--device", f"tcp:127.0.0.1:{port}", "cosmos", words[0], "--chain", "local",
                "--node", node.rest if by == "rest" else node.rpc.replace("http", "tcp"), "--json", *words[1:],
            ],
            check=False, capture_output=True, text=True, timeout=PATIENCE_S, stdin=subprocess.DEVNULL,
            env={**os.environ, "TALLY_NETWORKS": "", "XDG_CONFIG_HOME": str(tmp_path)},
        )  # fmt: skip
        assert ended.returncode == code, ended.stdout + ended.stderr
        return json.loads(ended.stdout)

    return run


def validator_of(node):
    """Return the chain's one validator."""
    return node.get("/cosmos/staking/v1beta1/validators")["validators"][0]["operator_address"]


@pytest.mark.parametrize("by", ["rest", "rpc"])
@pytest.mark.parametrize("mode", ["amino-json", "textual"])
def test_send_arrives(node, tally, mode, by):
    """Gas and fee found by themselves, the memo with letters that JSON escapes; the receiver has the coins, and we the receipt."""
    before = node.balance(RECEIVER)
    told = tally("send", RECEIVER, "0.012345atom", "--sign-mode", mode, "--memo", "<a> & é", "--yes", by=by)
    assert (told["state"], told["chain_id"]) == ("included", CHAIN_ID)
    found = node.get(f"/cosmos/tx/v1beta1/txs/{told['hash']}")
    assert found["tx_response"]["code"] == 0
    assert int(found["tx_response"]["height"]) == told["height"]
    assert found["tx"]["body"]["memo"] == "<a> & é"
    assert node.balance(RECEIVER) == before + 12345
    assert tally("status", told["hash"], by=by)["height"] == told["height"]


@pytest.mark.parametrize("by", ["rest", "rpc"])
def test_balance_is_the_nodes(node, tally, by):
    """The account on the device, and any other."""
    own = tally("balance", by=by)
    assert own["address"] == node.funded
    assert own["balances"] == [{"amount": str(node.balance(node.funded)), "denom": DENOM}]
    assert tally("balance", node.validator, by=by)["balances"][0]["denom"] == DENOM


@pytest.mark.parametrize("mode", ["amino-json", "textual"])
def test_stake_reward_and_back(node, tally, mode):
    """Delegate, withdraw the reward, undelegate: the node counts each."""
    validator = validator_of(node)
    path = f"/cosmos/staking/v1beta1/validators/{validator}/delegations/{node.funded}"
    tally("delegate", validator, "5atom", "--sign-mode", mode, "--yes")
    staked = int(node.get(path)["delegation_response"]["balance"]["amount"])
    assert staked >= 5_000_000
    tally("withdraw", validator, "--sign-mode", mode, "--yes")
    tally("undelegate", validator, "1atom", "--sign-mode", mode, "--yes")
    assert int(node.get(path)["delegation_response"]["balance"]["amount"]) == staked - 1_000_000


@pytest.mark.parametrize("mode", ["amino-json", "textual"])
def test_vote_is_counted(node, tally, tmp_path, mode):
    """A proposal of the node's own client, and our vote on it."""
    path = tmp_path / "proposal.json"
    path.write_text(
        json.dumps(
            {
                "messages": [],
                "metadata": "x",
                "deposit": f"10{DENOM}",
                "title": f"one {mode}",
                "summary": "s",
                "expedited": False,
            }
        )
    )
    told = gaiad(
        "tx", "gov", "submit-proposal", str(path), "--from", "validator", "--keyring-backend", "test", "--chain-id", CHAIN_ID,
        "--gas", "500000", "--fees", f"5000{DENOM}", "--output", "json", "-y", home=node.home,
    )  # fmt: skip
    assert told["code"] == 0, told
    node.until(lambda: node.get(f"/cosmos/tx/v1beta1/txs/{told['txhash']}")["tx_response"]["height"] != "0")
    # the Hub hears only those who have staked a whole atom
    tally("delegate", validator_of(node), "1atom", "--yes")
    number = node.get("/cosmos/gov/v1/proposals?pagination.reverse=true")["proposals"][0]["id"]
    tally("vote", number, "no-with-veto", "--sign-mode", mode, "--yes")
    vote = node.get(f"/cosmos/gov/v1/proposals/{number}/votes/{node.funded}")["vote"]
    assert [one["option"] for one in vote["options"]] == ["VOTE_OPTION_NO_WITH_VETO"]


def unsigned(node, path, *words):
    """Have the node's own client write a transaction that nobody signed."""
    document = gaiad(
        "tx", *words, "--from", node.funded, "--chain-id", CHAIN_ID, "--gas", "300000", "--fees", f"5000{DENOM}",
        "--generate-only", "--output", "json", home=node.home,
    )  # fmt: skip
    path.write_text(json.dumps(document))
    return document


@pytest.mark.parametrize("mode", ["amino-json", "textual"])
def test_file_of_gaiad_is_signed_for_gaiad(node, tally, tmp_path, mode):
    """`gaiad tx … --generate-only`, signed here, is taken by `gaiad tx broadcast`; its encoder makes our bytes of it."""
    plain, signed = tmp_path / "tx.json", tmp_path / "signed.json"
    unsigned(node, plain, "bank", "send", node.funded, RECEIVER, f"77{DENOM}")
    before = node.balance(RECEIVER)
    told = tally("sign-file", str(plain), "--output", str(signed), "--sign-mode", mode, "--yes")
    encoded = gaiad("tx", "encode", str(signed), home=node.home).strip()
    assert told["bytes"] == base64.b64decode(encoded).hex()
    sent = gaiad("tx", "broadcast", str(signed), "--output", "json", home=node.home)
    assert (sent["code"], sent["txhash"]) == (0, told["hash"])
    node.until(lambda: node.balance(RECEIVER) == before + 77)


def test_file_is_sent_by_us(node, tally, tmp_path):
    """With --broadcast a file is sent as it is: gas and fee are those that it has."""
    plain = tmp_path / "tx.json"
    unsigned(node, plain, "staking", "delegate", validator_of(node), f"4321{DENOM}")
    told = tally("sign-file", str(plain), "--broadcast", "--yes", by="rpc")
    assert (told["state"], told["gas"]) == ("included", 300000)


def test_dry_run_sends_nothing(node, tally):
    """The plan is printed, the account's number stays."""
    told = tally("send", RECEIVER, f"5{DENOM}", "--dry-run")
    again = tally("send", RECEIVER, f"5{DENOM}", "--dry-run")
    assert told["state"] == "planned"
    assert told["sequence"] == again["sequence"]
    assert bytes.fromhex(told["payload"]).startswith(b'{"account_number":')


@pytest.mark.parametrize("by", ["rest", "rpc"])
def test_number_that_was_used_names_what_used_it(node, tally, by):
    """Who tries again with --sequence after a transaction arrived is told its hash, and pays nothing."""
    told = tally("send", RECEIVER, f"6{DENOM}", "--yes")
    failed = tally("send", RECEIVER, f"6{DENOM}", "--sequence", str(told["sequence"]), "--yes", by=by, code=10)
    assert failed["error"] == "sequence_used"
    assert told["hash"] in failed["message"]


@pytest.mark.parametrize("by", ["rest", "rpc"])
@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("send", RECEIVER, "999999atom"), "not_enough"),
        (("send", RECEIVER, f"1{DENOM}", "--path", STRANGER_PATH), "no_account"),
        (("send", RECEIVER, f"1{DENOM}", "--gas", "1000"), "refused_by_chain"),
        (("send", RECEIVER, f"1{DENOM}", "--fees", f"0{DENOM}", "--gas", "200000"), "refused_by_chain"),
        (("delegate", NO_VALIDATOR, "1uatom"), "refused_by_chain"),
        (("vote", "4000000", "yes"), "refused_by_chain"),
    ],
)
def test_what_the_chain_will_not_have(node, tally, words, error, by):
    """Each has a word of its own and a remedy, and nothing enters the chain."""
    failed = tally(*words, "--yes", by=by, code=10)
    assert (failed["error"], bool(failed["remedy"])) == (error, True), failed


def test_another_chain_is_refused(node, tally):
    """A node of local-1 is not asked about the Hub."""
    assert tally("balance", node.funded, "--chain", "cosmoshub", code=10)["error"] == "wrong_chain"
