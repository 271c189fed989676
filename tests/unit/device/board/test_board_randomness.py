"""Randomness of the Secure World's process: kernel and chip, mixed; a chip whose noise fails makes no key."""

import pytest

from tallystick.device.board.jig import PowerOn
from tallystick.device.board.secure_main import make_rng
from tallystick.device.silicon.chip import Chip
from tallystick.device.silicon.entropy import MixedRng, RepeatableRng, SystemRng
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.device.silicon.health import START_BYTES, NoiseFailure
from tallystick.device.silicon.provider import ChipProvider
from tallystick.wire.chip import ChipState, Draw, Noise, Refusal, Refused


class Source:
    """A chip's raw noise that counts what was drawn; it sticks after `good` bytes."""

    def __init__(self, good=1 << 20):
        self.drawn = 0
        self._good = good

    def read(self, size_bytes):
        """Give noise, or one byte over and over."""
        self.drawn += size_bytes
        return bytes(size_bytes) if self.drawn > self._good else SystemRng().read(size_bytes)


def provider(source):
    """Return the Secure World's side of a chip with that noise."""
    return ChipProvider(Chip(store=MemoryFlash(), noise=source, state=ChipState.OPEN).receive)


def test_keys_are_made_of_kernel_and_chip():
    """Each key draws from the chip, after its noise was tested at the start; a few bytes for a name do not."""
    source = Source()
    rng = make_rng(PowerOn(model="nanosp"), provider(source))
    assert rng.sources == ("kernel", "chip")
    assert not rng.repeatable
    assert len(rng.read(4)) == 4
    assert source.drawn == 0
    assert len(rng.read(32)) == 32
    assert source.drawn == START_BYTES + 64
    rng.read(32)
    assert source.drawn == START_BYTES + 128


@pytest.mark.parametrize("good", [0, START_BYTES + 64])
def test_a_chip_that_sticks_makes_no_key(good):
    """Noise that repeats itself, at the start or later, stops every key from then on."""
    rng = make_rng(PowerOn(model="nanosp"), provider(Source(good)))
    if good:
        assert len(rng.read(32)) == 32
    for _ in range(2):
        with pytest.raises(NoiseFailure):
            rng.read(32)


def test_a_chip_that_refuses_noise_makes_no_key():
    """The kernel alone is not enough once a chip was promised."""
    rng = make_rng(PowerOn(model="nanosp"), ChipProvider(lambda _request: Refused(Refusal.NOISE)))
    with pytest.raises(NoiseFailure):
        rng.read(32)


def test_numbers_repeat_only_when_the_bench_says_so():
    """A number in the order gives that stream, and the sources say that it repeats."""
    rng = make_rng(PowerOn(model="nanosp", repeatable_rng=5), provider(Source()))
    assert rng.sources == ("repeatable",)
    assert rng.read(32) == RepeatableRng(5).read(32)


def test_chip_says_that_its_hardware_source_failed():
    """A source of the machine behind the chip that sticks is refused as that, at this draw and at each one later."""
    source = Source(good=START_BYTES + 64)
    chip = Chip(store=MemoryFlash(), noise=MixedRng(noise={"hwrng": source.read}), state=ChipState.OPEN)
    assert isinstance(chip.receive(Draw(32)), Noise)
    for _ in range(2):
        assert chip.receive(Draw(32)) == Refused(Refusal.NOISE)
