"""`tally cosmos`: addresses and signatures."""

import json
from pathlib import Path

import pytest

WORKED = json.loads((Path(__file__).parents[2] / "vectors/cosmos_worked.json").read_text())
DOCUMENT = WORKED["amino"]["document"]
ADDRESS = "cosmos15yk64u7zc9g9k2yr2wmzeva5qgwxps6yxj00e7"


def test_address_alone_is_printed(invoke):
    """The result is the address and nothing else, ready for a pipe."""
    assert invoke("cosmos", "address").stdout == f"{ADDRESS}\n"


def test_address_of_another_chain_and_account(invoke):
    """Path and prefix choose the account (cosmos-app 6, third row)."""
    answer = invoke("cosmos", "address", "--path", "m/44h/118h/1h/0/0", "--hrp", "osmo", "--json")
    assert json.loads(answer.stdout) == {
        "schema": "tally.cosmos.address/1",
        "device": "scripted:",
        "address": "osmo1pytelukfdc0c5yu43ka7svuj66xfyn32qmwt4n",
        "public_key": "0230780a45a5f8b1f5f90471fa1c8bd58e944d68ca9074fd161cdfa5fe8c34e293",
        "path": "44'/118'/1'/0/0",
        "hrp": "osmo",
        "shown": False,
    }


def test_shown_address_tells_what_to_compare(invoke, scripted):
    """With --show the expected address is told while the device shows it."""
    scripted.app, scripted.polls = "Cosmos", 1
    answer = invoke("cosmos", "address", "--show")
    assert ADDRESS in answer.stderr
    assert answer.stdout == f"{ADDRESS}\n"


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_document_from_stdin_is_signed_without_its_line_end(invoke, ending):
    """What an editor or echo puts at the end of a file is no part of the amino document."""
    members = json.loads(invoke("cosmos", "sign", "-", "--json", stdin=(DOCUMENT + ending).encode()).stdout)
    assert members == {
        "schema": "tally.cosmos.sign/1",
        "device": "scripted:",
        "signature": WORKED["amino"]["signature"],
        "public_key": "0223aa679d6d5344e201e0df9f02ab15a84726eee0dfb4e953c46a9e2cb52349dc",
        "address": ADDRESS,
        "digest": WORKED["amino"]["sha256"],
        "path": "44'/118'/0'/0/0",
        "format": "amino_json",
        "verified": True,
    }


def test_document_from_a_file_is_signed(invoke, tmp_path):
    """A file is read as bytes, and signature and key are printed for people."""
    path = tmp_path / "tx.json"
    path.write_text(DOCUMENT)
    answer = invoke("cosmos", "sign", str(path))
    assert f"Signature:  {WORKED['amino']['signature']}\n" in answer.stdout


def test_textual_payload_keeps_every_byte(invoke, scripted):
    """CBOR that happens to end in a line feed is not shortened, and is marked as textual."""
    payload = b"\xa1\x01\x80\n"
    members = json.loads(invoke("cosmos", "sign", "-", "--textual", "--json", stdin=payload).stdout)
    assert members["format"] == "textual"
    assert scripted.log[-1] == b"\x55\x02\x02\x01\x04" + payload


@pytest.mark.parametrize(
    "words",
    [
        ("cosmos", "address", "--path", "44'/118'"),
        ("cosmos", "address", "--path", "nonsense"),
        ("cosmos", "address", "--hrp", "COSMOS"),
        ("cosmos", "sign", "-", "--path", "44'/60'/0'/0/0"),
        ("cosmos", "sign", "there-is-no-such-file"),
    ],
)
def test_wrong_request_is_a_usage_error_and_sends_nothing(invoke, scripted, words):
    """What cannot work ends with exit code 2 before the device hears of it."""
    assert invoke(*words, stdin=b"{}").exit_code == 2
    assert scripted.log == []


@pytest.mark.parametrize("size", [0, 16_385, 20_000])
def test_payload_of_a_wrong_size_is_a_usage_error(invoke, scripted, size):
    """An empty payload and one above 16,384 bytes are refused here."""
    assert invoke("cosmos", "sign", "-", stdin=b"x" * size).exit_code == 2
    assert scripted.log == []


def test_text_of_the_app_is_told(invoke, scripted):
    """Why the app cannot show a transaction stands in the error (cosmos-app 3)."""
    scripted.app = "Cosmos"
    scripted.forced[b"\x55\x02\x02"] = b"JSON Missing chain_id\x69\x84"
    answer = invoke("cosmos", "sign", "-", stdin=b"{}")
    assert answer.exit_code == 8
    assert "JSON Missing chain_id" in answer.stderr
    assert "6984" in answer.stderr


def test_signature_that_does_not_hold_is_never_printed(invoke, scripted):
    """A wrong signature ends with exit code 9 and an empty stdout."""
    scripted.signature_change = bytes.fromhex(WORKED["amino"]["signature"])
    answer = invoke("cosmos", "sign", "-", stdin=b"{}")
    assert (answer.exit_code, answer.stdout) == (9, "")


def test_refusal_is_told_apart(invoke, scripted):
    """The person's no is exit code 7."""
    scripted.refuses, scripted.app = True, "Cosmos"
    answer = invoke("cosmos", "sign", "-", stdin=b"{}")
    assert answer.exit_code == 7
    assert answer.stderr.startswith("Error: refused on the device")


def test_progress_is_streamed_as_json_lines(invoke, scripted):
    """A long document's parts are reported as they go, in bytes."""
    scripted.app = "Cosmos"
    answer = invoke("cosmos", "sign", "-", "--json-lines", stdin=b"x" * 600)
    lines = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [line["done"] for line in lines[:-1]] == [250, 500, 600]
    assert {line["total"] for line in lines[:-1]} == {600}
    assert lines[-1]["schema"] == "tally.cosmos.sign/1"
