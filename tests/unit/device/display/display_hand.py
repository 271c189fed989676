"""A hand that uses a view as a script would: by the actions of what is drawn, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tallystick.device.os.display import View
from tallystick.wire.events import Button, ButtonEvent, FingerEvent, press
from tallystick.wire.panel import Action, Drawing, Role
from tallystick.wire.screen import Answer

#: more pages than any scene of these tests has
MANY = 20_000


def act(view: View, action: Action, *, now_s: float = 0.0) -> Answer | None:
    """Carry out one action, holding for as long as it asks for; return the answer if there is one."""
    first, *rest = action.gestures()
    answer = view.gesture(first, now_s=now_s)
    if action.hold_s:
        answer = answer or view.advance(now_s=now_s + action.hold_s)
    for gesture in rest:
        answer = answer or view.gesture(gesture, now_s=now_s + action.hold_s)
    return answer


def find(view: View, role: Role, label: str | None = None) -> Action | None:
    """Return the first action drawn now with this role (and label), or None."""
    actions = view.draw().actions
    return next((one for one in actions if one.role is role and label in (None, one.label)), None)


def pages(view: View) -> Iterator[Drawing]:
    """Walk on to the last page, or once round, and return each page."""
    first = view.draw()
    yield first
    for _ in range(MANY):
        onward = find(view, Role.NEXT)
        if onward is None:
            return
        assert act(view, onward) is None
        if view.draw() == first:
            return
        yield view.draw()
    raise AssertionError("no end of pages")


def walk(view: View, wanted: Callable[[Action], bool]) -> Answer:
    """Go on until an action is `wanted`, and take it."""
    for _ in range(MANY):
        for action in view.draw().actions:
            if wanted(action):
                answer = act(view, action)
                assert answer is not None
                return answer
        onward = find(view, Role.NEXT)
        assert onward is not None, "the end was reached and nothing wanted was there"
        assert act(view, onward) is None
    raise AssertionError("no end of pages")


def type_keys(view: View, keys: list[str]) -> Answer | None:
    """Take keys one after the other, going to each as far as needed."""
    answer = None
    for key in keys:
        for _ in range(100):
            found = find(view, Role.KEY, key)
            if found is not None:
                break
            onward = find(view, Role.NEXT)
            assert onward is not None, f"no key {key}"
            act(view, onward)
        else:
            raise AssertionError(f"no key {key}")
        answer = act(view, found)
    return answer


def push(view: View, button: Button) -> Answer | None:
    """Press and release a button, or both."""
    answers = [view.gesture(event, now_s=0.0) for event in press(button)]
    return next((answer for answer in answers if answer is not None), None)


def tap(view: View, x: int, y: int) -> Answer | None:
    """Touch a point and leave it."""
    view.gesture(FingerEvent(x=x, y=y, pressed=True), now_s=0.0)
    return view.gesture(FingerEvent(x=x, y=y, pressed=False), now_s=0.0)


def down(button: Button) -> ButtonEvent:
    """Return the event of a button going down."""
    return ButtonEvent(button=button, pressed=True)


def up(button: Button) -> ButtonEvent:
    """Return the event of a button going up."""
    return ButtonEvent(button=button, pressed=False)
