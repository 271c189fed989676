"""@zondax/ledger-cosmos-js from npm judges the device, over ledgerjs' transports and over its own DMK adapter."""

import json

import pytest
from expectation import assert_account, assert_signatures
from judge import assert_signature_holds
from person import ask, person

pytestmark = pytest.mark.interop

TRANSPORTS = ["hw-transport-http", "hw-transport-node-speculos", "hw-transport-node-speculos-http", "dmk"]
TCP = "hw-transport-node-speculos"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_zondax_opens_the_app_gets_an_address_and_signs(start_device, node_client, vectors, transport):
    """From the dashboard, over each transport: address shown and not, and signatures cosmjs accepts."""
    device = start_device("--approve")
    steps = ["address", "show", "sign"]
    answer = node_client.drive("zondax", device, transport=transport, open_app=True, steps=steps, quiet=True)
    assert_account(answer, vectors)
    assert answer["shown_address"] == vectors["address"]
    assert_signatures(answer, vectors, documents=vectors["documents"])


def test_zondax_reads_app_and_device_information_inside_the_app(start_device, node_client):
    """Inside the app, GetVersion, B0 01 and E0 01 are answered in the forms this client can parse."""
    device = start_device("--open", "Cosmos", "--approve")
    answer = node_client.drive("zondax", device, transport=TCP, steps=["information"])
    version = {"testMode": False, "major": 2, "minor": 38, "patch": 13, "deviceLocked": False, "targetId": "33100004"}
    assert answer["version"] == version
    assert (answer["app_info"]["appName"], answer["app_info"]["appVersion"]) == ("Cosmos", "2.38.13")
    assert answer["device_info"]["targetId"] == "33100004"
    assert answer["device_info"]["seVersion"]


@pytest.mark.parametrize("row", [0, 1, 2], ids=["cosmos", "osmo", "inj"])
def test_zondax_gets_the_addresses_of_other_accounts_and_chains(start_device, node_client, vectors, row):
    """Accounts by index, by number and of another kind of chain are those of the worked table."""
    account = vectors["accounts"][row]
    device = start_device("--open", "Cosmos", "--approve")
    where = {"path": account["path"], "hrp": account["hrp"]}
    answer = node_client.drive("zondax", device, transport=TCP, steps=["address"], **where)
    assert (answer["public_key"], answer["address"]) == (account["public_key"], account["address"])


def test_zondax_signs_a_textual_document(start_device, node_client, vectors):
    """A SIGN_MODE_TEXTUAL payload is reviewed and signed as it was given."""
    device = start_device("--open", "Cosmos", "--approve")
    answer = node_client.drive("zondax", device, transport=TCP, steps=["textual"])
    payload = bytes.fromhex(vectors["textual"])
    assert_signature_holds(public_key=vectors["public_key"], payload=payload, der=answer["textual_signature"])


def test_zondax_hears_that_a_person_rejected(start_device, node_client):
    """Rejected with the buttons, the client reports the refusal's own status word."""
    device = start_device("--open", "Cosmos")
    with person(port=device.api_port, decision="REJECT"):
        answer = node_client.drive("zondax", device, transport=TCP, steps=["refuse"])
    assert answer["refusal"]["status"] == "6986"


def rules(decision):
    """Give Speculos' automation rules that go through a review and press both buttons on `decision`."""
    right, both = [["button", 2, True], ["button", 2, False]], [["button", n, p] for p in (True, False) for n in (1, 2)]
    titles = "Please|Type|Amount|From|To|Memo|Fee|APPROVE"
    onward = {"regexp": rf"^({titles})( \[\d+/\d+\])?$", "actions": right}
    return {"version": 1, "rules": [{"text": decision, "actions": both}, onward]}


def test_automation_rules_given_at_the_start_approve_for_zondax(start_device, node_client, vectors, tmp_path):
    """Rules in Speculos' format, in a file given at the start, carry a review to its approval."""
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(rules("APPROVE")), encoding="utf-8")
    device = start_device("--open", "Cosmos", "--automation", f"file:{file}")
    worked = {"worked": vectors["documents"]["worked"]}
    answer = node_client.drive("zondax", device, transport=TCP, steps=["address", "sign"], documents=worked)
    assert_signatures(answer, vectors, documents=worked)


def test_automation_rules_given_later_reject_for_zondax(start_device, node_client):
    """Rules posted to the running device carry a review to its rejection."""
    device = start_device("--open", "Cosmos")
    ask(device.api_port, "POST", "/automation", rules("REJECT"))
    answer = node_client.drive("zondax", device, transport=TCP, steps=["refuse"])
    assert answer["refusal"]["status"] == "6986"


@pytest.mark.parametrize("transport", [TCP, "dmk"])
def test_what_zondax_sends_is_as_recorded(check_recorded, node_client, transport):
    """ledger-cosmos-js sends the recorded bytes to open the app, get an address and sign."""
    packages = ["@zondax/ledger-cosmos-js", "@zondax/ledger-js"]
    name = f"zondax.{transport}"
    check_recorded(name, node_client, "zondax", packages=packages, transport=transport, open_app=True)
