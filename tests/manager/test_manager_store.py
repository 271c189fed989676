"""The manager's database: migrations, what publishing stores, the log's writer, who is offered which firmware."""

from __future__ import annotations

import asyncio
import errno
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, inspect, select, text
from sqlalchemy.event import listen
from tests.manager.manager_stage import app_image, release_files

from tallystick.errors import RemoteProtocolError, StateError, UsageError
from tallystick.manager.catalog.service import NewApp, devices_named, publish_app, sign_missing
from tallystick.manager.db.base import Base
from tallystick.manager.db.engine import migrate, open_engine, sessions_of, writing
from tallystick.manager.db.model import App, AppOffer, AppRelease, Blob, Mcu
from tallystick.manager.db.model import Final as FinalRow
from tallystick.manager.db.record import Audit, Count
from tallystick.manager.firmware.roll_out import is_offered, share_of
from tallystick.manager.firmware.service import (
    KnownFirmware,
    NewFirmware,
    Runs,
    find_final,
    find_mcu,
    know,
    next_step,
    publish,
)
from tallystick.manager.install.image import image_from_bytes, image_to_bytes
from tallystick.manager.recorder import Event, Recorder


def test_the_migrations_make_the_tables_of_the_models(tmp_path):
    """A database made by the migrations is exactly what the models describe; doing it again changes nothing."""
    engine = open_engine(f"sqlite:///{tmp_path / 'new.db'}")
    assert migrate(engine) == migrate(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        assert set(inspect(connection).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
    engine.dispose()


def test_several_may_migrate_at_once(tmp_path):
    """Workers that start together on a new database do not get in each other's way."""
    url = f"sqlite:///{tmp_path / 'new.db'}"

    def run(_):
        engine = open_engine(url)
        try:
            return migrate(engine)
        finally:
            engine.dispose()

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(run, range(4)))) == 1


def test_a_database_of_a_newer_package_is_refused(database):
    """A version that this package does not know is left alone."""
    engine = open_engine(database)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StateError, match="newer"):
        migrate(engine)
    engine.dispose()


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:", "oracle://x"])
def test_other_databases_are_refused(url):
    """Anything but SQLite in a file and PostgreSQL is refused in words."""
    with pytest.raises(UsageError):
        open_engine(url)


def test_a_database_that_cannot_be_reached_is_told_without_its_password(tmp_path):
    """An unreachable server is one sentence, and the password in the URL is not in it."""
    engine = open_engine(f"postgresql://tally:verysecret@/x?host={tmp_path}")
    with pytest.raises(StateError) as caught:
        migrate(engine)
    assert "verysecret" not in str(caught.value)
    assert "verysecret" not in repr(engine)
    engine.dispose()


def test_a_server_that_is_away_without_a_word_is_not_waited_for_without_end():
    """Connections have limits, so that health and flows end in an error; what the URL says itself holds."""
    engine = open_engine("postgresql://db.example/tally?connect_timeout=3")
    _, told = engine.dialect.create_connect_args(engine.url)
    assert {name: told[name] for name in ("connect_timeout", "tcp_user_timeout", "keepalives_idle")} == {
        "connect_timeout": "3",
        "tcp_user_timeout": "10000",
        "keepalives_idle": "10",
    }


def test_a_failed_change_leaves_nothing_half(sessions, keyring):
    """An error in the middle of publishing undoes all of it."""
    new = NewApp(image=app_image("Half", "1.0.0"))

    class Broken:
        def sign_digest(self, digest):
            raise StateError("the token went away")

    with pytest.raises(StateError), writing(sessions) as session:
        publish_app(session, new, software=Broken())
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(AppRelease)) == 1
        assert session.scalar(select(func.count()).select_from(Blob).where(Blob.kind == "app")) == 1


def test_publishing_the_same_app_again_changes_nothing(sessions, keyring, shelves):
    """The same bytes under the same version are one release, one blob, the same offers."""

    def state(session):
        return [session.scalar(select(func.count()).select_from(one)) for one in (AppRelease, AppOffer, Blob)]

    with writing(sessions) as session:
        before = state(session)
        publish_app(session, NewApp(image=shelves.image), software=keyring.software)
        assert state(session) == before


def test_other_bytes_under_a_published_version_want_to_be_asked_for(sessions, keyring):
    """A version means one thing: other bytes are refused, unless a developer replaces his own."""
    other = app_image(size=2048)
    with pytest.raises(UsageError, match="other bytes"), writing(sessions) as session:
        publish_app(session, NewApp(image=other), software=keyring.software)
    with writing(sessions) as session:
        release = publish_app(session, NewApp(image=other, replace=True), software=keyring.software)
        assert release.offers


def test_one_version_may_have_other_bytes_for_another_model(sessions, keyring):
    """A native app is built for each model: each gets its own bytes, and keeps them when the same is published again."""
    images = {model: app_image("Native", size=size) for model, size in (("nanosp", 1000), ("stax", 2000))}
    for _ in range(2):
        with writing(sessions) as session:
            for model, image in images.items():
                publish_app(session, NewApp(image=image, models=(model,)), software=keyring.software)
    with sessions() as session:
        found = session.scalars(select(AppRelease).join(AppRelease.app).where(App.name == "Native")).unique().all()
        assert {release.devices[0].name: release.blob.data for release in found} == {
            model: image_to_bytes(image) for model, image in images.items()
        }
    with pytest.raises(UsageError, match="other bytes"), writing(sessions) as session:
        publish_app(session, NewApp(image=images["stax"], models=("stax", "nanosp")), software=keyring.software)


def test_an_app_that_cannot_be_called_by_its_name_is_refused(sessions, keyring):
    """A native app's name is its builder's: what no person could read is published nowhere."""
    image = app_image()
    parameters = image.parameters.replace(b"Demo", b"De\x1bo")
    with pytest.raises(UsageError, match="says of itself"), writing(sessions) as session:
        publish_app(session, NewApp(image=replace(image, parameters=parameters)), software=keyring.software)


def test_what_is_said_about_an_app_can_be_said_anew(sessions, keyring, shelves):
    """The same app with other notes and another description has these from then on, and keeps them when none are given."""
    for notes, description in (("one", "first"), ("two\nlines", "second"), ("", "")):
        with writing(sessions) as session:
            new = NewApp(image=shelves.image, notes=notes, description=description)
            release = publish_app(session, new, software=keyring.software)
    assert (release.notes, release.app.description) == ("two\nlines", "second")


@pytest.mark.parametrize("name", ["demo", "DEMO", "Demo.", "-Demo-"])
def test_names_that_nobody_can_tell_apart_are_refused(sessions, keyring, name):
    """Apps are asked for in any case, and pictures are found by the plain name: one such name is one app's."""
    with pytest.raises(UsageError, match="told apart"), writing(sessions) as session:
        publish_app(session, NewApp(image=app_image(name)), software=keyring.software)


@pytest.mark.parametrize("text", ["x" * 4097, "a\x00b", "\x1b[2J", "\x9b2J", "\ud800"])
def test_texts_that_cannot_be_shown_are_refused(sessions, keyring, text):
    """What one database would refuse, and what would control a terminal, no database is given."""
    for what in ("notes", "description"):
        new = replace(NewApp(image=app_image("Other")), **{what: text})
        with pytest.raises(UsageError, match=what), writing(sessions) as session:
            publish_app(session, new, software=keyring.software)


@pytest.mark.parametrize("wrong", [{"models": ("nanoz",)}, {"providers": (9,)}])
def test_an_unknown_model_or_provider_is_refused(sessions, keyring, wrong):
    """Names that are none are refused before anything is stored."""
    new = replace(NewApp(image=app_image("Other")), **wrong)
    with pytest.raises(UsageError), writing(sessions) as session:
        publish_app(session, new, software=keyring.software)


def test_apps_are_signed_for_firmware_that_comes_later(sessions, keyring, shelves):
    """When a release of the firmware is published, every app is offered for it too, signed for it."""
    with writing(sessions) as session:
        (device,) = devices_named(session, ("nanosp",))
        final = know(session, device, KnownFirmware(version="1.9.0", mcu_version="4.03"))
        assert sign_missing(session, software=keyring.software) == 1
        assert sign_missing(session, software=keyring.software) == 0
        offer = session.scalars(select(AppOffer).where(AppOffer.final_id == final.id)).unique().one()
    assert offer.full_hash == shelves.image.full_hash(device.target_id, "1.9.0").hex()


def test_firmware_is_published_once(sessions, shelves):
    """The same release again changes nothing, other files under its version are refused, and so is one that lacks a file."""
    new = NewFirmware(version="1.2.0", mcu_version="4.04", files=release_files("1.2.0"))
    with writing(sessions) as session:
        (device,) = devices_named(session, ("nanosp",))
        assert publish(session, device, new).id == shelves.finals["1.2.0"]
        with pytest.raises(UsageError, match="other files"):
            publish(session, device, replace(new, files=release_files("x")))
        with pytest.raises(UsageError, match="lacks"):
            publish(session, device, replace(new, version="1.4.0", files={}))


def test_terms_of_a_release_are_those_of_the_last_time(sessions):
    """Published again, a release reaches more providers, and wants what client it is said to want now."""
    new = NewFirmware(version="1.5.0", mcu_version="4.06", files=release_files("1.5.0"), minimum_live_version="34.0.0")
    with writing(sessions) as session:
        (device,) = devices_named(session, ("nanosp",))
        publish(session, device, new)
        final = publish(session, device, replace(new, minimum_live_version="35.0.0", providers=(4,)))
        assert [step.minimum_live_version for step in final.steps] == ["35.0.0"]
        assert [[one.id for one in row.providers] for row in (final, *final.mcus)] == [[1, 4], [1, 4]]


def test_a_release_for_few_is_not_offered_to_all_who_run_its_version(sessions):
    """A version that is only known belongs to those who know it; a release of it for others alone is refused."""
    new = NewFirmware(version="1.1.1", mcu_version="4.03", files=release_files("1.1.1"), providers=(4,))
    with writing(sessions) as session:
        (device,) = devices_named(session, ("nanosp",))
        with pytest.raises(UsageError, match="known to provider 1"):
            publish(session, device, new)
        final = publish(session, device, replace(new, providers=(1, 4)))
        assert [one.id for one in final.providers] == [1, 4]


@pytest.mark.parametrize(
    "wrong",
    [
        {"minimum_live_version": "zork"},
        {"minimum_live_version": "1." + "0" * 99},
        {"notes": "\x1b"},
        {"providers": (9,)},
    ],
)
def test_terms_that_are_none_are_refused(sessions, wrong):
    """What a release is offered for is checked before anything is stored."""
    new = NewFirmware(version="1.5.0", mcu_version="4.06", files=release_files("1.5.0"))
    with writing(sessions) as session:
        (device,) = devices_named(session, ("nanosp",))
        with pytest.raises(UsageError) as caught:
            publish(session, device, replace(new, **wrong))
        assert caught.value.remedy
        assert find_final(session, device_id=device.id, version="1.5.0") is None


def test_an_older_release_that_is_published_later_leads_to_the_newer(sessions, shelves):
    """Every step of an update begins at all older versions, in whatever order they were published."""
    with writing(sessions) as session:
        (device,) = devices_named(session, ("nanosp",))
        old = know(session, device, KnownFirmware(version="1.0.9", mcu_version="4.01"))
        step = next_step(session, Runs(final_id=old.id, device_id=device.id, provider=1))
        assert step.name == "1.3.0-osu"
        back = next_step(session, Runs(final_id=shelves.finals["1.3.0"], device_id=device.id, provider=1))
    assert back is None


def test_a_client_that_is_too_old_is_not_offered_a_release(sessions, shelves):
    """A release that wants a newer client is kept from older ones, which get the best of the others."""
    with writing(sessions) as session:
        (device,) = devices_named(session, ("nanosp",))
        files = release_files("1.5.0")
        new = NewFirmware(version="1.5.0", mcu_version="4.06", files=files, minimum_live_version="34.0.0")
        publish(session, device, new)
        runs = Runs(final_id=shelves.finals["1.1.1"], device_id=device.id, provider=1)
        found = {
            version: next_step(session, replace(runs, live_version=version)).name
            for version in ("33.9.9", "34.0.0", "", "34.27.0")
        }
    assert found == {"33.9.9": "1.3.0-osu", "34.0.0": "1.5.0-osu", "": "1.5.0-osu", "34.27.0": "1.5.0-osu"}


def test_a_normal_world_of_several_releases_is_not_guessed(sessions):
    """Where models share a bootloader's target id, the name of an MCU version counts only if it means one release."""
    with writing(sessions) as session:
        for model, files in (("stax", "a"), ("flex", "a")):
            (device,) = devices_named(session, (model,))
            publish(session, device, NewFirmware(version="2.0.0", mcu_version="5.30", files=release_files(files)))
        assert isinstance(find_mcu(session, mcu_target_id=0x05010003, name="5.30"), Mcu)
        (device,) = devices_named(session, ("apex_p",))
        publish(session, device, NewFirmware(version="2.0.0", mcu_version="5.30", files=release_files("b")))
        assert find_mcu(session, mcu_target_id=0x05010003, name="5.30") is None
        (device,) = devices_named(session, ("nanox",))
        publish(session, device, NewFirmware(version="3.0.0", mcu_version="5.30", files=release_files("c")))
        found = find_mcu(session, mcu_target_id=0x05010003, name="5.30")
        assert found.device_id == device.id


@given(st.text(max_size=20), st.integers(1, 1 << 30), st.floats(0, 1), st.floats(0, 1))
def test_more_ratio_only_adds_users(salt, firmware, one, other):
    """Who is offered a firmware stays so when its ratio rises; 0 is nobody, 1 is everybody."""
    low, high = sorted((one, other))
    fixed = {"salt": salt, "firmware_id": firmware, "exclude_by_default": False}
    assert is_offered(ratio=high, **fixed) or not is_offered(ratio=low, **fixed)
    assert not is_offered(ratio=0.0, **fixed)
    assert is_offered(ratio=1.0, **fixed)
    assert is_offered(ratio=None, **fixed)
    assert 0 <= share_of(salt, firmware) < 1


def test_a_ratio_is_about_the_share_of_users():
    """Of many users a tenth gets a firmware with the ratio of a tenth, and another tenth the next firmware."""
    users = [f"{number:06x}" for number in range(10_000)]
    first, second = ({user for user in users if share_of(user, number) < 0.1} for number in (1, 2))
    assert 900 < len(first) < 1100
    assert len(first & second) < 200


@pytest.mark.parametrize(
    ("salt", "ratio", "offered"), [("", 1.0, False), ("0", 1.0, False), ("d63855", 1.0, True), ("d63855", None, False)]
)
def test_a_firmware_that_excludes_by_default_wants_to_know_who_asks(salt, ratio, offered):
    """Clients that send no salt of their own are not offered it; without a ratio nobody is."""
    assert is_offered(salt=salt, firmware_id=3, ratio=ratio, exclude_by_default=True) is offered


def test_a_staged_release_reaches_its_share_over_http(client, settings, shelves):
    """The ratio that was published decides by the salt in the request, and stays the same for the same user."""
    engine = open_engine(settings.database)
    with writing(sessions_of(engine)) as session:
        session.get(FinalRow, shelves.finals["1.3.0"]).distribution_ratio = 0.5
    engine.dispose()
    query = {"current_se_firmware_final_version": shelves.finals["1.1.1"], "device_version": shelves.device}
    for number in range(12):
        salt = f"{number:06x}"
        answers = {
            client.get("/get_latest_firmware", params=query | {"salt": salt}).json()["se_firmware_osu_version"]["name"]
            for _ in range(2)
        }
        inside = share_of(salt, shelves.finals["1.3.0"]) < 0.5
        assert answers == {"1.3.0-osu" if inside else "1.2.0-osu"}


@given(st.binary(max_size=200))
def test_a_stored_app_is_read_or_refused(raw):
    """Whatever stands where an app should be is read whole or refused."""
    with suppress(RemoteProtocolError):
        assert image_to_bytes(image_from_bytes(raw)) == raw


def test_an_app_goes_through_its_stored_form():
    """An app is read back as it was stored; cut short anywhere, or with a byte behind it, it is refused."""
    image = app_image(size=64)
    raw = image_to_bytes(image)
    assert image_from_bytes(raw) == image
    for wrong in (*(raw[:size] for size in range(len(raw))), raw + b"\x00"):
        with pytest.raises(RemoteProtocolError):
            image_from_bytes(wrong)


def test_the_log_is_written_in_order_and_counted(sessions):
    """Every event is one line, and the counters add up what was counted in many transactions."""
    recorder = Recorder(sessions)
    event = Event(actor="a", action="genuine", subject="nanosp", outcome="success", seconds=0.25)
    for future in [recorder.record(event) for _ in range(300)]:
        future.result(10)
    recorder.record(replace(event, outcome="failed", detail="x" * 5000))
    recorder.close()
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Audit)) == 301
        assert session.get(Count, ("genuine", "success")).times == 300
        assert session.get(Count, ("genuine", "success")).seconds == 75.0
        assert session.get(Count, ("genuine", "failed")).times == 1
        assert len(session.scalars(select(Audit).where(Audit.outcome == "failed")).one().detail) == 1000


def test_flows_that_wait_in_a_loop_share_one_transaction(sessions):
    """Events of one moment are stored together, whoever gave up meanwhile; what comes after the end is refused."""
    recorder = Recorder(sessions, linger_s=60)
    event = Event(actor="a", action="genuine", subject="nanosp", outcome="success")
    transactions = []
    listen(sessions.kw["bind"], "commit", transactions.append)

    async def wait():
        waiting = [asyncio.ensure_future(recorder.store(event)) for _ in range(50)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.to_thread(recorder.close)  # which does not linger
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(found[0], asyncio.CancelledError)
        assert found[1:] == [None] * 49
        assert len(transactions) == 1
        with pytest.raises(StateError, match="closed"):
            await recorder.store(event)

    asyncio.run(wait())
    with sessions() as session:
        assert session.get(Count, ("genuine", "success")).times == 50


def test_a_log_does_not_linger_for_nobody(sessions, capsys):
    """When nothing else is under way an event is stored at once, and its line is one JSON object."""
    recorder = Recorder(sessions, linger_s=600)
    future = recorder.record(Event(actor="a", action="genuine", subject='na"no', outcome="success", seconds=0.25))
    recorder.hurry()
    future.result(60)
    recorder.close()
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert told.pop("timestamp").endswith("Z")
    assert told == {
        "event": "flow",
        "level": "info",
        "actor": "a",
        "action": "genuine",
        "subject": 'na"no',
        "outcome": "success",
        "detail": "",
        "seconds": 0.25,
    }


@pytest.mark.parametrize("how", ["next", "alone", "end"])
def test_what_the_database_did_not_take_is_stored_when_it_does(sessions, how):
    """Each event is in the log once: with the next one that is stored, by itself after a while, or at the end."""
    recorder = Recorder(sessions, linger_s=0, retry_s=0.01 if how == "alone" else 600)
    event = Event(actor="a", action="genuine", subject="nanosp", outcome="success", seconds=0.25)
    stored = threading.Event()
    with writing(sessions) as session:
        session.execute(text("ALTER TABLE audit RENAME TO away"))
    for _ in range(3):
        with pytest.raises(StateError, match="cannot be written"):
            recorder.record(event).result(60)
    with writing(sessions) as session:
        session.execute(text("ALTER TABLE away RENAME TO audit"))
    if how == "next":
        recorder.record(replace(event, outcome="failed")).result(60)
    if how == "alone":
        listen(sessions.kw["bind"], "commit", lambda _: stored.set())
        assert stored.wait(60)
    recorder.close()
    with sessions() as session:
        lines = session.execute(select(Audit.outcome, func.count()).group_by(Audit.outcome)).all()
        assert dict(map(tuple, lines)) == {"success": 3} | ({"failed": 1} if how == "next" else {})
        assert session.get(Count, ("genuine", "success")).times == 3


def test_a_log_without_room_does_not_end_the_service(sessions, monkeypatch):
    """When standard error takes nothing, events are stored all the same, and whoever waits for them goes on."""

    def refuse(*_unused):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "stderr", SimpleNamespace(write=refuse, flush=refuse))
    recorder = Recorder(sessions, linger_s=0)
    event = Event(actor="a", action="genuine", subject="nanosp", outcome="success")
    for _ in range(3):
        recorder.record(event).result(60)
    recorder.close()
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Audit)) == 3


def test_a_log_that_cannot_be_written_says_so(sessions):
    """An event that is not stored is an error for whoever waits for it; and so is one that comes after the end."""
    recorder = Recorder(sessions)
    with writing(sessions) as session:
        session.execute(text("DROP TABLE audit"))
    event = Event(actor="a", action="genuine", subject="nanosp", outcome="success")
    with pytest.raises(StateError):
        recorder.record(event).result(10)
    recorder.close()
    with pytest.raises(StateError, match="closed"):
        recorder.record(event).result(10)
