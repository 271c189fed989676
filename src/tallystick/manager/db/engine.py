"""The way to the database: SQLite in a file (WAL, one writer at a time) or PostgreSQL, by URL; and its migrations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.resources import as_file, files
from typing import Any

import alembic.command
import alembic.config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import QueuePool

from tallystick.errors import StateError, UsageError

Sessions = sessionmaker[Session]

#: how long a writer waits for another one
_BUSY_S = 20
_POOL = 8
#: how long a server that is away without a word is waited for, where the URL does not say it: seconds to connect, milliseconds until
#: what was sent is acknowledged, seconds of silence until it is asked whether it is there
_PATIENCE = {"connect_timeout": "10", "tcp_user_timeout": "10000", "keepalives_idle": "10"}
#: the option of a connection whose transaction writes; and any number, which names the lock under which one process migrates and the others wait
_WRITES = "tallystick_writes"
_MIGRATION_LOCK = 0x74616C6C79


def open_engine(url: str) -> Engine:
    """Return the engine of a database.

    Raises:
        UsageError: not a URL of SQLite or PostgreSQL, or the driver is not installed.

    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise UsageError(
            "the database is not named by a URL", remedy="like sqlite:///manager.db or postgresql://host/name"
        ) from None
    if parsed.drivername in {"postgresql", "postgres"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise UsageError("the database is neither SQLite nor PostgreSQL", remedy="use sqlite:///… or postgresql://…")
    try:
        if parsed.get_backend_name() == "sqlite":
            if parsed.database in {None, "", ":memory:"}:
                raise UsageError("a database in memory cannot be shared", remedy="name a file: sqlite:///manager.db")
            return _sqlite(parsed.render_as_string(hide_password=False))
        return create_engine(
            parsed.set(query={**_PATIENCE, **parsed.query}),
            pool_size=_POOL,
            max_overflow=_POOL,
            pool_pre_ping=True,
            hide_parameters=True,
        )
    except (NoSuchModuleError, ModuleNotFoundError):
        raise UsageError(
            "the driver of this database is not installed", remedy="pip install 'tallystick[postgresql]'"
        ) from None


def _sqlite(url: str) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=_POOL,
        max_overflow=_POOL,
        connect_args={"timeout": _BUSY_S, "check_same_thread": False},
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        # the driver begins transactions where it likes; `begin` below does it instead
        connection.isolation_level = None
        with closing(connection.cursor()) as cursor:
            for line in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
                cursor.execute(f"PRAGMA {line}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # who reads first and writes later is refused when another one wrote in between: writers say so at once
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def writing(sessions: Sessions) -> Iterator[Session]:
    """Open a session that will write, and commit it, or undo all of it when an error leaves the block."""
    with sessions() as session, session.begin():
        session.connection(execution_options={_WRITES: True})
        yield session


def writing_engine(sessions: Sessions) -> Engine:
    """Return the engine of some sessions for transactions that write without a session: fewer steps, for many small ones."""
    with sessions() as session:
        return session.get_bind().engine.execution_options(**{_WRITES: True})


def sessions_of(engine: Engine) -> Sessions:
    """Return the maker of sessions; what a session read stays readable after its commit."""
    return sessionmaker(engine, expire_on_commit=False)


def migrate(engine: Engine) -> str:
    """Bring the database to the version of this package and return that version; one process at a time.

    Raises:
        StateError: the database cannot be reached, or is of a newer package.

    """
    with as_file(files("tallystick.manager").joinpath("migrations")) as folder:
        config = alembic.config.Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        head = ScriptDirectory.from_config(config).get_current_head() or ""
        with explained(), engine.connect() as connection, _locked(connection):
            config.attributes["connection"] = connection
            known = {one.revision for one in ScriptDirectory.from_config(config).walk_revisions()}
            current = MigrationContext.configure(connection).get_current_revision()
            if current is not None and current not in known:
                raise StateError("the database is of a newer tallystick", remedy="use the version that made it")
            if current != head:
                alembic.command.upgrade(config, "head")
    return head


@contextmanager
def explained() -> Iterator[None]:
    """Turn what a database refuses in the block, because it is away, full or in use, into StateError in the driver's words."""
    try:
        yield
    except DBAPIError as error:
        raise StateError(
            f"the database cannot be used: {_reason(error)}",
            remedy="check the URL, the server, its room and its permissions",
        ) from None


@contextmanager
def _locked(connection: Connection) -> Iterator[None]:
    """Make others that want to migrate wait until this transaction ends: SQLite lets one writer in at a time by itself."""
    with connection.execution_options(**{_WRITES: True}).begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        yield


def _reason(error: DBAPIError) -> str:
    """Return the first line of the driver's words, without a password that a URL may have brought into them."""
    first = str(error.orig).strip().splitlines()[:1]
    return re.sub(r"//[^@/\s]*@", "//", first[0]) if first else "no reason given"
