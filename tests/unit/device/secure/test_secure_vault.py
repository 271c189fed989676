"""The vault: opened by its PIN on its own chip in its own state, refused for everything else, and cut off anywhere."""

import contextlib
import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vault_stage import OTHER, PHRASE, PIN, WRONG, Stage, copy, phrase_of

from tallystick.crypto.secret import Secret
from tallystick.device.secure.seal import SealBroken
from tallystick.device.secure.slot import SlotPair
from tallystick.device.secure.vault import COST, COST_TRIVIAL, PinPolicy, Sealing, WrongPin
from tallystick.device.secure.vault_record import VaultRecord
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.device.silicon.fuses import Fuses
from tallystick.errors import StateCorrupt, StateError, TallyError
from tallystick.testing.flash import FaultyFlash, PowerCut
from tallystick.wire.chip import ChipState


def _record(stage: Stage) -> bytes:
    return SlotPair(stage.flash, "vault").read().body


def _replace(stage: Stage, body: bytes) -> None:
    pair = SlotPair(stage.flash, "vault")
    pair.write(body)
    pair.retire()


def test_vault_gives_back_what_was_sealed():
    """The right PIN opens it, in this life of the device and the next, and nothing of the phrase lies in the flash."""
    stage = Stage()
    vault = stage.sealed()
    assert (vault.is_filled, vault.is_exhausted, vault.tries_left) == (True, False, 3)
    assert vault.sealing is Sealing.NONE
    assert phrase_of(vault) == PHRASE
    assert phrase_of(stage.vault()) == PHRASE
    stored = b"".join(store.read(name) for store in (stage.flash, stage.chip_store) for name in store.names())
    for secret in (PHRASE, PHRASE[:20], PIN):
        assert secret not in stored


def test_fresh_device_has_no_vault():
    """Nothing is filled, nothing is counted, and there is nothing to open."""
    vault = Stage().vault()
    assert (vault.is_filled, vault.is_exhausted, vault.tries_left, vault.wait_s) == (False, False, 3, 0)
    assert vault.sealing is Sealing.NONE
    with pytest.raises(StateCorrupt):
        vault.open(Secret(PIN))
    assert Stage(policy=PinPolicy.BACKOFF).vault().tries_left == 16


def test_wrong_pin_is_refused_and_counted():
    """A wrong PIN does not open it, and says how many tries are left."""
    vault = Stage().sealed()
    for left in (2, 1, 0, 0):
        with pytest.raises(WrongPin) as caught:
            vault.open(Secret(WRONG))
        assert caught.value.left == left
    assert vault.is_exhausted


def test_policy_is_fixed_at_set_up():
    """What was chosen at set-up holds, whatever a later start asks for."""
    stage = Stage(policy=PinPolicy.BACKOFF)
    stage.sealed()
    stage.policy = PinPolicy.LEDGER
    assert stage.vault().tries_left == 16


def test_other_chip_is_refused_before_it_costs_a_try():
    """The flash in another device is refused with a remedy, and no try is counted."""
    stage = Stage()
    stage.sealed()
    stage.chip_store = MemoryFlash()
    with pytest.raises(StateCorrupt, match="another device") as caught:
        stage.vault().open(Secret(PIN))
    assert caught.value.remedy
    assert stage.vault().tries_left == 3


def test_other_chip_with_an_edited_header_is_refused():
    """Written over to the ids of another chip, the vault does not open there, and the try counts."""
    stage = Stage()
    stage.sealed()
    other = Stage(flash=copy(stage.flash))
    here, there = (one.provider().describe() for one in (stage, other))
    body = _record(other).replace(here.device_id, there.device_id).replace(here.key_id, there.key_id)
    _replace(other, body)
    with pytest.raises(WrongPin):
        other.vault().open(Secret(PIN))


def test_other_state_of_the_boot_is_refused():
    """What was sealed in a verified boot does not open in a development boot of the same chip, nor the reverse."""
    store = MemoryFlash()
    fuses = Fuses(store)
    fuses.burn_identity(key_table=b"\x01" * 32, device_id=b"\x02" * 16)
    fuses.close()
    for first, second in ((ChipState.VERIFIED, ChipState.OPEN), (ChipState.OPEN, ChipState.VERIFIED)):
        stage = Stage(chip_store=copy(store), state=first)
        stage.sealed()
        stage.state = second
        with pytest.raises(StateError, match="state"):
            stage.vault().open(Secret(PIN))
        body = bytearray(_record(stage))
        body[24] = second
        key = stage.provider().describe().key_id
        stage.state = first
        _replace(stage, bytes(body).replace(stage.provider().describe().key_id, key))
        stage.state = second
        with pytest.raises(WrongPin):
            stage.vault().open(Secret(PIN))


def test_chip_that_refuses_its_key_costs_no_try():
    """While the boot was not checked nothing opens and nothing is counted."""
    stage = Stage()
    stage.sealed()
    stage.state = ChipState.RESET
    with pytest.raises(StateError):
        stage.vault().open(Secret(PIN))
    stage.state = ChipState.OPEN
    assert stage.vault().tries_left == 3
    assert phrase_of(stage.vault()) == PHRASE


def test_every_changed_byte_is_refused():
    """Each byte of the record changed in turn: it is damage, or the PIN is wrong; the phrase never comes out."""
    stage = Stage()
    stage.sealed()
    body = _record(stage)
    for at in range(len(body)):
        other = Stage(flash=copy(stage.flash), chip_store=copy(stage.chip_store))
        _replace(other, body[:at] + bytes((body[at] ^ 1,)) + body[at + 1 :])
        with pytest.raises(TallyError):
            other.vault().open(Secret(PIN))


@pytest.mark.parametrize("end", [1, 2])
def test_truncated_and_lengthened_records_are_damage(end):
    """A record cut at any length, or with bytes after its end, is damage with a remedy."""
    stage = Stage()
    stage.sealed()
    body = _record(stage)
    for raw in [body[:size] for size in range(end - 1, len(body), 2)] + [body + b"\x00"]:
        with pytest.raises(StateCorrupt) as caught:
            VaultRecord.from_bytes(raw)
        assert caught.value.remedy


@given(st.binary(max_size=300))
def test_noise_is_no_record(raw):
    """Any bytes are damage, or are the one encoding of what was read."""
    try:
        record = VaultRecord.from_bytes(raw)
    except StateCorrupt:
        return
    assert record.to_bytes() == raw


def test_item_left_out_added_or_put_back_is_noticed():
    """The list of items is authenticated: none can go, come, change its name, or be an older version of itself."""
    stage = Stage()
    vault = stage.sealed()
    old = VaultRecord.from_bytes(_record(stage))
    key = vault.open(Secret(PIN)).key
    now = VaultRecord.from_bytes(_record(stage))
    assert now.items["check"].version == old.items["check"].version + 1
    from dataclasses import replace

    left_out = replace(now, items={"phrase": now.items["phrase"]})
    added = replace(now, items={**now.items, "more": now.items["check"]})
    put_back = replace(now, items={**now.items, "check": old.items["check"]})
    renamed = replace(now, items={"phrasf": now.items["phrase"], "check": now.items["check"]})
    old_list = replace(now, listing=old.listing)
    for record in (left_out, added, put_back, renamed, old_list):
        with pytest.raises(StateCorrupt):
            VaultRecord.from_bytes(record.to_bytes()).open(key)
    assert now.open(key).keys() == {"phrase", "check"}


def test_both_slots_unreadable_is_damage_with_a_remedy():
    """An unreadable vault is never taken for a device that was not set up."""
    for records in ({"vault.a": b"?"}, {"vault": b"TALV\x01"}):
        stage = Stage(flash=MemoryFlash(records))
        with pytest.raises(StateCorrupt) as caught:
            _ = stage.vault().is_filled
        assert "recovery words" in caught.value.remedy


def test_change_of_pin_wraps_the_key_anew_and_nothing_else():
    """The new PIN opens it, the old one does not, the items are the same bytes, and the old slot is gone."""
    stage = Stage()
    vault = stage.sealed()
    opened = vault.open(Secret(PIN))
    before = VaultRecord.from_bytes(_record(stage))
    vault.change_pin(opened, Secret(OTHER))
    after = VaultRecord.from_bytes(_record(stage))
    assert (after.items, after.listing) == (before.items, before.listing)
    assert after.wrapped != before.wrapped
    assert after.header.salt != before.header.salt
    assert sum(name.startswith("vault.") for name in stage.flash.names()) == 1
    assert phrase_of(stage.vault(), OTHER) == PHRASE
    with pytest.raises(WrongPin):
        stage.vault().open(Secret(PIN))


def test_vault_without_pin_counts_nothing():
    """Where there is no PIN nobody guesses, and nothing keeps anybody out."""
    stage = Stage()
    vault = stage.vault()
    vault.seal(Secret(PHRASE), Secret(b""), sealing=Sealing.NO_PIN | Sealing.TEST)
    assert vault.sealing == Sealing.NO_PIN | Sealing.TEST
    faulty = FaultyFlash(stage.flash, cut_after=0)
    assert phrase_of(Stage(flash=faulty, chip_store=stage.chip_store).vault(), b"") == PHRASE
    with pytest.raises(StateCorrupt):
        stage.vault().open(Secret(b"1234"))
    assert stage.vault().tries_left == 3
    assert stage.vault().wait_s == 0


def test_pin_flag_cannot_be_taken_off_the_header():
    """A vault marked as one without PIN, by whoever has the flash, opens to nothing and gives no guesses."""
    stage = Stage()
    stage.sealed()
    body = bytearray(_record(stage))
    body[5] = Sealing.NO_PIN
    _replace(stage, bytes(body))
    for pin in (b"", PIN, WRONG):
        with pytest.raises(StateCorrupt):
            stage.vault().open(Secret(pin))


def test_cost_of_a_vault_is_written_into_it():
    """The parameters of the key derivation travel with the vault, so that a later default changes no old one."""
    stage = Stage()
    stage.sealed()
    assert VaultRecord.from_bytes(_record(stage)).header.cost == COST_TRIVIAL
    assert (COST.iterations, COST.memory_kib, COST.lanes) == (3, 65536, 4)


def test_wipe_destroys_the_key_before_the_files():
    """Cut off at any write, a wipe leaves a vault that opens, or one that counts as exhausted and never opens again."""
    writes = 0
    for cut_after in range(12):
        flash, chip_store = MemoryFlash(), MemoryFlash()
        Stage(flash=flash, chip_store=chip_store).sealed()
        saved = copy(flash)
        faulty = FaultyFlash(flash, cut_after=cut_after)
        try:
            vault = Stage(flash=faulty, chip_store=chip_store).vault()
            vault.wipe()
            vault.renew()
        except PowerCut:
            writes = cut_after + 1
        after = Stage(flash=flash, chip_store=chip_store)
        if cut_after == 0:
            assert phrase_of(after.vault()) == PHRASE
            continue
        assert after.vault().is_exhausted or not after.vault().is_filled
        if "vault.a" not in flash.names():
            with pytest.raises(StateError):  # the files of before: the key is gone
                Stage(flash=saved, chip_store=chip_store).vault().open(Secret(PIN))
        again = after.vault()
        again.wipe()
        again.renew()
        assert flash.names() == []
        assert after.sealed().tries_left == 3
    assert 3 <= writes < 12


@pytest.mark.parametrize("action", ["seal", "open", "change"])
def test_cut_at_every_write_leaves_the_old_or_the_new(action):
    """Set-up, unlock and change of PIN, cut after each write of flash and chip: no phrase is lost, none between PINs."""
    for cut_after in range(30):
        store = MemoryFlash()
        stage = Stage(flash=store, chip_store=store)
        if action != "seal":
            stage.sealed()
        faulty = FaultyFlash(store, cut_after=cut_after)
        cut = Stage(flash=faulty, chip_store=faulty)
        try:
            if action == "seal":
                cut.sealed()
            else:
                vault = cut.vault()
                opened = vault.open(Secret(PIN))
                if action == "change":
                    vault.change_pin(opened, Secret(OTHER))
        except PowerCut:
            pass
        else:
            break
        after = Stage(flash=store, chip_store=store)
        if action == "seal" and not after.vault().is_filled:
            assert not after.vault().is_exhausted
            after.sealed()
        opens = []
        for pin in (PIN, OTHER):
            with_pin = Stage(flash=copy(store), chip_store=copy(store)).vault()
            with contextlib.suppress(WrongPin):
                opens.append(phrase_of(with_pin, pin))
        assert opens == [PHRASE]
    else:
        pytest.fail("the last cut was still inside")
    assert cut_after >= 3


def test_open_vault_hides_and_wipes_what_it_holds():
    """The proof that a PIN opened it shows neither phrase nor key, and closing it leaves nothing to reveal."""
    opened = Stage().sealed().open(Secret(PIN))
    key = opened.key.reveal()
    for secret in (PHRASE.decode(), key.hex(), repr(key)):
        assert secret not in repr(opened)
    opened.close()
    assert opened.key.wiped
    assert opened.phrase.wiped


def test_errors_and_representations_hold_no_secret():
    """No exception of the vault, with its causes and what its frames were given as text, names phrase or PIN."""
    stage = Stage()
    vault = stage.sealed()
    for pin in (WRONG, PIN):
        try:
            vault.open(Secret(pin))
        except WrongPin as error:
            texts = [repr(error), str(error), repr(error.__cause__), repr(error.__context__), repr(error.args)]
            assert not any(pin.decode() in text for text in texts)
    shown = " ".join(map(repr, (vault, stage.vault(), SealBroken(), VaultRecord.from_bytes(_record(stage)))))
    for secret in (PHRASE, PIN):
        assert secret.decode() not in shown


def test_nothing_of_a_guess_stays_reachable():
    """After an unlock and its closing, no object of Python that can be found still holds the phrase."""
    vault = Stage().sealed()
    vault.open(Secret(PIN)).close()
    gc.collect()
    held = [one for one in gc.get_objects() if isinstance(one, Secret) and not one.wiped]
    assert not any(one.reveal() == PHRASE for one in held)
