"""The device in the process: answers, questions, clients, the plug, automatic answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signing_request import GET_ADDRESS, PUBLIC_KEY, SHOW_ADDRESS, begin_signing, judge, signing_apdus

from tallystick.errors import TransportError, UsageError, UserRefused
from tallystick.host.commands.dashboard import GetAppAndVersion, OpenApp
from tallystick.testing import PersonNeeded, VirtualDevice, approve_all
from tallystick.testing.log import ApduLog
from tallystick.wire.panel import Role

COSMOS = pytest.mark.device(open="cosmos")


def test_default_device_is_ready_with_cosmos_installed(device):
    """Without any argument: a Nano S Plus, set up, unlocked, on its dashboard, marked as a test device."""
    status = device.status
    assert (status["model"], status["onboarded"], status["unlocked"], status["app"]) == ("nanosp", True, True, None)
    assert status["test_device"]
    assert status["worlds"] == "not isolated"
    assert device.exchange("B001000000").data[2:7] == b"BOLOS"


def test_equal_devices_are_equal():
    """Two devices made by the same arguments have the same serial number and give the same answers; another number differs."""
    one, two, other = VirtualDevice(), VirtualDevice(), VirtualDevice(deterministic_rng=1)
    assert one.serial == two.serial
    assert one.serial != other.serial
    assert one.exchange("E001000000") == two.exchange("E001000000")


def test_waiting_for_nobody_is_told_at_once(device):
    """An exchange that needs the person raises what the screen says, takes the question back, and the device goes on."""
    with pytest.raises(PersonNeeded, match="Open app / Cosmos") as caught:
        device.exchange(b"\xe0\xd8\x00\x00\x06Cosmos")
    assert caught.value.screen == ("Open app", "Cosmos")
    assert "approve_all" in str(caught.value)
    assert device.frame.scene == "menu"
    assert device.exchange("B001000000").ok


def test_pending_answer_is_not_there_before_the_person_answers(device):
    """A request sent is pending; asking for its answer says that the person is needed, and does not give the question up."""
    pending = device.send(b"\xe0\xd8\x00\x00\x06Cosmos")
    with pytest.raises(PersonNeeded):
        _ = pending.response
    assert not pending.done
    device.user.approve()
    assert pending.done
    assert pending.response.ok


def test_hexadecimal_that_is_none_is_refused(device):
    """Digits that make no bytes are an error of the caller; nothing reaches the device."""
    with pytest.raises(UsageError, match="hexadecimal"):
        device.exchange("B00")
    assert len(device.apdu_log) == 0


def test_clients_get_their_own_answers(device):
    """Two clients with several requests each get theirs, in order, also while one of them waits for the person."""
    one, two = device.client(), device.client()
    asked = one.send(b"\xe0\xd8\x00\x00\x06Cosmos")
    name = one.send("B001000000")
    version = two.send("E001000000")
    assert [pending.done for pending in (asked, name, version)] == [False, False, False]
    device.user.reject()
    assert asked.response.status == 0x5501
    assert name.response.data[2:7] == b"BOLOS"
    assert version.response.data[:4] == bytes.fromhex("33100004")


def test_a_client_that_leaves_takes_its_question_along(device):
    """A client that goes away loses its answer; the next one finds a working device."""
    client = device.client()
    pending = client.send(b"\xe0\xd8\x00\x00\x06Cosmos")
    client.close()
    with pytest.raises(TransportError, match="went away"):
        _ = pending.response
    assert device.frame.scene == "menu"
    assert client.exchange("B001000000").ok


def test_replug_takes_the_answers_and_closes_the_app(device):
    """Pulling the plug ends what was pending and closes the app; the clients connect again by themselves."""
    device.open("cosmos")
    pending = device.send(SHOW_ADDRESS)
    sequence = device.frame.sequence
    device.replug()
    with pytest.raises(TransportError, match="plug"):
        _ = pending.response
    assert device.status["app"] is None
    assert device.frame.sequence > sequence
    assert device.exchange("B001000000").ok


def test_replug_holding_a_button_starts_another_mode(device):
    """The left button held is the bootloader, the right one recovery mode; a button that is none is refused."""
    device.replug("left")
    assert device.status["mode"] == "bootloader"
    device.replug("right")
    assert device.status["mode"] == "recovery"
    device.replug()
    assert device.status["mode"] == "normal"
    with pytest.raises(UsageError, match="no button middle"):
        device.replug("middle")


def test_flash_outlives_the_device(device):
    """Another device on the same flash is the same one, with its serial number, app and account."""
    device.close()
    again = VirtualDevice(flash=device.flash, seed="ignored: there is one already", open="cosmos", deterministic_rng=99)
    assert again.serial == device.serial
    assert again.exchange(GET_ADDRESS).data[:33] == PUBLIC_KEY


@pytest.mark.device(pin="1234")
def test_the_clock_locks_an_idle_device(device, user):
    """Ten minutes of the device's time, passed at once, lock a device with a PIN."""
    user.enter_pin("1234")
    assert device.status["unlocked"]
    device.turn(9 * 60)
    assert device.status["unlocked"]
    device.turn(61)
    assert not device.status["unlocked"]


@pytest.mark.device(pin="1234")
def test_a_locked_device_opens_no_app(device):
    """Opening an app on a locked device is refused with what to do about it."""
    with pytest.raises(UsageError, match="locked") as caught:
        device.open("cosmos")
    assert "enter_pin" in caught.value.remedy


def test_arguments_that_cannot_be_are_refused():
    """A model, seed, PIN or app that does not exist is an error before there is a device."""
    for arguments in ({"model": "nanoz"}, {"seed": "test junk"}, {"pin": "12"}, {"apps": ["doge"]}, {"open": "doge"}):
        with pytest.raises(UsageError):
            VirtualDevice(**arguments)


@pytest.mark.device(apps=[])
def test_apps_are_installed_and_closed_later(device):
    """A device without apps opens none; one installed from the catalogue opens and closes."""
    with pytest.raises(UsageError, match="not installed"):
        device.open("cosmos")
    device.install("cosmos")
    device.open("Cosmos")
    assert device.status["app"] == "Cosmos"
    device.quit()
    assert device.status["app"] is None


@COSMOS
def test_session_sends_commands_and_says_when_a_person_is_needed(device, session):
    """The host library works over the device; a command that nobody answers is told at once and leaves a working session."""
    assert session.send(GetAppAndVersion()).name == "Cosmos"
    device.quit()
    with pytest.raises(PersonNeeded, match="Open app"):
        session.send(OpenApp(name="Cosmos"))
    assert session.send(GetAppAndVersion()).name == "BOLOS"
    pending = session.start(OpenApp(name="Cosmos"))
    assert not pending.poll(0)
    device.user.reject()
    with pytest.raises(UserRefused):
        pending.result()


def test_session_survives_a_replug(device, session):
    """After the plug was pulled the session works on; an answer it was owed is a TransportError."""
    pending = session.start(OpenApp(name="Cosmos"))
    device.replug()
    with pytest.raises(TransportError, match="plug"):
        pending.result()
    assert session.send(GetAppAndVersion()).name == "BOLOS"


@COSMOS
@pytest.mark.models("all")
def test_approving_everything_signs_without_a_gesture_of_the_test(device):
    """With `approve_all` an exchange that asks the person is simply answered, on every model."""
    device.auto = approve_all
    *parts, last = signing_apdus()
    for part in parts:
        device.exchange(part)
    judge(device.exchange(last).data)
    device.auto = None
    with pytest.raises(PersonNeeded):
        device.exchange(SHOW_ADDRESS)


def test_automatic_answers_begin_with_the_screen_that_is_shown(device):
    """A question that is on the screen when the answers are switched on is answered."""
    pending = device.send(b"\xe0\xd8\x00\x00\x06Cosmos")
    device.auto = approve_all
    assert pending.response.ok


@COSMOS
def test_rules_press_by_what_the_screen_says(device):
    """Rules of Speculos' form walk with the right button and reject with both."""
    right = [["button", 2, True], ["button", 2, False]]
    both = [["button", 1, True], ["button", 2, True], ["button", 1, False], ["button", 2, False]]
    device.auto = {
        "version": 1,
        "rules": [
            {"text": "Please", "actions": [*right, ["setbool", "reviewing", True]]},
            {
                "text": "REJECT",
                "conditions": [["reviewing", True]],
                "actions": [*both, ["setbool", "reviewing", False]],
            },
            {"regexp": ".*", "x": 8, "conditions": [["reviewing", True]], "actions": []},
        ],
    }
    pending = device.send(SHOW_ADDRESS)
    while device.frame.action(Role.REJECT) is None and not pending.done:
        device.user.next()
    assert pending.response.status == 0x6986


@pytest.mark.device(open="cosmos", model="stax")
def test_rules_hold_a_finger_as_long_as_the_screen_wants(device):
    """A rule that touches an area to be held approves: the device's clock is turned, nobody waits."""
    pending = device.send(SHOW_ADDRESS)
    device.user.until("Hold to confirm")
    action = device.frame.action(Role.APPROVE)
    finger = [["finger", action.x, action.y, True], ["finger", action.x, action.y, False]]
    device.auto = {"version": 1, "rules": [{"regexp": "Hold", "actions": finger}]}
    assert pending.response.ok


def test_rules_that_go_round_in_circles_are_stopped(device):
    """Rules that never come to rest are an error, and are switched off."""
    right = [["button", 2, True], ["button", 2, False]]
    with pytest.raises(UsageError, match="circles"):
        device.auto = {"version": 1, "rules": [{"actions": right}]}
    assert device.auto is None
    assert device.exchange("B001000000").ok


def test_a_rule_can_end_the_automation(device):
    """The action `exit` switches the rules off."""
    device.auto = {"version": 1, "rules": [{"actions": [["exit"]]}]}
    assert device.auto is None


def test_rules_that_can_never_match_are_refused(device):
    """A document with a rule that cannot act is refused with the reason."""
    with pytest.raises(UsageError, match="can never match"):
        device.auto = {"rules": [{"conditions": [["never", True]], "actions": []}]}


@COSMOS
def test_log_plays_again_on_an_equal_device(device):
    """What passed is kept for every client in the order it was sent; its text read again gives the same answers."""
    pending = begin_signing(device)
    device.user.approve()
    assert pending.response.ok
    device.client().exchange(GET_ADDRESS)
    log = ApduLog.from_text(device.apdu_log.to_text())
    assert [entry.client for entry in device.apdu_log] == [1] * len(signing_apdus()) + [2]
    other = VirtualDevice(open="cosmos")
    other.auto = approve_all
    for entry in log:
        assert other.exchange(entry.apdu).to_bytes() == entry.answer


def test_log_hides_what_carries_a_secret(device):
    """The text of host onboarding, which carries PIN and words, is not in the log's text."""
    device.exchange(b"\xe0\xd0\x00\x00\x05\x041234")
    assert "31323334" not in device.apdu_log.to_text()
    assert "e0d00000 (5 bytes hidden)" in device.apdu_log.to_text()
    assert "31323334" not in repr(device.apdu_log[0])


@pytest.mark.parametrize("text", ["=> zz", "<= 9000", "b001000000", "=> b00", "=> e0d00000 (5 bytes hidden)"])
def test_log_that_is_none_is_refused(text):
    """A line that is no request or answer, or an answer to nothing, is an error that names the line and not its bytes."""
    with pytest.raises(UsageError, match="line 1 of the log"):
        ApduLog.from_text(text)


def test_log_passes_over_comments():
    """Empty lines and comments mean nothing; a request without an answer is kept."""
    log = ApduLog.from_text("# recorded\n\n=> B001000000\n<= 9000\n=> e001000000\n")
    assert [(entry.apdu.hex(), entry.answer) for entry in log] == [("b001000000", b"\x90\x00"), ("e001000000", None)]


def test_log_can_be_shown_by_its_end(device):
    """Of a long log the last exchanges are shown, with the number of those left out; the text still plays."""
    for _ in range(5):
        device.exchange("B001000000")
    device.exchange("E001000000")
    text = device.apdu_log.to_text(last=2)
    assert text.splitlines()[:2] == ["# 4 earlier ones are left out", "=> b001000000"]
    assert [entry.apdu[0] for entry in ApduLog.from_text(text)] == [0xB0, 0xE0]
    assert device.apdu_log.to_text(last=99) == device.apdu_log.to_text()


@pytest.mark.device(open="cosmos", approve=True)
def test_a_device_can_be_made_approving(device):
    """`approve` and `automation` are there from the start, under the names of `tally up`; both at once are refused."""
    assert device.exchange(SHOW_ADDRESS).ok
    both = {"rules": [{"text": "Open app", "actions": [["button", 2, True], ["button", 2, False]]}]}
    other = VirtualDevice(automation=both)
    other.send(b"\xe0\xd8\x00\x00\x06Cosmos")
    assert other.screen == ("Open",)
    with pytest.raises(UsageError, match="exclude"):
        VirtualDevice(approve=True, automation=both)


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=300), st.none() | st.binary(min_size=1, max_size=300))))
def test_log_survives_its_text(exchanges):
    """Any log without secrets read from its own text is the same log."""
    log = ApduLog()
    for apdu, answer in exchanges:
        log.begin(b"\x55" + apdu).answer = answer
    again = ApduLog.from_text(log.to_text())
    assert [(one.apdu, one.answer) for one in again] == [(b"\x55" + apdu, answer) for apdu, answer in exchanges]
