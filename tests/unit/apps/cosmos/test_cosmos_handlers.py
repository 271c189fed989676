"""The app as a client and a person meet it, driven through its system calls."""

import json
from pathlib import Path

import cbor2
import pytest
from cosmos_stage import Stage, load, words
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.app.loader import load as load_bundle
from tallystick.apps import cosmos
from tallystick.apps.cosmos.handlers import VERSION
from tallystick.crypto import secp256k1
from tallystick.crypto.hash import keccak256, sha256
from tallystick.wire.bundle import Bundle
from tallystick.wire.screen import Entry, Item, Notice, Review, ReviewKind
from tallystick.wire.syscall import CallStatus, PublicKey, ReadSetting, Sign

FOLDER = Path(cosmos.__file__).parent
VECTORS = load("cosmos_app_reviews.json")
WORKED = VECTORS["reviews"][0]["document"].encode()
ADDRESS = VECTORS["own_address"]
KEY = "0223aa679d6d5344e201e0df9f02ab15a84726eee0dfb4e953c46a9e2cb52349dc"
GET_ADDRESS = "550400001b06636f736d6f732c000080760000800000008000000000" + "00000000"
INIT = "55020000142c000080760000800000008000000000" + "00000000"
REFUSED = (b"", 0x6986)


def test_get_version(stage: Stage):
    """Nine bytes: not a debug build, version, not locked, target id; any parameters, any data, in every state."""
    answer = bytes.fromhex("000226" + "0d0033100004"), 0x9000
    assert stage.apdu("5500000000") == answer
    assert stage.apdu("5500ffff03aabbcc") == answer
    stage.apdu(INIT)
    assert stage.apdu("5500000000") == answer
    assert stage.apdu("5502010001ff") == (b"", 0x9000)


def test_device_info_is_answered_inside_the_app(stage: Stage):
    """E0 01 00 00 gives target id, system version, no flags, MCU version, in every state; any other E0 is 6E00."""
    answer = bytes.fromhex("33100004" + "0131" + "00" + "0131"), 0x9000
    assert stage.apdu("e001000000") == answer
    stage.apdu(INIT)
    assert stage.apdu("e001000000") == answer
    assert stage.apdu("5502010001ff") == (b"", 0x9000)
    for raw in ("e0010000", "e001000100", "e001010000", "e002000000"):
        assert stage.apdu(raw) == (b"", 0x6E00)


def test_version_is_the_one_of_the_manifest():
    """Manifest and GetVersion say the same."""
    manifest = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["version"] == ".".join(map(str, VERSION)) == "2.38.13"


def test_get_address_worked_example(stage: Stage):
    """The APDU of the reference gives 33 key bytes and the address, nothing else, and asks nobody."""
    assert stage.apdu(GET_ADDRESS) == (bytes.fromhex(KEY) + ADDRESS.encode(), 0x9000)
    assert stage.scenes == []


def test_get_address_with_consent(stage: Stage):
    """With P1 not 0 the address is shown and answered when the person agrees, else 6986."""
    shown = GET_ADDRESS.replace("550400", "550401", 1)
    assert stage.apdu(shown) == stage.apdu(GET_ADDRESS)
    assert stage.scenes == [Review(items=(Item("Address", (ADDRESS,)),), kind=ReviewKind.ADDRESS)]
    stage.approve = False
    assert stage.apdu(shown.replace("550401", "5504ff", 1)) == REFUSED
    assert stage.apdu(GET_ADDRESS)[1] == 0x9000


@pytest.mark.parametrize(("raw", "status"), [
    ("", 0x6982),
    ("55", 0x6700),
    ("55040000", 0x6700),
    ("5400000000", 0x6E00),
    ("54", 0x6E00),
    ("e0d8000006436f736d6f73", 0x6E00),
    ("5501000000", 0x6D00),
    ("5503000000", 0x6D00),
    ("55ff000000", 0x6D00),
    ("5504000000", 0x6984),
    ("550400000100", 0x698A),
    ("550400000706636f736d6f73", 0x6984),
    ("550400000806636f736d6f732c", 0x6700),
    ("5502030000", 0x6B00),
    ("5502ff0000", 0x6B00),
    ("5502000000", 0x6984),
    ("55020000012c", 0x6700),
    ("5502010000", 0x6986),
    ("5502020000", 0x6986),
])  # fmt: skip
def test_refusals(stage: Stage, raw, status):
    """Each malformed APDU has its status word, and the app is usable afterwards."""
    assert stage.apdu(raw) == (b"", status)
    assert stage.apdu(GET_ADDRESS)[1] == 0x9000


def test_sign_worked_document(stage: Stage):
    """The document of the reference is reviewed in short and signed with the signature cosmjs makes."""
    assert stage.sign(WORKED) == (bytes.fromhex(VECTORS["signature"]), 0x9000)
    (review,) = stage.scenes
    assert (review.intro, review.approve, review.reject) == (("Please", "review"), "APPROVE", "REJECT")
    assert [[item.title, *item.values] for item in review.items] == VECTORS["reviews"][0]["short"]


def test_sign_worked_document_in_expert_mode(stage: Stage):
    """In expert mode everything is shown, and the signature is the same."""
    stage.settings["expert"] = True
    assert stage.sign(WORKED, hrp=b"cosmos") == (bytes.fromhex(VECTORS["signature"]), 0x9000)
    assert [[item.title, *item.values] for item in stage.scenes[0].items] == VECTORS["reviews"][0]["expert"]


@pytest.mark.parametrize("size", [1, 48, 250, 255])
def test_any_split_into_chunks(stage: Stage, size):
    """The signature does not depend on how the payload is cut."""
    stage.apdu(INIT)
    chunks = [WORKED[at : at + size] for at in range(0, len(WORKED), size)]
    for chunk in chunks[:-1]:
        assert stage.apdu(b"\x55\x02\x01\x07" + bytes([len(chunk)]) + chunk) == (b"", 0x9000)
    answer = stage.apdu(b"\x55\x02\x02\x00" + bytes([len(chunks[-1])]) + chunks[-1])
    assert answer == (bytes.fromhex(VECTORS["signature"]), 0x9000)


def test_person_refuses(stage: Stage):
    """A no is 6986, nothing is signed, and the next signing can begin."""
    stage.approve = False
    assert stage.sign(WORKED) == REFUSED
    assert stage.signatures == 0
    stage.approve = True
    assert stage.sign(WORKED)[1] == 0x9000


def test_textual(stage: Stage):
    """P2 1 on the last chunk reads the payload as CBOR and signs its SHA-256."""
    payload = cbor2.dumps({1: [{1: "Chain id", 2: "local-1"}, {2: "text", 4: True}]}, canonical=True)
    signature, status = stage.sign(payload, p2=1)
    assert status == 0x9000
    assert secp256k1.verify_ecdsa_der(bytes.fromhex(KEY), sha256(payload), signature)
    assert stage.scenes[0].items == (Item("Chain id", ("local-1",)), Item(" ", ("text",)))


@pytest.mark.parametrize(("payload", "p2", "text"), [
    (WORKED, 2, b"Value out of range"),
    (b"", 0, b"Initialized empty context"),
    (b"", 1, b"Initialized empty context"),
    (WORKED[:-1], 0, b"JSON string is not complete"),
    (WORKED, 1, b"unexpected type"),
])  # fmt: skip
def test_faults_have_their_text_before_6984(stage: Stage, payload, p2, text):
    """The text stands before the status word, nothing is shown, and the app is idle again."""
    assert stage.sign(payload, p2=p2) == (text, 0x6984)
    assert stage.scenes == []
    assert stage.sign(WORKED)[1] == 0x9000


def test_ethereum_kind_needs_expert_mode(stage: Stage):
    """Coin 60' signs in expert mode only; without it a notice is shown and 6984 has no text, whatever the payload."""
    path = words(44, 60)
    assert stage.sign(b"\xff", path=path, hrp=b"inj", p2=9) == (b"", 0x6984)
    assert stage.scenes == [Notice(lines=("Expert Mode", "Required"), button="Ok", tone=stage.scenes[0].tone)]
    assert stage.signatures == 0
    stage.settings["expert"] = True
    signature, status = stage.sign(WORKED, path=path, hrp=b"inj")
    assert status == 0x9000
    key = "038318535b54105d4a7aae60c08fc45f9687181b4fdfc625bd1a753fa7397fed75"
    assert secp256k1.verify_ecdsa_der(bytes.fromhex(key), keccak256(WORKED), signature)


def test_own_delegator_is_hidden_by_the_hrp_last_used(stage: Stage):
    """The own address is made with the hrp last named; cosmos when none was."""
    document = VECTORS["reviews"][2]["document"].encode()
    stage.sign(document)
    stage.apdu(bytes.fromhex("5504000019046f736d6f") + words(44, 118))
    stage.sign(document)
    stage.sign(document, hrp=b"cosmos")
    titles = [[item.title for item in scene.items] for scene in stage.scenes]
    assert ["Delegator" in shown for shown in titles] == [False, True, False]


def test_init_and_address_out_of_turn(stage: Stage):
    """While a payload is being received, init and GetAddr are 6986 and the payload goes on."""
    stage.apdu(INIT)
    assert stage.apdu(INIT) == REFUSED
    assert stage.apdu(GET_ADDRESS) == REFUSED
    assert stage.apdu(b"\x55\x02\x02\x00\x00" + WORKED) == (bytes.fromhex(VECTORS["signature"]), 0x9000)
    assert stage.apdu("5502020000") == REFUSED


@pytest.mark.parametrize("raw", ["5502030000", "5501000000", "54000000", "5500", ""])
def test_any_other_error_ends_the_signing(stage: Stage, raw):
    """A client that broke off gets out with any error but 6986."""
    stage.apdu(INIT)
    assert stage.apdu(raw)[1] != 0x9000
    assert stage.apdu("5502010000") == REFUSED
    assert stage.apdu(INIT) == (b"", 0x9000)


def test_capacity(stage: Stage):
    """A chunk that would pass 16384 bytes is 6988 and ends the signing."""
    stage.apdu(INIT)
    for _ in range(64):
        assert stage.apdu(b"\x55\x02\x01\x00\x00" + b"x" * 256) == (b"", 0x9000)
    assert stage.apdu("5502010001ff") == (b"", 0x6988)
    assert stage.apdu("5502010001ff") == REFUSED


def test_client_that_leaves_is_forgotten(stage: Stage):
    """A new client does not inherit a half-sent payload."""
    stage.apdu(INIT)
    stage.client_left()
    assert stage.apdu(INIT) == (b"", 0x9000)


@pytest.mark.parametrize(("call", "status", "answer"), [
    (PublicKey, CallStatus.BAD_ARGUMENT, 0x6400),
    (PublicKey, CallStatus.LOCKED, 0x6986),
    (Sign, CallStatus.BAD_ARGUMENT, 0x6F01),
    (Sign, CallStatus.LOCKED, 0x6986),
])  # fmt: skip
def test_keys_out_of_reach(stage: Stage, call, status, answer):
    """A key that cannot be made is 6400, a failed signature 6F01, a locked device 6986; afterwards the app is idle."""
    stage.broken = {call: status}
    assert stage.sign(WORKED) == (b"", answer)
    stage.broken = {}
    assert stage.sign(WORKED)[1] == 0x9000


@pytest.mark.parametrize("call", [PublicKey, Sign])
def test_aborted_call_is_silent(stage: Stage, call):
    """When the request is gone the app drops it without an answer and is idle."""
    stage.broken = {call: CallStatus.ABORTED}
    stage.apdu(INIT)
    with pytest.raises(AssertionError):
        stage.apdu(b"\x55\x02\x02\x00\x00" + WORKED)
    assert stage.responses[-1] is None
    stage.broken = {}
    assert stage.sign(WORKED)[1] == 0x9000


def test_setting_out_of_reach_is_not_taken_for_a_yes(stage: Stage):
    """If expert mode cannot be read, nothing is signed."""
    stage.broken = {ReadSetting: CallStatus.NOT_PERMITTED}
    assert stage.apdu(INIT)[1] == 0x6982
    assert stage.signatures == 0


def test_menu_and_expert_mode(stage: Stage):
    """The menu says what is running; choosing the entry turns expert mode on and off, other entries do nothing."""
    labels = ["Cosmos", "Expert mode:", "Version:", "Developed by:", "License:", "Quit"]
    assert stage.menu is not None
    assert [entry.label for entry in stage.menu.entries] == labels
    assert stage.menu.entries[:3] == (
        Entry("Cosmos", "ready"),
        Entry("Expert mode:", "disabled"),
        Entry("Version:", "v2.38.13"),
    )
    stage.choose(1)
    assert stage.settings["expert"]
    assert (stage.menu.entries[1].value, stage.menu.start) == ("enabled", 1)
    stage.choose(2)
    stage.choose(0)
    assert stage.settings["expert"]
    stage.choose(1)
    assert not stage.settings["expert"]


def test_touch_screens_hold_fewer_tokens():
    """The same document is too much for a touch screen and fits a Nano."""
    document = WORKED.replace(b'"sequence":"3"', b'"sequence":"3","z":[' + b"1," * 650 + b"1]")
    assert Stage(touch=True).sign(document) == (b"JSON. Too many tokens", 0x6984)
    assert Stage().sign(document)[1] == 0x9000


def test_app_runs_from_its_bundle():
    """Packed and loaded under another name, the app answers as here."""
    modules = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py") if path.stem != "__init__"}
    bundle = Bundle.pack((FOLDER / "manifest.json").read_bytes(), modules)
    stage = Stage(entry=load_bundle(bundle))
    assert bundle.manifest.name == "Cosmos"
    assert [str(path) for path in bundle.manifest.paths] == ["44'/118'", "44'/60'"]
    assert [setting.name for setting in bundle.manifest.settings] == ["expert"]
    assert stage.apdu(GET_ADDRESS) == (bytes.fromhex(KEY) + ADDRESS.encode(), 0x9000)
    assert stage.sign(WORKED) == (bytes.fromhex(VECTORS["signature"]), 0x9000)


APDUS = st.tuples(st.sampled_from([b"\x55\x00", b"\x55\x02", b"\x55\x04"]), st.binary(min_size=3, max_size=40)).map(
    b"".join
) | st.binary(max_size=40)


@settings(max_examples=50, deadline=None)
@given(st.lists(APDUS, max_size=8))
def test_noise_leaves_a_working_app(raws):
    """After any sequence of APDUs each has an answer, and a wrong P1 brings the app back to idle."""
    stage = Stage()
    stage.approve = False
    for raw in raws:
        assert stage.apdu(raw)[1] >> 8 in {0x90, 0x64, 0x67, 0x69, 0x6B, 0x6D, 0x6E}
    assert stage.apdu("5502030000") == (b"", 0x6B00)
    assert stage.apdu(GET_ADDRESS)[1] == 0x9000
