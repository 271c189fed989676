"""`tally manager`: publish, list, migrate and serve, as a person or a script runs them."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from sqlalchemy.exc import OperationalError
from tests.manager.manager_process import PATIENCE_S, manager

import tallystick
from tallystick import apps
from tallystick.cli import manager_publish
from tallystick.cli.app_icon import draw_icon
from tallystick.cli.main import tally
from tallystick.cli.target import Run
from tallystick.device.os.identity import VERSIONS
from tallystick.manager.catalog import service
from tallystick.manager.factory.build import Release, build
from tallystick.manager.factory.key import FactoryKeys
from tallystick.wire.model import MODELS


@pytest.fixture
def invoke(tmp_path, keys_url):
    """Run `tally manager` with words, a database of the test's own and the test's keys."""

    def run(*words, hsm=keys_url):
        options = ["--database", f"sqlite:///{tmp_path / 'cli.db'}"]
        options += ["--hsm", hsm] if words[0] == "publish" else []
        return CliRunner().invoke(tally, ["--json", "manager", *words, *options], obj=Run(environ={}))

    return run


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """Build a release of this very package; return its folder."""
    folder = tmp_path_factory.mktemp("release")
    for name, data in build(FactoryKeys.generate(), Release(version="7.1.0", security_version=1)).items():
        (folder / name).write_bytes(data)
    return folder


def audit(tmp_path):
    """Return action and subject of every line of the log."""
    connection = sqlite3.connect(tmp_path / "cli.db")
    try:
        return connection.execute("SELECT action, subject FROM audit ORDER BY id").fetchall()
    finally:
        connection.close()


def test_an_app_of_the_catalogue_is_published_by_name(invoke, tmp_path):
    """A built-in app is offered to the models that are named, and the log says so."""
    result = invoke("publish", "app", "cosmos", "--model", "stax", "--model", "flex")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["models"] == ["stax", "flex"]
    offers = json.loads(invoke("list").stdout)["offers"]
    version = apps.bundle("cosmos").manifest.version
    assert offers == [{"kind": "app", "name": "Cosmos", "version": version, "models": "stax, flex"}]
    assert audit(tmp_path) == [("publish", f"Cosmos {version}")]


def test_a_bundle_is_published_for_all_models_with_its_picture(invoke, tmp_path):
    """A bundle in a file is offered to every model, with the picture that is given."""
    (tmp_path / "mine.bundle").write_bytes(apps.bundle("cosmos").raw)
    (tmp_path / "mine.png").write_bytes(draw_icon("mine"))
    words = ("publish", "app", str(tmp_path / "mine.bundle"), "--all-models", "--icon", str(tmp_path / "mine.png"))
    assert json.loads(invoke(*words).stdout)["models"] == list(MODELS)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("publish", "app", "cosmos"), 2),
        (("publish", "app", "cosmos", "--model", "stax", "--all-models"), 2),
        (("publish", "app", "cosmos", "--model", "palm"), 2),
        (("publish", "app", "nothing", "--all-models"), 2),
        (("publish", "app", "missing.bundle", "--all-models"), 2),
        (("publish", "app", "/", "--all-models"), 2),
        (("publish", "app", "cosmos", "--all-models", "--icon", "/dev/zero"), 2),
        (("publish", "app", "cosmos", "--all-models", "--notes", "x" * 4097), 2),
        (("publish", "app", "cosmos", "--all-models", "--description", "\x1b[31m"), 2),
        (("publish", "app", "cosmos", "--all-models", "--provider", "9"), 2),
        (("publish", "firmware", ".", "--model", "stax"), 2),
    ],
)
def test_what_cannot_be_published_is_told_with_a_remedy(invoke, words, code):
    """A mistake on the line is an error with its exit code, never a traceback."""
    result = invoke(*words)
    assert result.exit_code == code
    told = json.loads(result.stdout)
    assert told["error"] == "usage" if code == 2 else told["error"]
    assert told["remedy"]


def test_a_bundle_that_is_none_is_refused(invoke, tmp_path):
    """A file that is no bundle is not published."""
    (tmp_path / "bad.bundle").write_bytes(b"PK" + bytes(100))
    result = invoke("publish", "app", str(tmp_path / "bad.bundle"), "--all-models")
    assert result.exit_code == 2
    assert "give a bundle" in json.loads(result.stdout)["remedy"]
    assert json.loads(invoke("list").stdout)["offers"] == []


def test_a_native_app_is_published_for_the_model_it_was_built_for(invoke):
    """An ELF file is offered to its model, and to no other that is named."""
    signer = str(Path(tallystick.__file__).parent / "device" / "native" / "example" / "signer.elf")
    for words in (("--all-models",), ("--model", "stax"), ("--model", "nanox", "--model", "stax")):
        told = json.loads(invoke("publish", "app", signer, *words).stdout)
        assert told["remedy"] == "give --model nanox and no other"
    assert json.loads(invoke("publish", "app", signer, "--model", "nanox").stdout)["models"] == ["nanox"]


def test_a_database_without_room_is_told(invoke, monkeypatch):
    """What the driver says is the message, with a remedy, and nothing is half there."""

    def fail(*_unused, **_more):
        raise OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))

    monkeypatch.setattr(service, "publish_app", fail)
    result = invoke("publish", "app", "cosmos", "--all-models")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["message"]) == (1, "the database cannot be used: database or disk is full")
    assert "room" in told["remedy"]
    assert json.loads(invoke("list").stdout)["offers"] == []


def test_a_user_without_a_name_publishes(invoke, tmp_path, monkeypatch):
    """In a container a user may be a number: the log has that."""

    def unknown():
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr(manager_publish, "getuser", unknown)
    assert invoke("publish", "app", "cosmos", "--all-models").exit_code == 0
    with closing(sqlite3.connect(tmp_path / "cli.db")) as connection:
        assert connection.execute("SELECT actor FROM audit").fetchall() == [(f"uid {os.getuid()}",)]


def test_a_release_is_published_by_what_its_images_say(invoke, release, tmp_path):
    """The versions come out of the images; the release is offered, in the log, and the same again is the same."""
    words = ("publish", "firmware", str(release), "--model", "nanosp", "--notes", "faster")
    result = invoke(*words)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["version"] == "7.1.0"
    assert invoke(*words).exit_code == 0
    offers = json.loads(invoke("list").stdout)["offers"]
    assert offers == [{"kind": "firmware", "name": "firmware", "version": "7.1.0", "models": "nanosp"}]
    assert audit(tmp_path)[0] == ("publish", "firmware 7.1.0 for nanosp")


@pytest.mark.parametrize("name", ["secure-world.pyz", "normal-world.pyz"])
def test_a_release_whose_files_do_not_belong_together_is_refused(invoke, release, tmp_path, name):
    """A Secure World or Normal World that the configuration does not name is not published."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    for file in release.iterdir():
        (folder / file.name).write_bytes(file.read_bytes() + (b"\x00" if file.name == name else b""))
    result = invoke("publish", "firmware", str(folder), "--model", "nanosp")
    assert result.exit_code == 2
    assert "another" in json.loads(result.stdout)["message"]


def test_keys_of_another_issuer_do_not_publish(invoke, tmp_path):
    """A database belongs to the issuer that first used it."""
    from tallystick.manager.hsm.keyring import Keyring
    from tallystick.manager.hsm.role import Realm

    other = f"file:{tmp_path / 'other'}"
    Keyring.create(other, Realm.TEST).close()
    assert invoke("publish", "app", "cosmos", "--all-models").exit_code == 0
    assert invoke("publish", "app", "cosmos", "--all-models", hsm=other).exit_code == 9


def test_migrate_says_the_version(invoke):
    """Migrating a new database says at which version it is, and again says the same."""
    assert invoke("migrate").stdout == invoke("migrate").stdout


def test_the_picture_of_an_app_is_a_png():
    """Built-in apps have a picture each, the same every time."""
    assert draw_icon("cosmos").startswith(b"\x89PNG\r\n\x1a\n")
    assert draw_icon("cosmos") == draw_icon("cosmos") != draw_icon("transfer")


def test_a_developer_gets_a_whole_manager_without_any_option(tmp_path):
    """`tally manager serve` alone makes keys and database of its own and offers the built-in apps to every model."""
    names = sorted(apps.bundle(name).manifest.name for name in apps.CATALOGUE)
    with manager(tmp_path) as address:
        for model in MODELS.values():
            query = {"target_id": model.target_id, "firmware_version_name": VERSIONS[model.name].os}
            listed = httpx.get(f"{address.http}/v2/apps/by-target", params=query, timeout=PATIENCE_S).json()
            assert [app["versionName"] for app in listed] == names
            device = httpx.get(f"{address.http}/get_device_version", params=query, timeout=PATIENCE_S).json()
            known = {"device_version": device["id"], "version_name": VERSIONS[model.name].os}
            assert (
                httpx.get(f"{address.http}/get_firmware_version", params=known, timeout=PATIENCE_S).status_code == 200
            )
        assert httpx.get(f"{address.http}/icons/cosmos.png", timeout=PATIENCE_S).content == draw_icon("cosmos")
        assert httpx.get(f"{address.http}/health", timeout=PATIENCE_S).json()["realm"] == "test"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sigterm_ends_it_with_sockets_open(tmp_path, keys_url, workers):
    """SIGTERM ends the service and all its workers although a client hangs on, and the log is JSON without what was said."""
    options = ("--database", f"sqlite:///{tmp_path / 'm.db'}", "--hsm", keys_url, "--workers", workers)
    with ExitStack() as later, manager(tmp_path, *options) as address:
        later.enter_context(address.flow("/genuine?targetId=856686596")).recv(timeout=PATIENCE_S)
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert any(line.get("outcome") == "left" for line in lines)
    assert "e0040000" not in (tmp_path / "log").read_text()


def test_a_taken_port_is_told(tmp_path, keys_url):
    """A port that somebody holds is an error with its own exit code and a remedy."""
    options = ["--database", f"sqlite:///{tmp_path / 'm.db'}", "--hsm", keys_url]
    with manager(tmp_path, *options) as address:
        port = address.http.split(":")[2].split("/")[0]
        result = CliRunner().invoke(
            tally, ["manager", "serve", "--port", port, "--json", *options], obj=Run(environ={})
        )
    assert result.exit_code == 4
    assert "--port" in json.loads(result.stdout)["remedy"]


def test_without_its_extra_the_manager_says_what_to_install():
    """Where the third parties are missing, every command says how to get them."""
    program = """
import sys
from importlib.abc import MetaPathFinder
import importlib.util
found = importlib.util.find_spec
class Blocker(MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        if fullname.partition(".")[0] in {"sqlalchemy", "structlog"}:
            raise ModuleNotFoundError(name=fullname)
sys.meta_path.insert(0, Blocker())
importlib.util.find_spec = lambda name, *rest: None if name in {"sqlalchemy", "structlog"} else found(name, *rest)
from tallystick.cli.main import main
main()
"""
    for words in (["serve"], ["list"], ["migrate"], ["publish", "app", "cosmos", "--all-models"]):
        command = [sys.executable, "-c", program, "--json", "manager", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 2, done.stderr
        assert json.loads(done.stdout)["remedy"] == "pip install 'tallystick[manager]'"
