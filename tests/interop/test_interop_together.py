"""Several foreign clients with one device: each gets its own answers, and none can leave it unusable for the next."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from expectation import assert_account, assert_signatures
from person import person, reading

pytestmark = pytest.mark.interop


def test_clients_at_the_same_time_get_each_its_own_answers(start_device, python_client, node_client, vectors):
    """Four clients over TCP and HTTP ask for different accounts at once, and each is given the one it asked for."""
    device = start_device("--open", "Cosmos", "--approve")
    first = {
        "public_key": vectors["public_key"],
        "address": vectors["address"],
        "path": vectors["path"],
        "hrp": "cosmos",
    }
    second, third, _ = vectors["accounts"]
    jobs = [
        (python_client, "ledgerblue_driver", {}, first),
        (python_client, "ledgercomm_driver", {}, second),
        (node_client, "zondax", {"transport": "hw-transport-http"}, third),
        (node_client, "hw_app_cosmos", {"transport": "hw-transport-node-speculos"}, first),
    ]

    def ask(job):
        drivers, name, changes, account = job
        where = {"path": account["path"], "hrp": account["hrp"], "steps": ["address"]}
        return drivers.drive(name, device, **changes, **where)

    with ThreadPoolExecutor(len(jobs)) as pool:
        answers = list(pool.map(ask, jobs))
    given = [(answer["public_key"], answer["address"]) for answer in answers]
    assert given == [(account["public_key"], account["address"]) for *_, account in jobs]


@pytest.mark.parametrize("dying", ["ledgercomm_driver", "hw_app_cosmos"])
def test_a_client_that_dies_during_the_review_leaves_the_device_usable(
    start_device, python_client, node_client, vectors, dying
):
    """A client is killed while a person reads its transaction; the next client signs its own with that person."""
    device = start_device("--open", "Cosmos")
    worked = {"worked": vectors["documents"]["worked"]}
    drivers = python_client if dying == "ledgercomm_driver" else node_client
    how = {"transport": "hw-transport-node-speculos"}
    with reading(device.api_port) as texts:
        with drivers.driving(dying, device, steps=["refuse"], **how):
            assert "Please" in texts
        # what is drawn next is what the app shows when it has nothing to ask
        assert next(text for text in texts if text not in ("review", "Please"))
    with person(port=device.api_port, decision="APPROVE") as someone:
        answer = python_client.drive("ledgerblue_driver", device, steps=["address", "sign"], documents=worked)
    assert_account(answer, vectors)
    assert_signatures(answer, vectors, documents=worked)
    assert someone.decided


def test_a_locked_device_tells_every_client_so(start_device, python_client, node_client):
    """With a PIN set and not entered, ledgercomm is answered 5515, and ledgerjs says so."""
    device = start_device("--pin", "123456", "--approve")
    assert python_client.drive("ledgercomm_driver", device, steps=["connect"])["running"] == "5515"
    with pytest.raises(AssertionError, match="5515"):
        node_client.drive("hw_app_cosmos", device, transport="hw-transport-http", steps=["address"])
