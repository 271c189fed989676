"""ledgercomm from PyPI judges the device by its library; its command can only reach the default port."""

import pytest
from expectation import assert_account, assert_signatures
from person import person

pytestmark = pytest.mark.interop


def test_ledgercomm_gets_an_address_and_signs_in_the_open_app(start_device, python_client, vectors):
    """With the app open, ledgercomm gets the account's address and valid signatures of all documents."""
    device = start_device("--open", "Cosmos", "--approve")
    answer = python_client.drive("ledgercomm_driver", device, steps=["connect", "address", "show", "sign"])
    assert bytes.fromhex(answer["running"]).startswith(b"\x01\x06Cosmos")
    assert_account(answer, vectors)
    assert answer["shown_address"] == vectors["address"]
    assert_signatures(answer, vectors, documents=vectors["documents"])


def test_ledgercomm_opens_the_app_from_the_dashboard(start_device, python_client, vectors):
    """From the dashboard, the app opens and the next command on the same connection reaches it."""
    device = start_device("--approve")
    answer = python_client.drive("ledgercomm_driver", device, open_app=True, steps=["connect", "address"])
    assert bytes.fromhex(answer["running"]).startswith(b"\x01\x06Cosmos")
    assert_account(answer, vectors)


@pytest.mark.parametrize("model", ["nanos", "nanox", "nanosp", "stax", "flex", "apex_p"])
def test_ledgercomm_signs_on_every_model(start_device, python_client, vectors, model):
    """Account and signatures are the same whatever the screen."""
    device = start_device("--model", model, "--open", "Cosmos", "--approve")
    answer = python_client.drive("ledgercomm_driver", device, steps=["address", "show", "sign"])
    assert_account(answer, vectors)
    assert_signatures(answer, vectors, documents=vectors["documents"])


def test_a_person_who_reads_all_and_rejects_refuses_ledgercomm(start_device, python_client, vectors):
    """Rejected with the buttons, the transaction is answered 6986 and nothing else."""
    device = start_device("--open", "Cosmos")
    with person(port=device.api_port, decision="REJECT") as someone:
        answer = python_client.drive("ledgercomm_driver", device, steps=["refuse"])
    assert answer["refusal"] == {"status": "6986", "message": ""}
    assert someone.decided


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ('{"account_number":"1", "chain_id":"x"}', "JSON Contains whitespace in the corpus"),
        ('{"account_number":"1"}', "JSON Missing chain_id"),
        ('{"b":"1","a":"2"}', "JSON Dictionaries are not sorted"),
        ('{"a":"1', "JSON string is not complete"),
    ],
)
def test_ledgercomm_is_told_what_is_wrong_with_a_document(start_device, python_client, vectors, document, text):
    """A document the app cannot accept is answered 6984 with the reason in words before it."""
    device = start_device("--open", "Cosmos", "--approve")
    answer = python_client.drive("ledgercomm_driver", device, steps=["malformed", "address"], malformed=document)
    assert answer["malformed"] == {"status": "6984", "message": text}
    assert_account(answer, vectors)


def test_what_ledgercomm_sends_is_as_recorded(check_recorded, python_client):
    """The bytes by which ledgercomm opens the app, gets an address and signs are the recorded ones."""
    check_recorded("ledgercomm", python_client, "ledgercomm_driver", packages=["ledgercomm"], open_app=True)
