"""What happened: the audit log, and the counters that /metrics tells, both without a byte of what was said."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.orm import Mapped, Session, mapped_column

from tallystick.manager.db.base import Base, Big, Id, Name, Stamp, Text

_ACTOR = 128


class Audit(Base):
    """Who did what, when, and how it ended; `subject` is what it was done to, `detail` one line about a failure."""

    __tablename__ = "audit"
    id: Mapped[Id]
    at: Mapped[Stamp] = mapped_column(index=True)
    actor: Mapped[Name]
    action: Mapped[Name] = mapped_column(index=True)
    subject: Mapped[Text]
    outcome: Mapped[Name]
    detail: Mapped[Text]
    seconds: Mapped[float]


class Count(Base):
    """How often an action ended in an outcome, and how many seconds all of them took, over all workers."""

    __tablename__ = "count"
    action: Mapped[Name] = mapped_column(primary_key=True)
    outcome: Mapped[Name] = mapped_column(primary_key=True)
    times: Mapped[Big]
    seconds: Mapped[float]


def note(session: Session, *, actor: str, action: str, subject: str) -> None:
    """Write a line about something that is done in this very transaction, and so is in the log if and only if it is done."""
    session.add(
        Audit(
            at=datetime.now(UTC), actor=actor[:_ACTOR], action=action, subject=subject, outcome="success", detail="",
            seconds=0.0,
        )
    )  # fmt: skip
