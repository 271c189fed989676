"""`tally attest` and `tally owner` where no device is needed: the published vectors, keys, certificates, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tallystick.crypto.scp import KeySigner
from tallystick.testing.factory import known_key
from tallystick.wire.attestation import Endorsement, HandshakeProof
from tallystick.wire.certificate import (
    DeviceCertificate,
    EndorsedKey,
    device_ephemeral_message,
    device_message,
    owner_message,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "attestation.json").read_text())
KEYS, MADE, APP, REAL = VECTORS["keys"], VECTORS["attestation_keys"], VECTORS["app"], VECTORS["real_device"]
SIGNATURES = {1: APP["key1_sign_data"], 2: APP["key2_derive_sign_data"]}
HEADER = bytes.fromhex("10a1a2a3a4a5a6")


def device():
    """Return the certificate of the worked device."""
    key = bytes.fromhex(KEYS["device_public"])
    issuer = KeySigner(bytes.fromhex(KEYS["issuer_private"]))
    signature = issuer.sign(device_message(header=HEADER, public_key=key))
    return DeviceCertificate(header=HEADER, public_key=key, signature=signature)


def endorsement(tmp_path, slot, **changes):
    """Write the document of a worked key; return its path."""
    document = Endorsement(
        slot=slot,
        key=EndorsedKey.from_bytes(bytes.fromhex(MADE[f"answer_{slot}"])),
        device=device(),
        signer_serial=bytes(4),
        **{"owner_certificate": bytes.fromhex(MADE[f"owner_certificate_{slot}"]), **changes},
    ).to_document()
    path = tmp_path / f"endorsement-{slot}.json"
    path.write_text(json.dumps(document))
    return str(path)


def said(slot, **changes):
    """Return the options of the worked statement."""
    options = {
        "--scheme": str(slot),
        "--code-hash": APP["code_hash"],
        "--message": APP["message"],
        "--signature": SIGNATURES[slot],
        **changes,
    }
    return [word for name, value in options.items() if value is not None for word in (name, value)]


@pytest.mark.parametrize("slot", [1, 2])
def test_statement_is_verified_to_owner_and_issuer(invoke, tmp_path, slot):
    """Both anchors, all links, exit code 0; the table names each link."""
    words = ["attest", "verify", endorsement(tmp_path, slot), *said(slot)]
    anchors = ["--owner-key", KEYS["owner_public"], "--issuer-key", KEYS["issuer_public"]]
    answer = invoke(*words, *anchors, "--json")
    members = json.loads(answer.stdout)
    assert (answer.exit_code, members["schema"], members["verdict"]) == (0, "tally.attest.verify/1", "holds")
    kinds = ["device_certificate", "attestation_key", "owner_certificate", "statement"]
    assert [link["link"] for link in members["chain"]] == kinds
    assert members["device_public_key"] == KEYS["device_public"]
    lines = invoke(*words, *anchors).stdout.splitlines()
    assert lines[0].split() == ["LINK", "SIGNED", "BY", "ABOUT", "HOLDS"]
    assert [line.split()[0] for line in lines[1:]] == kinds


@pytest.mark.parametrize("slot", [1, 2])
def test_statement_is_verified_without_naming_the_device(invoke, slot):
    """The attestation key and the owner's certificate are enough for who trusts the owner."""
    key = ["--key", MADE[f"answer_{slot}"][:130], "--certificate", MADE[f"owner_certificate_{slot}"]]
    answer = invoke("attest", "verify", *said(slot), *key, "--owner-key", KEYS["owner_public"], "--json")
    members = json.loads(answer.stdout)
    assert (answer.exit_code, members["verdict"], members["device_public_key"]) == (0, "holds", None)


def test_text_and_file_are_messages_too(invoke, tmp_path):
    """The worked message is a text: given as such, or in a file, it is the same."""
    text = bytes.fromhex(APP["message"]).decode()
    (tmp_path / "message").write_text(text)
    path = endorsement(tmp_path, 1)
    for given in (["--text", text], ["--message-file", str(tmp_path / "message")]):
        words = ["attest", "verify", path, *said(1, **{"--message": None}), *given]
        assert invoke(*words, "--owner-key", KEYS["owner_public"]).exit_code == 0


def test_published_statement_of_a_real_device_is_verified(invoke, tmp_path):
    """Scheme 2 of a real device, with the chain to the vendor's issuer."""
    raw, made = bytes.fromhex(REAL["device_message"]), bytes.fromhex(REAL["attestation_message"])
    document = Endorsement(
        slot=2,
        key=EndorsedKey(public_key=made[1:], signature=bytes.fromhex(REAL["device_signature"])),
        device=DeviceCertificate(
            header=raw[1:8], public_key=raw[8:], signature=bytes.fromhex(REAL["issuer_signature"])
        ),
        signer_serial=bytes(4),
    )
    path = tmp_path / "real.json"
    path.write_text(json.dumps(document.to_document()))
    words = ["--scheme", "2", "--code-hash", REAL["code_hash"], "--message", REAL["message"]]
    words += ["--signature", REAL["signature"], "--issuer-key", REAL["issuer_public"]]
    assert invoke("attest", "verify", str(path), *words).exit_code == 0


@pytest.mark.parametrize(
    ("changes", "anchor", "broken"),
    [
        ({"--message": "00"}, "owner", "statement"),
        ({"--code-hash": "00" * 32}, "owner", "statement"),
        ({"--signature": SIGNATURES[2]}, "owner", "statement"),
        ({"--signature": ""}, "owner", "statement"),
        ({}, "stranger", "owner_certificate"),
        ({}, "unknown issuer", "device_certificate"),
    ],
)
def test_chain_that_does_not_hold_is_exit_code_9(invoke, tmp_path, changes, anchor, broken):
    """Whichever link is broken, it is named, and the verdict is bad."""
    stranger = known_key("stranger").public_key.hex()
    anchors = {
        "owner": ["--owner-key", KEYS["owner_public"]],
        "stranger": ["--owner-key", stranger],
        "unknown issuer": ["--issuer-key", stranger],
    }[anchor]
    answer = invoke("attest", "verify", endorsement(tmp_path, 1), *said(1, **changes), *anchors, "--json")
    members = json.loads(answer.stdout)
    assert (answer.exit_code, members["verdict"]) == (9, "does_not_hold")
    assert [link["link"] for link in members["chain"] if not link["holds"]] == [broken]


def test_key_without_owners_certificate_does_not_count(invoke, tmp_path):
    """Who asks for the owner gets a broken link when there is no certificate, not a shorter chain."""
    path = endorsement(tmp_path, 1, owner_certificate=b"")
    answer = invoke("attest", "verify", path, *said(1), "--owner-key", KEYS["owner_public"])
    assert answer.exit_code == 9


@pytest.mark.parametrize(
    "words",
    [
        [],  # nobody vouches
        ["--owner-key", "{owner}", "--key", "{key}"],  # the key twice
        ["--owner-key", "{owner}", "--certificate", "00"],
        ["--owner-key", "{owner}", "--text", "x"],  # the message twice
        ["--owner-key", "0400"],
        ["--owner-key", "{owner}", "--code-hash", "00"],
        ["--owner-key", "{owner}", "--signature", "no hex"],
        ["--owner-key", "{owner}", "--scheme", "2"],  # the file is about key 1
        ["--owner-key", "{owner}", "--scheme", "3"],
    ],
)
def test_what_makes_no_sense_is_a_usage_error(invoke, tmp_path, words):
    """Exit code 2 and no verdict."""
    words = [word.format(owner=KEYS["owner_public"], key=MADE["answer_1"][:130]) for word in words]
    answer = invoke("attest", "verify", endorsement(tmp_path, 1), *said(1), *words, "--json")
    assert answer.exit_code == 2
    assert "verdict" not in answer.stdout


def test_issuer_needs_the_document(invoke):
    """A bare key has no chain to an issuer."""
    words = ["--key", MADE["answer_1"][:130], "--issuer-key", KEYS["issuer_public"]]
    assert invoke("attest", "verify", *said(1), *words).exit_code == 2


def test_proof_of_a_device_is_checked_with_its_challenge(invoke, tmp_path):
    """A handshake written by `tally device attest` holds for its challenge and its issuer, and for no other."""
    session = KeySigner(b"\x05" * 32).public_key
    nonces = {"host_nonce": b"challeng", "device_nonce": b"devnonce"}
    signature = KeySigner(bytes.fromhex(KEYS["device_private"])).sign(
        device_ephemeral_message(public_key=session, **nonces)
    )
    proof = HandshakeProof(
        device=device(),
        signer_serial=bytes(4),
        session=DeviceCertificate(public_key=session, signature=signature),
        **nonces,
    )
    path = tmp_path / "proof.json"
    path.write_text(json.dumps(proof.to_document()))

    def check(issuer=KEYS["issuer_public"], **options):
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        answer = invoke("attest", "device", str(path), "--issuer-key", issuer, *words, "--json")
        return answer.exit_code, json.loads(answer.stdout)["is_fresh"]

    assert check() == (0, None)
    assert check(challenge=b"challeng".hex()) == (0, True)
    assert check(challenge=b"another!".hex()) == (9, False)
    assert check(issuer=known_key("stranger").public_key.hex())[0] == 9


@pytest.mark.parametrize("command", [["attest", "device"], ["owner", "certify"], ["attest", "verify"]])
@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[" * 10_000, b"x" * 100_000])
def test_file_that_is_no_document_is_told(invoke, tmp_path, command, content):
    """Whatever is in the file, the answer is an error of this program."""
    path = tmp_path / "document"
    path.write_bytes(content)
    more = said(1) if command[1] == "verify" else []
    key = ["--owner-key", "test"] if command[1] == "certify" else ["--issuer-key", KEYS["issuer_public"]]
    answer = invoke(*command, str(path), *more, *key, "--json")
    assert answer.exit_code == 1
    assert json.loads(answer.stdout)["error"] == "protocol_error"


def test_owner_certifies_a_key_of_a_known_issuer_only(invoke, tmp_path):
    """The chain is checked first; the certificate is over FE and the key, and comes with the document for the device."""
    invoke("owner", "keys", "create", str(tmp_path / "owner.json"))
    path = endorsement(tmp_path, 1, owner_certificate=b"")
    words = ["owner", "certify", path, "--owner-key", str(tmp_path / "owner.json")]
    assert invoke(*words).exit_code == 9
    output = tmp_path / "certified.json"
    answer = invoke(*words, "--issuer-key", KEYS["issuer_public"], "--output", str(output), "--json")
    assert answer.exit_code == 0
    certified = Endorsement.from_json(output.read_bytes())
    owner = json.loads(invoke("owner", "keys", "show", str(tmp_path / "owner.json"), "--json").stdout)
    assert certified.owner_public_key.hex() == owner["owner_public_key"]
    assert json.loads(answer.stdout)["endorsement"] == certified.to_document()
    assert invoke(*words, "--issuer-key", KEYS["issuer_public"], "--output", str(output)).exit_code == 2


def test_owner_may_certify_a_bare_key(invoke):
    """Where nothing is known of a key, that is said; without the word for it a bare key is refused."""
    key = MADE["answer_1"][:130]
    answer = invoke("owner", "certify", key, "--unchecked", "--owner-key", "test", "--json")
    certificate = bytes.fromhex(json.loads(answer.stdout)["owner_certificate"])
    assert certificate == known_key("owner").sign(owner_message(bytes.fromhex(key)))
    assert invoke("owner", "certify", key, "--owner-key", "test").exit_code == 2
    assert invoke("owner", "certify", "00", "--unchecked", "--owner-key", "test").exit_code == 2
    assert "Nothing was checked" in invoke("owner", "certify", key, "--unchecked", "--owner-key", "test").stdout


def test_realms_do_not_meet(invoke, tmp_path):
    """An owner of the production realm certifies nothing of an issuer of the test realm, and the other way round."""
    issuer = tmp_path / "issuer.json"
    key = {"format": "tallystick-key/1", "role": "issuer", "realm": "production", "certificate": ""}
    key |= {"public_key": KEYS["issuer_public"], "private_key": KEYS["issuer_private"]}
    issuer.write_text(json.dumps(key))
    path = endorsement(tmp_path, 1)
    answer = invoke("owner", "certify", path, "--owner-key", "test", "--issuer-key", str(issuer))
    assert answer.exit_code == 9
    assert "realm" in answer.stderr


def test_owners_key_is_made_once(invoke, tmp_path):
    """Created, shown, never replaced; production keys stay out of files unless that is wanted."""
    where = str(tmp_path / "owner.json")
    made = json.loads(invoke("owner", "keys", "create", where, "--json").stdout)
    assert made["schema"] == "tally.owner.keys.create/1"
    shown = json.loads(invoke("owner", "keys", "show", where, "--json").stdout)
    assert (shown["realm"], shown["owner_public_key"]) == ("test", made["owner_public_key"])
    assert invoke("owner", "keys", "create", where).exit_code == 2
    other = str(tmp_path / "production.json")
    assert invoke("owner", "keys", "create", other, "--realm", "production").exit_code == 2
    known = json.loads(invoke("owner", "keys", "show", "test", "--json").stdout)
    assert known["owner_public_key"] == known_key("owner").public_key.hex()
