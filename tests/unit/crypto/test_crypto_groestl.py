"""Groestl against the known answers of its submission."""

import json
from pathlib import Path

import pytest

from tallystick.crypto.groestl import SIZES, groestl, start
from tallystick.errors import UsageError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "crypto_groestl.json").read_text())
ROWS = [(bits, row) for bits in SIZES for row in VECTORS[str(bits)]]


@pytest.mark.parametrize(
    ("bits", "row"), ROWS, ids=lambda value: value if isinstance(value, int) else len(value["message"]) // 2
)
def test_digest_is_the_known_answer(bits, row):
    """Messages of no byte, of one, and of lengths around those where the padding takes another block have the submission's digests."""
    assert groestl(bytes.fromhex(row["message"]), bits).hex() == row["digest"]


@pytest.mark.parametrize("bits", [0, 8, 160, 255, 257, 1024])
def test_other_sizes_are_refused(bits):
    """There are digests of 224, 256, 384 and 512 bits."""
    with pytest.raises(UsageError):
        start(bits)
