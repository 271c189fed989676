"""Which walls a device has, as bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import RemoteProtocolError
from tallystick.wire.boundaries import MAX_LINE, MAX_LINES, Boundaries
from tallystick.wire.chip import ProviderKind

_LINE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=MAX_LINE)
_ANSWER = bytes.fromhex("01 00 01 01 02 6e6f")


def test_layout_is_format_isolated_key_count_and_lines():
    """The bytes are those of the page."""
    assert Boundaries(is_isolated=False, missing=("no",)).to_bytes() == _ANSWER
    assert Boundaries(is_isolated=True).to_bytes() == bytes.fromhex("01010100")
    assert Boundaries(is_isolated=True, key_provider=ProviderKind.TPM2).to_bytes() == bytes.fromhex("01010200")


@given(isolated=st.booleans(), missing=st.lists(_LINE, max_size=MAX_LINES), kind=st.sampled_from(ProviderKind))
def test_what_is_written_is_read(isolated, missing, kind):
    """Bytes and back give the same walls, and fit into one answer."""
    walls = Boundaries(is_isolated=isolated, missing=tuple(missing), key_provider=kind)
    assert Boundaries.from_bytes(walls.to_bytes()) == walls
    assert len(walls.to_bytes()) < 255


@pytest.mark.parametrize(
    "raw",
    [
        *(_ANSWER[:end] for end in range(len(_ANSWER))),
        _ANSWER + b"\x00",
        b"\x02" + _ANSWER[1:],
        b"\x01\x02" + _ANSWER[2:],
        bytes((1, 0, 1, MAX_LINES + 1)) + (MAX_LINES + 1) * b"\x00",
        bytes.fromhex("01000101021b5b"),
        bytes.fromhex("01000000"),
        bytes.fromhex("01000300"),
        bytes((1, 0, 1, 1, MAX_LINE + 1)) + (MAX_LINE + 1) * b"x",
    ],
)
def test_what_is_none_of_ours_is_refused(raw):
    """Cut at any byte, with bytes to spare, another format, too many lines, too long or not printable: refused."""
    with pytest.raises(RemoteProtocolError):
        Boundaries.from_bytes(raw)


def test_more_lines_than_fit_become_one_that_counts_them():
    """A machine that lacks everything still gives an answer of one frame, and no line is lost without a word."""
    walls = Boundaries.of(is_isolated=True, missing=tuple(f"layer {n}: missing \u2026" + 90 * "x" for n in range(6)))
    assert len(walls.missing) == MAX_LINES
    assert walls.missing[-1].startswith("and 4 more")
    assert Boundaries.from_bytes(walls.to_bytes()) == walls
