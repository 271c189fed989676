"""A TPM 2.0 as key provider, against swtpm: who may unseal, who is counted, and what an attacker's own index gains."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tpm_stage import PROGRAM, Simulator, simulator

from tallystick.crypto.secret import Secret
from tallystick.device.hil import KeyRefused, WrongProof
from tallystick.device.secure.vault import COST_TRIVIAL, Vault, WrongPin
from tallystick.device.silicon import tpm_owner
from tallystick.device.silicon.clock import VirtualClock
from tallystick.device.silicon.entropy import MixedRng, SystemRng
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.device.silicon.tpm import TpmProvider
from tallystick.device.silicon.tpm_command import OWNER, Cc, Entity, Session, Tpm, TpmError, as_sized
from tallystick.device.silicon.tpm_link import TpmDevice, TpmSocket
from tallystick.device.silicon.tpm_nv import BASE_INDEX, PIN_FAIL, TpmCounter
from tallystick.device.silicon.tpm_policy import derived
from tallystick.device.silicon.tpm_refusal import RegistersChanged
from tallystick.errors import StateError
from tallystick.testing.flash import PowerCut
from tallystick.wire.buffer import Writer
from tallystick.wire.chip import ChipState, CounterId, ProviderKind

pytestmark = pytest.mark.skipif(
    PROGRAM is None and not os.environ.get("CI"), reason="the TPM simulator is not installed: scripts/tpm_setup"
)
PROOF, WRONG, PIN = Secret(b"\x11" * 32), Secret(b"\x22" * 32), Secret(b"4711")
NONE = Secret(b"")


@pytest.fixture
def tpm(tmp_path: Path) -> Iterator[Simulator]:
    """Run a new simulator for one test."""
    with simulator(tmp_path) as running:
        yield running


def _provider(tpm: Simulator, *, owner: Secret = NONE, state: ChipState = ChipState.VERIFIED) -> TpmProvider:
    return TpmProvider(Tpm(tpm.link.exchange), rng=SystemRng(), owner=owner, state=state)


def test_right_proof_gives_the_same_answer_again_and_a_wrong_one_none(tpm: Simulator) -> None:
    """The right proof unseals, as often as asked; a wrong one is refused and counted; a right one takes that back."""
    provider = _provider(tpm)
    handle = provider.enroll(PROOF, limit=3)
    answer = provider.derive(handle, PROOF)
    assert provider.kind is ProviderKind.TPM2
    assert len(handle) < 1024
    for failures in (1, 2):
        with pytest.raises(WrongProof):
            provider.derive(handle, WRONG)
        assert provider.failures(handle) == failures
    assert provider.derive(handle, PROOF) == answer
    assert provider.failures(handle) == 0


def test_at_the_limit_even_the_right_proof_is_refused(tpm: Simulator) -> None:
    """The index shuts itself after so many wrong proofs, and neither the right one nor a power cycle opens it."""
    provider = _provider(tpm)
    handle = provider.enroll(PROOF, limit=3)
    for _ in range(3):
        with pytest.raises(WrongProof):
            provider.derive(handle, WRONG)
    with pytest.raises(WrongProof):
        provider.derive(handle, PROOF)
    assert provider.failures(handle) == 3


def test_count_survives_the_power(tmp_path: Path) -> None:
    """A simulator killed after a wrong proof has counted it when it starts again, and the right proof still opens."""
    with simulator(tmp_path) as running:
        handle = _provider(running).enroll(PROOF, limit=5)
        answer = _provider(running).derive(handle, PROOF)
        with pytest.raises(WrongProof):
            _provider(running).derive(handle, WRONG)
    with simulator(tmp_path) as running:
        again = _provider(running)
        assert again.failures(handle) == 1
        assert again.derive(handle, PROOF) == answer


def test_changed_registers_refuse(tmp_path: Path) -> None:
    """With the registers extended nothing is unsealed, and no try is counted for it; the next power cycle has them back."""
    with simulator(tmp_path) as running:
        provider = _provider(running)
        handle = provider.enroll(PROOF, limit=3)
        provider.cap()
        with pytest.raises(KeyRefused):
            provider.derive(handle, PROOF)
        with pytest.raises(RegistersChanged):  # which is asked before a try is counted
            provider.failures(handle)
    with simulator(tmp_path) as running:
        assert _provider(running).failures(handle) == 0
        assert _provider(running).derive(handle, PROOF)


def test_other_signers_and_another_state_of_the_boot_get_another_answer(tpm: Simulator) -> None:
    """The answer depends on who may sign what boots and on what the boot found; an update of the same signers keeps it."""
    handle = _provider(tpm).enroll(PROOF, limit=3)

    def answer(signers: bytes, state: ChipState) -> bytes:
        machine = Tpm(tpm.link.exchange)
        provider = TpmProvider(machine, rng=SystemRng(), owner=NONE, state=state, signers=signers)
        return provider.derive(handle, PROOF).reveal()

    asked = [(b"us", ChipState.VERIFIED), (b"them", ChipState.VERIFIED), (b"us", ChipState.OPEN)]
    assert len({answer(*one) for one in asked}) == 3
    assert answer(*asked[0]) == answer(*asked[0])


def test_other_tpm_refuses_the_handle(tpm: Simulator, tmp_path: Path) -> None:
    """A copied blob is of no use to another TPM, and the two call themselves by different ids."""
    handle = _provider(tpm).enroll(PROOF, limit=3)
    (tmp_path / "other").mkdir()
    with simulator(tmp_path / "other") as other:
        assert _provider(other).describe().device_id != _provider(tpm).describe().device_id
        with pytest.raises((KeyRefused, WrongProof)):
            _provider(other).derive(handle, PROOF)
    assert _provider(tpm).describe() == _provider(tpm).describe()


def test_unchecked_boot_uses_no_key(tpm: Simulator) -> None:
    """Before the boot was checked the TPM is not even asked."""
    handle = _provider(tpm).enroll(PROOF, limit=3)
    with pytest.raises(KeyRefused):
        _provider(tpm, state=ChipState.RESET).derive(handle, PROOF)


def test_index_of_the_attacker_gains_nothing(tpm: Simulator) -> None:
    """With an empty owner password the index can be made anew under the same name; the blob's own password still holds.

    This is the attack that opens a seal by PolicySecret alone (secure-world 5.3).
    """
    provider = _provider(tpm)
    handle = provider.enroll(PROOF, limit=3)
    machine = Tpm(tpm.link.exchange)
    public = machine.run(Cc.NV_READ_PUBLIC, BASE_INDEX).parameters
    seen = public.take(public.u16())
    policy = seen[12 : 12 + 32]
    name = provider.indexes.entity(BASE_INDEX).name

    provider.indexes.remove(BASE_INDEX)
    owner = Session(key=NONE)
    anew = Writer().u32(BASE_INDEX).u16(0x000B).u32(PIN_FAIL).take(as_sized(policy)).u16(8).to_bytes()
    known = as_sized(derived(WRONG, b"pin").reveal()) + as_sized(anew)
    machine.run(Cc.NV_DEFINE_SPACE, OWNER, parameters=known, sessions=[owner])
    provider.indexes.write(BASE_INDEX, Writer().u32(0).u32(1000).to_bytes())
    assert provider.indexes.entity(BASE_INDEX).name == name
    with provider._policy.session() as policy:  # the index of the same name does satisfy the policy
        provider._policy.satisfy(policy, BASE_INDEX, WRONG)
    with pytest.raises(WrongProof):
        provider.derive(handle, WRONG)


def test_owner_password_keeps_others_from_the_indexes(tpm: Simulator) -> None:
    """On a device of our own the passwords are set, and without them no index can be removed, made or counted up."""
    owner = Secret(b"owner password")
    machine, lockout = Tpm(tpm.link.exchange), Secret(b"lock-out password")
    assert not tpm_owner.is_owned(machine)
    tpm_owner.take(machine, owner=owner, lockout=lockout)
    tpm_owner.take(machine, owner=owner, lockout=lockout)
    assert tpm_owner.is_owned(machine)
    handle = _provider(tpm, owner=owner).enroll(PROOF, limit=3)
    stranger = _provider(tpm)
    for act in (lambda: stranger.discard(handle), stranger.destroy, lambda: stranger.enroll(WRONG, limit=9)):
        with pytest.raises(KeyRefused):
            act()
    assert _provider(tpm, owner=owner).derive(handle, PROOF)
    tpm_owner.give_back(machine, owner=owner, lockout=lockout)
    assert not tpm_owner.is_owned(machine)
    _provider(tpm).discard(handle)


def test_discarded_and_destroyed_enrolments_open_no_more(tpm: Simulator) -> None:
    """Two enrolments stand side by side; one that is discarded is gone, and destruction takes both."""
    provider = _provider(tpm)
    first = provider.enroll(PROOF, limit=3)
    second = provider.enroll(WRONG, limit=3, beside=first)
    assert provider.derive(first, PROOF)
    assert provider.derive(second, WRONG)
    provider.discard(first)
    with pytest.raises(KeyRefused):
        provider.derive(first, PROOF)
    assert provider.derive(second, WRONG)
    provider.destroy()
    provider.destroy()
    provider.enroll(WRONG, limit=3)
    provider.enroll(WRONG, limit=3, beside=first)
    with pytest.raises((KeyRefused, WrongProof)):
        provider.derive(second, WRONG)


@pytest.mark.parametrize(
    "handle",
    [b"", b"\x00" * 3, b"\x00" * 8 + b"!", b"\x01\x80\x54\x40" + bytes(32) + b"\x00\x01a\x00\x01b", bytes(300)],
)
def test_handle_of_something_else_is_refused(tpm: Simulator, handle: bytes) -> None:
    """Bytes that are no handle are refused, whatever they are."""
    with pytest.raises(KeyRefused):
        _provider(tpm).derive(handle, PROOF)


def test_counters_only_rise_whatever_the_owner_does(tmp_path: Path) -> None:
    """Counters keep what they had over a cut of the power, and one that is removed and made anew does not go back."""
    with simulator(tmp_path) as running:
        indexes = _provider(running).indexes
        counter = TpmCounter(indexes)
        start = counter.read(CounterId.ATTEMPT)
        assert counter.read(CounterId.SETTLED) == start
        assert [counter.increment(CounterId.ATTEMPT) for _ in range(20)] == list(range(start + 1, start + 21))
    with simulator(tmp_path) as running:
        indexes = _provider(running).indexes
        assert TpmCounter(indexes).read(CounterId.ATTEMPT) == start + 20
        indexes.remove(BASE_INDEX + 2)
        assert TpmCounter(indexes).read(CounterId.ATTEMPT) >= start + 20


def test_noise_can_be_mixed(tpm: Simulator) -> None:
    """The TPM's noise passes the health tests and is a source of the mixture."""
    mixed = MixedRng(noise={"tpm": _provider(tpm).noise})
    assert mixed.sources == ("kernel", "tpm")
    assert len(mixed.read(40)) == 40


def test_nothing_stays_loaded(tpm: Simulator) -> None:
    """Right, wrong and refused proofs leave no object or session behind: there are only three places for each."""
    provider = _provider(tpm)
    handle = provider.enroll(PROOF, limit=200)
    for _ in range(20):
        assert provider.derive(handle, PROOF)
        with pytest.raises(WrongProof):
            provider.derive(handle, WRONG)


def test_vault_works_on_a_tpm(tpm: Simulator) -> None:
    """Set-up, wrong PIN, change of PIN, unlock, wipe: the vault is the same on a TPM as on the simulated chip."""
    flash, clock = MemoryFlash(), VirtualClock()

    def vault() -> Vault:
        provider = _provider(tpm)
        counter = TpmCounter(provider.indexes)
        return Vault(flash=flash, rng=SystemRng(), clock=clock, keys=provider, counter=counter, cost=COST_TRIVIAL)

    vault().seal(Secret(b"words"), PIN)
    with pytest.raises(WrongPin) as caught:
        vault().open(Secret(b"0000"))
    assert caught.value.left == 2
    opened = vault().open(PIN)
    assert vault().tries_left == 3
    now = vault()
    now.change_pin(opened, Secret(b"2020"))
    assert vault().open(Secret(b"2020")).phrase.reveal() == b"words"
    saved = {name: flash.read(name) or b"" for name in flash.names()}
    vault().open(Secret(b"2020"))
    old = Vault(
        flash=MemoryFlash(saved),
        rng=SystemRng(),
        clock=clock,
        keys=_provider(tpm),
        counter=TpmCounter(_provider(tpm).indexes),
        cost=COST_TRIVIAL,
    )
    with pytest.raises(StateError, match="rolled back"):
        old.open(Secret(b"2020"))
    gone = vault()
    gone.wipe()
    gone.renew()
    assert flash.names() == []


class Mains:
    """The power of a device and not of its TPM: it goes after so many commands to the TPM and writes to the flash."""

    def __init__(self, link: TpmSocket, steps: int | None) -> None:
        self._link = link
        self._left = steps
        self.steps = 0

    def step(self) -> None:
        """Count one, or go out."""
        self.steps += 1
        if self._left is not None and self.steps > self._left:
            raise PowerCut

    def exchange(self, command: bytes) -> bytes:
        """Hand over a command."""
        self.step()
        return self._link.exchange(command)


class Powered(MemoryFlash):
    """Flash on these mains."""

    def __init__(self, records: dict[str, bytes], mains: Mains) -> None:
        super().__init__(records)
        self._mains = mains

    def write(self, name: str, data: bytes) -> None:
        """Write, with power."""
        self._mains.step()
        super().write(name, data)

    def remove(self, name: str) -> None:
        """Remove, with power."""
        self._mains.step()
        super().remove(name)


def test_change_of_pin_cut_at_any_command_and_write_leaves_the_old_pin_or_the_new_one(tpm: Simulator) -> None:
    """However far the enrolment in the TPM and the record in flash had come: one PIN opens, the other does not.

    What the killed device had loaded in the TPM is flushed when the next one begins, as nobody else does for a simulator.
    """
    records: dict[str, bytes] = {}
    pins = [PIN, Secret(b"2020")]

    def vault(steps: int | None) -> tuple[Vault, Mains]:
        machine = Tpm(tpm.link.exchange)
        machine.flush_all()
        indexes = _provider(tpm).indexes
        counter = TpmCounter(indexes)
        mains = Mains(tpm.link, steps)
        keys = TpmProvider(Tpm(mains.exchange), rng=SystemRng(), owner=NONE, state=ChipState.VERIFIED)
        flash = Powered(records, mains)
        flash._records = records  # what was written outlives the power
        clock = VirtualClock()
        return Vault(flash=flash, rng=SystemRng(), clock=clock, keys=keys, counter=counter, cost=COST_TRIVIAL), mains

    vault(None)[0].seal(Secret(b"words"), pins[0])
    outcomes = set()
    for steps in range(200):
        opened = vault(None)[0].open(pins[0])
        cut, mains = vault(steps)
        try:
            cut.change_pin(opened, pins[1])
        except PowerCut:
            pass
        else:
            break
        opens = []
        for pin in pins:
            try:
                opens.append(vault(None)[0].open(pin).phrase == Secret(b"words"))
            except WrongPin:
                opens.append(False)
        assert sum(opens) == 1, f"after {steps} steps"
        outcomes.add(opens[1])
        if opens[1]:
            vault(None)[0].change_pin(vault(None)[0].open(pins[1]), pins[0])
    else:
        raise AssertionError("the change never came to its end")
    assert mains.steps > 30
    assert outcomes == {False, True}


def test_restored_simulator_is_taken_back(tmp_path: Path) -> None:
    """A simulated TPM refuses nothing to who owns its files: an old state brings the tries back. It is not claimed to."""
    with simulator(tmp_path) as running:
        handle = _provider(running).enroll(PROOF, limit=3)
    shutil.copytree(tmp_path / "state", tmp_path / "saved")
    with simulator(tmp_path) as running, pytest.raises(WrongProof):
        _provider(running).derive(handle, WRONG)
    shutil.rmtree(tmp_path / "state")
    shutil.copytree(tmp_path / "saved", tmp_path / "state")
    with simulator(tmp_path) as running:
        assert _provider(running).failures(handle) == 0


def test_changed_answer_on_the_bus_is_noticed(tpm: Simulator) -> None:
    """Who changes the TPM's answer between it and us is found out: the response is authorized with the proof."""
    handle = _provider(tpm).enroll(PROOF, limit=3)
    changed = 0

    def tapped(command: bytes) -> bytes:
        nonlocal changed
        raw = bytearray(tpm.link.exchange(command))
        if command[6:10] == Cc.UNSEAL.to_bytes(4, "big") and len(raw) > 20:
            raw[20] ^= 1
            changed += 1
        return bytes(raw)

    provider = TpmProvider(Tpm(tapped), rng=SystemRng(), owner=NONE, state=ChipState.VERIFIED)
    with pytest.raises(KeyRefused):
        provider.derive(handle, PROOF)
    assert changed == 1


@pytest.mark.parametrize("cut", [0, 1, 9, 10, 14, 40])
def test_truncated_answers_are_refused(tpm: Simulator, cut: int) -> None:
    """A TPM whose answers end early, or that says nothing, is an error and never an answer."""
    handle = _provider(tpm).enroll(PROOF, limit=3)
    provider = TpmProvider(
        Tpm(lambda command: tpm.link.exchange(command)[:cut]), rng=SystemRng(), owner=NONE, state=ChipState.VERIFIED
    )
    for ask in (provider.describe, lambda: provider.derive(handle, PROOF), lambda: provider.failures(handle)):
        with pytest.raises(KeyRefused):
            ask()


@given(raw=st.binary(max_size=80))
@settings(deadline=None)
def test_noise_in_place_of_a_tpm_is_refused(raw: bytes) -> None:
    """Whatever bytes come back, nothing but a refusal comes out."""
    sized_raw = raw[:2] + len(raw).to_bytes(4, "big") + bytes(4) + raw[10:]
    for answer in (raw, sized_raw):
        provider = TpmProvider(Tpm(lambda _command, a=answer: a), rng=SystemRng(), owner=NONE, state=ChipState.OPEN)
        try:
            provider.describe()
        except KeyRefused:
            continue
        assert answer is sized_raw


def test_tpm_that_is_not_there_is_told(tmp_path: Path) -> None:
    """No simulator, no device, and one that went away are errors with a remedy or a reason."""
    with pytest.raises(KeyRefused):
        TpmSocket(tmp_path / "tpm")
    with pytest.raises(KeyRefused) as caught:
        TpmDevice(tmp_path / "tpmrm0")
    assert caught.value.remedy
    running = Simulator(tmp_path)
    provider = _provider(running)
    running._process.kill()
    running._process.wait()
    with pytest.raises(KeyRefused):
        provider.describe()
    running.kill()


def test_entity_is_named_by_its_handle_until_it_has_a_name() -> None:
    """Sessions and hierarchies are named by their handles (part 1, 16)."""
    assert Entity(OWNER).named() == bytes.fromhex("40000001")
    assert Entity(OWNER, b"name").named() == b"name"


def test_refusal_names_the_command_and_no_secret() -> None:
    """An error tells which command was refused and with which code."""
    error = TpmError(Cc.UNSEAL, 0x98E)
    assert "UNSEAL" in str(error)
    assert "0x98e" in str(error)
