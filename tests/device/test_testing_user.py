"""The person at the device: the same words on every model."""

import pytest
from signing_request import GET_ADDRESS, PUBLIC_KEY, SHOW_ADDRESS, VECTORS, WORKED, begin_signing, judge

from tallystick.errors import UsageError
from tallystick.testing import TEST_SEED, Page, Reading

ALL_MODELS = pytest.mark.models("all")
COSMOS = pytest.mark.device(open="cosmos")


@ALL_MODELS
@COSMOS
def test_approve_reads_a_review_to_its_end_and_signs(device, user):
    """The person reads every page on any model, approves, and the signature is cosmjs' own, valid for two libraries."""
    pending = begin_signing(device)
    assert not pending.done
    review = user.approve()
    assert pending.response.ok
    judge(pending.response.data)
    assert pending.response.data.hex() == VECTORS["worked_signature"]
    assert review[0] == Page("", "Please review")
    assert review.value("To") == VECTORS["recipient"]
    assert [item.title for item in review.items].count("Fee") == 1


@COSMOS
def test_all_models_read_the_same_items(device, device_factory):
    """However the pages are cut, what the person reads is the same to the letter on all six models."""
    begin_signing(device)
    read = device.user.approve().items
    for model in ("nanos", "nanox", "stax", "flex", "apex_p"):
        other = device_factory(model=model, open="cosmos")
        begin_signing(other)
        assert other.user.approve().items == read, model


@ALL_MODELS
@COSMOS
def test_reject_ends_a_review_with_the_apps_refusal(device, user):
    """A rejected transaction is answered 6986 (cosmos-app 2), and the app is ready again."""
    pending = begin_signing(device)
    user.reject()
    assert pending.response.status == 0x6986
    assert pending.response.data == b""
    assert device.frame.scene == "menu"
    assert device.exchange(GET_ADDRESS).ok


@ALL_MODELS
@COSMOS
def test_until_stops_at_the_screen_that_says_it(device, user):
    """`until` goes on screen by screen and leaves the one it found on display; the review still waits."""
    pending = begin_signing(device)
    pages = user.until("Fee")
    assert any(page.title.startswith("Fee") for page in pages)
    assert "Fee" in " ".join(user.read())
    assert not pending.done


@COSMOS
def test_until_says_what_it_could_not_find(device, user):
    """A text on no screen is an error that names it, not an endless walk; a menu that goes round is walked once."""
    begin_signing(device)
    with pytest.raises(UsageError, match="no screen from here on says 'Gas price'"):
        user.until("Gas price")
    user.reject()
    with pytest.raises(UsageError, match="no screen from here on says 'Gas price'"):
        user.until("Gas price")


@ALL_MODELS
@COSMOS
def test_address_is_read_whole_and_approved(device, user):
    """The address shown for comparison is read as one value on any model, and comes back when it is approved."""
    pending = device.send(SHOW_ADDRESS)
    review = user.approve()
    assert review.value("Address") == VECTORS["address"]
    assert pending.response.data == PUBLIC_KEY + VECTORS["address"].encode()


@ALL_MODELS
def test_questions_are_approved_and_rejected(device, user):
    """Approving a question takes its first option, rejecting it the last, whose answer is 5501."""
    pending = device.send(b"\xe0\xd8\x00\x00\x06Cosmos")
    question = user.reject()
    assert question[0] == Page("", "Open app Cosmos")
    assert pending.response.status == 0x5501
    pending = device.send(b"\xe0\xd8\x00\x00\x06Cosmos")
    user.approve()
    assert pending.response.ok
    assert device.status["app"] == "Cosmos"


@ALL_MODELS
def test_apps_are_chosen_from_the_menu(device, user):
    """An entry of the dashboard is chosen by its label, whatever its case and wherever the menu stands."""
    user.choose("cosmos")
    assert device.status["app"] == "Cosmos"


@ALL_MODELS
def test_what_is_not_offered_cannot_be_chosen(device, user):
    """A label that is nowhere in the menu is an error that tells which there are."""
    with pytest.raises(UsageError, match=r"'Bitcoin' cannot be chosen, only .*'Cosmos'"):
        user.choose("Bitcoin")


@ALL_MODELS
@pytest.mark.device(pin="2580")
def test_pin_unlocks(device, user):
    """A locked device answers 5515; after a wrong PIN and its notice the right one unlocks it."""
    assert device.exchange("E001000000").status == 0x5515
    user.enter_pin("2581")
    assert user.dismiss() == (Page("", "Wrong PIN 2 tries left"),)
    assert device.exchange("E001000000").status == 0x5515
    user.enter_pin("2580")
    assert device.status["unlocked"]
    assert device.exchange("E001000000").ok


@pytest.mark.device(open="cosmos")
def test_pin_is_not_typed_where_none_is_asked(user):
    """A PIN typed into a menu is an error, and its digits are not in the text."""
    with pytest.raises(UsageError) as caught:
        user.enter_pin("2580")
    assert "2580" not in str(caught.value)
    assert "cannot be typed here" in str(caught.value)


@ALL_MODELS
@pytest.mark.device(onboarded=False)
def test_words_are_typed_and_restore_the_account(device, user):
    """A device out of its box is set up from words typed letter by letter; it then has the account of those words."""
    assert not device.status["onboarded"]
    user.choose("Restore from words")
    user.enter_pin("1234")
    user.enter_pin("1234")
    user.choose("12 words")
    for word in TEST_SEED.split():
        user.enter_word(word)
    user.dismiss()
    assert device.status["onboarded"]
    device.open("cosmos")
    pending = begin_signing(device)
    user.approve()
    judge(pending.response.data)


@pytest.mark.models("nanosp", "stax")
def test_pages_are_walked_both_ways(device, user):
    """`next` and `previous` undo each other."""
    device.open("cosmos")
    begin_signing(device)
    user.next()
    first = user.read()
    user.next()
    assert user.read() != first
    user.previous()
    assert user.read() == first


@COSMOS
def test_nothing_to_decide_is_an_error(user):
    """Approving, rejecting or dismissing a menu says that there is nothing, and what the screen shows."""
    for decide in (user.approve, user.reject, user.dismiss):
        with pytest.raises(UsageError, match="the screen says: Cosmos / ready"):
            decide()


def test_reading_joins_what_went_over_pages():
    """Parts of one value are joined; two items of one title stay two; a missing title is an error that lists the others."""
    reading = Reading(
        [
            Page("To [1/2]", "abc"),
            Page("To [2/2]", "def"),
            Page("To", "x"),
            Page("Memo [1/1", "odd"),
            Page("A [2/2]", "z"),
        ]
    )
    assert [tuple(item) for item in reading.items] == [
        ("To", "abcdef"), ("To", "x"), ("Memo [1/1", "odd"), ("A", "z"),
    ]  # fmt: skip
    assert reading.value("To") == "abcdef"
    with pytest.raises(LookupError, match="'Memo"):
        reading.value("Amount")


@ALL_MODELS
@COSMOS
def test_a_held_finger_takes_time_of_the_device_only(device, user):
    """Approving on a touch model turns the device's clock by the time the finger is held; on buttons no time passes."""
    begin_signing(device, WORKED)
    user.approve()
    touch = device.model in {"stax", "flex", "apex_p"}
    assert device.clock.now_s() == (1.0 if touch else 0.0)
