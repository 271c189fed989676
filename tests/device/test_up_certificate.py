"""`tally up` certifies the device it starts: before anybody hears of it, once, by the issuer that is meant."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from channel_stage import STRANGER
from up_stage import PATIENCE_S, TEST_SENTENCE, Up, fail

from tallystick.crypto.scp import Suite
from tallystick.device.silicon.entropy import SystemRng
from tallystick.manager.hsm.key_file import KeyFile
from tallystick.manager.hsm.role import Realm, Role
from tallystick.wire.channel import HostHandshake

BOARDS = ("embedded", "isolated")
TARGET = 0x33100004


def issuer_shown(device: Up, issuers: list[bytes]) -> bytes | None:
    """Shake hands as a stranger; return which of the issuers certified the device. The panel approves."""
    handshake = HostHandshake(target_id=TARGET, signer=STRANGER, suite=Suite(rng=SystemRng()), issuers=issuers)
    run, link = handshake.run(authenticate=False), device.connect()
    command = next(run)
    try:
        while True:
            answer = device.exchange(command.to_bytes(), link)
            assert answer[-2:] == b"\x90\x00", answer.hex()
            command = run.send(answer[:-2])
    except StopIteration as end:
        issuer: bytes | None = end.value.issuer
        return issuer


@pytest.fixture
def workshop(home: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """Give an environment whose cache holds the images of all tests, and a user of its own."""
    return {**home, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}


@pytest.mark.parametrize("board", BOARDS)
def test_issuer_of_the_line_certified_the_device(workshop: dict[str, str], board: str) -> None:
    """The key of the ready line is the one whose certificate the device shows; with an app open at start, too."""
    options = ("--board", board, "--seed", TEST_SENTENCE, "--approve")
    with Up(*options, "--open", "cosmos", env=workshop) as first:
        issuer = bytes.fromhex(first.facts["issuer_public_key"])
        assert first.rest("GET", "/status")["issuer_public_key"] == issuer.hex()
    with Up(*options, env=workshop) as second:
        assert second.facts["issuer_public_key"] == issuer.hex()
        assert issuer_shown(second, [issuer]) == issuer
        assert issuer_shown(second, [STRANGER.public_key]) is None


@pytest.mark.parametrize("board", BOARDS)
def test_device_that_is_kept_is_certified_once(workshop: dict[str, str], tmp_path: Path, board: str) -> None:
    """At the second start it has its certificate already, whatever became of the workshop's keys."""
    options = ("--board", board, "--state", str(tmp_path / "state"), "--seed", TEST_SENTENCE, "--pin", "4711")
    with Up(*options, env=workshop) as device:
        issuer = device.facts["issuer_public_key"]
        assert device.end() == 0
    key = KeyFile.generate(Role.ISSUER, Realm.TEST)
    key.write(tmp_path / "issuer.json")
    with Up(*options, env=workshop) as device:
        assert device.facts["issuer_public_key"] == issuer
        assert device.end() == 0
    code, error = fail(*options, "--issuer-key", str(tmp_path / "issuer.json"), env=workshop)
    assert (code, error["error"]) == (2, "usage")
    assert "another issuer" in error["message"]


def test_issuer_may_be_named(workshop: dict[str, str], tmp_path: Path) -> None:
    """With --issuer-key the device is that issuer's."""
    key = KeyFile.generate(Role.ISSUER, Realm.TEST)
    key.write(tmp_path / "issuer.json")
    options = (
        "--board",
        "embedded",
        "--seed",
        TEST_SENTENCE,
        "--approve",
        "--issuer-key",
        str(tmp_path / "issuer.json"),
    )
    with Up(*options, env=workshop) as device:
        assert device.facts["issuer_public_key"] == key.public_key.hex()
        assert issuer_shown(device, [key.public_key]) == key.public_key


def test_issuer_that_is_none_is_told(workshop: dict[str, str], tmp_path: Path) -> None:
    """A missing file, a key of another role, one of the production realm: an error, and no device."""
    for name, role, realm in (("software", Role.SOFTWARE, Realm.TEST), ("real", Role.ISSUER, Realm.PRODUCTION)):
        KeyFile.generate(role, realm).write(tmp_path / name)
    for name in ("missing", "software", "real"):
        code, error = fail("--board", "embedded", "--ephemeral", "--issuer-key", str(tmp_path / name), env=workshop)
        assert code != 0
        assert error["message"]


@pytest.mark.parametrize("board", BOARDS)
def test_device_can_be_left_to_a_factory(workshop: dict[str, str], tmp_path: Path, board: str) -> None:
    """With --no-certificate nobody certifies it at any start, until a factory does; from then on it says by whom."""
    state = str(tmp_path / "state")
    options = ("--board", board, "--state", state, "--no-certificate")
    for _ in range(2):
        with Up(*options, seed="", env=workshop) as device:
            assert device.facts["issuer_public_key"] is None
    keys = str(tmp_path / "keys")
    tally = (sys.executable, "-m", "tallystick")
    subprocess.run(
        (*tally, "manager", "keys", "create", "--hsm", f"file:{keys}"), env=workshop, check=True, timeout=PATIENCE_S
    )
    with Up(*options, seed="", env=workshop) as device:
        where = f"tcp:127.0.0.1:{device.facts['apdu_port']}"
        done = subprocess.run(
            (*tally, "--json", "factory", "provision", where, "--keys", keys),
            env=workshop,
            check=True,
            timeout=PATIENCE_S,
            stdout=subprocess.PIPE,
        )
    issuer = json.loads(done.stdout)["issuer_public_key"]
    with Up("--board", board, "--state", state, seed="", env=workshop) as device:
        assert device.facts["issuer_public_key"] == issuer
