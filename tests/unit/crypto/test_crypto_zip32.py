"""Keys of shielded Zcash against zcash-test-vectors, and of Aleo against a vector of its own."""

import json
from pathlib import Path

import pytest

from tallystick.crypto import aleo, zip32
from tallystick.errors import UsageError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "crypto_zip32.json").read_text())
SEED = bytes.fromhex(VECTORS["seed"])
HARDENED = 1 << 31


@pytest.mark.parametrize("row", VECTORS["sapling"], ids=lambda row: str(len(row["path"])))
def test_sapling_keys_are_those_of_the_vectors(row):
    """ask, nsk, ovk, dk and chain code at each depth are those of zcash-test-vectors."""
    node = zip32.sapling(SEED, row["path"])
    assert node.key.reveal().hex() == row["ask"] + row["nsk"] + row["ovk"] + row["dk"]
    assert node.chain_code.hex() == row["c"]


@pytest.mark.parametrize("row", VECTORS["orchard"], ids=lambda row: str(len(row["path"])))
def test_orchard_keys_are_those_of_the_vectors(row):
    """Spending key and chain code at each depth are those of zcash-test-vectors."""
    node = zip32.orchard(SEED, row["path"])
    assert (node.key.reveal().hex(), node.chain_code.hex()) == (row["sk"], row["c"])


@pytest.mark.parametrize("row", VECTORS["registered"], ids=lambda row: str(len(row["path"])))
def test_registered_keys_are_those_of_the_vectors(row):
    """Keys of a registered tree, with its context and its tags, are those of zcash-test-vectors."""
    tags = [bytes.fromhex(tag) for tag in row["tags"]]
    node = zip32.registered(SEED, row["path"], context=bytes.fromhex(row["context"]), tags=tags)
    assert (node.key.reveal().hex(), node.chain_code.hex()) == (row["sk"], row["c"])


def test_aleo_keys_are_those_of_the_vector():
    """m/0'/2147483647' of the seed of BIP-32's second vector is what Aleo's wallets and the vendor's emulator give."""
    seed = (
        "fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a2"
        "9f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542"
    )
    assert aleo.derive(bytes.fromhex(seed), (HARDENED, HARDENED | 2147483647)).reveal().hex() == (
        "2e6695fe0bd1e628215e5f8c0aa6b374233c6fa06019057d6d786ae66d937ef5"
        "c0cbe8cce5b29f2a787e1f77915af2c2e71fe65d4dcb7ad797b3584fcb42bcb5"
    )


@pytest.mark.parametrize("path", [(1,), (HARDENED, HARDENED - 1), (1 << 32,), (HARDENED,) * 256])
def test_path_that_is_not_hardened_or_too_long_is_refused(path):
    """Each index has to be hardened and of 32 bits, and there are at most 255."""
    for derive in (zip32.sapling, zip32.orchard, aleo.derive):
        with pytest.raises(UsageError):
            derive(SEED, path)
    with pytest.raises(UsageError):
        zip32.registered(SEED, path, tags=(b"",) * (len(path) - 1))


def test_seeds_and_names_out_of_bounds_are_refused():
    """A seed has 32 to 64 bytes, a registered tree a number, as many tags as further indices, and a context of 252 bytes at most."""
    for seed in (bytes(31), bytes(65)):
        for derive in (zip32.sapling, zip32.orchard, zip32.registered):
            with pytest.raises(UsageError):
                derive(seed, (HARDENED,))
    for path, context, tags in (
        ((), b"", ()),
        ((HARDENED,), b"", (b"",)),
        ((HARDENED, HARDENED), b"", ()),
        ((HARDENED,), bytes(253), ()),
    ):
        with pytest.raises(UsageError):
            zip32.registered(SEED, path, context=context, tags=tags)


def test_node_hides_its_key():
    """Neither key nor chain code is shown."""
    node = zip32.sapling(SEED, ())
    assert node.key.reveal().hex() not in repr(node)
    assert node.chain_code.hex() not in repr(node)
