"""The Device Management Kit from npm judges the device, with its speculos transport and its Cosmos signer."""

import pytest
from expectation import assert_account, assert_signatures
from person import person

pytestmark = pytest.mark.interop


def test_dmk_opens_the_app_itself_gets_an_address_and_signs(start_device, node_client, vectors):
    """From the dashboard, the signer finds the app closed, opens it, and gets address and signatures."""
    device = start_device("--approve")
    answer = node_client.drive("dmk", device, steps=["address", "configuration", "show", "sign"])
    assert_account(answer, vectors)
    assert answer["configuration"] == {"major": 2, "minor": 38, "patch": 13}
    assert answer["shown_address"] == vectors["address"]
    assert_signatures(answer, vectors, documents=vectors["documents"])


def test_dmk_reads_the_system(start_device, node_client):
    """On the dashboard, DMK parses OS version with flags, app and version, and the list of apps."""
    device = start_device("--approve")
    answer = node_client.drive("dmk", device, steps=["system"], quiet=True)
    version = answer["os_version"]
    assert version["targetId"] == 0x33100004
    assert not version["isBootloader"]
    flags = version["secureElementFlags"]
    assert flags["isOnboarded"]
    assert flags["isPinValidated"]
    assert not flags["isInRecoveryMode"]
    assert answer["running"]["name"] == "BOLOS"
    assert answer["running"]["version"] == version["seVersion"]
    assert [app["appName"] for app in answer["apps"]] == ["Cosmos"]


def test_dmk_waits_for_a_person_who_opens_the_app(start_device, node_client, vectors):
    """The address comes after a person has agreed, with the buttons, to the opening that DMK asked for."""
    device = start_device()
    with person(port=device.api_port, expects="Open app", decision="Open") as someone:
        answer = node_client.drive("dmk", device, steps=["address"])
    assert_account(answer, vectors)
    assert someone.decided


def test_dmk_hears_that_a_person_did_not_open_the_app(start_device, node_client):
    """Refused the opening of the app, the action ends with the OS's refusal."""
    device = start_device()
    with person(port=device.api_port, expects="Open app", decision="Cancel"):
        answer = node_client.drive("dmk", device, steps=["refuse"])
    assert answer["refusal"]["code"] == "5501"


def test_dmk_waits_for_a_person_who_approves(start_device, node_client, vectors):
    """The signature comes after a person has gone through the review with the buttons and approved it."""
    device = start_device("--open", "Cosmos")
    worked = {"worked": vectors["documents"]["worked"]}
    with person(port=device.api_port, decision="APPROVE") as someone:
        answer = node_client.drive("dmk", device, steps=["address", "sign"], documents=worked)
    assert_signatures(answer, vectors, documents=worked)
    assert someone.decided


def test_dmk_hears_that_a_person_rejected(start_device, node_client):
    """Rejected with the buttons, the action ends with the app's refusal."""
    device = start_device("--open", "Cosmos")
    with person(port=device.api_port, decision="REJECT"):
        answer = node_client.drive("dmk", device, steps=["refuse"])
    assert answer["refusal"]["code"] == "6986"


def test_what_dmk_sends_is_as_recorded(check_recorded, node_client):
    """DMK sends the recorded requests, B0 01 without Lc among them, and opens the app before the first use."""
    packages = [f"@ledgerhq/{name}" for name in ("device-management-kit", "device-transport-kit-speculos")]
    packages.append("@ledgerhq/device-signer-kit-cosmos")
    check_recorded("dmk", node_client, "dmk", packages=packages)
