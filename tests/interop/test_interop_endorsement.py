"""ledgerblue's scripts set attestation keys up, unmodified, and judge what apps signed with them."""

import hashlib
import io
import json
import subprocess
import zipfile
from pathlib import Path

import client
import pytest
from device_process import WITH_MANAGER
from ecdsa import SECP256k1, SigningKey
from ecdsa.util import sigdecode_der, sigencode_der_canonize
from person import person
from tests.unit.device.native import native_speaker

pytestmark = pytest.mark.interop

VECTORS = Path(__file__).parent.parent / "vectors" / "attestation.json"
TARGET = ("--targetId", hex(0x33100004))
#: an owner, and the one that a manager beside a device has: everybody knows both
OWNER = SigningKey.from_string(hashlib.sha256(b"owner of the interop tests").digest(), curve=SECP256k1)
KNOWN = SigningKey.from_string(hashlib.sha256(b"tallystick test realm: owner").digest(), curve=SECP256k1)
SOURCE = """from tallystick.app import App, start_with

class Speaker(App):
    async def handle(self, raw):
        if raw[1] == 0:
            return await self.os.endorsement_get_public_key(raw[2])
        if raw[1] == 1:
            return await self.os.endorsement_get_public_key_certificate(raw[2])
        if raw[1] == 2:
            return await self.os.endorsement_key1_sign_data(raw[5:])
        return await self.os.endorsement_key2_derive_sign_data(raw[5:])

start = start_with(Speaker)
"""
KEY, CERTIFICATE, SIGN_1, SIGN_2 = range(4)


def bundle():
    """Give a small app that says what its attestation keys sign, packed as the reference has it."""
    members = {"app.py": SOURCE, "manifest.json": json.dumps({"name": "Speaker", "version": "1.0.0"})}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, text in sorted(members.items()):
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.external_attr = 0o644 << 16
            archive.writestr(member, text)
    return packed.getvalue()


def public(key):
    """Give the public half of an ecdsa signing key, as 65 bytes in hexadecimal."""
    return key.verifying_key.to_string("uncompressed").hex()


def certificate(owner, key):
    """Give an owner's certificate of an attestation key, made without this project."""
    return owner.sign(b"\xfe" + bytes.fromhex(key), hashfunc=hashlib.sha256, sigencode=sigencode_der_canonize).hex()


def assert_certified(owner, key, certified):
    """Check an owner's certificate without this project."""
    assert owner.verifying_key.verify(
        bytes.fromhex(certified), b"\xfe" + bytes.fromhex(key), hashfunc=hashlib.sha256, sigdecode=sigdecode_der
    )


class Stage:
    """One device, ledgerblue's scripts at it, and the project's own command line."""

    def __init__(self, client, device, command):
        self._client, self.device, self._command = client, device, command

    def blue(self, name, *arguments, expect_success=True):
        """Run one of ledgerblue's scripts; give the finished process."""
        words = ("python", "-m", f"ledgerblue.{name}", *map(str, arguments))
        return self._client.command(self.device, *words, expect_success=expect_success)

    def setup(self, slot, *arguments, **how):
        """Run `endorsementSetup` with the issuer of the device."""
        issuer = ("--issuerKey", self.device.ready["issuer_public_key"])
        return self.blue("endorsementSetup", *TARGET, *issuer, "--key", slot, *arguments, **how)

    def tally(self, *words, code=0):
        """Run `tally` with the device named; give its JSON."""
        device = ("--device", f"tcp:127.0.0.1:{self.device.apdu_port}")
        done = subprocess.run(
            [*self._command, *words, *device, "--json"],
            capture_output=True,
            text=True,
            timeout=client.TIME_LIMIT_S,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    def open_speaker(self, folder):
        """Install the app and open it; give its full hash."""
        file = folder / "speaker.bundle"
        file.write_bytes(bundle())
        return self.open_file(file)

    def open_file(self, file):
        """Install an app of this name from a file and open it; give its full hash."""
        self.tally("app", "install", "--user", str(file))
        (app,) = self.tally("app", "list")["apps"]
        self.tally("app", "open", "Speaker")
        return app["full_hash"]

    def ask(self, what, slot=0, data=b""):
        """Ask the app, through ledgerblue's own script; give the answer in hexadecimal."""
        return self.send(bytes([0x80, what, slot, 0, len(data)]) + data)

    def send(self, apdu):
        """Send an APDU through ledgerblue's own script; give the answer in hexadecimal."""
        script = self._client.home / "ask.txt"
        script.write_text(apdu.hex() + "\n", encoding="ascii")
        said = self.blue("runScript", *TARGET, "--fileName", script, "--apdu").stdout
        (answer,) = [line for line in said.splitlines() if line.startswith("<= Clear")]
        text = answer.removeprefix("<= Clear ")
        return eval(text, {"__builtins__": {}, "bytearray": bytearray}).hex()

    def judge(self, scheme, **said):
        """Run `verifyEndorsement1` or `2`; tell whether it is satisfied."""
        words = [word for name, value in said.items() for word in (f"--{name}", value)]
        done = self.blue(f"verifyEndorsement{scheme}", *words, expect_success=False)
        assert ("Endorsement verified" in done.stdout) == (done.returncode == 0)
        return done.returncode == 0


@pytest.fixture
def stage(start_device, python_client, device_command):
    """Give a function that starts a device without apps and returns its stage."""
    return lambda *flags: Stage(python_client, start_device(*flags, apps=()), device_command)


def test_ledgerblue_sets_both_keys_up_and_verifies_what_an_app_signs(stage, tmp_path):
    """`endorsementSetup --privateKey` certifies both keys; `verifyEndorsement` 1 and 2 accept the app's signatures, and no other."""
    here = stage("--approve")
    keys = {}
    for slot in (1, 2):
        said = here.setup(slot, "--privateKey", OWNER.to_string().hex()).stdout
        assert "Endorsement setup finalized" in said
        (line,) = [line for line in said.splitlines() if line.startswith("Public key ")]
        keys[slot] = line.removeprefix("Public key ")
    code_hash, message = here.open_speaker(tmp_path), b"tick"
    for slot, sign in ((1, SIGN_1), (2, SIGN_2)):
        assert here.ask(KEY, slot) == keys[slot]
        certified = here.ask(CERTIFICATE, slot)
        assert_certified(OWNER, keys[slot], certified)
        signature = here.ask(sign, data=message)
        said = {"key": keys[slot], "codehash": code_hash, "message": message.hex(), "signature": signature}
        assert here.judge(slot, **said)
        assert not here.judge(slot, **said | {"message": b"tock".hex()})
        assert not here.judge(slot, **said | {"codehash": "00" * 32})
        assert not here.judge(3 - slot, **said)
        # our own judge is of the same opinion, and sees who vouches for the key
        words = ("--key", keys[slot], "--certificate", certified, "--code-hash", code_hash, "--scheme", str(slot))
        words += ("--message", message.hex(), "--signature", signature)
        assert here.tally("attest", "verify", *words, "--owner-key", public(OWNER))["verdict"] == "holds"
        assert here.tally("attest", "verify", *words, "--owner-key", public(KNOWN), code=9)["chain"][-1]["holds"]


def test_ledgerblue_verifies_what_native_code_signs(stage, tmp_path):
    """ARM code that makes the SDK's calls is measured as it was loaded: its signatures hold for that hash, and for no other."""
    here = stage("--approve")
    for slot in (1, 2):
        here.setup(slot, "--privateKey", OWNER.to_string().hex())
    file = native_speaker.write_elf(tmp_path, target_id=int(TARGET[1], 16), level=26)
    code_hash, message = here.open_file(file), native_speaker.MESSAGE.hex()
    said = native_speaker.parts(bytes.fromhex(here.send(native_speaker.APDU)))
    assert said.code_hash.hex() == code_hash
    for slot, key, certified, signature in zip((1, 2), said.keys, said.certificates, said.signatures, strict=True):
        assert_certified(OWNER, key.hex(), certified.hex())
        words = {"key": key.hex(), "codehash": code_hash, "message": message, "signature": signature.hex()}
        assert here.judge(slot, **words)
        assert not here.judge(slot, **words | {"codehash": "00" * 32})
        ours = ("--key", key.hex(), "--certificate", certified.hex(), "--code-hash", code_hash, "--scheme", str(slot))
        ours += ("--message", message, "--signature", signature.hex(), "--owner-key", public(OWNER))
        assert here.tally("attest", "verify", *ours)["verdict"] == "holds"


def test_ledgerblue_sets_a_key_up_in_two_runs(stage, tmp_path):
    """The first run prints the key, an owner elsewhere signs it, the second brings the certificate in a handshake of its own."""
    here = stage("--approve")
    said = here.setup(1).stdout
    (line,) = [line for line in said.splitlines() if line.startswith("Public key ")]
    key = line.removeprefix("Public key ")
    assert "finalized" not in said
    assert "finalized" in here.setup(1, "--certificate", certificate(OWNER, key)).stdout
    # stored once, no key waits any more
    assert "6985" in here.setup(1, "--certificate", certificate(OWNER, key), expect_success=False).stderr
    here.open_speaker(tmp_path)
    assert here.ask(KEY, 1) == key
    assert_certified(OWNER, key, here.ask(CERTIFICATE, 1))


def test_key_of_ledgerblue_is_certified_by_our_owner_and_stored_by_ledgerblue(stage):
    """Of the two runs, the owner's part is `tally owner certify`; the other way round ledgerblue stores for `tally`."""
    here = stage("--approve")
    said = here.setup(2).stdout
    (line,) = [line for line in said.splitlines() if line.startswith("Public key ")]
    key = line.removeprefix("Public key ")
    done = here.tally("owner", "certify", key, "--unchecked", "--owner-key", "test")
    assert_certified(KNOWN, key, done["owner_certificate"])
    assert "finalized" in here.setup(2, "--certificate", done["owner_certificate"]).stdout
    waiting = here.tally("owner", "setup", "--slot", "1")
    certified = certificate(OWNER, waiting["attestation_public_key"])
    assert "finalized" in here.setup(1, "--certificate", certified).stdout


def test_ledgerblue_refuses_a_device_of_another_issuer(stage):
    """By another issuer's key nothing is set up: the script finds the chain broken before it asks for a key."""
    here = stage("--approve")
    other = ("--issuerKey", public(OWNER))
    done = here.blue("endorsementSetup", *TARGET, *other, "--key", 1, "--privateKey", "11" * 32, expect_success=False)
    assert "finalized" not in done.stdout
    assert done.returncode != 0


def test_ledgerblue_hears_that_the_person_says_no(stage):
    """Refused at the device, the script ends with 5501 and there is no key."""
    here = stage()
    with person(port=here.device.api_port, expects="Allow unknown", decision="CANCEL") as someone:
        done = here.setup(1, "--privateKey", "11" * 32, expect_success=False)
    assert someone.decided
    assert "5501" in done.stderr.splitlines()[-1]
    assert "finalized" not in done.stdout


def test_ledgerblue_has_a_manager_certify(stage, tmp_path):
    """`endorsementSetupLedger2` runs the manager's flow to its end for both keys; the certificates are its owner's."""
    here = stage("--approve", WITH_MANAGER)
    url = ("--url", here.device.ready["manager_ws"] + "/endorse")
    for slot in (1, 2):
        said = here.blue("endorsementSetupLedger2", *TARGET, *url, "--key", slot).stdout
        assert "Script executed successfully" in said
    done = here.blue(
        "endorsementSetupLedger2", *TARGET, *url, "--key", 1, "--endorsement", "nobody", expect_success=False
    )
    assert done.returncode != 0
    here.open_speaker(tmp_path)
    for slot in (1, 2):
        assert_certified(KNOWN, here.ask(KEY, slot), here.ask(CERTIFICATE, slot))


def test_judges_agree_on_published_statements(stage):
    """The worked vectors, and what a real device signed: ledgerblue's scripts and `tally attest verify` say the same."""
    here = stage("--approve")
    found = json.loads(VECTORS.read_text(encoding="utf-8"))
    app, real, made = found["app"], found["real_device"], found["attestation_keys"]
    owner = found["keys"]["owner_public"]
    for slot, name in ((1, "key1_sign_data"), (2, "key2_derive_sign_data")):
        key = found["keys"][f"attestation_{slot}_public"]
        said = {"key": key, "codehash": app["code_hash"], "message": app["message"], "signature": app[name]}
        assert here.judge(slot, **said)
        words = ("--key", key, "--certificate", made[f"owner_certificate_{slot}"], "--code-hash", app["code_hash"])
        words += ("--scheme", str(slot), "--message", app["message"], "--signature", app[name])
        assert here.tally("attest", "verify", *words, "--owner-key", owner)["verdict"] == "holds"
    said = {"key": real["attestation_message"][2:], "codehash": real["code_hash"]}
    assert here.judge(2, **said, message=real["message"], signature=real["signature"])
    assert not here.judge(2, **said, message=real["message"][2:], signature=real["signature"])
