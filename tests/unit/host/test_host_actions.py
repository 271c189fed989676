"""Actions: what people want done, as streams of progress, against a scripted device."""

import json
from pathlib import Path

import pytest
from scripted_device import ScriptedDevice

from tallystick.crypto.hash import keccak256, sha256
from tallystick.crypto.secp256k1 import verify_ecdsa_der
from tallystick.errors import (
    LocalProtocolError,
    RemoteProtocolError,
    StatusError,
    TransportTimeout,
    TrustError,
    UsageError,
    UserRefused,
)
from tallystick.host.actions import Done, NeedsUser, Progress, app, cosmos, device, result
from tallystick.host.commands.cosmos import TextFormat
from tallystick.host.gesture import Gesture
from tallystick.host.session import Session
from tallystick.wire.path import Bip32Path

WORKED = json.loads((Path(__file__).parents[2] / "vectors/cosmos_worked.json").read_text())
PATH = Bip32Path.parse("44'/118'/0'/0/0")
ACCOUNTS = [row for row in WORKED["accounts"] if row["sentence"].startswith("test")]


class Pauses(list):
    """Remembers pauses instead of making them."""

    def __call__(self, seconds: float) -> None:
        """Take note."""
        self.append(seconds)


@pytest.fixture
def scripted():
    """Return a device on its dashboard."""
    return ScriptedDevice()


@pytest.fixture
def session(scripted):
    """Return a session with it that never really pauses."""
    return Session(scripted, pause=Pauses())


def in_cosmos(scripted):
    """Have the Cosmos app open."""
    scripted.app = "Cosmos"
    return scripted


def test_info_asks_in_the_clients_order_and_needs_nobody(scripted, session):
    """What is open is asked first, then the version; all of it comes without a gesture."""
    scripted.polls = 5
    report = result(device.info(session), on_step=lambda step: None)
    assert (report.name, report.battery_percent, report.version.version) == ("Tally 1", 85, "1.1.1")
    assert [apdu[:2].hex() for apdu in scripted.log] == ["b001", "e001", "e0d2", "e010", "b0f0"]


def test_info_of_a_locked_device_says_what_it_can(scripted, session):
    """A locked device tells what is open, and None for everything that it keeps."""
    scripted.is_locked = True
    report = result(device.info(session))
    assert report.opened.is_dashboard
    assert (report.version, report.name, report.battery_percent) == (None, None, None)


def test_unknown_charge_is_none(scripted, session):
    """A percentage above 100 means that the device does not know (wire-protocol C)."""
    scripted.forced[b"\xe0\x10"] = b"\xff\x90\x00"
    assert result(device.info(session)).battery_percent is None


def test_gesture_is_named_only_while_the_device_really_waits(scripted, session):
    """A device that answers at once needs nobody; one that waits says for what."""
    assert list(device.rename(session, "A"))[:-1] == []
    scripted.polls = 1
    steps = list(device.rename(session, "B"))
    assert steps == [NeedsUser(gesture=Gesture.ALLOW_RENAME, subject="B"), Done("B")]


def test_gesture_is_named_before_the_answer_is_awaited(scripted, session):
    """Whoever plays the person gets the step while the device is still waiting."""
    scripted.polls = 10**9
    stream = device.rename(session, "B")
    assert isinstance(next(stream), NeedsUser)
    assert session.is_waiting
    scripted._left = 0
    assert next(stream) == Done("B")


def test_rename_returns_what_the_device_then_says(scripted, session):
    """The name is read back, not assumed."""
    scripted.forced[b"\xe0\xd4"] = b"\x90\x00"
    assert result(device.rename(session, "Other")) == "Tally 1"


def test_refused_rename_changes_nothing(scripted, session):
    """A refusal comes out as one."""
    scripted.refuses = True
    with pytest.raises(UserRefused):
        result(device.rename(session, "Other"))
    assert scripted.name == "Tally 1"


def test_bad_request_is_refused_before_anything_is_sent(scripted, session):
    """What cannot work fails when the action is made."""
    for make in (
        lambda: device.rename(session, ""),
        lambda: app.open_app(session, "x" * 40),
        lambda: cosmos.address(session, Bip32Path.parse("m/1")),
        lambda: cosmos.sign(session, b"", path=PATH),
        lambda: cosmos.sign(session, b"x" * 16_385, path=PATH),
        lambda: cosmos.sign(session, b"{}", path=Bip32Path.parse("44'/60'/0'/0/0")),
        lambda: cosmos.sign(session, b"{}", path=PATH, hrp=""),
    ):
        with pytest.raises(UsageError):
            make()
    assert scripted.log == []


def test_apps_are_listed_over_all_pages_without_the_systems_items(scripted, session):
    """Pages are fetched until one is empty, and language packs are no apps."""
    scripted.pages = 3
    names = [entry.name for entry in result(app.list_apps(session))]
    assert names == ["Cosmos", "Bitcoin", "More2", "More1"]


def test_list_that_does_not_end_is_refused(scripted, session):
    """A device that always has another page is given up, not filled into memory."""
    scripted.pages = 10**9
    with pytest.raises(RemoteProtocolError):
        result(app.list_apps(session))


def test_app_is_opened_from_the_dashboard(scripted, session):
    """The name is asked for on the device, and what is open afterwards is checked."""
    scripted.polls = 2
    steps = list(app.open_app(session, "Cosmos"))
    assert [step for step in steps if isinstance(step, NeedsUser)] == [
        NeedsUser(gesture=Gesture.ALLOW_OPEN_APP, subject="Cosmos")
    ]
    assert steps[-1].value.name == "Cosmos"


def test_open_app_is_left_alone(scripted, session):
    """Opening what is open asks nobody."""
    in_cosmos(scripted)
    assert result(app.open_app(session, "Cosmos")).name == "Cosmos"
    assert [apdu[:2].hex() for apdu in scripted.log] == ["b001"]


def test_other_app_is_quit_first(scripted, session):
    """Another app is ended before the wanted one is asked for."""
    scripted.app = "Bitcoin"
    assert result(app.open_app(session, "Cosmos")).name == "Cosmos"
    headers = [apdu[:2].hex() for apdu in scripted.log]
    assert headers.index("b0a7") < headers.index("e0d8")


def test_device_that_reenumerates_is_waited_for(scripted):
    """After opening, a device that is unplugged for a while is asked again until the app answers."""
    pauses = Pauses()
    session = Session(scripted, pause=pauses)
    stream = app.open_app(session, "Cosmos")
    assert next(stream) == Progress(step="opening")
    scripted.forced[b"\xe0\xd8"] = b"\x90\x00"
    scripted.app = "BOLOS"

    def come_back(seconds):
        pauses.append(seconds)
        scripted.unplugged_sends = 1 if len(pauses) == 1 else 0
        scripted.app = "Cosmos"

    session.pause = come_back
    assert next(stream).value.name == "Cosmos"
    assert len(pauses) == 2
    assert scripted.closed == 1


def test_app_that_does_not_come_up_is_a_timeout(scripted, session):
    """The wait for the app has an end, and the error says where to look."""
    scripted.forced[b"\xe0\xd8"] = b"\x90\x00"
    with pytest.raises(TransportTimeout, match="Cosmos") as caught:
        result(app.open_app(session, "Cosmos"))
    assert "device" in caught.value.remedy


def test_unknown_app_is_told(scripted, session):
    """An app that is not installed is the device's refusal, with its meaning."""
    with pytest.raises(StatusError, match="no app of this name"):
        result(app.open_app(session, "Nothing"))


def test_quit_goes_back_to_the_dashboard_and_is_idempotent(scripted, session):
    """Quitting ends the app; on the dashboard it does nothing."""
    in_cosmos(scripted)
    assert result(app.quit_app(session)).is_dashboard
    scripted.log.clear()
    assert result(app.quit_app(session)).is_dashboard
    assert [apdu[:2].hex() for apdu in scripted.log] == ["b001"]


@pytest.mark.parametrize("row", ACCOUNTS, ids=lambda row: row["address"])
def test_address_is_the_worked_one(session, row):
    """Key and address of each worked account (cosmos-app 6) come back, the app being opened on the way."""
    answer = result(cosmos.address(session, Bip32Path(row["path"]), hrp=row["hrp"]))
    assert (answer.public_key.hex(), answer.address) == (row["public_key"], row["address"])


def test_shown_address_is_to_be_compared_with_the_one_told(scripted, session):
    """The person is told which address to expect while the device shows it."""
    in_cosmos(scripted).polls = 1
    steps = list(cosmos.address(session, PATH, is_shown=True))
    assert steps[0] == NeedsUser(gesture=Gesture.COMPARE_ADDRESS, subject=ACCOUNTS[0]["address"])
    scripted.refuses = True
    with pytest.raises(UserRefused):
        result(cosmos.address(session, PATH, is_shown=True))


@pytest.mark.parametrize("change", ["address", "key", "shown"])
def test_address_that_does_not_belong_to_the_key_is_not_believed(scripted, session, change):
    """An address of another key, a key that is none, and another address on the screen are refused."""
    in_cosmos(scripted)
    other, key = ACCOUNTS[1]["address"].encode(), bytes.fromhex(ACCOUNTS[0]["public_key"])
    header = b"\x55\x04\x01" if change == "shown" else b"\x55\x04"
    scripted.forced[header] = (b"\x02" + b"\xff" * 32 if change == "key" else key) + other + b"\x90\x00"
    with pytest.raises(TrustError):
        result(cosmos.address(session, PATH, is_shown=True))


def test_worked_document_is_signed_and_verified(scripted, session):
    """The amino document of cosmos-app 6 gives the published signature, in two parts."""
    in_cosmos(scripted).polls = 1
    document = WORKED["amino"]
    steps = list(cosmos.sign(session, document["document"].encode(), path=PATH))
    assert steps[-1].value.signature.hex() == document["signature"]
    assert steps[-1].value.digest.hex() == document["sha256"]
    assert [step for step in steps if isinstance(step, NeedsUser)] == [
        NeedsUser(gesture=Gesture.REVIEW_TRANSACTION, subject=ACCOUNTS[0]["address"])
    ]
    assert [step.done for step in steps if isinstance(step, Progress)] == [250, 375]


@pytest.mark.parametrize("size", [1, 249, 250, 251, 500, 16_384])
def test_payload_of_any_size_arrives_in_parts_of_250(scripted, session, size):
    """Parts are 250 bytes, the last one is marked and never empty, and nothing is lost."""
    in_cosmos(scripted)
    payload = bytes(index % 251 for index in range(size))
    signed = result(cosmos.sign(session, payload, path=PATH, hrp="cosmos"))
    assert signed.digest == sha256(payload)
    assert verify_ecdsa_der(signed.public_key, signed.digest, signed.signature)
    parts = [apdu for apdu in scripted.log if apdu[:2] == b"\x55\x02" and apdu[2]]
    assert b"".join(part[5:] for part in parts) == payload
    assert [part[2] for part in parts] == [1] * (len(parts) - 1) + [2]
    assert all(len(part) <= 255 and part[5:] for part in parts)


def test_ethereum_kind_is_signed_over_keccak(session, scripted):
    """A path of coin 60' is hashed by Keccak-256 and needs its prefix (cosmos-app 1)."""
    in_cosmos(scripted)
    signed = result(cosmos.sign(session, b"{}", path=Bip32Path.parse("44'/60'/0'/0/0"), hrp="inj"))
    assert signed.digest == keccak256(b"{}")
    assert signed.address == "inj17w0adeg64ky0daxwd2ugyuneellmjgnxf5vkec"


def test_textual_payload_is_marked_on_its_last_part(scripted, session):
    """SIGN_MODE_TEXTUAL is P2 = 1 of the last part."""
    in_cosmos(scripted)
    result(cosmos.sign(session, b"\xa1" * 300, path=PATH, text_format=TextFormat.TEXTUAL))
    assert scripted.log[-1][:4] == b"\x55\x02\x02\x01"


@pytest.mark.parametrize("kind", ["other digest", "other key", "high s", "noise"])
def test_signature_that_does_not_hold_is_not_returned(scripted, session, kind):
    """A signature over something else, by another key, with high s, or that is none, is a trust error."""
    in_cosmos(scripted)
    from tallystick.crypto import secp256k1

    good = secp256k1.sign_ecdsa_der(scripted.node(PATH).private_key, sha256(b"{}"))
    size = good[3]
    r, s = int.from_bytes(good[4 : 4 + size], "big"), int.from_bytes(good[6 + size :], "big")
    scripted.signature_change = {
        "other digest": secp256k1.sign_ecdsa_der(scripted.node(PATH).private_key, sha256(b"{ }")),
        "other key": secp256k1.sign_ecdsa_der(scripted.node((*PATH[:4], 1)).private_key, sha256(b"{}")),
        "high s": _der(r, secp256k1.ORDER - s),
        "noise": b"\x30\x00",
    }[kind]
    with pytest.raises(TrustError):
        result(cosmos.sign(session, b"{}", path=PATH))


def _der(r: int, s: int) -> bytes:
    numbers = b""
    for number in (r, s):
        raw = number.to_bytes(number.bit_length() // 8 + 1, "big")
        numbers += b"\x02" + bytes((len(raw),)) + raw
    return b"\x30" + bytes((len(numbers),)) + numbers


def test_refused_signature_is_a_refusal(scripted, session):
    """6986 at the end of a review is the person's no."""
    in_cosmos(scripted).refuses = True
    with pytest.raises(UserRefused):
        result(cosmos.sign(session, b"{}", path=PATH))


def test_request_that_another_client_left_half_told_is_ended_first(scripted, session):
    """An app stuck in the middle of a dead client's request is freed by a wrong part number, and signs."""
    in_cosmos(scripted).buffer = bytearray(b"left over")
    signed = result(cosmos.sign(session, b"{}", path=PATH))
    assert signed.digest == sha256(b"{}")
    assert [apdu[:3].hex() for apdu in scripted.log if apdu[0] == 0x55][:3] == ["550400", "550203", "550400"]


def test_app_that_stays_busy_is_told(scripted, session):
    """When ending the other request does not help, the error is the device's, once."""
    in_cosmos(scripted)
    scripted.forced[b"\x55"] = b"\x69\x86"
    with pytest.raises(StatusError) as caught:
        result(cosmos.address(session, PATH))
    assert caught.value.code == "wrong_state"
    assert len([apdu for apdu in scripted.log if apdu[0] == 0x55]) == 2


def test_emulator_of_one_nameless_app_is_used_as_it_is(scripted, session):
    """An emulator that calls its app "app" is not asked to quit it."""
    scripted.app = "app"
    assert result(cosmos.address(session, PATH)).address == ACCOUNTS[0]["address"]
    assert not any(apdu[:2] in {b"\xb0\xa7", b"\xe0\xd8"} for apdu in scripted.log)


def test_stream_without_a_result_is_a_bug():
    """An action that ends without Done is a bug of the action."""
    with pytest.raises(LocalProtocolError):
        result(iter([Progress(step="asking")]))
