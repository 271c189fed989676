"""`tally cosmos` with a chain behind it: the commands, their JSON, what is asked and shown, exit codes."""

import json
from pathlib import Path

import httpx
import pytest
from fake_chain import URL, Clock, FakeChain

from tallystick.crypto.bech32 import encode_bytes

ADDRESS = "cosmos15yk64u7zc9g9k2yr2wmzeva5qgwxps6yxj00e7"
OTHER = "cosmos1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnrk363e"
VALIDATOR = encode_bytes("cosmosvaloper", bytes(range(20)))
VECTORS = json.loads((Path(__file__).parents[2] / "vectors/cosmos_chain.json").read_text())


@pytest.fixture
def chain():
    """Return a chain of one account."""
    return FakeChain()


@pytest.fixture
def tally(invoke, chain, tmp_path):
    """Run `tally cosmos` on that chain."""
    networks = tmp_path / "networks.json"
    networks.write_text("{}")

    def run(verb, *words, **settings):
        environ = {"TALLY_NETWORKS": str(networks), "TALLY_NODE": URL, "HOME": str(tmp_path)}
        chosen = () if "--chain" in words else ("--chain", "local")
        return invoke(
            "cosmos", verb, *chosen, *words, environ=environ | settings.pop("environ", {}), open_door=chain.door, waiting=Clock(),
            **settings,
        )  # fmt: skip

    return run


def test_send_shows_asks_and_reports(tally, chain, scripted):
    """What is signed is told on stderr, the hash before it is sent, and the receipt on stdout."""
    scripted.app = "Cosmos"
    answer = tally("send", OTHER, "1.5atom", stdin="y\n")
    assert answer.exit_code == 0, answer.output
    assert f"to address:          {OTHER}" in answer.stderr
    assert "1.5 atom" in answer.stderr
    assert "Have this signed and sent?" in answer.stderr
    assert "(number 3 of the account)" in answer.stderr
    assert "Block:       77" in answer.stdout
    assert len(chain.received) == 1


def test_report_in_json(tally):
    """The members that programs rely on."""
    members = json.loads(tally("send", OTHER, "1500000uatom", "--memo", "hi", "--yes", "--json").stdout)
    assert members == {
        "schema": "tally.cosmos.transaction/1",
        "chain_id": "local-1",
        "node": URL,
        "account": ADDRESS,
        "account_number": 12,
        "sequence": 3,
        "messages": [
            {
                "@type": "/cosmos.bank.v1beta1.MsgSend",
                "from_address": ADDRESS,
                "to_address": OTHER,
                "amount": [{"amount": "1500000", "denom": "uatom"}],
            }
        ],
        "memo": "hi",
        "fee": [{"amount": "2451", "denom": "uatom"}],
        "gas": 98001,
        "sign_mode": "amino_json",
        "state": "included",
        "hash": members["hash"],
        "link": None,
        "height": 77,
        "gas_used": 65000,
    }


@pytest.mark.parametrize("stdin", ["n\n", ""])
def test_no_or_nobody_signs_nothing(tally, chain, scripted, stdin):
    """Without an answer that is a yes, the device is not asked to sign."""
    answer = tally("send", OTHER, "1atom", stdin=stdin)
    assert answer.exit_code == 2
    assert chain.received == []
    assert not [one for one in scripted.log if one[:2] == b"\x55\x02"]


def test_dry_run_stops_before_the_device_signs(tally, chain, scripted):
    """The plan, with the bytes that would be signed."""
    members = json.loads(tally("send", OTHER, "1atom", "--dry-run", "--json").stdout)
    assert members["state"] == "planned"
    assert json.loads(bytes.fromhex(members["payload"]))["chain_id"] == "local-1"
    assert chain.received == []
    assert not [one for one in scripted.log if one[:2] == b"\x55\x02"]


@pytest.mark.parametrize("mode", ["amino-json", "textual"])
@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("delegate", VALIDATOR, "1atom"), "MsgDelegate"),
        (("undelegate", VALIDATOR, "1atom"), "MsgUndelegate"),
        (("withdraw", VALIDATOR), "MsgWithdrawDelegatorReward"),
        (("vote", "7", "no-with-veto"), "MsgVote"),
    ],
)
def test_other_messages(tally, chain, words, kind, mode):
    """Each command makes its message, in both ways of signing."""
    members = json.loads(tally(*words, "--sign-mode", mode, "--yes", "--json").stdout)
    assert members["messages"][0]["@type"].endswith(kind)
    assert members["state"] == "included"
    assert kind.encode() in chain.received[0]


def test_sending_without_waiting(tally):
    """--wait 0 ends when the node took it."""
    assert json.loads(tally("send", OTHER, "1atom", "--yes", "--wait", "0", "--json").stdout)["state"] == "sent"


@pytest.mark.parametrize(
    "words",
    [
        ("send", "nobody", "1atom"),
        ("send", VALIDATOR, "1atom"),
        ("send", OTHER, "1"),
        ("send", OTHER, "0atom"),
        ("send", OTHER, ","),
        ("send", OTHER, "1atom", "--fees", "1uatom", "--gas-price", "1"),
        ("send", OTHER, "1atom", "--gas-price", "dear"),
        ("send", OTHER, "1atom", "--gas", "0"),
        ("send", OTHER, "1atom", "--path", "x"),
        ("send", OTHER, "1atom", "--chain", "nowhere"),
        ("send", OTHER, "1atom", "--node", "nowhere"),
        ("delegate", OTHER, "1atom"),
        ("delegate", VALIDATOR, "0atom"),
        ("vote", "0", "yes"),
        ("vote", "1", "maybe"),
        ("balance", OTHER, "--path", "44'/118'/0'/0/0"),
        ("balance", "nobody"),
        ("status", "AB"),
        ("sign-file", "there-is-none"),
    ],
)
def test_wrong_request_asks_neither_device_nor_node(tally, chain, scripted, words):
    """What cannot work ends with exit code 2 at once."""
    assert tally(*words).exit_code == 2
    assert scripted.log == []
    assert chain.asked == []


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ({"chain_id": "cosmoshub-4"}, "wrong_chain", 10),
        ({"account": None}, "no_account", 10),
        ({"balances": {}}, "not_enough", 10),
        ({"simulate_fault": "no such proposal"}, "refused_by_chain", 10),
        ({"verdict": (32, "sdk", "mismatch")}, "sequence_used", 10),
        ({"block_verdict": (5, "sdk", "x")}, "failed_in_block", 10),
        ({"blocks_to_wait": 10**9}, "unconfirmed", 11),
        ({"faults": {"node_info": httpx.ConnectError("refused")}}, "chain_error", 10),
        ({"faults": {"node_info": httpx.ReadTimeout("slow")}}, "timeout", 11),
        ({"faults": {"/": httpx.Response(200, text="<html>")}}, "chain_error", 10),
    ],
)
def test_faults_have_words_codes_and_remedies(tally, chain, change, error, code):
    """One word for each, for programs; a remedy for people."""
    for name, value in change.items():
        setattr(chain, name, value)
    answer = tally("send", OTHER, "1atom", "--yes", "--json")
    members = json.loads(answer.stdout.splitlines()[-1])
    assert (members["error"], answer.exit_code, bool(members["remedy"])) == (error, code, True)


def test_what_to_look_for_is_in_the_error(tally, chain):
    """Programs find hash and number of what nobody knows the end of."""
    chain.blocks_to_wait = 10**9
    members = json.loads(tally("send", OTHER, "1atom", "--yes", "--json").stdout)
    assert (len(members["transaction"]), members["sequence"]) == (64, 3)


def test_refusal_on_the_device(tally, chain, scripted):
    """Exit code 7, and nothing was sent."""
    scripted.app, scripted.refuses = "Cosmos", True
    assert tally("send", OTHER, "1atom", "--yes").exit_code == 7
    assert chain.received == []


def test_balance_of_the_device_and_of_others(tally, scripted):
    """With an address no device is needed."""
    assert tally("balance", OTHER).stdout == "10 atom\n"
    assert scripted.log == []
    members = json.loads(tally("balance", "--json").stdout)
    assert members["address"] == ADDRESS
    assert members["balances"] == [{"amount": "10000000", "denom": "uatom"}]


def test_balance_of_nothing(tally, chain):
    """An address that nobody has sent anything to is no error."""
    chain.balances = {}
    assert tally("balance", OTHER).stdout == f"nothing at {OTHER}\n"


def test_status(tally, chain):
    """Exit code 11 while it is in no block; with --wait it is waited for."""
    name = json.loads(tally("send", OTHER, "1atom", "--yes", "--wait", "0", "--json").stdout)["hash"]
    chain.blocks_to_wait = 1
    assert tally("status", name).exit_code == 11
    chain.blocks_to_wait = 3
    members = json.loads(tally("status", name.lower(), "--wait", "10", "--json").stdout)
    assert (members["state"], members["height"]) == ("included", 77)
    chain.block_verdict = (11, "sdk", "out of gas")
    assert tally("status", name).exit_code == 10


@pytest.fixture
def unsigned(tmp_path):
    """Return a file of gaiad's."""
    path = tmp_path / "tx.json"
    path.write_text(json.dumps(VECTORS["cases"][0]["file"]))
    return path


def test_file_is_signed_without_a_node(tally, chain, unsigned, tmp_path):
    """The same bytes that gaiad itself made with this key (tests/vectors/cosmos_chain.json)."""
    signed = tmp_path / "signed.json"
    words = ("--offline", "--account-number", "1", "--sequence", "0", "--yes", "--json", "--output", str(signed))
    members = json.loads(tally("sign-file", str(unsigned), *words).stdout)
    assert members["bytes"] == VECTORS["cases"][0]["amino_json"]
    assert json.loads(signed.read_text()) == members["transaction"]
    assert (members["state"], members["node"]) == ("signed", None)
    assert chain.asked == []


def test_file_is_signed_with_the_nodes_numbers_and_sent(tally, chain, unsigned):
    """--broadcast sends what was signed, with the fee of the file."""
    members = json.loads(tally("sign-file", str(unsigned), "--broadcast", "--yes", "--json").stdout)
    assert (members["state"], members["account_number"], members["gas"]) == ("included", 12, 1234567)
    printed = json.loads(tally("sign-file", str(unsigned), "--yes", "-q").stdout)
    assert printed["signatures"]


@pytest.mark.parametrize(
    "words",
    [
        ("--offline",),
        ("--offline", "--account-number", "1"),
        ("--offline", "--account-number", "1", "--sequence", "0", "--broadcast"),
        ("--offline", "--account-number", "1", "--sequence", "0", "--sign-mode", "textual"),
        ("--path", "44'/118'/0'/0/1"),
    ],
)
def test_file_that_cannot_be_signed_so(tally, chain, unsigned, words):
    """Without the account's numbers, without the names of coins, with another account."""
    assert tally("sign-file", str(unsigned), *words, "--yes").exit_code == 2
    assert chain.received == []


def test_own_list_of_networks(tally, chain, tmp_path):
    """A file adds a network, and a bad one is told."""
    path = tmp_path / "mine.json"
    entry = {
        "chain_id": "mine-1",
        "hrp": "cosmos",
        "denom": "umine",
        "display": "mine",
        "decimals": 3,
        "gas_price": "0",
    }
    path.write_text(json.dumps({"mine": entry}))
    chain.chain_id, chain.balances = "mine-1", {"umine": 1500}
    answer = tally("balance", OTHER, "--chain", "mine", environ={"TALLY_NETWORKS": str(path)})
    assert answer.stdout == "1.5 mine\n"
    path.write_text("{")
    assert tally("balance", OTHER, environ={"TALLY_NETWORKS": str(path)}).exit_code == 2
    assert tally("balance", OTHER, environ={"TALLY_NETWORKS": str(tmp_path / "none")}).exit_code == 2


def test_node_of_the_option_comes_first(tally, chain):
    """Before that of the environment."""
    members = json.loads(tally("balance", OTHER, "--node", "http://other.example", "--json").stdout)
    assert members["node"] == "http://other.example"
