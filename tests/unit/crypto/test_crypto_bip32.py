"""Hierarchical keys: the vectors of BIP-32, the Cosmos worked values, invalid keys, and an independent library."""

import json
from pathlib import Path

import pytest
from bip_utils import Base58Decoder, Bip32Slip10Secp256k1
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.crypto import bech32, bip32, bip39, secp256k1
from tallystick.crypto.bip32 import HARDENED, Node
from tallystick.crypto.hash import hash160, keccak256
from tallystick.crypto.secret import Secret
from tallystick.errors import UsageError

FOLDER = Path(__file__).parents[2] / "vectors"
VECTORS = json.loads((FOLDER / "crypto_bip32.json").read_text())
CASES = [(vector["seed"], chain) for vector in VECTORS["vectors"] for chain in vector["chains"]]
MNEMONICS = json.loads((FOLDER / "crypto_bip39.json").read_text())["vectors"]
COSMOS = json.loads((FOLDER / "cosmos_worked.json").read_text())
ORDER = secp256k1.ORDER


@pytest.mark.parametrize(("seed", "chain"), CASES)
def test_chain_of_the_bip(seed, chain):
    """Each chain of test vectors 1 to 4 has the key, chain code and public key of its extended keys."""
    node = bip32.derive(bip32.master(bytes.fromhex(seed)), chain["path"])
    extended_private = Base58Decoder.CheckDecode(chain["xprv"])
    extended_public = Base58Decoder.CheckDecode(chain["xpub"])
    assert node.chain_code == extended_private[13:45] == extended_public[13:45]
    assert b"\0" + node.private_key.reveal() == extended_private[45:]
    assert node.public_key() == extended_public[45:]


@pytest.mark.parametrize("vector", MNEMONICS, ids=lambda vector: vector["entropy"])
def test_master_key_of_recovery_words(vector):
    """The master keys published with the recovery-word vectors come out of their seeds."""
    node = bip32.master(Secret(bytes.fromhex(vector["seed"])))
    extended = Base58Decoder.CheckDecode(vector["xprv"])
    assert (node.chain_code, b"\0" + node.private_key.reveal()) == (extended[13:45], extended[45:])


@pytest.mark.parametrize("account", COSMOS["accounts"], ids=lambda account: account["address"])
def test_cosmos_worked_value(account):
    """Words to seed to key to address gives the worked values of cosmos-app 6, on 118' and 60' chains."""
    node = bip32.derive(bip32.master(bip39.seed(account["sentence"])), account["path"])
    public = node.public_key()
    assert public.hex() == account["public_key"]
    ethermint = account["path"][1] == HARDENED + 60
    payload = keccak256(node.public_key(compressed=False)[1:])[12:] if ethermint else hash160(public)
    assert bech32.encode_bytes(account["hrp"], payload) == account["address"]


paths = st.lists(st.integers(0, 0xFFFFFFFF), max_size=5)


@given(st.binary(min_size=16, max_size=64), paths)
@settings(max_examples=25, deadline=None)
def test_derivation_agrees_with_an_independent_library(seed, path):
    """Any seed and path give the key, chain code and public key that an independent library gives."""
    other = Bip32Slip10Secp256k1.FromSeed(seed)
    for index in path:
        other = other.ChildKey(index)
    node = bip32.derive(bip32.master(seed), path)
    assert node.private_key == other.PrivateKey().Raw().ToBytes()
    assert node.chain_code == other.ChainCode().ToBytes()
    assert node.public_key() == other.PublicKey().RawCompressed().ToBytes()
    assert node.public_key(compressed=False) == other.PublicKey().RawUncompressed().ToBytes()


@given(paths, paths)
@settings(max_examples=15, deadline=None)
def test_derivation_in_two_steps_is_derivation_in_one(first, second):
    """A path may be walked in parts."""
    root = bip32.master(bytes(range(32)))
    assert bip32.derive(bip32.derive(root, first), second) == bip32.derive(root, first + second)


@pytest.mark.parametrize("size", [0, 15, 65, 128])
def test_seed_of_other_length_is_refused(size):
    """A seed outside 16 to 64 bytes is refused."""
    with pytest.raises(UsageError, match=f"{size} bytes"):
        bip32.master(bytes(size))


@pytest.mark.parametrize("path", [[-1], [0, 2**32], [0] * 256])
def test_bad_path_is_refused(path):
    """A negative or too large index, and a path deeper than 255, are refused before anything is derived."""
    with pytest.raises(UsageError, match="path"):
        bip32.derive(bip32.master(bytes(16)), path)


def test_path_of_full_depth_is_walked():
    """A path of 255 steps is allowed."""
    root = bip32.master(bytes(16))
    node = bip32.derive(root, [HARDENED] * 255)
    assert node == bip32.derive(bip32.derive(root, [HARDENED] * 254), [HARDENED])


@pytest.mark.parametrize("left", [0, ORDER, ORDER + 1, 2**256 - 1])
def test_invalid_master_key_is_refused(monkeypatch, left):
    """A seed whose left half is zero, or n or more, has no master key (BIP-32, master key generation)."""
    monkeypatch.setattr(bip32, "hmac_sha512", lambda key, data: left.to_bytes(32, "big") + bytes(32))
    with pytest.raises(UsageError, match="no valid master key"):
        bip32.master(bytes(16))


@pytest.mark.parametrize("index", [7, HARDENED + 7])
@pytest.mark.parametrize("left", [ORDER, 2**256 - 1, ORDER - 5])
def test_invalid_child_is_refused_with_its_index(monkeypatch, left, index):
    """A child whose left half is n or more, or whose sum is zero, does not exist (BIP-32, CKDpriv)."""
    node = Node(private_key=Secret((5).to_bytes(32, "big")), chain_code=bytes(32))
    monkeypatch.setattr(bip32, "hmac_sha512", lambda key, data: left.to_bytes(32, "big") + bytes(32))
    with pytest.raises(UsageError, match=f"no key at index {index}") as refused:
        bip32.derive(node, [index])
    assert "next index" in refused.value.remedy


def test_zero_left_half_is_a_valid_child(monkeypatch):
    """A child whose left half is zero exists: its key is its parent's, as the BIP's conditions say."""
    node = Node(private_key=Secret((5).to_bytes(32, "big")), chain_code=bytes(32))
    monkeypatch.setattr(bip32, "hmac_sha512", lambda key, data: bytes(32) + b"\x01" * 32)
    assert bip32.derive(node, [0]) == Node(private_key=Secret((5).to_bytes(32, "big")), chain_code=b"\x01" * 32)


def test_node_shows_neither_key_nor_chain_code():
    """The text of a node holds neither its key nor its chain code."""
    node = bip32.master(bytes(range(16)))
    text = repr(node)
    assert node.private_key.reveal().hex() not in text
    assert node.chain_code.hex() not in text
    assert repr(node.chain_code) not in text
    assert repr(node.private_key.reveal()) not in text
