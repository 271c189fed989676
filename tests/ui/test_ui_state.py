"""What the panel knows: numbering, the bounded log of text, the status."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from panel_double import frame

from tallystick.errors import RemoteProtocolError
from tallystick.ui.state import MAX_STATUS_MEMBERS, EventLog, PanelState
from tallystick.ui.text_event import TextEvent
from tallystick.wire.panel import Caption, Drawing, Frame


def event(number: int) -> TextEvent:
    """Return a text event that can be told from others."""
    return TextEvent(text=str(number), x=0, y=0, w=1, h=1)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40))
def test_numbers_of_the_screen_always_grow(sequences):
    """Whatever numbers the device counts by, after a reboot too, the panel's grow with every frame."""
    state, seen = PanelState(), [0]
    for sequence in sequences:
        state.show(frame(sequence))
        seen.append(state.sequence)
    assert all(earlier < later for earlier, later in itertools.pairwise(seen))


def test_numbers_of_a_device_that_stays_up_are_kept():
    """As long as the device's numbers grow, the panel shows the same ones."""
    state = PanelState()
    for sequence in (1, 2, 7):
        state.show(frame(sequence))
        assert state.sequence == sequence


def test_log_keeps_the_newest_events_and_positions_go_on():
    """Over the limit the oldest events go; positions count them all the same."""
    log = EventLog(limit=3)
    log.extend(event(number) for number in range(5))
    assert (log.start, log.end) == (2, 5)
    assert [entry.text for entry in log.since(3)] == ["3", "4"]


def test_reader_that_was_too_slow_is_told():
    """Asking for events that were dropped is an error and not a gap."""
    log = EventLog(limit=3)
    log.extend(event(number) for number in range(5))
    with pytest.raises(LookupError):
        log.since(1)


def test_cleared_events_are_gone_but_no_reason_to_end_a_reader():
    """After a clear a reader at an old position gets what came since, without an error."""
    log = EventLog(limit=3)
    log.extend(event(number) for number in range(3))
    log.clear()
    assert log.since(0) == []
    log.extend([event(9)])
    assert [entry.text for entry in log.since(0)] == ["9"]


def test_listeners_hear_of_every_change_until_they_leave():
    """Frames and statuses are told to a listener, nothing after it has left."""
    state, heard = PanelState(), []
    leave = state.listen(lambda: heard.append(state.sequence))
    state.show(frame(1))
    state.tell({"app": "Cosmos"})
    leave()
    state.show(frame(2))
    assert heard == [1, 1]


def test_status_members_are_kept_until_told_anew():
    """A status adds to what is known; each member is shown as it is."""
    state = PanelState(model="stax")
    state.tell({"serial": "1", "worlds": {"secure": True}})
    state.tell({"serial": "2"})
    assert state.status == {"model": "stax", "serial": "2", "worlds": {"secure": True}}


def test_status_cannot_grow_without_bounds():
    """Ever new names replace the old ones instead of adding up."""
    state = PanelState()
    for number in range(200):
        state.tell({f"name{number}": 1})
    assert len(state.status) <= MAX_STATUS_MEMBERS


@pytest.mark.parametrize("status", [None, [], "text", {str(n): 1 for n in range(100)}, {"n" * 100: 1}])
def test_status_that_is_no_small_object_is_refused(status):
    """A status of another type, with too many members or too long names is a protocol error."""
    with pytest.raises(RemoteProtocolError):
        PanelState().tell(status)


def captioned(sequence: int, *lines: tuple[str, int]) -> Frame:
    """Return a frame whose picture has lines, each with the number of the frame that had it first."""
    elements = tuple(Caption(x=0, y=0, w=1, h=1, text=text, since=since) for text, since in lines)
    return Frame(sequence=sequence, width=128, height=64, drawing=Drawing(elements=elements))


def test_line_of_a_picture_that_stays_is_told_once():
    """A picture that is painted again has its lines on the screen, and in the log only those that are new."""
    state = PanelState()
    state.show(captioned(1, ("a", 1)))
    state.show(captioned(2, ("a", 1), ("b", 2)))
    assert [line.text for line in state.events] == ["a", "b"]
    assert [line.text for line in state.fresh] == ["b"]
    assert [line.text for line in state.log.since(0)] == ["a", "b"]


def test_line_of_a_frame_that_was_dropped_is_still_news():
    """A panel that was too slow for a frame hears its text with the next one that still has it."""
    state = PanelState()
    state.show(captioned(1, ("a", 1)))
    state.show(captioned(4, ("b", 2), ("c", 4)))
    assert [line.text for line in state.fresh] == ["b", "c"]


def test_all_lines_are_news_after_a_reboot():
    """A device that counts from the begin shows a new picture, whatever its numbers."""
    state = PanelState()
    state.show(captioned(9, ("a", 9)))
    state.show(captioned(2, ("a", 2)))
    assert [line.text for line in state.fresh] == ["a"]
