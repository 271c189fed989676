"""Follow an action: gestures and progress to stderr, or as lines of JSON to stdout."""

from __future__ import annotations

import sys
from typing import TypeVar

import click

from tallystick.cli.plain import json_text, plain
from tallystick.cli.target import Run
from tallystick.host.actions.step import Action, NeedsUser, Progress, result

ValueT = TypeVar("ValueT")

_EVENT_SCHEMA = "tally.event/1"


def follow(run: Run, action: Action[ValueT]) -> ValueT:
    """Run an action and return its value; say which gesture is owed as soon as the device waits for it."""
    return result(action, on_step=lambda step: _show(run, step))


def _show(run: Run, step: Progress | NeedsUser) -> None:
    if run.is_json_lines:
        click.echo(json_text({"schema": _EVENT_SCHEMA, **_members(step)}))
        sys.stdout.flush()
    elif isinstance(step, NeedsUser):
        # a gesture is owed whatever the verbosity: silence here would look like a hang
        subject = f" ({step.subject})" if step.subject else ""
        click.echo(f"{step.gesture.words}{plain(subject)}", err=True)
    elif step.total and not run.is_quiet and sys.stderr.isatty():
        end = "\n" if step.done >= step.total else ""
        click.echo(f"\r{step.step} {step.done}/{step.total} {step.unit}", nl=False, err=True)
        click.echo(end, nl=False, err=True)


def _members(step: Progress | NeedsUser) -> dict[str, object]:
    if isinstance(step, NeedsUser):
        return {"event": "needs_user", "gesture": step.gesture.value, "subject": step.subject}
    return {"event": "progress", "step": step.step, "done": step.done, "total": step.total}
