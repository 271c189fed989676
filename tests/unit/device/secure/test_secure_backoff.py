"""Back-off: counted before it is tried, waits that nothing shortens, and the worse of two counts (secure-world 6)."""

import contextlib

import pytest
from vault_stage import OTHER, PIN, WRONG, Stage, copy, phrase_of

from tallystick.crypto.secret import Secret
from tallystick.device.secure.backoff import Backoff, Rules, TooEarly, WrongPin
from tallystick.device.secure.seal import PinPolicy
from tallystick.device.silicon.clock import VirtualClock
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.errors import StateCorrupt, StateError, TallyError
from tallystick.testing.flash import FaultyFlash, PowerCut

RULES = Rules.of(PinPolicy.BACKOFF)
#: secure-world 6
WAITS = [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 2047, 4095, 8191, 16383, 32767]


def _guess(vault, pin: bytes = WRONG) -> int:
    """Guess, which must be wrong; return how many tries are left."""
    with pytest.raises(WrongPin) as caught:
        vault.open(Secret(pin))
    return caught.value.left


def test_waits_are_those_of_the_reference():
    """Sixteen tries wait 0 1 3 7 … seconds, 18.2 hours in all; the other policy has three tries and no wait."""
    assert [RULES.wait_s(failures) for failures in range(RULES.limit)] == WAITS
    assert sum(WAITS) / 3600 == pytest.approx(18.2, abs=0.01)
    ledger = Rules.of(PinPolicy.LEDGER)
    assert (ledger.limit, [ledger.wait_s(failures) for failures in range(3)]) == (3, [0, 0, 0])


def test_sixteen_wrong_pins_wait_longer_each_time_and_end():
    """Each try must be waited for, a try too early does not count, and after the sixteenth even the right PIN is refused."""
    stage = Stage(policy=PinPolicy.BACKOFF)
    vault = stage.sealed()
    for number, wait_s in enumerate(WAITS):
        if wait_s:
            assert vault.wait_s == wait_s
            stage.clock.turn(wait_s - 0.5)
            with pytest.raises(TooEarly) as caught:
                vault.open(Secret(PIN))
            assert caught.value.wait_s == pytest.approx(0.5)
            stage.clock.turn(0.5)
        assert _guess(vault) == 15 - number
    assert vault.is_exhausted
    stage.clock.turn(1e6)
    assert _guess(vault, PIN) == 0
    assert _guess(stage.vault(), PIN) == 0


def test_wait_begins_anew_with_the_power():
    """A power cycle gives no wait back: it runs from the moment the power is there, whatever time it is by then."""
    stage = Stage(policy=PinPolicy.BACKOFF)
    vault = stage.sealed()
    for wait_s in WAITS[:5]:
        stage.clock.turn(wait_s)
        _guess(vault)
    stage.clock.turn(30)
    assert vault.wait_s == 1
    assert stage.vault().wait_s == 31
    stage.clock = VirtualClock()  # the clock starts from nothing again: an hour ago does not count
    again = stage.vault()
    assert again.wait_s == 31
    stage.clock.turn(31)
    assert phrase_of(again)


def test_right_pin_gives_the_tries_back():
    """A success sets the count to zero, in the record and against the hardware."""
    stage = Stage()
    vault = stage.sealed()
    assert _guess(vault) == 2
    assert _guess(vault) == 1
    assert phrase_of(vault)
    for later in (vault, stage.vault()):
        assert later.tries_left == 3
    assert _guess(vault) == 2


def test_try_is_recorded_before_it_is_made():
    """When the guess reaches the hardware its count is durable already, in the flash and in the chip."""
    stage = Stage()
    vault = stage.sealed()
    seen = []
    stage.on_guess = lambda: seen.append(
        (3 - Stage(flash=stage.flash, chip_store=stage.chip_store, counts=False).vault().tries_left, vault.tries_left)
    )
    _guess(vault)
    _guess(vault)
    assert seen == [(1, 2), (2, 1)]


def test_failure_inside_a_try_leaves_it_counted():
    """Whatever breaks while a PIN is tried counts as a wrong PIN: a fault must not be a way to guess for nothing."""
    backoff = Backoff(flash=MemoryFlash(), clock=VirtualClock(), counter=None)
    backoff.begin(RULES)

    def breaks():
        raise PowerCut

    with pytest.raises(PowerCut):
        backoff.attempt(RULES, breaks)
    assert backoff.failures() == 1


@pytest.mark.parametrize("damage", [None, b"", b"?" * 11])
def test_without_a_readable_count_nothing_is_tried(damage):
    """Records of tries that were removed or damaged shut the vault: only the recovery words help."""
    stage = Stage()
    stage.sealed()
    for name in ("tries.a", "tries.b"):
        if damage is None:
            stage.flash.remove(name)
        else:
            stage.flash.write(name, damage)
    guesses = []
    stage.on_guess = lambda: guesses.append(1)
    with pytest.raises(StateCorrupt) as caught:
        stage.vault().open(Secret(PIN))
    assert "recovery words" in caught.value.remedy
    assert guesses == []


@pytest.mark.parametrize("body", [b"", b"\x00\x03", b"\x00\x03\x01\x00", b"\x00\x03\x09"])
def test_record_of_another_shape_is_damage(body):
    """A record with a good check sum and another content is no count either."""
    from tallystick.device.secure.slot import SlotPair

    flash = MemoryFlash()
    SlotPair(flash, "tries").write(body)
    backoff = Backoff(flash=flash, clock=VirtualClock(), counter=None)
    with pytest.raises(StateCorrupt):
        backoff.failures()


def test_count_that_cannot_be_written_stops_the_try():
    """A flash that keeps the old count makes no try possible."""

    class Stuck(MemoryFlash):
        stuck = False

        def write(self, name, data):
            if not self.stuck:
                super().write(name, data)

    stage = Stage(flash=Stuck())
    vault = stage.sealed()
    stage.flash.stuck = True
    guesses = []
    stage.on_guess = lambda: guesses.append(1)
    with pytest.raises(StateCorrupt):
        vault.open(Secret(PIN))
    assert guesses == []


def test_restored_count_gains_nothing_where_hardware_counts():
    """Files of a fresh count put back after each guess: the chip still counts, and the third guess is the last."""
    stage = Stage()
    stage.sealed()
    saved = copy(stage.flash)
    for left in (2, 1, 0):
        stage.flash = copy(saved)
        vault = stage.vault()
        assert _guess(vault) == left
    stage.flash = copy(saved)
    assert stage.vault().is_exhausted
    assert _guess(stage.vault(), PIN) == 0


def test_restored_count_restarts_where_nothing_counts():
    """Without counting hardware a restored file does give the tries back: this cannot be had, and is not claimed."""
    stage = Stage(counts=False)
    stage.sealed()
    saved = copy(stage.flash)
    _guess(stage.vault())
    stage.flash = copy(saved)
    assert stage.vault().tries_left == 3


def test_old_copy_is_refused_where_hardware_counts():
    """An old copy of the whole flash, brought back after later unlocks, is refused although its PIN is right."""
    stage = Stage()
    vault = stage.sealed()
    phrase_of(vault)
    saved = copy(stage.flash)
    for _ in range(2):
        phrase_of(vault)
    stage.flash = saved
    with pytest.raises(StateCorrupt, match="rolled back"):
        stage.vault().open(Secret(PIN))


def test_old_pin_does_not_come_back_with_an_old_copy():
    """A copy from before a change of PIN does not open with the old PIN once the new one was used."""
    stage = Stage()
    vault = stage.sealed()
    saved = copy(stage.flash)
    opened = vault.open(Secret(PIN))
    vault.change_pin(opened, Secret(OTHER))
    phrase_of(vault, OTHER)
    stage.flash = saved
    with pytest.raises(StateCorrupt, match="rolled back"):
        stage.vault().open(Secret(PIN))


def test_new_owner_does_not_give_an_old_copy_its_tries():
    """A reset and a new set-up give the tries back, and make the key for the copied vault of before useless."""
    stage = Stage()
    vault = stage.sealed()
    saved = copy(stage.flash)
    for _ in range(3):
        _guess(vault)
    vault.wipe()
    vault.renew()
    stage.sealed()
    stage.flash = saved
    with pytest.raises(TallyError):
        stage.vault().open(Secret(PIN))


def test_emptied_flash_does_not_give_an_old_copy_its_tries():
    """Setting the device up anew with an empty flash destroys the key under which the copied vault was sealed."""
    stage = Stage()
    vault = stage.sealed()
    saved = copy(stage.flash)
    _guess(vault)
    _guess(vault)
    stage.flash = MemoryFlash()
    stage.sealed()
    stage.flash = saved
    with pytest.raises(StateError):
        stage.vault().open(Secret(PIN))


def test_seal_in_place_of_another_gives_no_try_back():
    """A vault that is replaced by whoever starts the device keeps its count."""
    stage = Stage()
    vault = stage.sealed()
    _guess(vault)
    vault.seal(Secret(b"other words"), Secret(OTHER))
    assert vault.tries_left == 2
    assert stage.vault().tries_left == 2


@pytest.mark.parametrize("cut_after", range(8))
def test_cut_between_record_and_hardware_counts_the_worse(cut_after):
    """A cut anywhere in a wrong try leaves the count where it was, or one worse, never better."""
    flash, chip_store = MemoryFlash(), MemoryFlash()
    Stage(flash=flash, chip_store=chip_store).sealed()
    faulty = FaultyFlash(flash, cut_after=cut_after)
    stage = Stage(flash=faulty, chip_store=chip_store)
    guesses = []
    stage.on_guess = lambda: guesses.append(1)
    with contextlib.suppress(PowerCut):
        _guess(stage.vault())
    left = Stage(flash=flash, chip_store=chip_store).vault().tries_left
    assert left <= 3 - len(guesses)
    assert left >= 2
