"""Recovery words: entropy to words, words checked and turned back, words to seed. Source: BIP-39, English list.

A sentence is 12, 15, 18, 21 or 24 words. Before use it is normalised (NFKD) and its words are joined by one space, in
checking and in stretching alike, so that what was checked is what is used. No text raised from here holds a word.
The word list is the one of the `mnemonic` package, read when first needed: making a seed does not need it.
"""

from __future__ import annotations

import hashlib
import unicodedata
from bisect import bisect_left
from dataclasses import dataclass
from enum import Enum, unique
from functools import cache
from pkgutil import get_data
from typing import TYPE_CHECKING

from tallystick.crypto.secret import Material, Secret, reveal
from tallystick.errors import UsageError

if TYPE_CHECKING:
    from mnemonic import Mnemonic

WORD_COUNTS = (12, 15, 18, 21, 24)
ENTROPY_LENGTHS = (16, 20, 24, 28, 32)

_ROUNDS = 2048


@unique
class Reason(Enum):
    """Why a sentence is refused."""

    WORD_COUNT = "word count"
    UNKNOWN_WORD = "unknown word"
    CHECKSUM = "checksum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """What is wrong with a sentence: `count` words were given; `position` is the unknown word's place, from 1, else 0."""

    reason: Reason
    count: int
    position: int = 0

    def __str__(self) -> str:
        match self.reason:
            case Reason.WORD_COUNT:
                return f"there are {self.count} words, not 12, 15, 18, 21 or 24"
            case Reason.UNKNOWN_WORD:
                return f"word {self.position} is not in the word list"
            case Reason.CHECKSUM:
                return "the words do not fit together: one is wrong or out of place"


@cache
def _english() -> Mnemonic:
    """Load the package and its word list, once: a public constant, 2048 words."""
    from mnemonic import Mnemonic

    # read as data of the package, which also works when the package comes out of an image
    text = get_data("mnemonic", "wordlist/english.txt") or b""
    return Mnemonic("english", wordlist=text.decode().split())


def _normalize(sentence: str) -> str:
    """Return `sentence` in NFKD with one space between words and none around them."""
    return " ".join(unicodedata.normalize("NFKD", sentence).split())


def words() -> tuple[str, ...]:
    """Return the 2048 English words, in alphabetical order."""
    return tuple(_english().wordlist)


def words_starting_with(prefix: str) -> tuple[str, ...]:
    """Return the words that begin with `prefix` (small letters), in order; all of them for an empty one."""
    listed = _english().wordlist
    start = bisect_left(listed, prefix)
    # "{" follows "z"
    return tuple(listed[start : bisect_left(listed, prefix + "{")])


def sentence_from_entropy(entropy: Material) -> str:
    """Return the 12 to 24 words of 16, 20, 24, 28 or 32 bytes of entropy, joined by spaces; raise UsageError otherwise."""
    data = reveal(entropy)
    if len(data) not in ENTROPY_LENGTHS:
        raise UsageError(f"the entropy has {len(data)} bytes, not 16, 20, 24, 28 or 32")
    sentence: str = _english().to_mnemonic(data)
    return sentence


def validate(sentence: str) -> Defect | None:
    """Return what is wrong with `sentence`, the first thing in the order of `Reason`; None when it is good."""
    given = _normalize(sentence).split()
    count = len(given)
    if count not in WORD_COUNTS:
        return Defect(reason=Reason.WORD_COUNT, count=count)
    known = frozenset(_english().wordlist)
    for position, word in enumerate(given, start=1):
        if word not in known:
            return Defect(reason=Reason.UNKNOWN_WORD, count=count, position=position)
    if not _english().check(" ".join(given)):
        return Defect(reason=Reason.CHECKSUM, count=count)
    return None


def entropy_from_sentence(sentence: str) -> Secret:
    """Return the 16 to 32 bytes that `sentence` stands for; raise UsageError with the defect of a bad one."""
    defect = validate(sentence)
    if defect is not None:
        raise UsageError(f"these are no recovery words: {defect}", remedy="Check the words and their order.")
    return Secret(_english().to_entropy(_normalize(sentence)))


def seed(sentence: str, passphrase: str = "") -> Secret:
    """Return the 64-byte seed of `sentence` and a passphrase of any length: PBKDF2-HMAC-SHA-512, 2048 rounds.

    The sentence is not checked: BIP-39 gives a seed for any text, and the caller has said what to do with a bad one.
    """
    salt = "mnemonic" + unicodedata.normalize("NFKD", passphrase)
    stretched = hashlib.pbkdf2_hmac("sha512", _normalize(sentence).encode(), salt.encode(), _ROUNDS)
    return Secret(stretched)
