"""@ledgerhq/hw-app-cosmos from npm judges the device, over each transport ledgerjs has for one that is not on USB."""

import pytest
from expectation import assert_account, assert_signatures
from person import person

pytestmark = pytest.mark.interop

TRANSPORTS = ["hw-transport-http", "hw-transport-node-speculos", "hw-transport-node-speculos-http"]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_hw_app_cosmos_opens_the_app_gets_an_address_and_signs(start_device, node_client, vectors, transport):
    """From the dashboard, over each transport: version, address shown and not, and signatures cosmjs accepts."""
    device = start_device("--approve")
    steps = ["configuration", "address", "show", "sign"]
    answer = node_client.drive("hw_app_cosmos", device, transport=transport, open_app=True, steps=steps)
    assert answer["configuration"] == {"test_mode": False, "version": "2.38.13", "device_locked": False, "major": 2}
    assert_account(answer, vectors)
    assert answer["shown_address"] == vectors["address"]
    assert_signatures(answer, vectors, documents=vectors["documents"])


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_hw_app_cosmos_waits_for_a_person_who_approves(start_device, node_client, vectors, transport):
    """The signature comes after a person has gone through the review with the buttons and approved it."""
    device = start_device("--open", "Cosmos")
    worked = {"worked": vectors["documents"]["worked"]}
    with person(port=device.api_port, decision="APPROVE") as someone:
        answer = node_client.drive(
            "hw_app_cosmos", device, transport=transport, steps=["address", "sign"], documents=worked
        )
    assert_signatures(answer, vectors, documents=worked)
    assert someone.value("Amount") == "1.000000 ATOM"
    assert someone.value("From") == vectors["address"]
    assert someone.value("To") == vectors["recipient"]
    assert someone.value("Memo") == r"hi \u0026 bye"
    assert someone.value("Fee") == "0.005000 ATOM"
    assert someone.decided


def test_hw_app_cosmos_hears_that_a_person_rejected(start_device, node_client):
    """Rejected with the buttons, the client reports a refusal by the user."""
    device = start_device("--open", "Cosmos")
    with person(port=device.api_port, decision="REJECT"):
        answer = node_client.drive("hw_app_cosmos", device, transport=TRANSPORTS[1], steps=["refuse"])
    assert answer["refusal"]["name"] == "UserRefusedOnDevice"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_hw_app_cosmos_sends_is_as_recorded(check_recorded, node_client, transport):
    """hw-app-cosmos sends the recorded bytes over each transport to open the app, get an address and sign."""
    packages = ["@ledgerhq/hw-app-cosmos", f"@ledgerhq/{transport}"]
    name = f"hw-app-cosmos.{transport}"
    check_recorded(name, node_client, "hw_app_cosmos", packages=packages, transport=transport, open_app=True)
