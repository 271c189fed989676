"""The simulated chip: a key that is used and never read, counters that only rise, and a process of its own."""

import hashlib
import hmac
import socket
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto.secret import Secret
from tallystick.device.hil import KeyRefused
from tallystick.device.silicon.chip import Chip
from tallystick.device.silicon.entropy import RepeatableRng
from tallystick.device.silicon.flash import DirectoryFlash, MemoryFlash
from tallystick.device.silicon.fuses import Fuses
from tallystick.device.silicon.otpmk import Otpmk
from tallystick.device.silicon.partition import Partition
from tallystick.device.silicon.provider import Bus, ChipProvider
from tallystick.errors import StateCorrupt, StateError, UsageError
from tallystick.wire import chip as wire
from tallystick.wire.chip_codec import reply_from_bytes, request_to_bytes
from tallystick.wire.firmware import ImageRole

ASK = wire.Mac(wire.KeySlot.SEAL, b"to be hashed")
PROOF = Secret(b"\x11" * 32)


def _closed() -> MemoryFlash:
    """Return the memory of a chip whose fuses are closed."""
    store = MemoryFlash()
    fuses = Fuses(store)
    fuses.burn_identity(key_table=b"\x01" * 32, device_id=b"\x02" * 16)
    fuses.close()
    return store


def _chip(store: MemoryFlash | None = None, state: wire.ChipState = wire.ChipState.OPEN, seed: int = 1) -> Chip:
    return Chip(store=MemoryFlash() if store is None else store, noise=RepeatableRng(seed), state=state)


def _provider(**arguments) -> ChipProvider:
    return ChipProvider(_chip(**arguments).receive)


def test_chip_answers_the_same_for_the_same_and_another_for_another():
    """A keyed hash depends on the data, on the chip and on nothing else, over power cycles too."""
    store = MemoryFlash()
    first = _chip(store).receive(ASK)
    assert isinstance(first, wire.Tag)
    assert _chip(store, seed=2).receive(ASK) == first
    assert _chip(store).receive(wire.Mac(wire.KeySlot.SEAL, b"else")) != first
    assert _chip(seed=3).receive(ASK) != first


def test_verified_and_open_boot_have_different_keys():
    """What is sealed in one state of the boot cannot be opened in the other, and the key ids say which one answers."""
    store = _closed()
    real, test = (_chip(store, state) for state in (wire.ChipState.VERIFIED, wire.ChipState.OPEN))
    assert real.receive(ASK) != test.receive(ASK)
    ids = {chip.receive(wire.Describe()).key_id for chip in (real, test)}
    assert len(ids) == 2


def test_chip_that_was_told_no_state_uses_no_key():
    """Before the boot ROM has spoken, and after a failed boot, the key is shut; the state can be said once only."""
    chip = _chip(_closed(), wire.ChipState.RESET)
    assert chip.receive(ASK) == wire.Refused(wire.Refusal.STATE)
    assert chip.receive(wire.Describe()).key_id == bytes(8)
    assert chip.receive(wire.Latch(wire.ChipState.RESET)) == wire.Refused(wire.Refusal.STATE)
    assert chip.receive(wire.Latch(wire.ChipState.OPEN)) == wire.Done()
    assert chip.receive(wire.Latch(wire.ChipState.VERIFIED)) == wire.Refused(wire.Refusal.STATE)
    assert chip.receive(wire.Describe()).state is wire.ChipState.OPEN
    assert isinstance(chip.receive(ASK), wire.Tag)


def test_chip_that_is_not_closed_is_never_verified():
    """Nobody can tell an open chip that its boot was verified, neither at start nor later."""
    with pytest.raises(UsageError):
        _chip(state=wire.ChipState.VERIFIED)
    chip = _chip(state=wire.ChipState.RESET)
    assert chip.receive(wire.Latch(wire.ChipState.VERIFIED)) == wire.Refused(wire.Refusal.STATE)
    assert chip.receive(ASK) == wire.Refused(wire.Refusal.STATE)


def test_destroyed_key_does_not_come_back():
    """After the key was destroyed the same data gives another hash and the key has another id, for good."""
    store = MemoryFlash()
    chip = _chip(store)
    before, described = chip.receive(ASK), chip.receive(wire.Describe())
    assert chip.receive(wire.DestroyKey()) == wire.Done()
    for later in (chip, _chip(store)):
        assert later.receive(ASK) != before
        after = later.receive(wire.Describe())
        assert after.key_id != described.key_id
        assert after.device_id == described.device_id


def test_device_id_is_that_of_the_fuses():
    """A provisioned chip names the id burnt in; another one has one of its own."""
    assert _chip(_closed(), wire.ChipState.VERIFIED).receive(wire.Describe()).device_id == b"\x02" * 16
    ids = {_chip(seed=seed).receive(wire.Describe()).device_id for seed in (1, 2)}
    assert len(ids) == 2


def test_counters_only_rise_and_last():
    """Each counter rises by one, apart from the other, and stands there after a power cycle."""
    store = MemoryFlash()
    chip = _chip(store)
    assert [chip.receive(wire.IncrementCounter(wire.CounterId.ATTEMPT)) for _ in range(3)] == [
        wire.Value(1),
        wire.Value(2),
        wire.Value(3),
    ]
    assert chip.receive(wire.ReadCounter(wire.CounterId.SETTLED)) == wire.Value(0)
    assert _chip(store).receive(wire.ReadCounter(wire.CounterId.ATTEMPT)) == wire.Value(3)


def test_minimum_rises_in_a_verified_boot_only():
    """The lowest security version is raised by a verified boot, never lowered, and written into the fuses."""
    store = _closed()
    assert _chip(store).receive(wire.RaiseMinimum(wire.ChipRole.SECURE_WORLD, 3)) == wire.Refused(wire.Refusal.STATE)
    chip = _chip(store, wire.ChipState.VERIFIED)
    assert chip.receive(wire.RaiseMinimum(wire.ChipRole.SECURE_WORLD, 3)) == wire.Value(3)
    assert chip.receive(wire.RaiseMinimum(wire.ChipRole.SECURE_WORLD, 2)) == wire.Value(3)
    assert chip.receive(wire.RaiseMinimum(wire.ChipRole.SECURE_WORLD, (1 << 32) - 1)) == wire.Refused(
        wire.Refusal.REQUEST
    )
    assert chip.receive(wire.ReadMinimum(wire.ChipRole.NORMAL_WORLD)) == wire.Value(0)
    assert Fuses(store).state.minimum[ImageRole.SECURE_WORLD] == 3


@pytest.mark.parametrize("record", ["otpmk", "zmk", "counter-1"])
def test_damaged_memory_is_refused_not_replaced(record):
    """A record of another length stops what needs it: no key or count is made up in its place."""
    store = MemoryFlash()
    chip = _chip(store)
    chip.receive(ASK)
    chip.receive(wire.IncrementCounter(wire.CounterId.ATTEMPT))
    store.write(record, b"\x00")
    asked = wire.IncrementCounter(wire.CounterId.ATTEMPT) if record == "counter-1" else ASK
    assert _chip(store).receive(asked) == wire.Refused(wire.Refusal.MEMORY)
    assert store.read(record) == b"\x00"


def test_counter_at_its_end_stays_there():
    """A counter that cannot rise any more refuses, and does not begin anew."""
    store = MemoryFlash({"counter-1": b"\xff" * 4})
    assert _chip(store).receive(wire.IncrementCounter(wire.CounterId.ATTEMPT)) == wire.Refused(wire.Refusal.MEMORY)
    assert _chip(store).receive(wire.ReadCounter(wire.CounterId.ATTEMPT)) == wire.Value(0xFFFFFFFF)


@given(st.binary(max_size=60))
def test_any_datagram_gets_one_reply(datagram):
    """Whatever is sent, the chip answers one reply of its list; what is no request is refused."""
    assert reply_from_bytes(_chip().handle(datagram))


def test_no_reply_holds_the_key():
    """None of the replies to any request contains the key, nor does the representation of what holds it."""
    store = _closed()
    chip = _chip(store, wire.ChipState.VERIFIED)
    chip.receive(ASK)
    secrets = [store.read(name) for name in ("otpmk", "zmk")]
    requests = [
        wire.Describe(),
        ASK,
        wire.ReadCounter(wire.CounterId.ATTEMPT),
        wire.ReadMinimum(wire.ChipRole.BOOTLOADER),
        wire.Latch(wire.ChipState.OPEN),
    ]
    replies = b"".join(chip.handle(request_to_bytes(request)) for request in requests)
    for secret in secrets:
        assert secret not in replies
        assert secret.hex() not in repr((chip, Otpmk(store, RepeatableRng(1))))


def test_provider_is_the_chip_by_way_of_its_bus():
    """The provider derives by handle and proof, counts, draws noise in pieces, and forgets its key when told to."""
    provider = _provider()
    handle = provider.enroll(PROOF, limit=3)
    first = provider.derive(handle, PROOF)
    assert provider.kind is wire.ProviderKind.SIMULATED
    assert provider.derive(handle, PROOF) == first
    assert provider.derive(handle, Secret(b"\x22" * 32)) != first
    assert provider.failures(handle) == 0
    assert (provider.increment(wire.CounterId.ATTEMPT), provider.read(wire.CounterId.ATTEMPT)) == (1, 1)
    assert len(provider.noise(150)) == 150
    provider.discard(handle)
    provider.destroy()
    with pytest.raises(KeyRefused):
        provider.derive(handle, PROOF)


def test_provider_hashes_what_the_reference_says():
    """The answer is the keyed hash over "kek-v1" and the proof (secure-world 5.2)."""
    seen = []

    def call(message):
        seen.append(message)
        if isinstance(message, wire.Describe):
            return wire.Description(wire.ChipState.OPEN, bytes(16), b"\x01" * 8)
        return wire.Tag(hmac.new(b"key", message.data, hashlib.sha256).digest())

    answer = ChipProvider(call).derive(b"\x01" * 8, PROOF)
    assert seen[-1] == wire.Mac(wire.KeySlot.SEAL, b"kek-v1" + PROOF.reveal())
    assert answer.reveal() == hmac.new(b"key", b"kek-v1" + PROOF.reveal(), hashlib.sha256).digest()


def test_provider_refuses_outside_a_checked_boot():
    """A chip that refuses its key is an error that says why and what to do, and never an answer."""
    provider = _provider(state=wire.ChipState.RESET)
    with pytest.raises(KeyRefused):
        provider.derive(bytes(8), PROOF)
    with pytest.raises(KeyRefused, match="not checked"):
        provider.raise_minimum(wire.ChipRole.SECURE_WORLD, 1)
    assert provider.minimum(wire.ChipRole.SECURE_WORLD) == 0


@pytest.mark.parametrize("answer", [wire.Done(), wire.Value(1), wire.Noise(b"\x00"), wire.Refused(wire.Refusal.MEMORY)])
def test_provider_refuses_a_reply_to_something_else(answer):
    """A chip that answers another question has answered nothing."""
    provider = ChipProvider(lambda _message: answer)
    for ask in (provider.describe, lambda: provider.derive(b"\x01" * 8, PROOF)):
        with pytest.raises(KeyRefused):
            ask()
    if not isinstance(answer, wire.Value):
        with pytest.raises(KeyRefused):
            provider.read(wire.CounterId.ATTEMPT)
    if not isinstance(answer, wire.Done):
        with pytest.raises(KeyRefused):
            provider.destroy()


def test_chip_that_gives_more_noise_than_asked_is_not_believed():
    """A reply of another length is an error, not randomness."""
    with pytest.raises(StateError):
        ChipProvider(lambda _message: wire.Noise(bytes(64))).noise(10)


@pytest.mark.parametrize("raw", [b"", b"\x99", b"\x83" + bytes(31), b"\x81" * 2000])
def test_bus_that_talks_nonsense_stays_shut(raw):
    """After one wrong datagram nothing more is asked: a late reply must not pass for the next one."""
    inner, outer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with outer:
        bus = Bus(inner)
        outer.send(raw) if raw else outer.shutdown(socket.SHUT_WR)
        with pytest.raises(KeyRefused, match="does not answer"):
            bus.call(wire.Describe())
        if raw:
            outer.recv(wire.MAX_MESSAGE)
            with pytest.raises(KeyRefused):
                bus.call(wire.Describe())


def test_bus_without_a_chip_at_its_end_is_an_error():
    """A chip that is gone is told as such."""
    inner, outer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    outer.close()
    with pytest.raises(KeyRefused):
        Bus(inner).call(wire.Describe())


_SERVER = """
import socket, sys
from pathlib import Path
from tallystick.device.silicon.chip import Chip
from tallystick.device.silicon.chip_server import serve
from tallystick.device.silicon.entropy import SystemRng
from tallystick.device.silicon.flash import DirectoryFlash
serve(Chip(store=DirectoryFlash(Path(sys.argv[1])), noise=SystemRng()), socket.socket(fileno=int(sys.argv[2])))
"""


def _start(folder, *, end):
    return subprocess.Popen(
        [sys.executable, "-I", "-c", _SERVER, str(folder), str(end.fileno())],
        pass_fds=(end.fileno(),),
        env={},
        stderr=subprocess.PIPE,
    )


def test_chip_process_answers_and_ends_with_its_socket(tmp_path):
    """In its own process the chip is the same chip; nothing of its key is on its command line, and it goes when we go."""
    inner, outer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = _start(tmp_path / "chip", end=outer)
    outer.close()
    bus = Bus(inner)
    provider = ChipProvider(bus.call)
    assert bus.call(ASK) == wire.Refused(wire.Refusal.STATE)
    assert bus.call(wire.Latch(wire.ChipState.OPEN)) == wire.Done()
    handle = provider.enroll(PROOF, limit=3)
    tag = provider.derive(handle, PROOF)
    assert provider.increment(wire.CounterId.ATTEMPT) == 1
    bus.close()
    assert process.wait(60) == 0
    assert process.stderr.read() == b""
    process.stderr.close()
    store = DirectoryFlash(tmp_path / "chip")
    assert ChipProvider(_chip(store).receive).derive(handle, PROOF) == tag
    assert (tmp_path / "chip").stat().st_mode & 0o077 == 0
    store.close()


def test_partition_sees_its_own_records_only():
    """A part of flash reads, writes, lists and removes under its prefix, and nothing else."""
    flash = MemoryFlash({"model": b"m", "chip.a": b"1"})
    part = Partition(flash, "chip.")
    part.write("b", b"2")
    assert part.names() == ["a", "b"]
    assert (part.read("a"), part.read("model")) == (b"1", None)
    part.remove("a")
    assert flash.names() == ["chip.b", "model"]


def test_unreadable_fuses_make_a_dead_chip():
    """A chip whose fuses cannot be read does not start as a blank one."""
    with pytest.raises(StateCorrupt):
        _chip(MemoryFlash({"fuses": b"?"}))


def test_noise_has_the_length_asked_for():
    """The chip gives as many bytes as were asked for."""
    answer = _chip().receive(wire.Draw(17))
    assert isinstance(answer, wire.Noise)
    assert len(answer.data) == 17
