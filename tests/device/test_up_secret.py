"""A running device keeps its owner's words and PIN to itself: they are in no argument, environment, log or file."""

from __future__ import annotations

from pathlib import Path

import pytest
from up_stage import Up

from tallystick.crypto import bip39
from tallystick.wire.dashboard import HostOnboarding, Ins, request

PIN = "90817263"
STEM = "vivid zebra velvet zebra vivid zebra velvet zebra vivid zebra velvet"


def _planted() -> str:
    """Return a sentence of words that are nowhere else."""
    return next(s for word in bip39.words() if bip39.validate(s := f"{STEM} {word}") is None)


def _told(pid: int) -> bytes:
    """Return what anybody may read of a process."""
    return b"".join(Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ", "comm"))


@pytest.mark.parametrize("policy", ["ledger", "backoff"])
def test_planted_words_and_pin_are_nowhere_outside(tmp_path: Path, policy: str) -> None:
    """Set up over the wire, locked by a replug, guessed at and logged at length: nothing outside holds words or PIN."""
    words = _planted()
    message = HostOnboarding(pin=PIN.encode(), words=words.encode())
    state = tmp_path / "state"
    with Up("--state", str(state), "--pin-policy", policy, "--board", "embedded", "-v", seed="") as device:
        device.rest("POST", "/replug", {"hold": "right"})
        device.status_when(lambda status: status["mode"] == "recovery")
        answer = device.exchange(request(Ins.HOST_ONBOARDING, data=message.to_bytes()).to_bytes())
        assert answer == b"\x90\x00"
        device.rest("POST", "/replug", {"hold": None})
        status = device.status_when(lambda status: status["onboarded"] and status["mode"] == "normal")
        outside = b"".join(map(_told, (device.process.pid, *device.family())))
        assert b"tallystick" in outside
        outside += repr(status).encode() + device.line.encode()
        device.end()
        outside += device.errors().encode()
    files = [path.read_bytes() for path in state.rglob("*") if path.is_file()]
    assert any(b"TALV\x02" in data for data in files)
    seed = bip39.seed(words, "").reveal()
    entropy = bip39.entropy_from_sentence(words).reveal()
    for secret in (b"zebra", b"velvet", PIN.encode(), seed, seed.hex().encode(), entropy, entropy.hex().encode()):
        for place in (outside, *files):
            assert secret not in place
