"""ledgerblue from PyPI judges the device: its library, and its own commands."""

import ast

import pytest
from expectation import assert_account, assert_signatures

pytestmark = pytest.mark.interop


def test_ledgerblue_gets_an_address_and_signs_in_the_open_app(start_device, python_client, vectors):
    """With the app open, ledgerblue's dongle gives the account's address and valid signatures of all documents."""
    device = start_device("--open", "Cosmos", "--approve")
    answer = python_client.drive("ledgerblue_driver", device, steps=["connect", "address", "show", "sign"])
    assert bytes.fromhex(answer["running"]).startswith(b"\x01\x06Cosmos")
    assert_account(answer, vectors)
    assert answer["shown_address"] == vectors["address"]
    assert_signatures(answer, vectors, documents=vectors["documents"])


def test_ledgerblue_opens_the_app_from_the_dashboard(start_device, python_client, vectors):
    """From the dashboard, ledgerblue's loader opens the app and the next command on the same connection reaches it."""
    device = start_device("--approve")
    answer = python_client.drive("ledgerblue_driver", device, open_app=True, steps=["connect", "address"])
    assert bytes.fromhex(answer["running"]).startswith(b"\x01\x06Cosmos")
    assert_account(answer, vectors)


def test_ledgerblue_lists_apps_without_a_secure_channel(start_device, python_client):
    """`python -m ledgerblue.listApps` reads the list of apps off the dashboard."""
    device = start_device("--approve")
    listed = ast.literal_eval(python_client.command(device, "python", "-m", "ledgerblue.listApps").stdout)
    (app,) = listed
    assert app["name"] == "Cosmos"
    assert len(app["hash"]) == len(app["hash_code_data"]) == 32
    assert any(app["hash"])


def test_ledgerblue_runs_an_app_by_name(start_device, python_client):
    """`python -m ledgerblue.runApp` opens an installed app, and is refused one that is not installed."""
    device = start_device("--approve")
    run_app = ("python", "-m", "ledgerblue.runApp", "--appName")
    refused = python_client.command(device, *run_app, "Nothing", expect_success=False)
    assert refused.returncode != 0
    assert "Invalid status 6807" in refused.stderr
    python_client.command(device, *run_app, "Cosmos")
    answer = python_client.drive("ledgerblue_driver", device, steps=["connect"])
    assert bytes.fromhex(answer["running"]).startswith(b"\x01\x06Cosmos")


def test_what_ledgerblue_sends_is_as_recorded(check_recorded, python_client):
    """The bytes by which ledgerblue opens the app, gets an address and signs are the recorded ones."""
    check_recorded("ledgerblue", python_client, "ledgerblue_driver", packages=["ledgerblue"], open_app=True)
