"""The vault: sealed under a PIN, counted before the attempt, and damaged in every way (secure-world 5, 6)."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.crypto.secret import Secret
from tallystick.device.secure.vault import COST_TRIVIAL, MAX_TRIES, Cost, Sealing, Vault, WrongPin
from tallystick.device.silicon.entropy import RepeatableRng
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.errors import StateCorrupt

PHRASE = b"legal winner thank year wave sausage worth useful legal winner thank yellow"
PIN = b"4711"


def vault(flash: MemoryFlash | None = None, *, seed: int = 1) -> tuple[Vault, MemoryFlash]:
    """Return a vault and its flash."""
    flash = MemoryFlash() if flash is None else flash
    return Vault(flash=flash, rng=RepeatableRng(seed), cost=COST_TRIVIAL), flash


def sealed(pin: bytes = PIN, sealing: Sealing = Sealing.NONE) -> tuple[Vault, MemoryFlash]:
    """Return a vault with the phrase in it."""
    box, flash = vault()
    box.seal(Secret(PHRASE), Secret(pin), sealing=sealing)
    return box, flash


@pytest.mark.parametrize("sealing", [Sealing.NONE, Sealing.TEST])
def test_phrase_comes_back_by_its_pin(sealing: Sealing) -> None:
    """What was sealed is opened by the PIN, in another life of the device too."""
    box, flash = sealed(sealing=sealing)
    assert box.open(Secret(PIN)) == PHRASE
    again, _ = vault(flash, seed=2)
    assert again.is_filled
    assert again.sealing is sealing
    assert again.open(Secret(PIN)) == PHRASE


def test_vault_without_pin_opens_without_and_costs_no_try() -> None:
    """A NO_PIN vault opens with nothing, and nothing is counted."""
    box, flash = sealed(b"", Sealing.NO_PIN | Sealing.TEST)
    assert box.open(Secret(b"")) == PHRASE
    assert flash.read("tries") == b"\x00"
    with pytest.raises(StateCorrupt):
        box.open(Secret(b"1234"))
    assert box.tries_left == MAX_TRIES


def test_wrong_pin_counts_and_right_one_forgives() -> None:
    """Each wrong PIN takes a try; the right one gives them back."""
    box, _ = sealed()
    for left in (2, 1):
        with pytest.raises(WrongPin) as wrong:
            box.open(Secret(b"0000"))
        assert wrong.value.left == box.tries_left == left
    assert box.open(Secret(PIN)) == PHRASE
    assert box.tries_left == 3


def test_no_pin_is_tried_when_no_try_is_left() -> None:
    """After three wrong PINs the right one opens nothing any more, and the vault says that it is exhausted."""
    box, _ = sealed()
    for _ in range(3):
        with pytest.raises(WrongPin):
            box.open(Secret(b"0000"))
    assert box.is_exhausted
    with pytest.raises(WrongPin) as wrong:
        box.open(Secret(PIN))
    assert wrong.value.left == 0


class _CountingFlash(MemoryFlash):
    """Flash whose counter of tries does not stick."""

    def write(self, name: str, data: bytes) -> None:
        if name != "tries" or data == b"\x00":
            super().write(name, data)


def test_no_pin_is_tried_when_the_try_cannot_be_counted() -> None:
    """A counter that does not stick is found out before the PIN is compared, even if it is the right one."""
    flash = _CountingFlash()
    box, _ = vault(flash)
    box.seal(Secret(PHRASE), Secret(PIN))
    with pytest.raises(StateCorrupt, match="counter"):
        box.open(Secret(PIN))


def test_try_is_counted_before_the_pin_is_compared() -> None:
    """While the PIN is being compared the count is in flash already."""
    box, flash = sealed()
    seen: list[bytes | None] = []

    class Watching(Secret):
        def reveal(self) -> bytes:
            seen.append(flash.read("tries"))
            return super().reveal()

    box.open(Watching(PIN))
    assert seen == [b"\x01"]


@pytest.mark.parametrize("pattern", [0x01, 0x80, 0xFF])
def test_every_changed_byte_of_the_vault_is_noticed(pattern: int) -> None:
    """Whatever byte is changed: StateCorrupt or WrongPin, never the phrase and never a crash."""
    _, flash = sealed(b"", Sealing.TEST)
    original = flash.read("vault") or b""
    for at in range(len(original)):
        if 7 <= at <= 10 and pattern != 0x01:
            continue  # memory of Argon2id: refused above its bound, and slow below it
        flash.write("vault", original[:at] + bytes([original[at] ^ pattern]) + original[at + 1 :])
        flash.write("tries", b"\x00")
        box, _ = vault(flash)
        with pytest.raises((StateCorrupt, WrongPin)):
            box.open(Secret(b""))


def test_every_cut_of_the_vault_is_noticed() -> None:
    """A vault cut at any length opens to nothing."""
    _, flash = sealed()
    original = flash.read("vault") or b""
    for size in range(len(original)):
        flash.write("vault", original[:size])
        flash.write("tries", b"\x00")
        box, _ = vault(flash)
        with pytest.raises((StateCorrupt, WrongPin)):
            box.open(Secret(PIN))


@settings(max_examples=200, deadline=None)
@given(noise=st.binary(max_size=300))
def test_noise_is_no_vault(noise: bytes) -> None:
    """Random bytes in place of a vault are a damaged state."""
    box, _ = vault(MemoryFlash({"vault": noise}))
    assert box.is_filled
    with pytest.raises(StateCorrupt):
        box.open(Secret(PIN))


@pytest.mark.parametrize("cost", [(0, 8, 1), (17, 8, 1), (1, 7, 1), (1, 8, 0), (1, 8, 2), (1, (1 << 20) + 1, 1)])
def test_costs_out_of_bounds_are_refused(cost: tuple[int, int, int]) -> None:
    """A header cannot make the device compute for ever, or fill its memory."""
    iterations, memory, lanes = cost
    _, flash = sealed()
    raw = bytearray(flash.read("vault") or b"")
    raw[6:12] = bytes([iterations]) + memory.to_bytes(4, "big") + bytes([lanes])
    flash.write("vault", bytes(raw))
    box, _ = vault(flash)
    with pytest.raises(StateCorrupt):
        box.open(Secret(PIN))


def test_pin_flag_cannot_be_taken_off_the_header() -> None:
    """Marking a vault as one without PIN opens nothing and gives no guesses."""
    _, flash = sealed()
    raw = bytearray(flash.read("vault") or b"")
    raw[5] |= Sealing.NO_PIN
    flash.write("vault", bytes(raw))
    for guess in (b"", PIN):
        box, _ = vault(flash)
        with pytest.raises(StateCorrupt):
            box.open(Secret(guess))


def test_old_vault_cannot_be_opened_by_the_new_pin() -> None:
    """Sealing again makes salt and nonce anew, so two vaults of the same phrase and PIN have nothing in common."""
    box, flash = sealed()
    first = flash.read("vault") or b""
    box.seal(Secret(PHRASE), Secret(PIN))
    second = flash.read("vault") or b""
    assert first[:12] == second[:12]
    assert first[12:40] != second[12:40]
    assert first[40:] != second[40:]


def test_damaged_counter_is_a_damaged_state() -> None:
    """A counter that is not one byte stops every try."""
    for counter in (b"", b"\x00\x00"):
        box, flash = sealed()
        flash.write("tries", counter)
        with pytest.raises(StateCorrupt):
            box.open(Secret(PIN))


def test_empty_vault_has_nothing_to_open() -> None:
    """Opening what was never sealed is a damaged state; its kind of seal is none."""
    box, _ = vault()
    assert not box.is_filled
    assert not box.is_exhausted
    assert box.sealing is Sealing.NONE
    with pytest.raises(StateCorrupt):
        box.open(Secret(PIN))


def test_wiped_vault_is_exhausted_until_renewed() -> None:
    """After a wipe the phrase is gone; the tries come back with `renew` alone."""
    box, flash = sealed()
    box.wipe()
    assert not box.is_filled
    assert box.is_exhausted
    box.renew()
    assert box.tries_left == 3
    assert flash.names() == []


def test_secrets_are_in_no_text(caplog: pytest.LogCaptureFixture) -> None:
    """Neither phrase nor PIN is in a repr, an exception or the log."""
    caplog.set_level(logging.DEBUG)
    box, _ = sealed()
    phrase = box.open(Secret(PIN))
    with pytest.raises(WrongPin) as wrong:
        box.open(Secret(b"98765"))
    texts = [repr(box), repr(phrase), str(phrase), repr(wrong.value), str(wrong.value), caplog.text]
    assert not any(word in text for text in texts for word in ("legal", "winner", "98765", "4711"))


def test_cost_of_a_real_vault_is_written_into_it() -> None:
    """The parameters of the key derivation travel with the vault (iterations, KiB, lanes)."""
    flash = MemoryFlash()
    Vault(flash=flash, rng=RepeatableRng(0), cost=Cost(iterations=2, memory_kib=64, lanes=4)).seal(
        Secret(PHRASE), Secret(PIN)
    )
    raw = flash.read("vault") or b""
    assert raw[:12] == b"TALV\x01\x00\x02\x00\x00\x00\x40\x04"
