"""Recovery words: the published vectors, the defects told, and the word list for entry on a device."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bip_utils import Bip39SeedGenerator
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.crypto import bip39
from tallystick.crypto.bip39 import Defect, Reason
from tallystick.crypto.secret import Secret
from tallystick.errors import UsageError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "crypto_bip39.json").read_text())
ABANDON = "abandon " * 11 + "about"


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["entropy"])
def test_vector_holds_both_ways(vector):
    """Entropy gives the words, the words give entropy and seed, as published."""
    entropy = bytes.fromhex(vector["entropy"])
    assert bip39.sentence_from_entropy(entropy) == vector["sentence"]
    assert bip39.sentence_from_entropy(Secret(entropy)) == vector["sentence"]
    assert bip39.entropy_from_sentence(vector["sentence"]) == entropy
    assert bip39.validate(vector["sentence"]) is None
    assert bip39.seed(vector["sentence"], VECTORS["passphrase"]) == bytes.fromhex(vector["seed"])


@given(st.sampled_from(bip39.ENTROPY_LENGTHS).flatmap(lambda size: st.binary(min_size=size, max_size=size)))
@settings(max_examples=40, deadline=None)
def test_entropy_makes_the_round_trip(entropy):
    """Entropy of each length comes back from its words."""
    sentence = bip39.sentence_from_entropy(entropy)
    assert len(sentence.split()) == len(entropy) * 3 // 4
    assert bip39.entropy_from_sentence(sentence) == entropy


@given(st.text(max_size=20))
@settings(max_examples=15, deadline=None)
def test_seed_agrees_with_an_independent_library(passphrase):
    """The seed for any passphrase, composed or not, is the one an independent library makes."""
    assert bip39.seed(ABANDON, passphrase) == Bip39SeedGenerator(ABANDON).Generate(passphrase)


def test_passphrase_is_normalised():
    """A passphrase typed composed or decomposed gives one seed."""
    assert bip39.seed(ABANDON, "\u00e9") == bip39.seed(ABANDON, "e\u0301")
    assert bip39.seed(ABANDON, "\u00e9") != bip39.seed(ABANDON, "e")


def test_spacing_is_one_thing_in_checking_and_stretching():
    """A sentence with odd spacing that is found good gives the seed of the plainly spaced one."""
    odd = "  " + ABANDON.replace(" ", " \u3000\n") + "\t"
    assert bip39.validate(odd) is None
    assert bip39.seed(odd) == bip39.seed(ABANDON)


@pytest.mark.parametrize("count", [0, 1, 11, 13, 14, 16, 23, 25, 48])
def test_wrong_word_count_is_told(count):
    """A sentence of another number of words is refused with that number."""
    defect = bip39.validate(" ".join(["abandon"] * count))
    assert defect == Defect(reason=Reason.WORD_COUNT, count=count)
    assert f"{count} words" in str(defect)


@pytest.mark.parametrize("position", [1, 7, 12])
@pytest.mark.parametrize("word", ["bitcoinn", "Abandon", "aband", "\u0430bandon"])
def test_unknown_word_is_told_by_its_place(position, word):
    """The first word that is not in the list is told by its place; capitals, prefixes and look-alikes are unknown."""
    words = ABANDON.split()
    words[position - 1] = word
    defect = bip39.validate(" ".join(words))
    assert defect == Defect(reason=Reason.UNKNOWN_WORD, count=12, position=position)
    assert f"word {position} " in str(defect)
    assert word not in str(defect)


def test_wrong_checksum_is_told():
    """Known words that do not fit together are refused for their checksum."""
    assert bip39.validate(" ".join(["abandon"] * 12)) == Defect(reason=Reason.CHECKSUM, count=12)
    assert "do not fit" in str(bip39.validate(" ".join(["abandon"] * 12)))


def test_refusal_holds_no_word():
    """The error of a bad sentence names the place and none of the words."""
    with pytest.raises(UsageError, match="word 12 ") as refused:
        bip39.entropy_from_sentence("abandon " * 11 + "hunter2")
    assert "abandon" not in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is refused.value.__context__ is None


@pytest.mark.parametrize("size", [0, 15, 17, 31, 33, 64])
def test_other_entropy_lengths_are_refused(size):
    """Entropy of a length that BIP-39 does not know is refused."""
    with pytest.raises(UsageError, match=f"{size} bytes"):
        bip39.sentence_from_entropy(bytes(size))


def test_word_list_is_the_english_one():
    """The list has 2048 words in order, each told by its first four letters."""
    words = bip39.words()
    assert len(words) == 2048
    assert words == tuple(sorted(words))
    assert (words[0], words[-1]) == ("abandon", "zoo")
    assert len({word[:4] for word in words}) == 2048


def test_words_starting_with_prefix():
    """A prefix finds exactly the words that begin with it; nothing is found for letters that begin none."""
    assert bip39.words_starting_with("zo") == ("zone", "zoo")
    assert bip39.words_starting_with("act") == ("act", "action", "actor", "actress", "actual")
    assert bip39.words_starting_with("") == bip39.words()
    assert bip39.words_starting_with("zoom") == ()
    assert bip39.words_starting_with("A") == ()
    for prefix in ("a", "q", "st", "wor", "x"):
        assert bip39.words_starting_with(prefix) == tuple(w for w in bip39.words() if w.startswith(prefix))


def test_import_and_seed_leave_the_word_list_alone():
    """Importing the module and making a seed do not load the word list, which a device needs in onboarding only."""
    code = (
        "import sys; from tallystick.crypto import bip39; bip39.seed('a b'); "
        "raise SystemExit(int('mnemonic' in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
