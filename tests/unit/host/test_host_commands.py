"""Commands of the host: APDUs out and values in, against bytes published elsewhere."""

import pytest

from tallystick.errors import RemoteProtocolError, UsageError
from tallystick.host.commands import cosmos, dashboard
from tallystick.host.gesture import Gesture
from tallystick.wire.dashboard import BatteryQuery
from tallystick.wire.path import Bip32Path
from tallystick.wire.status import Layer

PATH = Bip32Path.parse("44'/118'/0'/0/0")
WORDS = "2c000080760000800000008000000000" + "00000000"

REQUESTS = [
    # origin: wire-protocol C, the table of plain commands
    (dashboard.GetVersion(), "e001000000"),
    (dashboard.GetAppAndVersion(), "b001000000"),
    (dashboard.ListApps(), "e0de000000"),
    (dashboard.ListApps(is_continued=True), "e0df000000"),
    (dashboard.OpenApp(name="Cosmos"), "e0d8000006436f736d6f73"),
    (dashboard.QuitApp(), "b0a7000000"),
    (dashboard.GetDeviceName(), "e0d2000000"),
    (dashboard.SetDeviceName(name="Tally é"), "e0d400000854616c6c7920c3a9"),
    (dashboard.GetBattery(query=BatteryQuery.MILLIVOLTS), "e010000100"),
    # origin: cosmos-app 1 and 6
    (cosmos.GetVersion(), "5500000000"),
    (cosmos.GetAddress(path=PATH), "550400001b06636f736d6f73" + WORDS),
    (cosmos.GetAddress(path=PATH, is_shown=True), "550401001b06636f736d6f73" + WORDS),
    (cosmos.SignInit(path=PATH, hrp="cosmos"), "550200001b" + WORDS + "06636f736d6f73"),
    (cosmos.SignInit(path=PATH), "5502000014" + WORDS),
    (cosmos.SignAdd(chunk=b"{}"), "55020100027b7d"),
    (cosmos.SignLast(chunk=b"{}"), "55020200027b7d"),
    (cosmos.SignLast(chunk=b"\xa1", text_format=cosmos.TextFormat.TEXTUAL), "5502020101a1"),
    (cosmos.SignReset(), "5502030000"),
]


@pytest.mark.parametrize(("command", "expected"), REQUESTS, ids=lambda value: getattr(type(value), "__name__", value))
def test_command_becomes_the_published_apdu(command, expected):
    """Each command is the APDU that the references give for it."""
    if isinstance(expected, str):
        assert command.to_apdu().to_bytes().hex() == expected


def test_version_answer_of_a_real_device_is_read():
    """The answer of a Nano X 2.2.3 (wire-protocol C.2) is read field by field."""
    raw = bytes.fromhex("33000004 05 322e322e33 04 e6000000 04 322e3330 04 312e3136 01 00 01 00 01 00")
    info = dashboard.GetVersion().parse(raw)
    assert (info.target_id, info.version, info.mcu_version) == (0x33000004, "2.2.3", "2.30")


def test_dashboard_and_app_are_told_apart_by_their_names():
    """The old dashboard's answer and an app's (wire-protocol C.1) are told apart."""
    home = dashboard.GetAppAndVersion().parse(b"\x01\x05BOLOS\x051.6.0\x01\x02")
    app = dashboard.GetAppAndVersion().parse(b"\x01\x07Bitcoin\x0b2.1.5-alpha\x01\x02")
    assert home.is_dashboard
    assert (app.is_dashboard, app.name, app.version) == (False, "Bitcoin", "2.1.5-alpha")


@pytest.mark.parametrize("raw", [b"\x01\x04\x1b[2J\x011", b"\x01\x01A\x02\x1b["])
def test_app_name_with_control_characters_is_refused(raw):
    """A name or version that would play tricks on a terminal is a protocol error."""
    with pytest.raises(RemoteProtocolError):
        dashboard.GetAppAndVersion().parse(raw)


def test_app_list_page_is_read_and_empty_page_ends_it():
    """A page with the published entry (wire-protocol C.4) gives the app, an empty page gives none."""
    raw = bytes.fromhex("01 4d 0013 ca50" + "11" * 32 + "22" * 32 + "07") + b"Bitcoin"
    (entry,) = dashboard.ListApps().parse(raw)
    assert (entry.name, entry.blocks, entry.flags) == ("Bitcoin", 0x13, 0xCA50)
    assert dashboard.ListApps(is_continued=True).parse(b"") == ()


def test_app_list_with_control_characters_is_refused():
    """An installed app cannot smuggle an escape sequence into the list."""
    raw = bytes.fromhex("01 48 0013 ca50" + "11" * 32 + "22" * 32 + "02 1b5b")
    with pytest.raises(RemoteProtocolError):
        dashboard.ListApps().parse(raw)


def test_battery_answer_is_read_by_its_query():
    """Percent is one byte, millivolts are two, and a wrong size is refused (wire-protocol C)."""
    assert dashboard.GetBattery().parse(b"\x55") == 85
    assert dashboard.GetBattery(query=BatteryQuery.MILLIVOLTS).parse(b"\x0f\xa0") == 4000
    with pytest.raises(RemoteProtocolError):
        dashboard.GetBattery().parse(b"\x0f\xa0")


@pytest.mark.parametrize(
    "command",
    [dashboard.OpenApp(name="A"), dashboard.QuitApp(), dashboard.SetDeviceName(name="A"), cosmos.SignAdd(chunk=b"")],
)
def test_answer_with_bytes_where_none_belong_is_refused(command):
    """A command that answers nothing refuses an answer with data."""
    command.parse(b"")
    with pytest.raises(RemoteProtocolError):
        command.parse(b"\x00")


@pytest.mark.parametrize("name", ["", "x" * 33, "a\nb", "\x1b[2J"])
def test_app_name_that_cannot_be_sent_is_a_usage_error(name):
    """A name that no app can have is refused before anything is sent."""
    with pytest.raises(UsageError):
        dashboard.OpenApp(name=name)


@pytest.mark.parametrize("name", ["", "é" * 11, "x" * 21, "a\tb"])
def test_device_name_that_cannot_be_sent_is_a_usage_error(name):
    """The limit of a device's name counts bytes, not letters."""
    with pytest.raises(UsageError):
        dashboard.SetDeviceName(name=name)


def test_cosmos_version_answer_is_read():
    """The nine bytes of cosmos-app 1 give mode, version, lock and target id; each shorter answer is refused."""
    raw = bytes.fromhex("00 02 26 0d 00 33100004")
    answer = cosmos.GetVersion().parse(raw)
    assert (answer.version, answer.is_test_mode, answer.is_locked, answer.target_id) == (
        "2.38.13",
        False,
        False,
        0x33100004,
    )
    for size in range(len(raw)):
        with pytest.raises(RemoteProtocolError):
            cosmos.GetVersion().parse(raw[:size])


def test_cosmos_address_answer_is_read():
    """The first worked value of cosmos-app 6: 33 key bytes, then the address to the end."""
    key = bytes.fromhex("0223aa679d6d5344e201e0df9f02ab15a84726eee0dfb4e953c46a9e2cb52349dc")
    answer = cosmos.GetAddress(path=PATH).parse(key + b"cosmos15yk64u7zc9g9k2yr2wmzeva5qgwxps6yxj00e7")
    assert answer == cosmos.AddressAnswer(public_key=key, address="cosmos15yk64u7zc9g9k2yr2wmzeva5qgwxps6yxj00e7")


@pytest.mark.parametrize("tail", [b"", b"x" * 91, b"\xff"])
def test_cosmos_address_answer_without_an_address_is_refused(tail):
    """An answer with no address, an overlong one or one that is not ASCII is a protocol error."""
    with pytest.raises(RemoteProtocolError):
        cosmos.GetAddress(path=PATH).parse(b"\x02" * 33 + tail)


def test_cosmos_signature_answer_must_not_be_empty():
    """Success without a signature is a protocol error, not a result."""
    with pytest.raises(RemoteProtocolError):
        cosmos.SignLast(chunk=b"{}").parse(b"")


@pytest.mark.parametrize("path", ["m", "44'/118'/0'/0", "44'/118'/0'/0/0/0"])
def test_cosmos_path_has_five_levels(path):
    """The app's path form holds five levels and no other number."""
    with pytest.raises(UsageError):
        cosmos.GetAddress(path=Bip32Path.parse(path))


@pytest.mark.parametrize("hrp", ["", "x" * 84, "Cosmos", "cos mos", "cosmös"])
def test_cosmos_prefix_that_cannot_be_one_is_a_usage_error(hrp):
    """A prefix is 1 to 83 printable lower-case ASCII characters."""
    with pytest.raises(UsageError):
        cosmos.SignInit(path=PATH, hrp=hrp)


def test_commands_say_which_gesture_they_cost():
    """Only what a person must allow names a gesture, and Cosmos commands are explained by the Cosmos table."""
    assert dashboard.GetVersion().gesture is None
    assert dashboard.ListApps().gesture is Gesture.ALLOW_LIST_APPS
    assert dashboard.ListApps(is_continued=True).gesture is None
    assert cosmos.GetAddress(path=PATH).gesture is None
    assert cosmos.GetAddress(path=PATH, is_shown=True).gesture is Gesture.COMPARE_ADDRESS
    assert cosmos.SignLast(chunk=b"").layer is Layer.COSMOS


def test_every_gesture_has_words():
    """Whatever the device waits for can be told to a person in a sentence."""
    assert all(gesture.words.endswith(".") for gesture in Gesture)
