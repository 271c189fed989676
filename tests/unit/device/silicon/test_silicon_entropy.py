"""Randomness: sources mixed and none replaced, and a source that is stuck, biased, short or gone stops it for good."""

import hashlib
import hmac
import itertools
import os
from fractions import Fraction
from math import comb

import pytest

from tallystick.device.silicon.entropy import (
    HardwareNoise,
    MixedRng,
    RepeatableRng,
    SystemRng,
    machine_rng,
)
from tallystick.device.silicon.health import (
    PROPORTION_CUTOFF,
    REPETITION_CUTOFF,
    START_BYTES,
    WINDOW_BYTES,
    HealthTest,
    NoiseFailure,
)


def _noise(seed: int = 5):
    return RepeatableRng(seed).read


def _mixed(seed: int = 1, **noise) -> MixedRng:
    return MixedRng(system=RepeatableRng(seed), noise=noise)


def test_mixture_is_hkdf_sha512_over_all_sources():
    """The bytes are those of HKDF-SHA-512 over kernel, then each source, computed here once more by hand."""
    noise = RepeatableRng(5)
    noise.read(START_BYTES)
    material = RepeatableRng(1).read(64) + noise.read(64)
    extracted = hmac.new(bytes(64), material, hashlib.sha512).digest()
    expected = hmac.new(extracted, b"tallystick entropy kernel,chip\x01", hashlib.sha512).digest()
    assert _mixed(chip=_noise()).read(64) == expected


def test_every_source_changes_the_result():
    """With any one source changed the bytes are others, so whoever knows the rest knows nothing."""
    base = _mixed(chip=_noise()).read(32)
    assert _mixed(chip=_noise()).read(32) == base
    assert _mixed(seed=2, chip=_noise()).read(32) != base
    assert _mixed(chip=_noise(6)).read(32) != base
    assert _mixed().read(32) != base
    assert _mixed(chip=_noise(), more=_noise(9)).read(32) != base


@pytest.mark.parametrize("size", [0, 1, 64, 16_320, 16_321, 40_000])
def test_any_size_is_given(size):
    """As many bytes come as were asked for, also beyond one expansion."""
    assert len(_mixed(chip=_noise()).read(size)) == size


def test_short_reads_do_not_wait_for_hardware():
    """What is too short to be a key comes from the kernel alone."""
    calls = []
    mixed = _mixed(chip=lambda size: calls.append(size) or _noise()(size))
    assert mixed.read(15) == RepeatableRng(1).read(15)
    assert calls == []
    mixed.read(16)
    assert calls == [START_BYTES, 64]


def test_sources_are_named():
    """What is mixed can be shown."""
    assert _mixed(chip=_noise()).sources == ("kernel", "chip")
    assert not MixedRng().repeatable


@pytest.mark.parametrize(
    "source",
    [
        bytes,
        lambda size: b"\xff" * size,
        lambda size: (b"\x00\x01" * size)[:size],
        lambda size: os.urandom(size - 1),
        lambda _size: b"",
    ],
    ids=["zeros", "ones", "alternating", "short", "empty"],
)
def test_bad_source_stops_before_the_first_byte(source):
    """A source that is stuck, repeats, or gives too little is found out before any of it is used for a key."""
    with pytest.raises(NoiseFailure) as caught:
        _mixed(chip=source).read(16)
    assert "chip" in str(caught.value)
    assert caught.value.remedy


def test_source_that_gets_stuck_stops_all_reads_ever_after():
    """A source that fails later stops that read and every later one, even if it recovers."""
    good, stuck = _noise(), False
    mixed = _mixed(chip=lambda size: bytes(size) if stuck else good(size))
    assert mixed.read(32)
    stuck = True
    with pytest.raises(NoiseFailure):
        mixed.read(32)
    stuck = False
    for _ in range(2):
        with pytest.raises(NoiseFailure):
            mixed.read(32)


def test_source_that_is_unplugged_is_a_failure():
    """A device that cannot be read any more does not pass in silence."""

    def gone(_size):
        raise OSError

    with pytest.raises(NoiseFailure):
        _mixed(chip=gone).read(32)


def test_cutoffs_are_those_of_the_standard():
    """Both cut-offs follow from four bits a byte and one false alarm in 2^30 (SP 800-90B 4.4.1 and 4.4.2)."""
    assert REPETITION_CUTOFF == -(-30 // 4) + 1
    share, alarm = Fraction(1, 16), Fraction(1, 1 << 30)
    terms = (comb(WINDOW_BYTES, k) * share**k * (1 - share) ** (WINDOW_BYTES - k) for k in itertools.count())
    below = itertools.accumulate(terms)
    assert next(k for k, part in enumerate(below) if 1 - part <= alarm) + 1 == PROPORTION_CUTOFF


@pytest.mark.parametrize("repeats", [REPETITION_CUTOFF - 1, REPETITION_CUTOFF])
def test_repetition_alarms_at_its_cutoff(repeats):
    """One byte less than the cut-off in a row is luck, that many are an alarm, also over two reads."""
    test = HealthTest("x")
    test.check(b"\x01" + b"\x02" * 4)
    if repeats < REPETITION_CUTOFF:
        test.check(b"\x02" * (repeats - 4) + b"\x03")
    else:
        with pytest.raises(NoiseFailure, match="repeats"):
            test.check(b"\x02" * (repeats - 4))


@pytest.mark.parametrize("count", [PROPORTION_CUTOFF - 1, PROPORTION_CUTOFF])
def test_proportion_alarms_at_its_cutoff(count):
    """The first byte of a window may come as often as the cut-off less one in that window, and the window ends."""
    others = bytes(range(1, 256))
    window = b"".join(b"\x00" + others[3 * at : 3 * at + 3] for at in range(count))
    window += (others * 3)[: WINDOW_BYTES - len(window)]
    test = HealthTest("x")
    if count < PROPORTION_CUTOFF:
        test.check(window)
        test.check(window)
    else:
        with pytest.raises(NoiseFailure, match="too often"):
            test.check(window)


def test_good_noise_passes():
    """A quarter of a megabyte of good bytes raises no alarm."""
    HealthTest("x").check(_noise()(1 << 18))


def test_hardware_source_is_used_where_it_can_be_read(tmp_path):
    """A device that gives bytes is a source; one that is missing, or gives nothing, is none."""
    (tmp_path / "empty").write_bytes(b"")
    for name in ("missing", "empty"):
        with pytest.raises(OSError, match="No such"):
            HardwareNoise(tmp_path / name)
    (tmp_path / "hwrng").write_bytes(b"\x00" + _noise()(START_BYTES + 64))
    hardware = HardwareNoise(tmp_path / "hwrng")
    mixed = MixedRng(system=SystemRng(), noise={"hwrng": hardware.read})
    assert mixed.sources == ("kernel", "hwrng")
    assert len(mixed.read(32)) == 32
    with pytest.raises(NoiseFailure, match="too little"):
        mixed.read(32)
    hardware.close()


def test_machine_has_its_hardware_source_where_it_can_be_read(tmp_path):
    """With a source that gives bytes it is mixed in, and without one the kernel's generator is all there is; nobody is told."""
    (tmp_path / "empty").write_bytes(b"")
    for name in ("missing", "empty"):
        assert machine_rng(tmp_path / name).sources == ("kernel",)
    (tmp_path / "hwrng").write_bytes(b"\x00" + _noise()(START_BYTES + 64))
    rng = machine_rng(tmp_path / "hwrng")
    assert rng.sources == ("kernel", "hwrng")
    # one draw is for many reads, and each read is another
    assert len({rng.read(32) for _ in range(256)}) == 256
    with pytest.raises(NoiseFailure, match="too little"):
        rng.read(32)


def test_source_that_gives_nothing_now_is_none(tmp_path):
    """A source that would keep its reader waiting is none: no device stands still for it."""
    os.mkfifo(tmp_path / "pipe")
    writer = os.open(tmp_path / "pipe", os.O_RDWR)
    try:
        assert machine_rng(tmp_path / "pipe").sources == ("kernel",)
    finally:
        os.close(writer)


def test_hardware_counts_between_its_draws():
    """What hardware gave is in every read until it is drawn from again, though the kernel's bytes were known."""

    class Known:
        repeatable = False

        def read(self, size_bytes):
            return bytes(size_bytes)

    reads = [
        [mixed.read(32) for _ in range(5)]
        for mixed in (MixedRng(system=Known(), noise={"x": _noise(seed)}, every=2) for seed in (1, 2))
    ]
    assert len({read for each in reads for read in each}) == 10
