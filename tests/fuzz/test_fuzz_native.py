"""Bounded fuzzing of native apps: only the declared errors may come out."""

from pathlib import Path

import pytest
from bounded import feed_beginnings, feed_monotony, feed_mutation
from hypothesis import given, settings
from hypothesis import strategies as st
from targets_native import targets

CORPUS = Path(__file__).parent / "corpus" / "native"
SEEDS = {name: sorted((CORPUS / name).glob("*")) for name in targets}


@pytest.mark.parametrize("name", targets)
def test_corpus_of_native_apps_is_accepted_by_its_target(name):
    """Each target has seeds, and none of them, nor any beginning of one, makes it fail."""
    feed_beginnings(targets[name], SEEDS[name])


@pytest.mark.parametrize("name", targets)
@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_noise_and_mutated_seeds_of_native_apps_do_no_harm(name, data):
    """Noise, and seeds with bytes replaced, removed or inserted, are accepted or refused, never worse."""
    feed_mutation(targets[name], SEEDS[name], data)


@pytest.mark.parametrize("name", targets)
@pytest.mark.parametrize("byte", [0x00, 0x01, 0x10, 0x5B, 0x7F, 0x80, 0xFF])
def test_64_kib_of_one_byte_does_native_apps_no_harm(name, byte):
    """Long monotonous input, the enemy of length fields and recursion, ends in time and within bounds."""
    feed_monotony(targets[name], byte)
