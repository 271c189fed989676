"""The examples that people copy run as they are: the files of examples/, against a device that approves."""

import shutil
from pathlib import Path

import client
import pytest

pytestmark = pytest.mark.interop
EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def test_the_ledgerblue_example_runs(start_device, python_client, vectors):
    """The ledgerblue example prints the account's address and a signature."""
    device = start_device("--open", "Cosmos", "--approve")
    said = python_client.command(device, "python", str(EXAMPLES / "ledgerblue/address.py")).stdout
    assert f"address {vectors['address']}\n" in said
    assert f"public key {vectors['public_key']}\n" in said
    assert "signature 30" in said


def test_the_ledgercomm_example_runs(start_device, python_client, vectors):
    """The ledgercomm example prints the status word and the account's address."""
    device = start_device("--open", "Cosmos")
    said = python_client.command(
        device, "python", str(EXAMPLES / "ledgercomm/address.py"), str(device.apdu_port)
    ).stdout
    assert f"9000 {vectors['address']}\n" in said


def test_the_ledgerjs_example_gets_what_ledgerblue_gets(start_device, python_client, node_client, vectors, tmp_path):
    """The ledgerjs example prints the account's address, and the signature the ledgerblue example gets for the same transfer."""
    device = start_device("--open", "Cosmos", "--approve")
    script = shutil.copy(EXAMPLES / "ledgerjs/address.mjs", tmp_path)
    (tmp_path / "node_modules").symlink_to(client.NODE_MODULES)
    command = [shutil.which("node"), script, f"http://127.0.0.1:{device.api_port}"]
    said = client.run_command(command, env=node_client.env(device.apdu_port)).stdout
    assert f"address {vectors['address']}\n" in said
    blue = python_client.command(device, "python", str(EXAMPLES / "ledgerblue/address.py")).stdout
    assert said.splitlines()[-1].startswith("signature 30")
    assert said.splitlines()[-1] == blue.splitlines()[-1]
