"""The power is cut, or the process killed, at any point of guessing a PIN: no guess that was answered goes unrecorded."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from guess_child import PIN, vault_of

from tallystick.crypto.secret import Secret
from tallystick.device.secure.vault import COST_TRIVIAL, PinPolicy, Vault, WrongPin
from tallystick.device.silicon.chip import Chip
from tallystick.device.silicon.clock import VirtualClock
from tallystick.device.silicon.entropy import RepeatableRng
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.device.silicon.partition import Partition
from tallystick.device.silicon.provider import ChipProvider
from tallystick.testing.flash import FaultyFlash, PowerCut
from tallystick.wire.chip import ChipState, Mac

KILLS = 1500
#: of real processes; a long run: TALLYSTICK_KILLS=1000 pytest tests/power/test_power_guess.py
REAL_KILLS = int(os.environ.get("TALLYSTICK_KILLS", "25"))


class Life:
    """One power cycle of a device that loses power after `cut_after` writes, of its flash and of its chip alike."""

    def __init__(self, store: MemoryFlash, *, cut_after: int | None, number: int, counts: bool) -> None:
        self.guesses = 0
        self.clock = VirtualClock()
        flash, rng = FaultyFlash(store, cut_after=cut_after), RepeatableRng(number)
        chip = Chip(store=Partition(flash, "chip."), noise=rng, state=ChipState.OPEN)

        def call(message):
            self.guesses += isinstance(message, Mac)
            return chip.receive(message)

        provider = ChipProvider(call)
        self.vault = Vault(
            flash=flash,
            rng=rng,
            clock=self.clock,
            keys=provider,
            counter=provider if counts else None,
            cost=COST_TRIVIAL,
            policy=PinPolicy.BACKOFF,
        )

    def open(self, pin: bytes) -> bool:
        """Wait as long as it takes and try `pin`."""
        self.clock.turn(self.vault.wait_s)
        try:
            self.vault.open(Secret(pin)).close()
        except WrongPin:
            return False
        return True


@pytest.mark.parametrize("counts", [True, False], ids=["hardware counts", "nothing counts"])
def test_no_guess_goes_unrecorded_in_random_power_cuts(counts: bool) -> None:
    """Cut at a random write of a guess, over and over: what the chip was asked is never more than what is recorded."""
    chance, store, kills, asked = random.Random(3), MemoryFlash(), 0, 0
    Life(store, cut_after=None, number=0, counts=counts).vault.seal(Secret(b"words"), Secret(PIN))
    number = 0
    while kills < KILLS:
        number += 1
        life = Life(store, cut_after=chance.randrange(5), number=number, counts=counts)
        try:
            life.open(b"0000")
        except PowerCut:
            kills += 1
        asked += life.guesses
        left = Life(store, cut_after=None, number=0, counts=counts).vault.tries_left
        assert left <= 16 - asked
        if left <= 2:
            assert Life(store, cut_after=None, number=number, counts=counts).open(PIN)
            asked = 0
    assert kills == KILLS


def test_right_pin_cut_off_anywhere_still_opens() -> None:
    """Cut at a random write of the right PIN: it opens at the next start, and the tries it cost are those it had."""
    chance, store = random.Random(4), MemoryFlash()
    Life(store, cut_after=None, number=0, counts=True).vault.seal(Secret(b"words"), Secret(PIN))
    for number in range(1, 300):
        life = Life(store, cut_after=chance.randrange(7), number=number, counts=True)
        try:
            assert life.open(PIN)
        except PowerCut:
            assert Life(store, cut_after=None, number=0, counts=True).vault.tries_left >= 15
            assert Life(store, cut_after=None, number=number + 1000, counts=True).open(PIN)
        assert Life(store, cut_after=None, number=0, counts=True).vault.tries_left == 16


def test_no_guess_goes_unrecorded_when_the_process_is_killed(tmp_path: Path) -> None:
    """A real process, killed at a random moment while it guesses: every answer it gave is in the record it left."""
    chance, clock, answered = random.Random(5), VirtualClock(), 0
    vault = vault_of(tmp_path, clock)
    vault.seal(Secret(b"words"), Secret(PIN))
    _let_go(vault)
    for _ in range(REAL_KILLS):
        said = _killed(tmp_path, after=chance.randrange(1, 40))
        answered += said.count(b"w")
        since = said.rpartition(b"r")[2]
        vault = vault_of(tmp_path, clock)
        if b"R" not in since:
            assert 16 - vault.tries_left >= since.count(b"w")
        clock.turn(vault.wait_s)
        vault.open(Secret(PIN)).close()
        assert vault.tries_left == 16
        _let_go(vault)
    assert answered > REAL_KILLS


def _killed(folder: Path, *, after: int) -> bytes:
    """Let a child guess until it has said `after` bytes, kill it, and return all it said."""
    script = Path(__file__).with_name("guess_child.py")
    with subprocess.Popen([sys.executable, str(script), str(folder)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        said = b""
        while len(said) < after:
            part = os.read(child.stdout.fileno(), 1)
            assert part, "the child ended by itself"
            said += part
        child.kill()
        return said + child.stdout.read()


def _let_go(vault: Vault) -> None:
    vault._flash.close()
    vault._keys._call.__self__._store.close()
