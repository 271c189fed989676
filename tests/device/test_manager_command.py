"""`tally device check` and `tally app`, as a user gives them, against real devices and real managers."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from firmware_stage import Manager, new_keys
from isolated_stage import Panel, tally
from process_stage import demo, handler
from up_stage import Up, wait_for_end

from tallystick.manager.hsm.keyring import Keyring
from tallystick.manager.hsm.role import Realm
from tallystick.testing.user import User

BOARDS = ("embedded", "isolated")
NAME = bytes.fromhex("b001000000")


@pytest.fixture
def env(home, tmp_path):
    """Return an environment with the workshop of all tests, and a catalogue of this test's own."""
    return {**home, "XDG_DATA_HOME": str(tmp_path / "data")}


def _at(device):
    return ("--device", f"tcp:127.0.0.1:{device.facts['apdu_port']}")


def _bundle(tmp_path, bundle):
    file = tmp_path / f"{bundle.manifest.name}-{bundle.manifest.version}.bundle"
    file.write_bytes(bundle.raw)
    return str(file)


def _big(name):
    """Return an app that takes more than half of the smallest flash."""
    noise = random.Random(name).randbytes(90_000).hex()
    return demo("start = None\n", name=name, modules={"noise.py": f"NOISE = '{noise}'\n"})


def _asked(*words, env, people):
    """Give a command; each time the device asks, the next of `people` acts. Return all that the command said."""
    people = iter(people)
    with subprocess.Popen(
        [sys.executable, "-m", "tallystick", *words, "--json-lines"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env,
    ) as process:  # fmt: skip
        answers = []
        for line in process.stdout:
            answers.append(json.loads(line))
            if answers[-1].get("event") == "needs_user":
                next(people)()
        assert "Traceback" not in process.stderr.read()
    return answers


@pytest.mark.parametrize("board", BOARDS)
def test_apps_come_and_go_by_the_manager_beside(board, env, tmp_path):
    """Check, list, install, open, bring up to date, remove: no address but the device's, for the manager is found."""
    first = _bundle(tmp_path, handler("return b'one'"))
    second = _bundle(tmp_path, handler("return b'two'", version="1.1.0"))
    state = ("--state", str(tmp_path / "device"))
    with Up("--board", board, "--approve", *state, manager=True, env=env) as device:
        checked = tally("device", "check", *_at(device), env=env)
        assert (checked["verdict"], checked["manager_verdict"], checked["issuer"]) == ("genuine", "0000", "workshop")
        assert checked["manager"] == device.facts["manager_http"]
        assert checked["issuer_public_key"] == device.facts["issuer_public_key"]
        tally("manager", "publish", "app", first, "--all-models", env=env)
        offered = {app["name"]: app["version"] for app in _list(device, env)}
        assert offered["Demo"] == "1.0.0"
        assert "Cosmos" in offered
        assert tally("app", "install", "demo", *_at(device), env=env)["action"] == "installed"
        assert tally("app", "install", "demo", *_at(device), env=env, code=8)["error"] == "already_installed"
        tally("app", "open", "Demo", *_at(device), env=env)
        assert device.exchange("5500000000") == b"one\x90\x00"
        tally("manager", "publish", "app", second, "--all-models", env=env)
        assert tally("app", "install", "Demo", "--version", "1.0.0", *_at(device), env=env, code=10)["error"] == (
            "not_offered"
        )
        updated = tally("app", "update", "--all", *_at(device), env=env)["apps"]
        assert updated == [{"name": "Demo", "version": "1.1.0", "action": "updated"}]
        assert tally("app", "update", "Demo", *_at(device), env=env)["apps"][0]["action"] == "current"
        tally("app", "open", "Demo", *_at(device), env=env)
        assert device.exchange("5500000000") == b"two\x90\x00"
        assert tally("app", "remove", "Demo", *_at(device), env=env)["action"] == "removed"
        assert tally("app", "list", *_at(device), env=env)["apps"] == []
        assert tally("app", "update", "Demo", *_at(device), env=env, code=2)["error"] == "usage"
        assert device.end() == 0


def _list(device, env):
    return tally("app", "list", "--available", *_at(device), env=env)["apps"]


def test_the_manager_ends_with_its_device(env, tmp_path):
    """However the device ends, no manager is left, and nothing of one that was passing."""
    passing = tmp_path / "passing"
    passing.mkdir()
    env = {**env, "TMPDIR": str(passing)}
    for number in (signal.SIGTERM, signal.SIGKILL):
        with Up("--board", "embedded", manager=True, env=env) as device:
            tally("app", "list", "--available", *_at(device), env=env)
            family = device.family()
            assert any(b"manager_child" in Path(f"/proc/{pid}/cmdline").read_bytes() for pid in family)
            os.kill(device.facts["pid"], number)
            for pid in family:
                wait_for_end(pid)
            device.process.wait()
        assert list(passing.iterdir()) == []
        failed = tally("app", "list", "--available", *_at(device), env=env, code=2)
        assert "no manager is known" in failed["message"]


def test_an_app_of_ones_own_needs_no_manager(env, tmp_path):
    """The device asks about the unknown key and about the app; then the app runs, and goes as it came."""
    file = _bundle(tmp_path, handler("return b'mine'"))
    with Up("--board", "embedded", env=env) as device:
        user = User(Panel(device))
        words = ("app", "install", file, "--user", *_at(device))
        answers = _asked(*words, env=env, people=[user.approve, user.approve])
        gestures = [one["gesture"] for one in answers if one.get("event") == "needs_user"]
        assert gestures == ["allow_manager", "allow_install"]
        assert answers[-1]["action"] == "installed"
        _asked("app", "open", "Demo", *_at(device), env=env, people=[user.approve])
        assert device.exchange("5500000000") == b"mine\x90\x00"
        failed = tally("app", "install", file, *_at(device), env=env, code=2)
        assert failed["remedy"] == "add --user to load an app of your own"


def test_a_refusal_on_the_device_is_its_own_answer(env):
    """The person does not let the manager in: exit code 7, nothing is installed, and another try asks again."""
    with Up("--board", "embedded", manager=True, env=env) as device:
        for _ in range(2):
            words = ("app", "install", "cosmos", *_at(device))
            answers = _asked(*words, env=env, people=[User(Panel(device)).reject])
            assert (answers[-1]["error"], answers[-1]["exit_code"]) == ("refused_by_user", 7)


def test_a_locked_device_says_so(env):
    """Exit code 6 and what to do, before any manager is let in."""
    with Up("--board", "embedded", "--pin", "1234", manager=True, env=env) as device:
        failed = tally("device", "check", *_at(device), env=env, code=6)
        assert (failed["error"], failed["remedy"]) == ("device_locked", "unlock the device with its PIN")


def test_another_issuers_manager_is_none_for_this_device(env, tmp_path):
    """It calls the device not genuine: exit code 9. Without a manager, the issuer that was named decides alone."""
    with (
        Up("--board", "embedded", "--approve", env=env) as device,
        Manager(tmp_path / "other", env, hsm=new_keys(tmp_path / "keys", env)) as other,
    ):
        words = (*_at(device), "--manager", other.facts["manager_http"])
        assert tally("device", "check", *words, env=env, code=9)["error"] == "not_trusted"
        assert tally("app", "install", "cosmos", *words, env=env, code=9)["error"] == "not_trusted"
        theirs, ours = other.facts["issuer_public_key"], device.facts["issuer_public_key"]
        found = tally("device", "check", "--offline", "--issuer-key", theirs, *_at(device), env=env, code=9)
        assert (found["verdict"], found["issuer"], found["warnings"]) == ("not_genuine", None, ["unknown_issuer"])
        found = tally("device", "check", "--offline", "--issuer-key", ours, *_at(device), env=env)
        assert (found["verdict"], found["manager"], found["warnings"]) == ("genuine", None, [])


def test_a_manager_killed_before_the_script_costs_that_attempt(env, tmp_path):
    """It dies while the person is asked: a network error with advice, and the device is as it was; the next try works."""
    with Up("--board", "embedded", env=env) as device:
        with Manager(tmp_path / "first", env, hsm=_ring(env)) as manager:
            words = ("app", "install", "cosmos", *_at(device), "--manager", manager.facts["manager_http"])
            answers = _asked(*words, env=env, people=[lambda: (_kill(manager), User(Panel(device)).approve())])
            assert (answers[-1]["error"], answers[-1]["exit_code"]) == ("manager_error", 10)
            assert answers[-1]["remedy"].endswith("it begins anew")
        with Manager(tmp_path / "second", env, hsm=_ring(env)) as manager:
            words = ("app", "install", "cosmos", *_at(device), "--manager", manager.facts["manager_http"])
            answers = _asked(*words, env=env, people=[User(Panel(device)).approve])
            assert answers[-1]["action"] == "installed"


def test_a_manager_killed_after_the_script_costs_nothing(env, tmp_path):
    """The whole script is here by then: the app gets in without the manager."""
    with (
        Up("--board", "embedded", "--approve", env=env) as device,
        Manager(tmp_path / "manager", env, hsm=_ring(env)) as manager,
        subprocess.Popen(
            [sys.executable, "-m", "tallystick", "app", "install", "cosmos", *_at(device), "--json-lines"],
            stdout=subprocess.PIPE, text=True, env={**env, "TALLY_MANAGER": manager.facts["manager_http"]},
        ) as process,
    ):  # fmt: skip
        answers = []
        for line in process.stdout:
            answers.append(json.loads(line))
            if answers[-1].get("step") == "installing" and manager._process.poll() is None:
                _kill(manager)
        assert answers[-1]["action"] == "installed"


def test_a_full_device_says_so(env, tmp_path):
    """Two apps that do not fit together: the second one is refused with a reason, the first one stays."""
    with (
        Up("--board", "embedded", "--model", "nanos", "--approve", env=env) as device,
        Manager(tmp_path / "manager", env, hsm=_ring(env)) as manager,
    ):
        database = ("--database", f"sqlite:///{tmp_path / 'manager' / 'manager.db'}", "--hsm", _ring(env))
        for name in ("First", "Second"):
            file = _bundle(tmp_path, _big(name))
            tally("manager", "publish", "app", file, "--all-models", *database, env=env)
        words = (*_at(device), "--manager", manager.facts["manager_http"])
        tally("app", "install", "First", *words, env=env)
        failed = tally("app", "install", "Second", *words, env=env, code=8)
        assert (failed["error"], failed["remedy"]) == ("not_enough_space", "remove an app and try again")
        assert [app["name"] for app in tally("app", "list", *_at(device), env=env)["apps"]] == ["First"]


def test_another_issuer_beside(env, tmp_path):
    """With --issuer-key device and manager belong to that issuer, and the user's own catalogue stays out of it."""
    new_keys(tmp_path / "keys", env)
    key = str(tmp_path / "keys" / "issuer.json")
    with Up("--board", "embedded", "--approve", "--issuer-key", key, manager=True, env=env) as device:
        found = tally("device", "check", "--issuer-key", key, *_at(device), env=env)
        assert (found["verdict"], found["issuer_public_key"]) == ("genuine", device.facts["issuer_public_key"])
        assert tally("app", "install", "cosmos", *_at(device), env=env)["action"] == "installed"
    assert not (tmp_path / "data" / "tallystick" / "manager").exists()


def test_a_manager_elsewhere_is_told_and_not_started(env, tmp_path):
    """`--manager URL` stands in the ready line and is found from there."""
    with Manager(tmp_path / "manager", env, hsm=_ring(env)) as manager:
        url = manager.facts["manager_http"].removesuffix("/api")
        with Up("--board", "embedded", "--approve", "--manager", url, manager=True, env=env) as device:
            assert device.facts["manager_http"] == manager.facts["manager_http"]
            assert device.facts["manager_ws"] == manager.facts["manager_ws"]
            assert tally("device", "check", *_at(device), env=env)["verdict"] == "genuine"


def _kill(manager):
    manager._process.kill()
    manager._process.wait()


def _ring(env):
    """Return the URL of the workshop's keys, which are made if no device has made them yet."""
    url = f"file:{env['XDG_DATA_HOME']}/tallystick/keyring"
    if not Path(url.removeprefix("file:")).exists():
        Keyring.create(url, Realm.TEST).close()
    return url


def test_a_cleared_cache_orphans_no_device(env, tmp_path):
    """Keys lie with the user's data: the device that was kept is genuine for the manager that comes up beside it."""
    env = {**env, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    (tmp_path / "cache").mkdir()
    options = ("--board", "embedded", "--state", str(tmp_path / "device"), "--approve")
    with Up(*options, manager=True, env=env) as device:
        issuer = device.facts["issuer_public_key"]
        assert tally("device", "check", *_at(device), env=env)["verdict"] == "genuine"
    shutil.rmtree(tmp_path / "cache")
    with Up(*options, manager=True, env=env) as device:
        checked = tally("device", "check", *_at(device), env=env)
        assert (checked["verdict"], checked["issuer_public_key"]) == ("genuine", issuer)


def test_a_catalogue_whose_keys_are_lost_is_set_aside(env, tmp_path):
    """The manager starts all the same, for devices of the new keys; the old catalogue lies beside the new one."""
    options = ("--board", "embedded", "--approve")
    with Up(*options, "--state", str(tmp_path / "old"), manager=True, env=env) as device:
        issuer = device.facts["issuer_public_key"]
        tally("device", "check", *_at(device), env=env)
    data = tmp_path / "data" / "tallystick"
    (data / "keyring").rename(data / "lost")
    with Up(*options, "--state", str(tmp_path / "new"), manager=True, env=env) as device:
        checked = tally("device", "check", *_at(device), env=env)
        assert checked["verdict"] == "genuine"
        assert checked["issuer_public_key"] != issuer
    log = (data / "manager" / "beside.log").read_text()
    assert "manager.db.1 now" in log
    assert (data / "manager" / "manager.db.1").exists()
