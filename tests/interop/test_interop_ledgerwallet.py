"""ledgerwallet from PyPI judges the device: its library, and its command ledgerctl."""

import pytest
from expectation import assert_account, assert_signatures
from judge import assert_signature_holds

pytestmark = pytest.mark.interop


def test_ledgerwallet_reads_the_version_opens_the_app_and_signs(start_device, python_client, vectors):
    """From the dashboard, the client parses E0 01, opens the app, gets the address and valid signatures."""
    device = start_device("--approve")
    steps = ["connect", "address", "show", "sign"]
    answer = python_client.drive("ledgerwallet_driver", device, open_app=True, steps=steps)
    version = answer["version"]
    assert version["device"] == "Ledger Nano S+"
    assert {"is_onboarded", "pin_validated"} <= set(version["flags"])
    assert "recovery_mode" not in version["flags"]
    assert version["se_version"]
    assert version["mcu_version"]
    assert_account(answer, vectors)
    assert answer["shown_address"] == vectors["address"]
    assert_signatures(answer, vectors, documents=vectors["documents"])


@pytest.mark.parametrize(
    ("model", "name", "target_id"),
    [
        ("nanos", "Ledger Nano S", "0x31100004"),
        ("nanox", "Ledger Nano X", "0x33000004"),
        ("nanosp", "Ledger Nano S+", "0x33100004"),
        ("stax", "Ledger Stax", "0x33200004"),
        ("flex", "Ledger Flex", "0x33300004"),
        ("apex_p", "Ledger Apex P", "0x33400004"),
    ],
)
def test_ledgerctl_tells_every_model(start_device, python_client, model, name, target_id):
    """`ledgerctl info` names each model, its versions, and that it is onboarded."""
    device = start_device("--model", model)
    lines = python_client.command(device, "ledgerctl", "info").stdout.splitlines()
    assert lines[0] == f"Device: {name} ({target_id})"
    assert lines[1].startswith("SE version: ")
    assert lines[2].startswith("MCU version: ")
    assert "Device is onboarded." in lines
    assert "Device is running in RECOVERY mode." not in lines


def test_ledgerctl_runs_an_app_and_signs_by_raw_commands(start_device, python_client, vectors, tmp_path):
    """`ledgerctl run` opens the app; `ledgerctl send`, which connects anew, gets a key and a signature of it."""
    device = start_device("--approve")
    python_client.command(device, "ledgerctl", "run", "Cosmos")
    path = "2c000080760000800000008000000000" + "00000000"
    payload = vectors["documents"]["worked"].encode()
    chunks = [payload[:200], payload[200:]]
    commands = [f"550400001b06{b'cosmos'.hex()}{path}", f"5502000014{path}"]
    commands += [f"5502{p1:02x}00{len(chunk):02x}{chunk.hex()}" for p1, chunk in zip((1, 2), chunks, strict=True)]
    script = tmp_path / "commands.txt"
    script.write_text("\n".join(commands) + "\n", encoding="ascii")
    replies = python_client.command(device, "ledgerctl", "send", str(script)).stdout.split()
    address = replies[0][:66], bytes.fromhex(replies[0][66:-4]).decode()
    assert address == (vectors["public_key"], vectors["address"])
    assert [reply[-4:] for reply in replies] == ["9000"] * 4
    assert replies[3][:-4] == vectors["worked_signature"]
    assert_signature_holds(public_key=vectors["public_key"], payload=payload, der=replies[3][:-4])


def test_ledgerctl_is_told_that_an_app_is_not_there(start_device, python_client):
    """`ledgerctl run` of an app that is not installed fails with the status word of an unknown name."""
    device = start_device("--approve")
    done = python_client.command(device, "ledgerctl", "run", "Nothing", expect_success=False)
    assert done.returncode != 0
    assert "6807" in done.stderr


def test_what_ledgerwallet_sends_is_as_recorded(check_recorded, python_client):
    """The bytes by which ledgerwallet opens the app, gets an address and signs are the recorded ones."""
    check_recorded("ledgerwallet", python_client, "ledgerwallet_driver", packages=["ledgerwallet"], open_app=True)
