"""What a guess costs is chosen by what this machine can do in a second, from a fixed ladder, and never below its end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto.secret import Secret
from tallystick.device.secure.calibration import LADDER, LIMIT_S, affordable
from tallystick.device.secure.seal import COST, COST_TRIVIAL, Cost
from tallystick.device.secure.vault import Sealing, Vault
from tallystick.device.silicon.clock import VirtualClock
from tallystick.device.silicon.entropy import RepeatableRng
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.device.silicon.provider import chip_in_flash


class Machine:
    """A machine that does so many KiB in a second, on a clock of its own."""

    def __init__(self, kib_per_second, *, memory_kib=1 << 30):
        self.clock = VirtualClock()
        self.tried = []
        self._speed = kib_per_second
        self._memory_kib = memory_kib

    def stretch(self, cost):
        """Take the time that `cost` takes here."""
        self.tried.append(cost)
        if cost.memory_kib > self._memory_kib:
            raise MemoryError
        self.clock.turn(self.time_s(cost))

    def time_s(self, cost):
        """Return the seconds of a cost."""
        return cost.iterations * cost.memory_kib / self._speed

    def choose(self, most=COST):
        """Choose."""
        return affordable(most, clock=self.clock, stretch=self.stretch)


def test_a_fast_machine_has_the_default_after_one_try():
    """What is wanted is what is taken where it takes a second at most."""
    machine = Machine(3 * 64 * 1024)
    assert machine.choose() == COST == Cost(iterations=3, memory_kib=64 * 1024, lanes=4)
    assert machine.tried == [COST]


@pytest.mark.parametrize(
    ("kib_per_second", "chosen"),
    [(196_607, 1), (131_072, 1), (131_071, 2), (98_304, 2), (65_536, 3), (65_535, 4), (38_912, 4), (1, 4)],
)
def test_a_slow_machine_has_the_dearest_rung_of_a_second(kib_per_second, chosen):
    """The first rung that takes no more than a second is taken; below the last there is none."""
    machine = Machine(kib_per_second)
    assert machine.choose() == LADDER[chosen]
    assert len(machine.tried) <= 2


@given(st.integers(min_value=1, max_value=1 << 22))
def test_every_machine_gets_a_rung_it_can_afford_or_the_last(kib_per_second):
    """Whatever the speed, the choice is on the ladder, within the limit unless it is the last, and dearer ones are not."""
    machine = Machine(kib_per_second)
    chosen = machine.choose()
    assert chosen == LADDER[-1] or machine.time_s(chosen) <= LIMIT_S
    assert all(machine.time_s(rung) > LIMIT_S for rung in LADDER[: LADDER.index(chosen)])


def test_the_ladder_goes_down_and_ends_at_the_least():
    """Each rung is cheaper than the one before; none has less than two iterations over 19 MiB."""
    work = [rung.iterations * rung.memory_kib for rung in LADDER]
    assert work == sorted(set(work), reverse=True)
    assert all(rung.iterations >= 2 and rung.memory_kib >= 19 * 1024 for rung in LADDER)


def test_memory_that_is_not_there_is_not_asked_for_again():
    """A machine that cannot give the memory gets the next rung that it can."""
    assert Machine(1 << 30, memory_kib=40 * 1024).choose() == LADDER[2]
    assert Machine(1 << 30, memory_kib=1).choose() == LADDER[-1]


def test_a_cost_below_the_ladder_is_not_measured():
    """What tests use stays what it is."""
    machine = Machine(1)
    assert machine.choose(COST_TRIVIAL) == COST_TRIVIAL
    assert machine.tried == []


def _header(flash, sealing, clock):
    pin = Secret(b"" if sealing & Sealing.NO_PIN else b"4711")
    chip = chip_in_flash(flash, RepeatableRng(1))
    vault = Vault(flash=flash, rng=RepeatableRng(2), clock=clock, keys=chip, counter=chip)
    vault.seal(Secret(b"words"), pin, sealing=sealing)
    again = Vault(flash=flash, rng=RepeatableRng(3), clock=VirtualClock(), keys=chip, counter=chip)
    opened = again.open(pin)
    assert opened.phrase.reveal() == b"words"
    opened.close()
    return again._read().header


class Slow(VirtualClock):
    """A clock on which everything takes two seconds."""

    def now_s(self):
        """Return the time, two seconds on."""
        self.turn(2)
        return super().now_s()


def test_the_choice_stands_in_the_header_and_opens():
    """A person's vault made on a slow machine costs less, for good; a test device's costs what it always did."""
    assert _header(MemoryFlash(), Sealing.NONE, Slow()).cost == LADDER[-1]
    assert _header(MemoryFlash(), Sealing.NONE, VirtualClock()).cost == COST
    assert _header(MemoryFlash(), Sealing.TEST, Slow()).cost == COST
    assert _header(MemoryFlash(), Sealing.TEST | Sealing.NO_PIN, Slow()).cost == COST_TRIVIAL
