"""Approve everything: the policy of `tally up --approve`, for test devices only.

It walks by what each frame says can be done, never by texts, so it works on every model and in every app: on to the
next page until something can be approved, then approve; dismiss notices; answer a question by its first option. It
leaves menus alone, and what native apps paint themselves, and never enters a PIN or a recovery word.
"""

from __future__ import annotations

from tallystick.wire.panel import Action, Frame, Role

#: scenes in which going on is safe; an unnamed scene counts as one if nothing in it can be selected
_WALKED = frozenset({"review", "choice", "notice", "wordlist"})


def approving_action(frame: Frame) -> Action | None:
    """Return what somebody who approves everything would do on this frame, or None to leave it alone."""
    if frame.action(Role.KEY) is not None:
        return None
    if frame.scene and frame.scene not in _WALKED:
        return None
    for role in (Role.APPROVE, Role.DISMISS):
        if (action := frame.action(role)) is not None:
            return action
    selection = frame.action(Role.SELECT)
    if selection is None:
        return frame.action(Role.NEXT)
    return selection if frame.scene == "choice" else None
