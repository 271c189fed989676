"""Textual payloads: which are accepted, and what is shown of them."""

import hashlib

import cbor2
import pytest
from cosmos_stage import fault_of, load, refused
from hypothesis import given
from hypothesis import strategies as st

from tallystick.apps.cosmos import textual
from tallystick.apps.cosmos.escape import escape_content, escape_raw, escape_title
from tallystick.apps.cosmos.fault import Fault
from tallystick.apps.cosmos.textual import TextualScreen

# cosmos-app 5: made with cbor2
WORKED = bytes.fromhex(
    "a10183a20168436861696e20696402676c6f63616c2d31a102781e54686973207472616e73616374696f6e206861732031204d657373616765"
    "a30169476173206c696d697402673230302730303004f5"
)
FAULTS = load("cosmos_app_faults.json")["textual"]

SCREENS = st.lists(
    st.builds(
        TextualScreen,
        title=st.text(max_size=10),
        content=st.text(max_size=60),
        indent=st.integers(0, 255),
        expert=st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


def encode(*screens_: dict[int, object]) -> bytes:
    """Return the payload of screens given as maps, canonical as cbor2 makes it."""
    return cbor2.dumps({1: list(screens_)}, canonical=True)


def shown(*screens_: dict[int, object], width: int = 39) -> list[tuple[str, str]]:
    """Return title and value of every item of a payload with these screens."""
    return [(item.title, item.values[0]) for item in textual.items(textual.read(encode(*screens_)), page_width=width)]


def test_worked_sample():
    """The sample of the reference shows its three screens, the expert one too, and has its digest."""
    items = textual.items(textual.read(WORKED), page_width=39)
    assert [(item.title, *item.values) for item in items] == [
        ("Chain id", "local-1"),
        (" ", "This transaction has 1 Message"),
        ("Gas limit", "200'000"),
    ]
    assert len(WORKED) == 80
    digest = "b860e100736452a380f19c75c8a366137d77adc8847c2d56f8b0701eb94c4ca5"
    assert hashlib.sha256(WORKED).hexdigest() == digest


@pytest.mark.parametrize(("name", "payload", "text"), FAULTS, ids=[row[0] for row in FAULTS])
def test_fault(name, payload, text):
    """Each fault has its text before 6984."""
    assert refused(lambda: textual.read(bytes.fromhex(payload))) == (0x6984, text)


@pytest.mark.parametrize("size", range(1, len(WORKED)))
def test_every_cut_is_an_early_end(size):
    """At each length the payload is cut short, and said to be."""
    assert refused(lambda: textual.read(WORKED[:size])) == (0x6984, "Unexpected CBOR EOF")


def test_limits():
    """255 screens, 550 bytes of content, 40 of title and an indent of 255 pass; one more of each does not."""
    assert len(textual.read(encode(*[{2: "x"}] * 255))) == 255
    assert textual.read(encode({1: "t" * 40, 2: "c" * 550, 3: 255}))[0].indent == 255
    for screen in ({2: "c" * 551}, {1: "t" * 41, 2: "x"}, {2: "x", 3: 256}, {2: "é" * 276}):
        assert refused(lambda screen=screen: textual.read(encode(screen))) == (0x6984, "Unrecognized error code")
    assert refused(lambda: textual.read(encode(*[{2: "x"}] * 256))) == (0x6984, "Unrecognized error code")


@pytest.mark.parametrize(
    ("screen", "item"),
    [
        ({1: "To", 2: "x"}, ("To", "x")),
        ({1: "To", 2: "x", 3: 2}, (">>To", "x")),
        ({2: "x"}, (" ", "x")),
        ({2: "x", 3: 2}, (" ", "x")),
        ({2: "x", 4: True}, (" ", "x")),
        ({2: "x", 3: 2, 4: True}, (" ", ">>x")),
        ({1: "T" * 17, 2: "x"}, ("T" * 17, "x")),
        ({1: "T" * 18, 2: "x"}, ("---", "T" * 18 + ": x")),
        ({1: "T" * 15, 2: "x", 3: 2}, (">>" + "T" * 15, "x")),
        ({1: "T" * 15, 2: "x", 3: 3}, (">>>---", "T" * 15 + ": x")),
        ({1: "T" * 11, 2: "x" * 39}, ("T" * 11, "x" * 39)),
        ({1: "T" * 11, 2: "x" * 40}, ("---", "T" * 11 + ": " + "x" * 40)),
        ({1: "T" * 10, 2: "x" * 40}, ("T" * 10, "x" * 40)),
        ({1: "T" * 9, 2: "x" * 40, 3: 2}, (">>---", "T" * 9 + ": " + "x" * 40)),
        ({1: "Chain id", 2: "10"}, ("Chain id", "10")),
        ({1: "Chain Id", 2: "1"}, ("Chain Id", "1")),
    ],
)
def test_title_and_indent(screen, item):
    """Titles stand alone while they are short; else they move into the content, and the indent stays (39 characters)."""
    assert shown(screen) == [item]


@pytest.mark.parametrize("width", [*range(17, 65), 39])
def test_title_rule_goes_by_the_width_of_the_page(width):
    """A title of 11 to 17 characters moves exactly when the content needs a second page."""
    assert shown({1: "T" * 11, 2: "x" * width}, width=width) == [("T" * 11, "x" * width)]
    assert shown({1: "T" * 11, 2: "x" * (width + 1)}, width=width)[0][0] == "---"


def test_paging_of_a_long_title():
    """The published shape: three arrows and dashes as title, numbered, the title first in the text."""
    address = "cosmos1ulav3hsenupswqfkw2y3sup5kgtqwnvqa8eyhs"
    items = textual.items(textual.read(encode({1: "From address", 2: address, 3: 3})), page_width=39)
    assert [page for item in items for page in item.pages(39)] == [
        (">>>--- [1/2]", "From address: cosmos1ulav3hsenupswqfkw2"),
        (">>>--- [2/2]", "y3sup5kgtqwnvqa8eyhs"),
    ]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain ~\x7f.", "plain ~\x7f."),
        ("a\\b", "a\\\\b"),
        ("\a\b\t\n\v\f\r.", "\\a\\b\\t\\n\\v\\f\\r."),
        ("\0\x01\x0e.", "\\x00\\x01\\x0E."),
        ("\x0f\x1f\x80é\uffff", "\\u000F\\u001F\\u0080\\u00E9\\uFFFF"),
        ("\U0001f600", "\\U0001F600"),
        ("ends ", "ends @"),
        ("ends@", "ends@@"),
        (" ", " @"),
        ("ends\n", "ends\\n"),
        ("", ""),
    ],
)
def test_content_characters(text, seen):
    """Each kind of character is shown as the reference says."""
    assert escape_content(text) == seen


def test_titles_keep_printable_characters():
    """In a title only what cannot be printed is spelled out."""
    assert escape_title("a\\b é\n") == "a\\b \\u00E9\\n"


@given(st.binary())
def test_raw_text_becomes_printable_and_stays_unambiguous(raw):
    """Any bytes become printable ASCII; bytes that are printable already are kept."""
    seen = escape_raw(raw)
    assert seen.isascii()
    assert seen.isprintable()
    if all(32 <= byte < 127 for byte in raw):
        assert seen.encode() == raw


@given(st.text(), st.text())
def test_contents_that_differ_are_shown_differently(one, other):
    """No two contents look alike on the screen."""
    assert (escape_content(one) == escape_content(other)) == (one == other)


@given(SCREENS)
def test_screens_are_read_as_they_were_written(screens_):
    """What cbor2 writes canonically is read back, for any screens the format allows."""
    maps = []
    for screen in screens_:
        fields = {1: screen.title, 2: screen.content, 3: screen.indent, 4: screen.expert}
        maps.append({key: value for key, value in fields.items() if key == 2 or value})
    fault = fault_of(lambda: textual.read(encode(*maps)))
    if fault is Fault.CHAIN:
        assert any(screen.title == "Chain id" for screen in screens_)
        return
    assert fault is None
    for read, screen, fields in zip(textual.read(encode(*maps)), screens_, maps, strict=True):
        indent = 0 if len(fields) == 2 and not screen.title else screen.indent
        assert (read.title, read.content, read.indent, read.expert) == (
            screen.title,
            screen.content,
            indent,
            screen.expert,
        )


@given(SCREENS, st.data())
def test_any_change_is_read_or_refused(screens_, data):
    """A payload with a byte changed, taken out or added gives screens or a documented refusal."""
    payload = bytearray(encode(*({2: screen.content, 4: True} for screen in screens_)))
    at = data.draw(st.integers(0, len(payload) - 1))
    payload[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    fault_of(lambda: textual.items(textual.read(bytes(payload)), page_width=17))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(payload):
    """Noise never gets anything out but screens or a documented refusal."""
    fault_of(lambda: textual.items(textual.read(payload), page_width=17))


def test_canonical_cbor_reads_back_the_same():
    """What is accepted is canonical: writing it again canonically gives the same bytes."""
    assert cbor2.dumps(cbor2.loads(WORKED), canonical=True) == WORKED
    for length in (0, 1, 23, 24, 255, 256, 550):
        assert textual.read(encode({2: "x" * length}))[0].content == "x" * length
