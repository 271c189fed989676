"""Consent: one question to the person before a command does what it says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from tallystick.device.os.session import BootMode, Session
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.screen import Choice, Decided, Item, Review, ReviewKind, Selected
from tallystick.wire.status import Reject, StatusWord

#: answers one command that came by a channel: returns the data of a 9000, or raises Reject for any other status
Handler = Callable[[CommandApdu, int], Awaitable[bytes]]


class Commands(Protocol):
    """A group of commands of the dashboard."""

    @property
    def handlers(self) -> Mapping[int, Handler]:
        """The handler of each instruction."""
        ...

    def drop(self, channel: int | None) -> None:
        """Forget what the client of `channel` had begun; None is all clients."""
        ...


async def ask_consent(
    session: Session, *lines: str, option: str, icon: str = "", refusal: StatusWord = StatusWord.REFUSED_BY_USER
) -> None:
    """Ask the person; raise Reject with `refusal` when the answer is no."""
    display, owner = session.display, object()
    try:
        answer = await display.ask(Choice(lines=lines, options=(option, "Cancel"), icon=icon), owner=owner)
    finally:  # also when the client went away and nobody wants the answer any more
        display.withdraw(owner)
    if not (isinstance(answer, Selected) and answer.index == 0):
        raise Reject(refusal)


async def ask_review(
    session: Session,
    *items: Item,
    intro: tuple[str, ...],
    approve: str,
    refusal: StatusWord = StatusWord.REFUSED_BY_USER,
) -> None:
    """Show `items` in full and ask; raise Reject with `refusal` when the answer is no."""
    display, owner = session.display, object()
    review = Review(items=items, kind=ReviewKind.OTHER, intro=intro, approve=approve, reject="CANCEL")
    try:
        answer = await display.ask(review, owner=owner)
    finally:
        display.withdraw(owner)
    if not (isinstance(answer, Decided) and answer.approved):
        raise Reject(refusal)


def require_no_parameters(apdu: CommandApdu) -> None:
    """Raise Reject (6B00) unless P1 and P2 are zero."""
    if apdu.p1 or apdu.p2:
        raise Reject(StatusWord.WRONG_P1P2)


def require_onboarded(session: Session) -> None:
    """Raise Reject (6D07) unless the device has a seed."""
    if not session.is_onboarded:
        raise Reject(StatusWord.NOT_ONBOARDED)


def require_apps(session: Session) -> None:
    """Raise Reject unless the device has a seed (6D07) and apps: an upgrader has none (5123)."""
    require_onboarded(session)
    if session.mode is BootMode.UPGRADER:
        raise Reject(StatusWord.INVALID_CONTEXT)


def require_own_use(session: Session) -> None:
    """Raise Reject unless the device has a seed (6D07) and was not started in recovery mode (662F)."""
    require_onboarded(session)
    if session.mode is BootMode.RECOVERY:
        raise Reject(StatusWord.IN_RECOVERY_MODE)
