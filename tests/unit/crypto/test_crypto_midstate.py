"""Hashes stopped and gone on with, and AES on whole blocks, beside implementations of others."""

import hashlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto import aes, midstate
from tallystick.crypto.hash import ripemd160, sha3_256
from tallystick.errors import UsageError

KEYS = st.sampled_from(sorted(aes.KEY_BYTES)).flatmap(lambda size: st.binary(min_size=size, max_size=size))
BLOCKS = st.integers(0, 5).flatmap(lambda count: st.binary(min_size=16 * count, max_size=16 * count))
BLOCK = st.binary(min_size=16, max_size=16)


def padded(data, block, *, order):
    """Return data with a bit and its length behind it, in whole blocks."""
    room = -(len(data) + 1 + block // 8) % block
    return data + b"\x80" + bytes(room) + (8 * len(data)).to_bytes(block // 8, order)


@pytest.mark.parametrize(
    ("compress", "start", "block", "word", "order", "reference"),
    [
        (midstate.sha256, midstate.SHA224_START, 64, "I", "big", lambda data: hashlib.sha224(data).digest()),
        (midstate.sha256, midstate.SHA256_START, 64, "I", "big", lambda data: hashlib.sha256(data).digest()),
        (midstate.sha512, midstate.SHA384_START, 128, "Q", "big", lambda data: hashlib.sha384(data).digest()),
        (midstate.sha512, midstate.SHA512_START, 128, "Q", "big", lambda data: hashlib.sha512(data).digest()),
        (midstate.ripemd160, midstate.RIPEMD160_START, 64, "I", "little", ripemd160),
    ],
    ids=["sha224", "sha256", "sha384", "sha512", "ripemd160"],
)
@given(data=st.binary(max_size=300), cut=st.integers(0, 5))
def test_state_goes_on(compress, start, block, word, order, reference, data, cut):
    """Blocks compressed in two parts, from the state between them, give the hash of the whole."""
    blocks = padded(data, block, order=order)
    state = compress(compress(start, blocks[: cut * block]), blocks[cut * block :])
    digest = struct.pack(f"{'>' if order == 'big' else '<'}{len(state)}{word}", *state)
    wanted = reference(data)
    assert digest[: len(wanted)] == wanted


@given(data=st.binary(max_size=400), size=st.integers(1, 64))
def test_blake2b_goes_on(data, size):
    """BLAKE2b block by block, its counter and last block told, is the library's."""
    state = (midstate.BLAKE2B_START[0] ^ 0x01010000 ^ size, *midstate.BLAKE2B_START[1:])
    last = max(0, len(data) - 1) // 128 * 128
    for at in range(0, last, 128):
        state = midstate.blake2b(state, data[at : at + 128], counter=at + 128, last=False)
    state = midstate.blake2b(state, data[last:].ljust(128, b"\0"), counter=len(data), last=True)
    assert struct.pack("<8Q", *state)[:size] == hashlib.blake2b(data, digest_size=size).digest()


@given(data=st.binary(max_size=135))
def test_keccak_is_the_permutation_of_sha3(data):
    """One permutation of a padded block is SHA3-256 of what fits into it."""
    block = bytearray((data + b"\x06").ljust(136, b"\0"))
    block[-1] |= 0x80
    lanes = midstate.keccak(struct.unpack("<17Q", block) + (0,) * 8)
    assert struct.pack("<4Q", *lanes[:4]) == sha3_256(data)


@given(key=KEYS, start=BLOCK, data=BLOCKS)
def test_aes_goes_both_ways(key, start, data):
    """What is enciphered is deciphered again; chaining is ciphering of sums."""
    assert aes.ecb(key, aes.ecb(key, data), decrypt=True) == data
    chained = aes.cbc(key, data, start=start)
    assert aes.cbc(key, chained, start=start, decrypt=True) == data
    before = start
    for at in range(0, len(data), 16):
        block = bytes(one ^ other for one, other in zip(data[at : at + 16], before, strict=True))
        before = aes.ecb(key, block)
        assert chained[at : at + 16] == before


@pytest.mark.parametrize(("key", "data"), [(b"", bytes(16)), (bytes(17), bytes(16)), (bytes(16), bytes(15))])
def test_wrong_sizes_are_refused(key, data):
    """A key or data of a size that is none is a mistake of the caller."""
    with pytest.raises(UsageError):
        aes.ecb(key, data)
    with pytest.raises(UsageError):
        aes.cbc(key, data, start=bytes(16))
