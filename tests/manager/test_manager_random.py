"""The HTTP side under requests of every shape: each path, each method, each member with any value."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.manager.conftest import TestClient
from tests.manager.manager_device import NANOSP

from tallystick.manager.app import build
from tallystick.manager.catalog.view import VIEWS as CATALOG
from tallystick.manager.firmware.view import VIEWS as FIRMWARE
from tallystick.manager.service import Service
from tallystick.manager.settings import Settings

PATHS = ("/health", "/metrics", *CATALOG, *FIRMWARE)
#: what a client says that is served
GOOD = {
    "target_id": NANOSP,
    "provider": 1,
    "device_version": 1,
    "version_name": "1.1.1",
    "firmware_version_name": "1.1.1",
    "current_se_firmware_final_version": 1,
    "bootloader_version": "3.12",
    "livecommonversion": "34.0.0",
    "salt": "a1b2c3",
}
MEMBERS = (*GOOD, "id", "__proto__")
#: values that lead further in, and any at all
TEXTS = st.sampled_from(["1", "1.1.1", str(NANOSP), "' OR 1=1 --", "\x00", "%"]) | st.text(max_size=12)
SCALARS = st.none() | st.booleans() | st.sampled_from([1, NANOSP]) | st.integers() | st.floats() | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))
#: mostly objects with members that mean something
BODIES = st.dictionaries(st.sampled_from(MEMBERS), SCALARS, max_size=2).map(lambda given: {**GOOD, **given}) | VALUES


@pytest.fixture(scope="module")
def manager(template, keys_url, tmp_path_factory):
    """Return a client of a manager for all of them, and the file of its database."""
    file = shutil.copy(template[0], tmp_path_factory.mktemp("random") / "manager.db")
    with TestClient(build(Service.open(Settings(database=f"sqlite:///{file}", hsm=keys_url)))) as client:
        yield client, file


def contents(file):
    """Return all that the database holds."""
    with sqlite3.connect(file) as database:
        return list(database.iterdump())


@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_request_breaks_the_manager_or_changes_what_it_holds(manager, path, data):
    """Every answer is a 200 or a clear 4xx of the one form, and the database stays as it was, whatever is asked."""
    client, file = manager
    before = contents(file)
    where = data.draw(st.sampled_from(["", "/api"]))
    where += re.sub(r"\{.*?\}", lambda _: quote(data.draw(TEXTS.filter(bool)), safe="") or "x", path)
    if data.draw(st.booleans()):
        query = {**GOOD, **data.draw(st.dictionaries(st.sampled_from(MEMBERS), TEXTS, max_size=2))}
        answer = client.get(where, params=query)
    else:
        answer = client.request(data.draw(st.sampled_from(["POST", "POST", "PUT"])), where, content=_json(data))
    assert answer.status_code in {200, 307, 400, 404, 405, 413}, answer.text
    if answer.status_code >= 400:
        assert set(answer.json()) == {"error", "message", "remedy"}
    assert contents(file) == before


def _json(data):
    return json.dumps(data.draw(BODIES)).encode()
