"""`tally device attest`, `tally owner setup` and `tally attest verify`, as a user gives them, against real devices."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from isolated_stage import Panel, tally
from process_stage import handler
from up_stage import Up

from tallystick.testing.factory import known_key
from tallystick.testing.user import User

BOARDS = ("embedded", "isolated")
SPEAKS = """
if raw[:1] == b"\\x01":
    return await self.os.endorsement_key1_sign_data(raw[1:])
return await self.os.endorsement_key2_derive_and_sign_data(raw[1:])
"""


@pytest.fixture
def env(home, tmp_path):
    """Return an environment with the workshop of all tests, and a catalogue of this test's own."""
    return {**home, "XDG_DATA_HOME": str(tmp_path / "data")}


def at(device):
    """Return the option that names a device."""
    return ("--device", f"tcp:127.0.0.1:{device.facts['apdu_port']}")


@pytest.mark.parametrize("board", BOARDS)
def test_what_an_app_signed_is_verified_by_a_third_party(board, env, tmp_path):
    """Keys made and certified, an app asked by both schemes, and all of it checked with two public keys and no device."""
    bundle = tmp_path / "demo.bundle"
    bundle.write_bytes(handler(SPEAKS).raw)
    owner = str(tmp_path / "owner.json")
    tally("owner", "keys", "create", owner, env=env)
    with Up("--board", board, "--approve", env=env) as device:
        documents = {}
        for slot in ("1", "2"):
            documents[slot] = str(tmp_path / f"key{slot}.json")
            words = ("--slot", slot, "--owner-key", owner, "--output", documents[slot])
            done = tally("owner", "setup", *words, *at(device), env=env)
            assert (done["state"], done["slot"]) == ("certified", int(slot))
        tally("app", "install", "--user", str(bundle), *at(device), env=env)
        (app,) = tally("app", "list", *at(device), env=env)["apps"]
        tally("app", "open", "Demo", *at(device), env=env)
        answers = {}
        for slot in ("1", "2"):
            # the app takes whatever it is sent: its first byte is the scheme, the rest is signed
            answers[slot] = device.exchange(bytes([int(slot), 0x00, 0x00, 0x00, 0x01, 0x37]))[:-2].hex()
        for slot, document in documents.items():
            words = ("--scheme", slot, "--code-hash", app["full_hash"], "--signature", answers[slot])
            anchors = ("--owner-key", owner, "--issuer-key", device.facts["issuer_public_key"])
            message = ("--message", "0000000137")
            assert tally("attest", "verify", document, *words, *message, *anchors, env=env)["verdict"] == "holds"
            bad = tally("attest", "verify", document, *words, "--message", "00", *anchors, env=env, code=9)
            assert [link["link"] for link in bad["chain"] if not link["holds"]] == ["statement"]
        assert device.end() == 0


def test_device_proves_who_it_is_to_somebody_elsewhere(env, tmp_path):
    """The proof is of the challenge that was sent and of the issuer of the device; another issuer's is exit code 9."""
    proof, challenge = str(tmp_path / "proof.json"), os.urandom(8).hex()
    with Up("--board", "embedded", "--approve", env=env) as device:
        words = ("--challenge", challenge, "--output", proof)
        shown = tally("device", "attest", *words, *at(device), env=env)
        issuer = device.facts["issuer_public_key"]
        assert (shown["issuer"], shown["issuer_public_key"]) == ("workshop", issuer)
        assert shown["serial"]
        assert [link["link"] for link in shown["chain"]] == ["device_certificate", "session", "challenge"]
        stranger = known_key("stranger").public_key.hex()
        other = tally("device", "attest", "--issuer-key", stranger, *at(device), env=env, code=9)
        assert other["issuer"] is None
        assert device.end() == 0
    checked = tally("attest", "device", proof, "--issuer-key", issuer, "--challenge", challenge, env=env)
    assert (checked["verdict"], checked["is_fresh"]) == ("holds", True)


def test_owner_elsewhere_certifies_between_two_runs(env, tmp_path):
    """The key waits while its request goes to the owner and the certificate comes back; only then apps have it."""
    request, certified = str(tmp_path / "request.json"), str(tmp_path / "certified.json")
    with Up("--board", "embedded", "--approve", env=env) as device:
        waiting = tally("owner", "setup", "--slot", "1", "--output", request, *at(device), env=env)
        assert waiting["state"] == "waiting"
        assert tally("owner", "setup", "--certificate", request, *at(device), env=env, code=2)["error"] == "usage"
        tally("owner", "certify", request, "--owner-key", "test", "--output", certified, env=env)
        stored = tally("owner", "setup", "--certificate", certified, *at(device), env=env)
        assert (stored["state"], stored["slot"]) == ("certified", 1)
        again = tally("owner", "setup", "--certificate", certified, *at(device), env=env, code=6)
        assert "no attestation key waits" in again["message"]
        # bare, as other tools have it
        key = tally("owner", "setup", "--slot", "2", *at(device), env=env)["attestation_public_key"]
        bare = tally("owner", "certify", key, "--unchecked", "--owner-key", "test", env=env)["owner_certificate"]
        assert tally("owner", "setup", "--certificate", bare, *at(device), env=env)["state"] == "certified"
        assert device.end() == 0


def test_manager_beside_certifies_for_the_owner_it_was_given(env, tmp_path):
    """The known owner by default, another one where it is named; the certificate is in the document."""
    owner = str(tmp_path / "owner.json")
    public = tally("owner", "keys", "create", owner, env=env)["owner_public_key"]
    known = known_key("owner").public_key.hex()
    for options, expected in (((), known), (("--owner-key", owner), public)):
        with Up("--board", "embedded", "--approve", *options, manager=True, env=env) as device:
            done = tally("owner", "setup", "--slot", "2", "--by-manager", *at(device), env=env)
            key, certificate = done["attestation_public_key"], done["owner_certificate"]
            assert done["state"] == "certified"
            assert device.end() == 0
        words = ("--key", key, "--certificate", certificate, "--scheme", "2", "--text", "", "--signature", "00")
        code_hash = ("--code-hash", "00" * 32)
        checked = tally("attest", "verify", *words, *code_hash, "--owner-key", expected, env=env, code=9)
        assert [link["holds"] for link in checked["chain"]] == [True, False]


def test_replacing_a_key_waits_for_the_person(env, tmp_path):
    """The gesture is told, a no changes nothing and is exit code 7, and so is a no to the manager."""
    with Up("--board", "embedded", env=env) as device:
        user = User(Panel(device))
        steps = ("owner", "setup", "--slot", "1", "--owner-key", "test", *at(device), "--json-lines")

        def run(*decisions):
            with subprocess.Popen(
                [sys.executable, "-m", "tallystick", *steps], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True, env=env,
            ) as process:  # fmt: skip
                events, people = [], iter(decisions)
                for line in process.stdout:
                    events.append(json.loads(line))
                    if events[-1].get("event") == "needs_user":
                        next(people)()
                assert "Traceback" not in process.stderr.read()
            return [one["gesture"] for one in events if one.get("event") == "needs_user"], events[-1]

        owed, done = run(user.approve)
        assert (owed, done["state"]) == (["allow_manager"], "certified")
        owed, error = run(user.approve, user.reject)
        assert (owed, error["exit_code"]) == (["allow_manager", "replace_key"], 7)
        owed, error = run(user.reject)
        assert (owed, error["exit_code"]) == (["allow_manager"], 7)
        assert device.end() == 0


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--slot", "3"),
        ("--slot", "1", "--certificate", "3006020101020101"),
        ("--slot", "1", "--owner-key", "test", "--by-manager"),
        ("--certificate", "00" * 73),
        ("--slot", "1", "--owner-key", "missing.json"),
    ],
)
def test_options_that_make_no_sense_are_told(env, words):
    """Exit code 2, whether or not there is a device."""
    with Up("--board", "embedded", "--approve", env=env) as device:
        assert tally("owner", "setup", *words, *at(device), env=env, code=2)["error"] == "usage"


def test_production_owner_of_a_test_device_is_refused(env, tmp_path):
    """Realms do not meet: neither at the device's set-up nor beside `tally up`."""
    owner = str(tmp_path / "owner.json")
    allowed = "--allow-production-file"
    tally("owner", "keys", "create", owner, "--realm", "production", allowed, env=env)
    with Up("--board", "embedded", "--approve", env=env) as device:
        words = ("--slot", "1", "--owner-key", owner, allowed)
        assert "realm" in tally("owner", "setup", *words, *at(device), env=env, code=9)["message"]
        assert device.end() == 0
