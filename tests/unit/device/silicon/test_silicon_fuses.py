"""Fuses burn in one direction, survive, and are dead when they cannot be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.device.silicon.flash import MemoryFlash
from tallystick.device.silicon.fuses import Fuses, FuseState, key_table_hash
from tallystick.errors import RemoteProtocolError, StateCorrupt, UsageError
from tallystick.wire.firmware import ImageRole

STATE = FuseState(
    key_table=bytes(range(32)),
    revoked=5,
    is_closed=True,
    minimum=dict.fromkeys(ImageRole, 9),
    device_id=bytes(range(16)),
)


def _burnt() -> tuple[Fuses, MemoryFlash]:
    store = MemoryFlash()
    fuses = Fuses(store)
    fuses.burn_identity(key_table=bytes(range(32)), device_id=bytes(range(16)))
    return fuses, store


def test_a_new_chip_is_blank_and_open():
    """No key table, nothing revoked, open, every minimum 0."""
    assert Fuses(MemoryFlash()).state == FuseState()


def test_what_is_burnt_is_there_after_power_off():
    """A chip read again says the same."""
    fuses, store = _burnt()
    fuses.revoke(2)
    fuses.close()
    fuses.raise_minimum(ImageRole.SECURE_WORLD, 7)
    assert Fuses(store).state == fuses.state
    assert fuses.state.revoked == 4
    assert fuses.state.is_closed
    assert fuses.state.minimum[ImageRole.SECURE_WORLD] == 7


def test_identity_and_closing_are_one_write():
    """A chip that is made closed is never there open with its identity."""
    store = MemoryFlash()
    Fuses(store).burn_identity(key_table=bytes(32), device_id=bytes(16), is_closed=True)
    assert Fuses(store).state.is_closed
    _fuses, other = _burnt()
    assert not Fuses(other).state.is_closed


def test_identity_is_burnt_once():
    """A second key table is refused, and so are wrong lengths."""
    fuses, _ = _burnt()
    with pytest.raises(UsageError):
        fuses.burn_identity(key_table=bytes(32), device_id=bytes(16))
    for table, device_id in ((bytes(31), bytes(16)), (bytes(32), bytes(15)), (b"", b"")):
        with pytest.raises(UsageError):
            Fuses(MemoryFlash()).burn_identity(key_table=table, device_id=device_id)


@given(steps=st.lists(st.tuples(st.sampled_from(ImageRole), st.integers(0, 0xFFFF)), max_size=8))
def test_minimums_only_rise(steps):
    """Whatever is asked for, in whatever order: the minimum is the highest of it."""
    fuses, _ = _burnt()
    for role, version in steps:
        fuses.raise_minimum(role, version)
    for role in ImageRole:
        assert fuses.state.minimum[role] == max((number for one, number in steps if one is role), default=0)


def test_bits_stay_burnt_and_the_last_key_stays_whole():
    """Closing and revoking have no way back; three keys may be revoked, never all."""
    fuses, _ = _burnt()
    for index in (0, 1, 3, 1):
        fuses.revoke(index)
    with pytest.raises(UsageError):
        fuses.revoke(2)
    for index in (-1, 4):
        with pytest.raises(UsageError):
            fuses.revoke(index)
    assert fuses.state.revoked == 0b1011
    fuses.close()
    fuses.close()
    assert fuses.state.is_closed


def test_what_would_make_a_dead_chip_is_refused():
    """Closing without a key table, and a minimum beyond every version."""
    with pytest.raises(UsageError):
        Fuses(MemoryFlash()).close()
    for number in (-1, 1 << 16):
        with pytest.raises(UsageError):
            Fuses(MemoryFlash()).raise_minimum(ImageRole.BOOTLOADER, number)


def test_every_damaged_record_is_dead_or_refused():
    """Cut anywhere or noise: the chip is dead, never blank."""
    raw = STATE.to_bytes()
    assert FuseState.from_bytes(raw) == STATE
    for spoilt in (*(raw[:size] for size in range(len(raw) - 1)), raw + b"x", b"\xff", raw.replace(b"5", b"16")):
        with pytest.raises(RemoteProtocolError):
            FuseState.from_bytes(spoilt)
        with pytest.raises(StateCorrupt):
            Fuses(MemoryFlash({"fuses": spoilt}))


def test_the_key_table_is_four_keys_of_42_bytes():
    """Another count or length has no hash."""
    assert len(key_table_hash([bytes(42)] * 4)) == 32
    for keys in ([bytes(42)] * 3, [bytes(42)] * 5, [bytes(41)] * 4, []):
        with pytest.raises(UsageError):
            key_table_hash(keys)
