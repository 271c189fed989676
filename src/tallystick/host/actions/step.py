"""The steps of an action, and how to run one.

A `NeedsUser` is yielded only when the device has been asked and has not answered: then it is really waiting. Whoever plays
the person may act on it before taking the next step.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from tallystick.errors import LocalProtocolError
from tallystick.host.commands.base import Command
from tallystick.host.gesture import Gesture
from tallystick.host.session import Session

ValueT = TypeVar("ValueT")
ValueT_co = TypeVar("ValueT_co", covariant=True)

#: a device that asks nobody answers within this time, in seconds
GRACE_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """`done` of `total` units of `step` (a stable word) are behind us; `unit` is a word for people."""

    step: str
    done: int = 0
    total: int = 0
    unit: str = "bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsUser:
    """The device waits for `gesture`; `subject` says about what: an app's name, an address prefix."""

    gesture: Gesture
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Done(Generic[ValueT_co]):
    """The action is at its end; this is what it was for."""

    value: ValueT_co


Action = Iterator[Progress | NeedsUser | Done[ValueT]]
#: the inside of an action: it returns its value, so that actions can be made of actions
Flow = Generator[Progress | NeedsUser, None, ValueT]


def finish(flow: Flow[ValueT]) -> Action[ValueT]:
    """Make an action of a flow."""
    value = yield from flow
    yield Done(value)


def ask(session: Session, command: Command[ValueT], *, subject: str = "") -> Flow[ValueT]:
    """Send a command that a person may have to allow, and say so only if the device does not answer at once."""
    pending = session.start(command)
    if command.gesture is not None and not pending.poll(GRACE_S):
        yield NeedsUser(gesture=command.gesture, subject=subject)
    return pending.result()


def result(action: Action[ValueT], *, on_step: Callable[[Progress | NeedsUser], None] | None = None) -> ValueT:
    """Run an action to its end and return its value; `on_step` is shown every step on the way."""
    for step in action:
        if isinstance(step, Done):
            return step.value
        if on_step is not None:
            on_step(step)
    raise LocalProtocolError("an action ended without a result")
