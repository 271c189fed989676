"""Every status word has a name, a meaning and a remedy."""

import re
import struct

import pytest

from tallystick.wire.status import Group, Layer, Reject, StatusWord, explain

TABLE_B1 = bytes.fromhex("""
9000 5102 5103 5106 511F 5120 5123 5223 5303 5419 541A 541B 541C 5501 5502 5515 551E 5720 3301 4118 6300 6484 6604 6611 6621
6624 662D 662E 662F 622F 6642 6643 6700 6703 670A 6800 6807 680B 6832 6811 6814 681A 681F 6820 684A 6901 6982 6984 6985 69D5
6A80 6A81 6A8E 6A8F 6A83 6A84 6A85 6A88 6A89 6B00 6D00 6E00 6D02 6E01 6D01 6D06 6D07 6F00 6F04 6F42 6FAA 9240 9400 9402 9404
9408 9484 9485 9802 9804 9808 9810 9840 9850
""")
COSMOS = bytes.fromhex("9000 6400 6700 6982 6984 6986 6988 6989 698A 698B 698C 698D 6B00 6D00 6E00 6F01")


@pytest.mark.parametrize("layer", Layer)
def test_every_known_word_is_explained_in_every_layer(layer):
    """No member of the enum is unknown to the table, and scripts get a snake_case word."""
    for status in StatusWord:
        meaning = explain(status, layer=layer)
        assert meaning.group is not Group.UNKNOWN
        assert re.fullmatch(r"[a-z][a-z0-9_]*", meaning.word)
        assert meaning.meaning
        assert meaning.remedy
        assert meaning.status == status


WORDS = [word for (word,) in struct.iter_unpack(">H", TABLE_B1 + COSMOS)]


@pytest.mark.parametrize("status", [*WORDS, *range(0x422D, 0x423A)])
def test_every_word_of_the_reference_is_a_member(status):
    """The tables of wire-protocol B.1 and cosmos-app 2 are complete."""
    assert StatusWord(status) == status


@pytest.mark.parametrize(
    ("status", "layer", "group"),
    [
        *((status, Layer.OS, Group.LOCKED) for status in (0x5515, 0x6982, 0x5303)),
        *((status, Layer.OS, Group.REFUSED) for status in (0x5501, 0x6985)),
        *((status, Layer.INSTALL, Group.ALREADY_INSTALLED) for status in (0x6A80, 0x6A81, 0x6A8E, 0x6A8F)),
        *((status, Layer.OS, Group.NOT_ENOUGH_SPACE) for status in (0x6A84, 0x6A85, 0x5102, 0x5103)),
        (0x6986, Layer.COSMOS, Group.REFUSED),
        (0x6982, Layer.COSMOS, Group.BAD_REQUEST),
        (0x6A80, Layer.OS, Group.BAD_REQUEST),
        (0x6807, Layer.COSMOS, Group.NOT_FOUND),
        (0x61FF, Layer.OS, Group.SUCCESS),
        (0x63C2, Layer.OS, Group.LOCKED),
        (0x6C10, Layer.OS, Group.BAD_REQUEST),
        (0x4230, Layer.OS, Group.TRUST),
    ],
)
def test_groups_are_those_clients_use(status, layer, group):
    """The groups of wire-protocol B.1, per layer, and the families without members."""
    assert explain(status, layer=layer).group is group


def test_an_unknown_word_shows_its_hex_and_how_to_report_it():
    """Nobody is left with a bare number."""
    meaning = explain(0x1234)
    assert meaning.group is Group.UNKNOWN
    assert meaning.word == "unknown_status"
    assert "1234" in meaning.meaning
    assert "report" in meaning.remedy


def test_attempts_left_are_counted():
    """63Cn tells how many attempts are left."""
    assert "2 attempts" in explain(0x63C2).meaning


def test_a_rejection_holds_a_status_and_no_text():
    """What an app raises says nothing but the word and the data in front of it."""
    rejection = Reject(StatusWord.DATA_INVALID, b"bad")
    assert (rejection.status, rejection.data, str(rejection)) == (0x6984, b"bad", "6984")
    assert Reject(StatusWord.LOCKED).data == b""


def test_names_others_rely_on():
    """The names the other rooms import keep their values."""
    names = {
        "SUCCESS": 0x9000, "LOCKED": 0x5515, "REFUSED_BY_USER": 0x5501, "CONDITIONS_NOT_SATISFIED": 0x6985,
        "WRONG_LENGTH": 0x6700, "WRONG_P1P2": 0x6B00, "INS_NOT_SUPPORTED": 0x6D00, "CLA_NOT_SUPPORTED": 0x6E00,
        "TECHNICAL_PROBLEM": 0x6F00, "APP_NOT_FOUND": 0x6807, "APP_NAME_INVALID": 0x670A, "NOT_ONBOARDED": 0x6D07,
    }  # fmt: skip
    assert {name: StatusWord[name].value for name in names} == names
