"""The record of attestation keys: sealed, whole or damaged, and of one seed and one device."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto import secp256k1
from tallystick.crypto.hash import sha256
from tallystick.crypto.secret import Secret
from tallystick.device.secure.endorsement import EndorsementKeys, NoEndorsementKey, _Contents, _Pair
from tallystick.device.secure.keychain import Keychain, Locked
from tallystick.device.silicon.entropy import RepeatableRng
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.errors import RemoteProtocolError, StateCorrupt, StateError, TallyError, UsageError

WORDS = b"abandon " * 11 + b"about"
OTHER_WORDS = b"zoo " * 11 + b"wrong"
SERIAL = "tallystick-0badcafe"
CODE_HASH = bytes(range(32))


class Rng:
    """A source of randomness that says one thing for ever, or one after another."""

    def __init__(self, *keys: bytes) -> None:
        self._keys = list(keys)

    def read(self, size_bytes: int) -> bytes:
        """Return the next key; the last one again and again."""
        key = self._keys.pop(0) if len(self._keys) > 1 else self._keys[0]
        return key[:size_bytes]


def keychain(words: bytes | None = WORDS) -> Keychain:
    """Return a keychain with these words, or an empty one."""
    chain = Keychain()
    if words is not None:
        chain.fill(Secret(words))
    return chain


def keys(flash: MemoryFlash, *, words: bytes | None = WORDS, serial: str = SERIAL, rng: int = 1) -> EndorsementKeys:
    """Return the keys in a flash."""
    return EndorsementKeys(flash=flash, rng=RepeatableRng(rng), keychain=keychain(words), serial=serial)


def filled() -> MemoryFlash:
    """Return a flash with both keys."""
    flash = MemoryFlash()
    made = keys(flash)
    for slot in (1, 2):
        made.stage(slot)
        made.commit(bytes((slot,)) * 70)
    return flash


def test_record_is_read_in_the_next_life() -> None:
    """Slots, certificates and the staged pair are there with another object over the same flash."""
    flash = filled()
    first = keys(flash)
    public = first.public_key(1)
    new = first.stage(1)
    later = keys(flash, rng=2)
    assert (later.public_key(1), later.certificate(1), later.commits(1)) == (public, b"\x01" * 70, 1)
    assert later.staged() == 1
    later.commit(b"c")
    assert (later.public_key(1), later.commits(1), later.commits(2)) == (new, 2, 1)
    with pytest.raises(NoEndorsementKey):
        later.staged()


def test_nothing_is_there_at_first() -> None:
    """Empty slots are told from damaged ones, and asking writes nothing."""
    flash = MemoryFlash()
    empty = keys(flash)
    for ask in (
        empty.staged,
        lambda: empty.commit(b"c"),
        lambda: empty.public_key(1),
        lambda: empty.certificate(2),
        lambda: empty.app_secret(CODE_HASH),
        lambda: empty.sign_with_code_hash(b"", CODE_HASH),
        lambda: empty.sign_bare(b""),
        lambda: empty.sign_as_app_key(b"", CODE_HASH),
    ):
        with pytest.raises(NoEndorsementKey):
            ask()
    assert [empty.has(1), empty.has(2), empty.commits(1)] == [False, False, 0]
    assert flash.names() == []


def test_without_a_seed_nothing_is_read_or_written() -> None:
    """A lock takes the keys away: each call is Locked, and a reset still erases them."""
    flash = filled()
    raw = flash.read("endorsement")
    locked = keys(flash, words=None)
    assert locked.is_locked
    for ask in (
        lambda: locked.stage(1),
        lambda: locked.commit(b"c"),
        locked.staged,
        lambda: locked.has(1),
        lambda: locked.public_key(1),
        lambda: locked.sign_bare(b""),
    ):
        with pytest.raises(Locked):
            ask()
    assert flash.read("endorsement") == raw
    locked.forget()
    assert flash.names() == []


@pytest.mark.parametrize(("words", "serial"), [(OTHER_WORDS, SERIAL), (WORDS, "tallystick-00000001")])
def test_record_of_another_seed_or_device_is_none(words: bytes, serial: str) -> None:
    """Another seed, and another device with the same seed, find no key in a copy of the record."""
    other = keys(filled(), words=words, serial=serial)
    assert not other.has(1)
    assert not other.has(2)


def test_every_changed_byte_is_damage() -> None:
    """No byte of the record can be changed without the whole record being refused; neither can it be cut or lengthened."""
    flash = filled()
    raw = flash.read("endorsement") or b""
    changed = [raw[:at] + bytes((raw[at] ^ 1,)) + raw[at + 1 :] for at in range(len(raw))]
    for bad in (*changed, *(raw[:size] for size in range(len(raw))), raw + b"\0"):
        with pytest.raises(StateCorrupt):
            keys(MemoryFlash({"endorsement": bad})).has(1)


def test_damage_that_carries_the_right_check_is_refused_by_the_seal() -> None:
    """Whoever changes the ciphertext and makes the check anew is stopped by the seal."""
    body = (filled().read("endorsement") or b"")[:-32]
    for at in range(13, len(body)):
        bad = body[:at] + bytes((body[at] ^ 1,)) + body[at + 1 :]
        with pytest.raises(StateCorrupt):
            keys(MemoryFlash({"endorsement": bad + sha256(bad)})).has(1)


def test_equal_contents_make_equal_records_and_others_another_nonce() -> None:
    """The nonce comes from the contents: none serves two of them."""
    flash, again = filled(), filled()
    assert flash.read("endorsement") == again.read("endorsement")
    nonces = {(flash.read("endorsement") or b"")[13:25]}
    for _ in range(3):
        keys(flash, rng=5).stage(1)
        keys(flash).commit(b"x")
        nonces.add((flash.read("endorsement") or b"")[13:25])
    assert len(nonces) == 4


def test_slots_never_share_a_key() -> None:
    """A source of randomness that says the same after each start does not give both slots one key."""
    flash, one, two = MemoryFlash(), b"\x01" * 32, b"\x02" * 32
    for slot in (1, 2):
        made = EndorsementKeys(flash=flash, rng=Rng(one, two), keychain=keychain(), serial=SERIAL)
        made.stage(slot)
        made.commit(b"c")
    assert keys(flash).public_key(1) != keys(flash).public_key(2)


@pytest.mark.parametrize("bad", [bytes(32), b"\xff" * 32, secp256k1.ORDER.to_bytes(32, "big")])
def test_numbers_that_are_no_key_are_not_taken(bad: bytes) -> None:
    """Zero and n or more are passed over; a source that gives nothing else is an error, and nothing is written."""
    flash = MemoryFlash()
    made = EndorsementKeys(flash=flash, rng=Rng(bad, b"\x03" * 32), keychain=keychain(), serial=SERIAL)
    assert made.stage(1) == secp256k1.public_key(b"\x03" * 32, compressed=False)
    flash = MemoryFlash()
    with pytest.raises(StateError):
        EndorsementKeys(flash=flash, rng=Rng(bad), keychain=keychain(), serial=SERIAL).stage(1)
    assert flash.names() == []


pairs = st.builds(
    lambda private, certificate: _Pair(private=Secret(private), certificate=certificate),
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=1, max_size=72),
)
contents = st.builds(
    lambda staged, one, two, counts: _Contents(
        staged=None if staged is None else (staged[0], Secret(staged[1])),
        slots=(one, two),
        commits=tuple(count if pair else 0 for pair, count in zip((one, two), counts, strict=True)),
    ),
    st.none() | st.tuples(st.sampled_from((1, 2)), st.binary(min_size=32, max_size=32)),
    st.none() | pairs,
    st.none() | pairs,
    st.tuples(st.integers(1, (1 << 64) - 1), st.integers(1, (1 << 64) - 1)),
)


@given(contents)
def test_round_trip_of_contents(value: _Contents) -> None:
    """Whatever a record can hold comes back as it was; cut anywhere, or with a byte more, it is refused."""
    raw = value.to_bytes()
    assert _Contents.from_bytes(raw) == value
    for bad in (*(raw[:size] for size in range(len(raw))), raw + b"\0"):
        with pytest.raises(RemoteProtocolError):
            _Contents.from_bytes(bad)


@pytest.mark.parametrize("slot", [3, 255])
def test_staged_pair_is_for_a_slot_there_is(slot: int) -> None:
    """Contents that name another slot are none."""
    with pytest.raises(RemoteProtocolError):
        _Contents.from_bytes(bytes((slot,)) + bytes(48))


def test_nothing_shows_a_key() -> None:
    """Neither the store nor its parts show, pickle or raise a private key."""
    flash = filled()
    store = keys(flash)
    store.stage(2)
    value = store._read()
    assert value.slots[0] is not None
    assert value.staged is not None
    for secret in (value.slots[0].private.reveal(), value.staged[1].reveal()):
        for thing in (store, value, value.slots[0]):
            assert secret.hex() not in repr(thing)
            assert repr(secret)[2:-1] not in repr(thing)
        assert secret not in (flash.read("endorsement") or b"")
    with pytest.raises((TallyError, UsageError, TypeError)):
        pickle.dumps(value)
