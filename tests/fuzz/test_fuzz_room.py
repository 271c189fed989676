"""Bounded fuzzing of what each room takes from outside: only the declared error may come out."""

from pathlib import Path

import pytest
import targets_app
import targets_attestation
import targets_boot
import targets_call
import targets_device
import targets_factory
import targets_message
import targets_native
import targets_usb
import targets_wire
from hypothesis import given, settings
from hypothesis import strategies as st

CORPUS = Path(__file__).parent / "corpus"
ROOMS = {
    # what crosses between apps, worlds and panel
    "app": targets_app,
    # the documents of attestation
    "attestation": targets_attestation,
    # what decides what runs
    "boot": targets_boot,
    # what a running app asks
    "call": targets_call,
    # what a device keeps and loads
    "device": targets_device,
    # what the factory reads
    "factory": targets_factory,
    # what comes by the smaller doors
    "message": targets_message,
    # native apps and their files
    "native": targets_native,
    # what a USB host sends
    "usb": targets_usb,
    # every parser of the wire; what is accepted makes sense
    "wire": targets_wire,
}
TARGETS = [
    pytest.param(target, sorted((CORPUS / room / name).glob("*")), id=f"{room}-{name}")
    for room, module in ROOMS.items()
    for name, target in module.targets.items()
]


@pytest.mark.parametrize(("target", "seeds"), TARGETS)
def test_corpus_is_accepted_by_its_target(target, seeds):
    """Each target has seeds, and none of them, nor any beginning of one, makes it fail."""
    assert seeds
    for seed in seeds:
        data = seed.read_bytes()
        for size in range(len(data) + 1):
            target(data[:size])


@pytest.mark.parametrize(("target", "seeds"), TARGETS)
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_noise_and_mutated_seeds_do_no_harm(target, seeds, data):
    """Noise, and seeds with bytes replaced, removed or inserted, are accepted or refused, never worse."""
    if data.draw(st.booleans()):
        target(data.draw(st.binary(max_size=300)))
        return
    raw = bytearray(data.draw(st.sampled_from(seeds)).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(raw)))
        end = min(len(raw), start + data.draw(st.integers(0, 4)))
        raw[start:end] = data.draw(st.binary(max_size=4))
    target(bytes(raw))


@pytest.mark.parametrize(("target", "_seeds"), TARGETS)
@pytest.mark.parametrize("byte", [0x00, 0x01, 0x02, 0x05, 0x10, 0x5B, 0x7F, 0x80, 0xFF])
def test_64_kib_of_one_byte_does_no_harm(target, _seeds, byte):
    """Long monotonous input, the enemy of length fields and recursion, ends in time and within bounds."""
    target(bytes((byte,)) * 65_536)
