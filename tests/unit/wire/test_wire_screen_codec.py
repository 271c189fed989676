"""Scenes and answers cross the way between app and OS unchanged, and nothing else crosses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scene_strategy import answers, scenes

from tallystick.errors import RemoteProtocolError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.screen import (
    Choice,
    Decided,
    Dismissed,
    Entered,
    Entry,
    Item,
    Menu,
    Notice,
    Progress,
    Review,
    ReviewKind,
    Selected,
    Tone,
)
from tallystick.wire.screen_codec import MAX_MEMBERS, answer_from_bytes, answer_to_bytes, read_scene, write_scene

# written by hand from the layout in the module's description
SAMPLES = [
    (
        Menu(title="A", entries=(Entry("b", "c"), Entry("Quit"))),
        "01 0001 41 0002 0001 62 0001 63 0004 51756974 0000 0000 0000",
    ),
    (
        Menu(title="", entries=(Entry("x"), Entry("y")), icon="i", start=1),
        "01 0000 0002 0001 78 0000 0001 79 0000 0001 69 0001",
    ),
    (Choice(lines=("€",), options=("1", "2")), "02 0001 0003 e282ac 0002 0001 31 0001 32 0000"),
    (
        Review(items=(Item("T", ("v", "")),), kind=ReviewKind.MESSAGE, intro=(), approve="Y", reject="N"),
        "03 0001 0001 54 0002 0001 76 0000 02 0000 0001 59 0001 4e",
    ),
    (Notice(lines=("a", "b"), button="Ok", tone=Tone.WARNING), "04 0002 0001 61 0001 62 0002 4f6b 02"),
    (Progress(text="p", percent=100), "05 0001 70 64"),
    (Progress(text=""), "05 0000 ff"),
]
ANSWERS = [
    (None, ""),
    (Selected(258), "01 0102"),
    (Decided(True), "02 01"),
    (Decided(False), "02 00"),
    (Dismissed(), "03"),
]


def write(scene):
    """Return the bytes of `scene`."""
    writer = Writer()
    write_scene(writer, scene)
    return writer.to_bytes()


def read(data):
    """Read one scene that fills `data`."""
    reader = Reader(data)
    scene = read_scene(reader)
    reader.finish()
    return scene


@pytest.mark.parametrize(("scene", "sample"), SAMPLES)
def test_samples_both_ways(scene, sample):
    """A scene has one form, the one written down here."""
    raw = bytes.fromhex(sample)
    assert (write(scene), read(raw)) == (raw, scene)


@pytest.mark.parametrize(("scene", "sample"), SAMPLES)
def test_truncation_at_each_length_and_trailing_bytes_are_refused(scene, sample):
    """A scene cut anywhere, or with a byte too many, is no scene."""
    raw = bytes.fromhex(sample)
    for size in range(len(raw)):
        with pytest.raises(RemoteProtocolError):
            read(raw[:size])
    with pytest.raises(RemoteProtocolError):
        read(raw + b"\0")


@given(scenes)
def test_round_trip_of_scenes(scene):
    """Any scene an app can make comes back as it was."""
    assert read(write(scene)) == scene


@given(answers)
def test_round_trip_of_answers(answer):
    """Any answer a person can give comes back as it was."""
    assert answer_from_bytes(answer_to_bytes(answer)) == answer


@pytest.mark.parametrize(("answer", "sample"), ANSWERS)
def test_answers_both_ways_truncated_and_too_long(answer, sample):
    """An answer has one form; cut (but not to nothing, which is the answer to a progress) or longer it is refused."""
    raw = bytes.fromhex(sample)
    assert (answer_to_bytes(answer), answer_from_bytes(raw)) == (raw, answer)
    for data in [raw[:size] for size in range(1, len(raw))] + ([raw + b"\0"] if raw else []):
        with pytest.raises(RemoteProtocolError):
            answer_from_bytes(data)


@pytest.mark.parametrize("sample", ["00", "04", "ff", "0202", "02ff"])
def test_unknown_answers_are_refused(sample):
    """What is no answer is not taken for one, nor a decision that is neither yes nor no."""
    with pytest.raises(RemoteProtocolError):
        answer_from_bytes(bytes.fromhex(sample))


def test_what_was_entered_never_crosses():
    """PINs and words are the OS's own: there is no form for them on the way to an app."""
    assert answer_to_bytes(Entered("1234")) == b""


@pytest.mark.parametrize("kind", [0, 6, 7, 8, 0xFF])
def test_scenes_of_the_os_cannot_be_named(kind):
    """No kind beyond the five scenes of apps exists on the wire."""
    with pytest.raises(RemoteProtocolError, match="kind"):
        read(bytes((kind,)) + bytes(40))


@pytest.mark.parametrize(
    "sample",
    [
        "01 0000 0000 0000 0000",  # a menu without entries
        "01 0000 0001 0000 0000 0000 0001",  # a start beyond the last entry
        "02 0000 0000 0000",  # a choice without options
        "03 0001 0000 0000 00 0000 0000 0000",  # an item without value
        "03 0000 04 0000 0000 0000",  # an unknown kind of review
        "04 0000 0000 04",  # an unknown tone
        "05 0000 65",  # 101 percent
        "05 0000 fe",
        "05 0001 ff 00",  # not UTF-8
        "04 0001 0002 c328 0000 00",
    ],
)
def test_scenes_nobody_could_answer_are_refused(sample):
    """Empty menus, numbers out of bounds and broken texts are the app's mistake."""
    with pytest.raises(RemoteProtocolError):
        read(bytes.fromhex(sample))


def test_lists_have_a_limit():
    """One member too many is refused, however short it is; the limit itself is not."""
    most = Notice(lines=("",) * MAX_MEMBERS)
    assert read(write(most)) == most
    with pytest.raises(RemoteProtocolError, match="members"):
        read(write(Notice(lines=("",) * (MAX_MEMBERS + 1))))


@given(st.binary(max_size=60))
def test_noise_is_read_or_refused(data):
    """Whatever comes, the answer is a scene that is written back to the same bytes, or a refusal."""
    try:
        scene = read(data)
    except RemoteProtocolError:
        return
    assert write(scene) == data
