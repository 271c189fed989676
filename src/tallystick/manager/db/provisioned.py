"""The record of provisioned devices in the manager's database, and a line of its audit log for each event.

A unique serial number and a unique key are the database's own rules, so that two stations at once cannot break them. The
database belongs to one realm and one issuer (`tallystick.manager.service.bind_database`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import String, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from tallystick.errors import StateError, TrustError, UsageError
from tallystick.manager.db.base import Base, Id, Name, Stamp
from tallystick.manager.db.engine import Sessions, writing
from tallystick.manager.db.model import Setting
from tallystick.manager.db.record import Audit
from tallystick.manager.hsm.role import Realm, require_realm
from tallystick.manager.provisioning.record import ProvisionedDevice

_KEY_DIGITS: Final = 130
_REALM: Final = "realm"
_ACTOR: Final = "factory"
_ACTION: Final = "provision"


class Provisioned(Base):
    """A device that was signed for; `confirmed` is when it took its certificate. Keys are hexadecimal, 65 bytes."""

    __tablename__ = "provisioned"
    id: Mapped[Id]
    serial: Mapped[Name] = mapped_column(unique=True)
    device_key: Mapped[str] = mapped_column(String(_KEY_DIGITS), unique=True)
    issuer_key: Mapped[str] = mapped_column(String(_KEY_DIGITS))
    reserved: Mapped[Stamp]
    confirmed: Mapped[Stamp | None]


class DatabaseRecord:
    """A `ProvisioningRecord`; `clock` tells the moment (UTC)."""

    def __init__(self, sessions: Sessions, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._sessions = sessions
        self._clock = clock

    def require_realm(self, realm: Realm) -> None:
        """Hold the database's realm against `realm`; raise TrustError for another, StateError for a database without one."""
        with self._sessions() as session:
            recorded = session.get(Setting, _REALM)
        if recorded is None:
            raise StateError("the database belongs to no realm yet", remedy="bind it to its keys first")
        require_realm(recorded.value, realm)

    def reserve(self, device: ProvisionedDevice) -> None:
        """Record a device; the same again is the same. Raise UsageError when serial number or key are another device's."""
        key, issuer = device.device_public_key.hex(), device.issuer_public_key.hex()
        try:
            with writing(self._sessions) as session:
                found = session.scalars(select(Provisioned).where(Provisioned.serial == device.serial)).one_or_none()
                if found is None:
                    session.add(
                        Provisioned(serial=device.serial, device_key=key, issuer_key=issuer, reserved=self._clock())
                    )
                    self._audit(session, device.serial, "reserved")
                    return
        except IntegrityError:
            # the key is there under another serial number, or another station was a moment earlier
            raise _taken(device.serial) from None
        if found.device_key != key:
            raise _taken(device.serial)
        if found.issuer_key != issuer:
            raise TrustError(f"{device.serial} is on record with another issuer")

    def confirm(self, serial: str) -> None:
        """Note that the device of this serial number has its certificate; raise UsageError for one not recorded."""
        with writing(self._sessions) as session:
            found = session.scalars(select(Provisioned).where(Provisioned.serial == serial)).one_or_none()
            if found is None:
                raise UsageError(f"{serial} is not on record")
            found.confirmed = self._clock()
            self._audit(session, serial, "confirmed")

    def _audit(self, session: Session, serial: str, outcome: str) -> None:
        session.add(
            Audit(
                at=self._clock(),
                actor=_ACTOR,
                action=_ACTION,
                subject=serial,
                outcome=outcome,
                detail="",
                seconds=0.0,
            )
        )


def _taken(serial: str) -> UsageError:
    return UsageError(
        f"{serial} is on record with another key, or its key with another serial number",
        remedy="two devices never share a serial number: make this one anew",
    )
