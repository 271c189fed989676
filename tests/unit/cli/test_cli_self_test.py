"""`tally device selftest`: the verdict on this machine's sandbox, for people and programs."""

import json
from types import SimpleNamespace

import pytest

from tallystick.device.sandbox import self_test
from tallystick.device.sandbox.boundary import Boundary, Report, Standing
from tallystick.device.sandbox.role import Role
from tallystick.device.sandbox.self_test import Outcome, Result

GOOD = (Outcome(name="open a file", outcome="EPERM"), Outcome(name="hash", outcome="works"))
BAD = (Outcome(name="open a file", outcome="allowed"), Outcome(name="hash", outcome="works"))


def answer(monkeypatch, outcomes, *, status=0, missing=()):
    """Have the self-test of both roles come out like this."""
    offered = Report(standings=tuple(Standing(boundary=one, holds=one not in missing) for one in Boundary))
    monkeypatch.setattr(
        self_test, "run", lambda role, **_how: Result(role=role, outcomes=outcomes, status=status, offered=offered)
    )


def test_the_sandbox_of_this_machine_holds(invoke):
    """The real thing: processes are locked in, and nothing gets out."""
    result = invoke("device", "selftest", "--json")
    members = json.loads(result.stdout)
    assert result.exit_code == 0
    assert members["schema"] == "tally.device.selftest/1"
    assert members["holds"] is True
    assert [role["role"] for role in members["roles"]] == [Role.NORMAL.value, Role.APP.value]
    assert all(len(role["attempts"]) > 100 for role in members["roles"])
    assert [role["role"] for role in members["image"]] == [Role.NORMAL.value, Role.APP.value]
    assert [role["attempts"] for role in members["image"]] == [role["attempts"] for role in members["roles"]]
    assert {one["name"] for one in members["boundaries"]} == {one.value for one in Boundary}


def test_people_get_a_table(invoke, monkeypatch):
    """One row for each attempt, one column for each role, and the verdict before them."""
    answer(monkeypatch, GOOD)
    result = invoke("device", "selftest")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "Normal World: every one of 2 is as it must be"
    assert lines[2] == "Normal World, from a signed image: every one of 2 is as it must be"
    assert lines[4] in {f"Randomness of a device's chip here: {sources}" for sources in ("kernel", "kernel, hwrng")}
    assert lines[5].split() == ["ATTEMPT", "NORMAL", "WORLD", "APP"]
    assert lines[6].split() == ["open", "a", "file", "refused", "refused"]


@pytest.mark.parametrize("sources", [("kernel",), ("kernel", "hwrng")])
def test_sources_of_randomness_are_told(invoke, monkeypatch, sources):
    """What a device's chip would have its noise from on this machine stands in the report."""
    answer(monkeypatch, GOOD)
    monkeypatch.setattr("tallystick.cli.self_test.machine_rng", lambda: SimpleNamespace(sources=sources))
    assert json.loads(invoke("device", "selftest", "--json").stdout)["randomness"] == list(sources)
    assert ", ".join(sources) in invoke("device", "selftest").stdout


@pytest.mark.parametrize(
    ("outcomes", "status", "words"), [(BAD, 0, "1 of 2"), (GOOD, -9, "status -9"), ((), 0, "0 of 0")]
)
def test_what_got_out_is_exit_code_nine(invoke, monkeypatch, outcomes, status, words):
    """An attempt that got through, a probe that died, and a probe that said nothing are all no proof of a sandbox."""
    answer(monkeypatch, outcomes, status=status)
    result = invoke("device", "selftest")
    assert result.exit_code == 9
    assert words in result.stdout


def test_a_missing_layer_is_told(invoke, monkeypatch):
    """Attempts may all be refused by the layers that are left: the missing one is named all the same."""
    answer(monkeypatch, GOOD, missing={Boundary.LANDLOCK})
    assert "Missing: landlock: missing" in invoke("device", "selftest").stdout
    members = json.loads(invoke("device", "selftest", "--json").stdout)
    assert {"name": "landlock", "holds": False, "note": ""} in members["boundaries"]
