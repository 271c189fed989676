"""A bounded run of the Cosmos app's fuzz targets: noise, and documents with a few bytes changed."""

import json
from pathlib import Path

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from targets_cosmos import targets

_VECTORS = Path(__file__).parents[1] / "vectors" / "cosmos_app_reviews.json"
_AMINO = [review["document"].encode() for review in json.loads(_VECTORS.read_text(encoding="utf-8"))["reviews"]]
_TEXTUAL = [
    cbor2.dumps({1: [{1: "Chain id", 2: "local-1"}, {2: "text", 3: 2, 4: True}, {1: "t" * 12, 2: "c" * 60}]}),
]
_COMMANDS = [
    bytes.fromhex("550400001b06636f736d6f732c00008076000080000000800000000000000000"),
    bytes.fromhex("550200001b2c0000807600008000000080000000000000000006636f736d6f73"),
]
SEEDS = [*_AMINO, *_TEXTUAL, *_COMMANDS, b"\x00" + _AMINO[0], b"\x80" + _AMINO[0], b"\x01" + _TEXTUAL[0]]


@st.composite
def mutants(draw):
    """Change a seed: bytes replaced, taken out or put in, at up to four places."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3) | st.sampled_from(list(SEEDS)))
    return bytes(data)


@pytest.mark.parametrize("name", targets)
def test_target_answers_or_refuses(name):
    """No input gets anything out of a target but what its docstring allows."""

    @settings(max_examples=150, deadline=None)
    @given(mutants() | st.binary(max_size=200))
    def run(data):
        targets[name](data)

    run()


@pytest.mark.parametrize("name", targets)
@pytest.mark.parametrize("seed", SEEDS, ids=range(len(SEEDS)))
def test_target_takes_every_cut_of_a_seed(name, seed):
    """A valid input cut at each length is answered or refused."""
    for size in range(len(seed) + 1):
        targets[name](seed[:size])
