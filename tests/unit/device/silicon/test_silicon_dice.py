"""Throws of a die are mixed into randomness, never put in its place, and refused where no die makes them."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.device.silicon.dice import MAXIMUM_THROWS, MINIMUM_THROWS, DiceRng, check_throws
from tallystick.device.silicon.entropy import RepeatableRng
from tallystick.errors import UsageError

THROWS = [1, 2, 3, 4, 5, 6, 6, 5, 4, 3] * 5


def test_mixture_is_the_one_written_down():
    """The bytes are those of HKDF-SHA-512 over the source and then the throws, computed here once more by hand."""
    extracted = hmac.new(bytes(64), RepeatableRng(1).read(64) + bytes(THROWS), hashlib.sha512).digest()
    expected = hmac.new(extracted, b"tallystick dice\x01", hashlib.sha512).digest()
    assert DiceRng(RepeatableRng(1), THROWS).read(64) == expected


def test_source_and_throws_both_change_the_result():
    """Neither is replaced by the other: with one of them known, all hangs on the other; and no read repeats."""
    first = DiceRng(RepeatableRng(1), THROWS)
    base = first.read(32)
    assert first.read(32) != base
    assert DiceRng(RepeatableRng(1), THROWS).read(32) == base
    assert DiceRng(RepeatableRng(2), THROWS).read(32) != base
    assert DiceRng(RepeatableRng(1), THROWS[::-1]).read(32) != base
    assert DiceRng(RepeatableRng(1), [*THROWS, 1]).read(32) != base


@given(st.lists(st.integers(min_value=-1, max_value=256), max_size=120))
def test_any_list_is_refused_or_kept_whole(throws):
    """Whatever comes is kept as it is, or refused: other numbers, too few, too many, or one face all over."""
    fits = MINIMUM_THROWS <= len(throws) <= MAXIMUM_THROWS and all(1 <= throw <= 6 for throw in throws)
    try:
        kept = check_throws(throws)
    except UsageError:
        assert not fits or max(map(throws.count, throws)) * 2 > len(throws)
    else:
        assert fits
        assert list(kept) == throws


@pytest.mark.parametrize(
    "throws", [[], THROWS[:-1], THROWS * 2 + [1], [0, *THROWS], [7, *THROWS], [6] * 50, [1] * 26 + [2, 3] * 12]
)
def test_throws_that_cannot_be_are_refused(throws):
    """Too few, too many, no faces of a die, and one face in more than half of them."""
    with pytest.raises(UsageError):
        DiceRng(RepeatableRng(1), throws)
    assert check_throws([1] * 25 + [2] * 25)
