"""How commands find a running `tally up` and its manager, and what `tally up` does where there can be none."""

from __future__ import annotations

import json
import os

import pytest

from tallystick.cli import beacon, manager_store
from tallystick.cli.manager_beside import NOBODY, manager_for
from tallystick.cli.manager_target import connect_manager
from tallystick.cli.target import Run
from tallystick.errors import UsageError

FACTS = {"pid": 1, "apdu_port": 4711, "api_port": 4712, "manager_http": "http://127.0.0.1:1/api"}
OPTIONS = {
    "manager": "",
    "no_manager": False,
    "ephemeral": True,
    "seed": "",
    "state": None,
    "issuer_key": "",
    "owner_key": "",
}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Keep the files of the test's own `tally up` apart."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "tallystick" / "run"


@pytest.mark.parametrize(
    "url", ["tcp:127.0.0.1:4711", "tcp:localhost:4711", "http://127.0.0.1:4712/apdu", "http://localhost:4712/"]
)
def test_a_running_device_is_found_by_its_address(url):
    """By either port, while it runs, and no longer."""
    shown = beacon.Beacon()
    shown.show(FACTS)
    assert beacon.running_at(url) == FACTS
    assert beacon.running_at("tcp:127.0.0.1:4712") is None
    assert beacon.running_at("hid:") is None
    shown.close()
    shown.close()
    assert beacon.running_at(url) is None


def test_a_file_that_nobody_holds_is_swept_away(cache):
    """A process that was killed leaves one; it is not believed."""
    cache.mkdir(parents=True)
    left = cache / "up-1.json"
    left.write_text(json.dumps(FACTS))
    assert list(beacon.running()) == []
    assert not left.exists()


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 70_000])
def test_a_file_with_nonsense_is_passed_over(cache, text):
    """Nothing that stands in it keeps a command from running."""
    shown = beacon.Beacon()
    shown.show({})
    (file,) = cache.iterdir()
    file.write_text(text)
    assert list(beacon.running()) == []
    shown.close()


def test_a_cache_that_cannot_be_written_is_no_reason_not_to_run(cache):
    """Then nobody is told, and that is all."""
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")
    shown = beacon.Beacon()
    shown.show(FACTS)
    shown.close()


def test_without_the_extra_a_device_goes_on_without(monkeypatch, capfd):
    """It says so, with the remedy, and the members of the ready line are null."""

    def refuse():
        raise UsageError("the manager needs starlette", remedy="pip install 'tallystick[manager]'")

    monkeypatch.setattr(manager_store, "require_manager", refuse)
    with manager_for(OPTIONS) as manager:
        assert manager.facts == NOBODY
        manager.start()
    assert "pip install 'tallystick[manager]'" in capfd.readouterr().err


def test_a_manager_that_was_bound_is_let_go():
    """One that was never started leaves no socket and no process."""
    with manager_for(OPTIONS) as manager:
        assert manager.facts["manager_ws"].endswith("/update")
        descriptor = manager._listener.fileno()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


class _Session:
    url = "tcp:127.0.0.1:4711"
    pause = None


@pytest.mark.parametrize(
    ("option", "environ", "http"),
    [
        ("http://a", {"TALLY_MANAGER": "http://b"}, "http://a/api"),
        ("", {"TALLY_MANAGER": "http://b"}, "http://b/api"),
    ],
)
def test_the_option_wins_over_the_environment(option, environ, http):
    """As with every other setting."""
    client = connect_manager(Run(environ=environ), _Session(), option)
    assert client.address.http == http
    client.close()


def test_a_device_that_runs_without_a_manager_says_so():
    """The remedy names what can be done about it."""
    shown = beacon.Beacon()
    shown.show({**FACTS, **NOBODY})
    with pytest.raises(UsageError, match="no manager beside it") as refused:
        connect_manager(Run(environ={}), _Session(), "")
    assert "--manager URL" in refused.value.remedy
    shown.close()
    with pytest.raises(UsageError, match="no manager is known"):
        connect_manager(Run(environ={}), _Session(), "")
