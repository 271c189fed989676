"""A manager for each test: keys in files, a database in a file, the whole application in this process."""

from __future__ import annotations

import warnings

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


@pytest.fixture
def database(tmp_path):
    """Return the URL of a migrated database."""
    url = f"sqlite:///{tmp_path / 'manager.db'}"
    engine = open_engine(url)
    migrate(engine)
    engine.dispose()
    return url


@pytest.fixture
def settings(database, keys_url):
    """Return settings with short times."""
    return Settings(database=database, hsm=keys_url, reply_s=5.0, body_s=2.0)


@pytest.fixture
def shelves(settings, keyring):
    """Put an app and three releases of firmware into the database; return what they are."""
    engine = open_engine(settings.database)
    with writing(sessions_of(engine)) as session:
        stocked = stock_shelves(session, keyring)
    engine.dispose()
    return stocked


@pytest.fixture
def service(settings, shelves):
    """Return the open service of one worker."""
    del shelves
    return Service.open(settings)


@pytest.fixture
def client(service):
    """Return a client of the application; leaving the test closes the service."""
    with TestClient(build(service)) as client:
        yield client
