"""Derivation paths in their three forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError, UsageError
from tallystick.wire.path import HARDENED, Bip32Path, harden, is_hardened

COSMOS = Bip32Path((0x8000002C, 0x80000076, 0x80000000, 0, 0))
# (text, packed) - BIP-44 paths; the wildcard is wire-protocol E.4
SAMPLES = [
    ("44'/118'/0'/0/0", "05 8000002c 80000076 80000000 00000000 00000000"),
    ("m", "00"),
    ("2147483647", "01 7fffffff"),
    ("13'", "01 8000000d"),
]
LEVELS = st.lists(st.integers(0, 0xFFFFFFFF), max_size=10)


@pytest.mark.parametrize(("text", "packed"), SAMPLES)
def test_samples_both_ways(text, packed):
    """Text and packed form are the same path."""
    path = Bip32Path.parse(text)
    assert path.to_bytes() == bytes.fromhex(packed)
    assert str(Bip32Path.from_bytes(bytes.fromhex(packed))) == text


@pytest.mark.parametrize("text", ["m/44'/118'/0'/0/0", "44h/118H/0'/0/0", "44'/118'/0h/0/00"])
def test_spellings_of_one_path(text):
    """`m/` is optional and three marks harden."""
    assert Bip32Path.parse(text) == COSMOS


@pytest.mark.parametrize(
    "text", ["", "m/", "/", "44'//0", "-1", "2147483648", "2147483648'", "44''", "x", "٤", " 1", "1/" * 10 + "1", "1_0"]
)
def test_bad_text_is_refused_with_a_remedy(text):
    """What is no path is the user's mistake, and the error shows how one looks."""
    with pytest.raises(UsageError) as caught:
        Bip32Path.parse(text)
    assert "44'" in caught.value.remedy


def test_five_words_are_little_endian():
    """The Cosmos form of the path in cosmos-app 1, both ways."""
    raw = bytes.fromhex("2c000080 76000080 00000080 00000000 00000000")
    assert COSMOS.to_words() == raw
    assert Bip32Path.from_words(raw) == COSMOS


@given(LEVELS)
def test_round_trip(levels):
    """Any path survives text and packed form."""
    path = Bip32Path(levels)
    assert Bip32Path.from_bytes(path.to_bytes()) == path
    assert Bip32Path.parse(str(path)) == path
    if len(path) == 5:
        assert Bip32Path.from_words(path.to_words()) == path


@pytest.mark.parametrize("size", range(21))
def test_truncation_at_each_length_is_refused(size):
    """A path cut short is 6700 in both binary forms."""
    with pytest.raises(RemoteProtocolError) as caught:
        Bip32Path.from_bytes(COSMOS.to_bytes()[:size])
    assert caught.value.status == 0x6700
    if size < 20:
        with pytest.raises(RemoteProtocolError):
            Bip32Path.from_words(COSMOS.to_words()[:size])


def test_trailing_bytes_and_too_many_levels_are_refused():
    """Neither form has room for more than it says."""
    for raw in (COSMOS.to_bytes() + b"\x00", b"\x0b" + bytes(44)):
        with pytest.raises(RemoteProtocolError):
            Bip32Path.from_bytes(raw)
    with pytest.raises(RemoteProtocolError):
        Bip32Path.from_words(bytes(21))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Bip32Path([0] * 11),
        lambda: Bip32Path([1 << 32]),
        lambda: Bip32Path([-1]),
        lambda: Bip32Path([0]).to_words(),
        lambda: harden(HARDENED),
        lambda: harden(-1),
    ],
)
def test_misuse_is_a_local_error(make):
    """Levels that do not fit are the caller's bug."""
    with pytest.raises(LocalProtocolError):
        make()


def test_hardening():
    """Bit 31 says hardened."""
    assert harden(44) == COSMOS[0]
    assert is_hardened(COSMOS[0])
    assert not is_hardened(COSMOS[3])
    assert repr(COSMOS) == """Bip32Path.parse("44'/118'/0'/0/0")"""
