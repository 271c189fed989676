"""Provisioned devices in the manager's database: one serial number, one key, one line of the log for each event."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import select

from tallystick.crypto import secp256k1
from tallystick.errors import StateError, TrustError, UsageError
from tallystick.manager.db.base import Base
from tallystick.manager.db.engine import open_engine, sessions_of
from tallystick.manager.db.provisioned import DatabaseRecord, Provisioned
from tallystick.manager.db.record import Audit
from tallystick.manager.hsm.role import Realm
from tallystick.manager.provisioning.record import ProvisionedDevice
from tallystick.manager.service import bind_database

MOMENT = datetime(2026, 1, 2, tzinfo=UTC)


def _key(number):
    return secp256k1.public_key(number.to_bytes(32, "big"), compressed=False)


def _device(number):
    return ProvisionedDevice(
        serial=f"tallystick-{number:08x}", device_public_key=_key(number + 1), issuer_public_key=_key(999)
    )


@pytest.fixture
def sessions(database, keyring):
    """Open a database that belongs to the keyring."""
    engine = open_engine(database)
    made = sessions_of(engine)
    bind_database(made, keyring)
    yield made
    engine.dispose()


@pytest.fixture
def record(sessions):
    """Return the record in it."""
    return DatabaseRecord(sessions, clock=lambda: MOMENT)


def test_tables_are_those_of_the_migrations(database):
    """What the migrations make is what the models say, this table included."""
    engine = open_engine(database)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    engine.dispose()


def test_device_is_reserved_and_confirmed(record, sessions):
    """Before and after it took its certificate, with a line of the audit log each; the same again changes nothing."""
    device = _device(1)
    for _ in range(2):
        record.reserve(device)
    with sessions() as session:
        row = session.scalars(select(Provisioned)).one()
        assert (row.serial, row.device_key) == (device.serial, device.device_public_key.hex())
        assert (row.issuer_key, row.reserved, row.confirmed) == (device.issuer_public_key.hex(), MOMENT, None)
    record.confirm(device.serial)
    with sessions() as session:
        assert session.scalars(select(Provisioned)).one().confirmed == MOMENT
        lines = [(line.actor, line.action, line.subject, line.outcome) for line in session.scalars(select(Audit))]
    assert lines == [("factory", "provision", device.serial, outcome) for outcome in ("reserved", "confirmed")]


def test_serial_number_and_key_belong_together_for_ever(record):
    """Another key for the serial number, another serial number for the key, another issuer: refused."""
    device = _device(1)
    record.reserve(device)
    with pytest.raises(UsageError):
        record.reserve(dataclasses.replace(device, device_public_key=_key(50)))
    with pytest.raises(UsageError):
        record.reserve(dataclasses.replace(device, serial="tallystick-2"))
    with pytest.raises(TrustError):
        record.reserve(dataclasses.replace(device, issuer_public_key=_key(998)))
    with pytest.raises(UsageError):
        record.confirm("tallystick-2")


def test_text_of_a_serial_number_is_never_read_as_sql(record, sessions):
    """A serial number that would end a statement is stored as it is."""
    nasty = dataclasses.replace(_device(1), serial="'; DROP TABLE audit; --")
    record.reserve(nasty)
    record.confirm(nasty.serial)
    with sessions() as session:
        assert session.scalars(select(Provisioned)).one().serial == nasty.serial
        assert len(session.scalars(select(Audit)).all()) == 2


def test_realms_do_not_mix(record, database):
    """The database has the realm of its keys; one without keys has none."""
    record.require_realm(Realm.TEST)
    with pytest.raises(TrustError):
        record.require_realm(Realm.PRODUCTION)


def test_database_of_no_realm_is_refused(database):
    """Binding it to its keys comes first."""
    engine = open_engine(database)
    with pytest.raises(StateError):
        DatabaseRecord(sessions_of(engine)).require_realm(Realm.TEST)
    engine.dispose()


def test_two_stations_do_not_give_one_serial_number_twice(record, sessions):
    """Many at once: of two devices with one serial number exactly one is recorded."""

    def reserve(number):
        try:
            record.reserve(dataclasses.replace(_device(number // 2), device_public_key=_key(100 + number)))
        except UsageError:
            return 0
        return 1

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(reserve, range(40)))
    assert [won[at] + won[at + 1] for at in range(0, 40, 2)] == [1] * 20
    with sessions() as session:
        assert len(session.scalars(select(Provisioned)).all()) == 20
