"""Rules: which line they fit, in which order, what they do, and which documents are refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from panel_double import frame, lines

from tallystick.errors import UsageError
from tallystick.ui.automation import MAX_RULES, Exit, load_automation, parse_automation
from tallystick.ui.text_event import TextEvent, text_events
from tallystick.wire.events import Button, ButtonEvent, FingerEvent
from tallystick.wire.panel import Drawing, Frame

RIGHT = [["button", 2, True], ["button", 2, False]]
LEFT = [["button", 1, True], ["button", 1, False]]


def event(text: str, x: int = 10, y: int = 20) -> TextEvent:
    """Return a text event."""
    return TextEvent(text=text, x=x, y=y, w=100, h=12)


def rules(*entries: dict) -> object:
    """Return a document of rules."""
    return {"version": 1, "rules": list(entries)}


@pytest.mark.parametrize(
    ("rule", "shown", "fits"),
    [
        ({"text": "Address"}, event("Address"), True),
        ({"text": "Address"}, event("Address (1/2)"), False),
        ({"regexp": "Address"}, event("Address (1/2)"), True),
        ({"regexp": "dress"}, event("Address"), False),
        ({"regexp": r"\d+$"}, event("12a"), False),
        ({"x": 10}, event("a"), True),
        ({"x": 11}, event("a"), False),
        ({"y": 20}, event("a"), True),
        ({"y": 21}, event("a"), False),
        ({"text": "a", "x": 10, "y": 20}, event("a"), True),
        ({"text": "a", "x": 10, "y": 99}, event("a"), False),
        ({}, event("anything"), True),
    ],
)
def test_rule_fits_exactly_the_lines_it_describes(rule, shown, fits):
    """A rule acts on a line only if text, regexp (anchored at the start) and place all fit."""
    automation = parse_automation(rules({**rule, "actions": RIGHT}))
    assert bool(automation.react([shown])) is fits


def test_first_rule_that_fits_is_the_only_one_that_acts():
    """Two rules fit the same line; the first one acts and the second does not."""
    automation = parse_automation(rules({"text": "a", "actions": LEFT}, {"regexp": "a|b", "actions": RIGHT}))
    assert [step.button for step in automation.react([event("a")])] == [Button.LEFT, Button.LEFT]
    assert [step.button for step in automation.react([event("b")])] == [Button.RIGHT, Button.RIGHT]


def test_each_line_of_a_screen_is_matched_on_its_own_in_order():
    """A screen of two lines that both fit makes the actions twice, in the order of the lines."""
    automation = parse_automation(rules({"text": "a", "actions": LEFT}, {"text": "b", "actions": RIGHT}))
    buttons = [step.button for step in automation.react([event("b"), event("a")])]
    assert buttons == [Button.RIGHT, Button.RIGHT, Button.LEFT, Button.LEFT]


def test_line_that_no_rule_fits_does_nothing():
    """An unmatched line makes no gesture and changes no variable."""
    automation = parse_automation(rules({"text": "a", "actions": RIGHT}))
    assert automation.react([event("b")]) == []
    assert automation.variables == {}


def test_rule_without_actions_is_passed_over_and_one_with_an_empty_list_stops():
    """Without `actions` the search goes on; with an empty list it ends there."""
    passed = parse_automation(rules({"text": "a"}, {"regexp": "a", "actions": RIGHT}))
    stopped = parse_automation(rules({"text": "a", "actions": []}, {"regexp": "a", "actions": RIGHT}))
    assert len(passed.react([event("a")])) == 2
    assert stopped.react([event("a")]) == []


def test_conditions_follow_the_variables_that_rules_set():
    """A rule with a condition acts once, sets its variable, and leaves the next line to the rule after it."""
    automation = parse_automation(
        rules(
            {"text": "a", "conditions": [["seen", False]], "actions": [*LEFT, ["setbool", "seen", True]]},
            {"text": "a", "conditions": [["seen", True]], "actions": [*RIGHT, ["setbool", "seen", False]]},
        )
    )
    buttons = [automation.react([event("a")])[0].button for _ in range(4)]
    assert buttons == [Button.LEFT, Button.RIGHT, Button.LEFT, Button.RIGHT]


def test_every_action_becomes_its_gesture():
    """Button, finger and exit become gestures in the order written."""
    actions = [["button", 1, True], ["finger", 55, 60, True], ["finger", 55, 60, False], ["exit"]]
    steps = parse_automation(rules({"actions": actions})).react([event("a")])
    assert steps == [
        ButtonEvent(button=Button.LEFT, pressed=True),
        FingerEvent(x=55, y=60, pressed=True),
        FingerEvent(x=55, y=60, pressed=False),
        Exit(),
    ]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "expected"),
        (None, "expected"),
        ({"rules": [], "extra": 1}, "expected"),
        ({"version": 2, "rules": []}, "version"),
        ({"version": True, "rules": []}, "version"),
        ({"version": 1}, "rules"),
        ({"version": 1, "rules": {}}, "rules"),
        ({"version": 1, "rules": [{}] * (MAX_RULES + 1)}, "rules"),
        (rules("a"), "rule 1: expected an object"),
        (rules({}, {"txt": "a"}), "rule 2: unknown member 'txt'"),
        (rules({"text": 5}), "text"),
        (rules({"text": ""}), "text"),
        (rules({"text": "a" * 2000}), "never longer"),
        (rules({"regexp": "("}), "rule 1: regexp"),
        (rules({"regexp": "a{99999999999999999999}"}), "regexp"),
        (rules({"x": -1}), "x"),
        (rules({"y": 1.5}), "y"),
        (rules({"x": True}), "x"),
        (rules({"x": 5000}), "x"),
        (rules({"conditions": {}}), "conditions"),
        (rules({"conditions": [["a"]]}), "condition"),
        (rules({"conditions": [["a", 1]]}), "condition"),
        (rules({"actions": [["button", 3, True]]}), "actions"),
        (rules({"actions": [["button", True, True]]}), "actions"),
        (rules({"actions": [["button", 1]]}), "actions"),
        (rules({"actions": [["finger", 1, True]]}), "actions"),
        (rules({"actions": [["finger", 1, None, True]]}), "actions"),
        (rules({"actions": [["setbool", "a"]]}), "actions"),
        (rules({"actions": [["exit", 1]]}), "actions"),
        (rules({"actions": [["jump"]]}), "actions"),
        (rules({"actions": "exit"}), "actions"),
    ],
)
def test_document_of_the_wrong_form_is_refused_with_the_reason(document, reason):
    """Whatever is wrong with a document is named, with the number of the rule."""
    with pytest.raises(UsageError, match=re.escape(reason)):
        parse_automation(document)


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([{"text": "a", "regexp": "b", "actions": []}], "rule 1 can never match: its regexp"),
        ([{"conditions": [["v", True]], "actions": []}], "rule 1 can never match: no rule sets 'v'"),
        (
            [{"conditions": [["v", True], ["v", False]], "actions": [["setbool", "v", True]]}],
            "rule 1 can never match: its conditions contradict",
        ),
        ([{"actions": []}, {"text": "a", "actions": []}], "rule 2 can never match: rule 1 is asked before it"),
        ([{"text": "a", "actions": []}, {"text": "a", "x": 1}], "rule 2 can never match: rule 1 is asked before it"),
    ],
)
def test_rule_that_can_never_match_is_refused(entries, reason):
    """A rule that no screen could ever fit is an error, because it would be ignored in silence."""
    with pytest.raises(UsageError, match=re.escape(reason)):
        parse_automation(rules(*entries))


@pytest.mark.parametrize("form", ["path", "file", "text"])
def test_rules_are_loaded_from_a_path_a_file_address_or_the_text_itself(tmp_path: Path, form):
    """The three forms of --automation give the same rules."""
    text = json.dumps(rules({"text": "a", "actions": RIGHT}))
    path = tmp_path / "rules.json"
    path.write_text(text)
    source = {"path": str(path), "file": f"file:{path}", "text": text}[form]
    assert len(load_automation(source).react([event("a")])) == 2


@pytest.mark.parametrize("source", ["no/such/file.json", "file:no/such/file.json", "{", '{"rules": [' + "[" * 100_000])
def test_rules_that_cannot_be_read_are_a_usage_error(source):
    """A missing file, broken JSON and absurdly deep JSON are all told as one kind of error."""
    with pytest.raises(UsageError):
        load_automation(source)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5000) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["version", "rules", "text", "regexp", "x", "y", "conditions", "actions", "z"]), inner
        )
    ),
    max_leaves=20,
)


@given(st.fixed_dictionaries({"version": st.just(1), "rules": st.lists(json_values, max_size=4)}) | json_values)
def test_any_document_is_either_usable_or_a_usage_error(document):
    """No JSON value makes the parser fail in another way, and what it accepts can be used."""
    try:
        automation = parse_automation(document)
    except UsageError:
        return
    automation.react([event("a"), event("b", 1, 2)])


def test_text_events_are_the_lines_of_a_frame_with_the_first_one_marked():
    """Events follow the order drawn; only the first clears; empty lines are left out."""
    shown = Frame(sequence=1, width=128, height=64, drawing=Drawing(elements=lines("Title", "", "Value")))
    events = text_events(shown)
    assert [(entry.text, entry.clear) for entry in events] == [("Title", True), ("Value", False)]
    assert events[1].to_json() == {"text": "Value", "x": 8, "y": 24, "w": 112, "h": 12, "clear": False}
    assert text_events(frame(1)) == ()
