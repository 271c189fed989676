"""Automation rules: what to press when a text appears, in the document format of Speculos (speculos 4.4).

::

    {"version": 1, "rules": [
        {"text": "Address", "regexp": "[0-9]+", "x": 1, "y": 2,      which line: all of those given must fit
         "conditions": [["seen", false]],                            and all variables must have these values
         "actions": [["button", 2, true], ["button", 2, false],      then do this, in order
                     ["finger", 55, 60, true], ["setbool", "seen", true], ["exit"]]}]}

Every line of text of every new screen is matched on its own; the first rule that fits is the only one that acts.
`regexp` is anchored at the start only. Variables are false until set. A rule without `actions` is passed over, one with
an empty list stops the search. Documents are refused with the reason, also when a rule can never match, because a
script that is silently ignored costs its writer an hour.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tallystick.errors import UsageError
from tallystick.ui.text_event import TextEvent
from tallystick.wire.events import MAX_COORDINATE, Button, ButtonEvent, FingerEvent, PanelEvent
from tallystick.wire.panel import MAX_TEXT

#: what one document may hold
MAX_RULES = 1000
MAX_ENTRIES = 100
_KEYS = {"text", "regexp", "x", "y", "conditions", "actions"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SetVariable:
    """Give a variable of the conditions a value."""

    name: str
    value: bool


@dataclass(frozen=True, slots=True)
class Exit:
    """End the panel, and with it the session."""


RuleAction = PanelEvent | SetVariable | Exit


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule; None means that anything fits."""

    text: str | None = None
    regexp: re.Pattern[str] | None = None
    x: int | None = None
    y: int | None = None
    conditions: tuple[tuple[str, bool], ...] = ()
    actions: tuple[RuleAction, ...] | None = None

    def hides(self, later: Rule) -> bool:
        """Say whether every line that fits `later` fits this rule, which stands before it."""
        return (
            self.actions is not None
            and not self.conditions
            and self.text in {None, later.text}
            and self.x in {None, later.x}
            and self.y in {None, later.y}
            and self.regexp in {None, later.regexp}
        )

    def fits(self, event: TextEvent, variables: dict[str, bool]) -> bool:
        """Say whether this rule is the one for a line of text."""
        return (
            self.actions is not None
            and (self.text is None or self.text == event.text)
            and (self.x is None or self.x == event.x)
            and (self.y is None or self.y == event.y)
            and (self.regexp is None or self.regexp.match(event.text) is not None)
            and all(variables.get(name, False) is value for name, value in self.conditions)
        )


@dataclass(slots=True)
class Automation:
    """A set of rules and the variables they have set so far."""

    rules: tuple[Rule, ...]
    variables: dict[str, bool] = field(default_factory=dict)

    def react(self, events: Iterable[TextEvent]) -> list[PanelEvent | Exit]:
        """Return what to do about the lines of a new screen, in order."""
        steps: list[PanelEvent | Exit] = []
        for event in events:
            for action in self._actions(event):
                if isinstance(action, SetVariable):
                    self.variables[action.name] = action.value
                else:
                    steps.append(action)
        return steps

    def _actions(self, event: TextEvent) -> tuple[RuleAction, ...]:
        rule = next((rule for rule in self.rules if rule.fits(event, self.variables)), None)
        return (rule.actions or ()) if rule else ()


def automation_text(source: str) -> str:
    """Return the document that `source` names (a path, `file:PATH`) or is (the JSON text itself).

    Raises:
        UsageError: the file cannot be read.

    """
    if source.lstrip().startswith("{"):
        return source
    path = Path(source.removeprefix("file:"))
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the automation rules in {path}: {error}") from error


def load_automation(source: str) -> Automation:
    """Read rules from a path, `file:PATH` or the JSON text itself.

    Raises:
        UsageError: the file cannot be read, or the document is refused.

    """
    return automation_from_text(automation_text(source))


def automation_from_text(text: str) -> Automation:
    """Read rules from their JSON text; raise UsageError when it is none or the document is refused."""
    try:
        return parse_automation(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the automation rules are not JSON: {error}") from error


def parse_automation(document: object) -> Automation:
    """Read a document of rules.

    Raises:
        UsageError: it does not have the form above, or one of its rules can never match; the text says which and why.

    """
    if not isinstance(document, dict) or set(document) - {"version", "rules"}:
        raise UsageError('automation: expected {"version": 1, "rules": [...]}')
    if document.get("version", 1) != 1 or isinstance(document.get("version"), bool):
        raise UsageError("automation: only version 1 is known")
    entries = document.get("rules")
    if not isinstance(entries, list) or len(entries) > MAX_RULES:
        raise UsageError(f"automation: rules must be a list of at most {MAX_RULES}")
    rules = tuple(_rule(entry, f"automation: rule {number}") for number, entry in enumerate(entries, 1))
    _check_reachable(rules)
    return Automation(rules)


def _check_reachable(rules: tuple[Rule, ...]) -> None:
    settable = {
        (action.name, action.value)
        for rule in rules
        for action in rule.actions or ()
        if isinstance(action, SetVariable)
    }
    for number, rule in enumerate(rules, 1):
        where = f"automation: rule {number} can never match"
        wanted = dict(rule.conditions)
        if any(wanted[name] is not value for name, value in rule.conditions):
            raise UsageError(f"{where}: its conditions contradict each other")
        for name, value in rule.conditions:
            if value and (name, True) not in settable:
                raise UsageError(f"{where}: no rule sets {name!r} to true")
        if rule.text is not None and rule.regexp is not None and not rule.regexp.match(rule.text):
            raise UsageError(f"{where}: its regexp does not match its text")
        hider = next((index for index, earlier in enumerate(rules[: number - 1], 1) if earlier.hides(rule)), None)
        if hider is not None:
            raise UsageError(f"{where}: rule {hider} is asked before it and fits all of its lines")


def _rule(entry: object, where: str) -> Rule:
    if not isinstance(entry, dict):
        raise UsageError(f"{where}: expected an object")
    if unknown := set(entry) - _KEYS:
        raise UsageError(f"{where}: unknown member {min(unknown)!r}")
    actions = entry.get("actions")
    return Rule(
        text=_text(entry.get("text"), f"{where}: text"),
        regexp=_regexp(entry.get("regexp"), f"{where}: regexp"),
        x=_coordinate(entry.get("x"), f"{where}: x"),
        y=_coordinate(entry.get("y"), f"{where}: y"),
        conditions=tuple(
            _condition(pair, where) for pair in _list(entry.get("conditions", []), f"{where}: conditions")
        ),
        actions=None
        if actions is None
        else tuple(_action(action, f"{where}: actions") for action in _list(actions, f"{where}: actions")),
    )


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > MAX_ENTRIES:
        raise UsageError(f"{where}: expected a list of at most {MAX_ENTRIES}")
    return value


def _text(value: object, where: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT:
        raise UsageError(f"{where}: expected a text of 1 to {MAX_TEXT} characters; lines of a screen are never longer")
    return value


def _regexp(value: object, where: str) -> re.Pattern[str] | None:
    text = _text(value, where)
    try:
        return None if text is None else re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError(f"{where}: {error}") from error


def _coordinate(value: object, where: str) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_COORDINATE:
        raise UsageError(f"{where}: expected pixels from 0 to {MAX_COORDINATE}")
    return value


def _condition(pair: object, where: str) -> tuple[str, bool]:
    match pair:
        case [str() as name, bool() as value]:
            return name, value
    raise UsageError(f'{where}: a condition is ["variable", true or false]')


def _action(entry: object, where: str) -> RuleAction:
    match entry:
        case ["button", 1 | 2 as number, bool() as pressed] if not isinstance(number, bool):
            return ButtonEvent(button=Button(number), pressed=pressed)
        case ["finger", x, y, bool() as pressed]:
            at_x, at_y = _coordinate(x, where), _coordinate(y, where)
            if at_x is not None and at_y is not None:
                return FingerEvent(x=at_x, y=at_y, pressed=pressed)
        case ["setbool", str() as name, bool() as value]:
            return SetVariable(name=name, value=value)
        case ["exit"]:
            return Exit()
    raise UsageError(f"{where}: expected button, finger, setbool or exit with its arguments")
