"""A manager for each test: keys in files, a database in a file, the whole application in this process."""

from __future__ import annotations

import shutil
import warnings
from dataclasses import replace

import pytest
from tests.manager.manager_stage import stock_shelves

from tallystick.manager.app import build
from tallystick.manager.db.engine import migrate, open_engine, sessions_of, writing
from tallystick.manager.hsm.keyring import Keyring
from tallystick.manager.hsm.role import Realm
from tallystick.manager.service import Service
from tallystick.manager.settings import Settings

with warnings.catch_warnings():
    # it warns at import that it would rather have another HTTP library, which nothing here depends on
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient


@pytest.fixture(scope="session")
def keys_url(tmp_path_factory):
    """Return the URL of a keyring of the test realm."""
    url = f"file:{tmp_path_factory.mktemp('keys') / 'ring'}"
    Keyring.create(url, Realm.TEST).close()
    return url


@pytest.fixture(scope="session")
def keyring(keys_url):
    """Return the keys of the manager and of the factory of its devices."""
    return Keyring.open(keys_url)


@pytest.fixture(scope="session")
def template(tmp_path_factory, keyring):
    """Make one database with an app and three releases of firmware in it; return its file and what they are."""
    path = tmp_path_factory.mktemp("template") / "manager.db"
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine)
    with writing(sessions_of(engine)) as session:
        stocked = stock_shelves(session, keyring)
    engine.dispose()
    return path, stocked


@pytest.fixture
def database(tmp_path, template):
    """Return the URL of a copy of that database."""
    return f"sqlite:///{shutil.copy(template[0], tmp_path / 'manager.db')}"


@pytest.fixture
def sessions(database):
    """Return the way to that database."""
    engine = open_engine(database)
    yield sessions_of(engine)
    engine.dispose()


@pytest.fixture
def shelves(template):
    """Return what is in the database."""
    return template[1]


@pytest.fixture
def settings(database, keys_url):
    """Return settings with short times."""
    return Settings(database=database, hsm=keys_url, reply_s=5.0, body_s=2.0)


@pytest.fixture
def service(settings):
    """Return the open service of one worker."""
    return Service.open(settings)


@pytest.fixture
def client(service):
    """Return a client of the application; leaving the test closes the service."""
    with TestClient(build(service)) as client:
        yield client


@pytest.fixture
def settings_with(settings):
    """Return what makes settings with other values."""
    return lambda **values: replace(settings, **values)


@pytest.fixture
def service_with():
    """Return what runs the application with some settings, and with what turns releases into scripts."""

    def run(settings, **parts):
        return TestClient(build(Service.open(settings, **parts)))

    return run
