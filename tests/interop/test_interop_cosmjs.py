"""cosmjs' LedgerSigner from npm judges the device, over each of ledgerjs' transports."""

import pytest
from expectation import assert_account, assert_signatures
from person import person

pytestmark = pytest.mark.interop

TRANSPORTS = ["hw-transport-http", "hw-transport-node-speculos", "hw-transport-node-speculos-http"]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_cosmjs_gets_an_account_and_signs_a_transaction_it_built(start_device, node_client, vectors, transport):
    """From the dashboard: account, address on screen, documents, and a transaction of cosmjs' signing client."""
    device = start_device("--approve")
    answer = node_client.drive("cosmjs", device, transport=transport, open_app=True, steps=["address", "show", "sign"])
    assert_account(answer, vectors)
    assert answer["shown_address"] == vectors["address"]
    assert_signatures(answer, vectors, documents=[*vectors["documents"], "built"])


def test_cosmjs_says_to_open_the_app_when_it_finds_the_dashboard(start_device, node_client):
    """On the dashboard the signer recognises that no app is open and says what to do."""
    device = start_device("--approve")
    with pytest.raises(AssertionError, match="open the Cosmos Ledger app"):
        node_client.drive("cosmjs", device, transport=TRANSPORTS[1], steps=["address"])


def test_cosmjs_hears_that_a_person_rejected(start_device, node_client):
    """Rejected with the buttons, the signer's promise fails and says so."""
    device = start_device("--open", "Cosmos")
    with person(port=device.api_port, decision="REJECT"):
        answer = node_client.drive("cosmjs", device, transport=TRANSPORTS[1], steps=["address", "refuse"])
    assert answer["refusal"]["status"] == "6986"


def test_what_cosmjs_sends_is_as_recorded(check_recorded, node_client):
    """LedgerSigner sends the recorded bytes: it asks for name and version before every call."""
    transport = TRANSPORTS[1]
    packages = ["@cosmjs/ledger-amino", "@cosmjs/stargate", f"@ledgerhq/{transport}"]
    check_recorded("cosmjs", node_client, "cosmjs", packages=packages, transport=transport, open_app=True)
