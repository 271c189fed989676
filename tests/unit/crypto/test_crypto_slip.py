"""SLIP-10 on three curves, SLIP-21, and both retry cases, against the published vectors and an independent library."""

import json
from pathlib import Path

import pytest
from bip_utils import Bip32Slip10Ed25519, Bip32Slip10Nist256p1
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.crypto import bip32, slip10, slip21
from tallystick.crypto.bip32 import HARDENED
from tallystick.crypto.secret import Secret
from tallystick.crypto.slip10 import Curve
from tallystick.errors import UsageError

FOLDER = Path(__file__).parents[2] / "vectors"
SLIP10 = json.loads((FOLDER / "crypto_slip10.json").read_text())
SLIP21 = json.loads((FOLDER / "crypto_slip21.json").read_text())
CASES = [(vector["curve"].upper(), vector["seed"], chain) for vector in SLIP10["vectors"] for chain in vector["chains"]]

bounded = settings(max_examples=20, deadline=None)
seeds = st.binary(min_size=16, max_size=64)
paths = st.lists(st.integers(0, 0xFFFFFFFF), max_size=4)


@pytest.mark.parametrize(("curve", "seed", "chain"), CASES)
def test_chain_of_slip10(curve, seed, chain):
    """Each chain of SLIP-10, retries included, has its key, chain code and public key."""
    node = slip10.derive(slip10.master(bytes.fromhex(seed), Curve[curve]), chain["path"])
    assert node.private_key.reveal().hex() == chain["private"]
    assert node.chain_code.hex() == chain["chain_code"]
    assert node.public_key().hex() == chain["public"]


@given(seeds, paths)
@bounded
def test_nist256p1_agrees_with_an_independent_library(seed, path):
    """Any seed and path on P-256 give the keys of an independent library."""
    other = Bip32Slip10Nist256p1.FromSeed(seed)
    for index in path:
        other = other.ChildKey(index)
    node = slip10.derive(slip10.master(seed, Curve.NIST256P1), path)
    assert node.private_key == other.PrivateKey().Raw().ToBytes()
    assert node.public_key() == other.PublicKey().RawCompressed().ToBytes()


@given(seeds, st.lists(st.integers(HARDENED, 0xFFFFFFFF), max_size=4))
@bounded
def test_ed25519_agrees_with_an_independent_library(seed, path):
    """Any seed and hardened path on Ed25519 give the keys of an independent library."""
    other = Bip32Slip10Ed25519.FromSeed(seed)
    for index in path:
        other = other.ChildKey(index)
    node = slip10.derive(slip10.master(seed, Curve.ED25519), path)
    assert node.private_key == other.PrivateKey().Raw().ToBytes()
    assert node.public_key() == other.PublicKey().RawCompressed().ToBytes()


@given(seeds, paths)
@bounded
def test_secp256k1_is_bip32(seed, path):
    """On secp256k1 SLIP-10 and BIP-32 are one tree."""
    node = slip10.derive(slip10.master(seed, Curve.SECP256K1), path)
    same = bip32.derive(bip32.master(seed), path)
    assert (node.private_key, node.chain_code) == (same.private_key, same.chain_code)
    assert node.public_key() == same.public_key()


def test_ed25519_refuses_a_plain_index():
    """Ed25519 has no non-hardened children."""
    root = slip10.master(bytes(16), Curve.ED25519)
    with pytest.raises(UsageError, match="hardened"):
        slip10.derive(root, [HARDENED, 0])


@pytest.mark.parametrize("curve", Curve)
def test_bad_seed_and_path_are_refused(curve):
    """Seeds outside 16 to 64 bytes, indices out of range and paths too deep are refused on every curve."""
    for size in (15, 65):
        with pytest.raises(UsageError, match="seed"):
            slip10.master(bytes(size), curve)
    for path in ([2**32], [-1], [HARDENED] * 256):
        with pytest.raises(UsageError, match="path"):
            slip10.derive(slip10.master(bytes(16), curve), path)


def test_invalid_secp256k1_keys_are_hashed_again(monkeypatch):
    """Where BIP-32 gives up, SLIP-10 hashes on: first answers that are no keys are passed over."""
    good = slip10.hmac_sha512
    calls = []

    def first_invalid(key, data):
        calls.append(data)
        return bytes([0xFF] * 64) if len(calls) == 1 else good(key, data)

    monkeypatch.setattr(slip10, "hmac_sha512", first_invalid)
    root = slip10.master(bytes(16), Curve.SECP256K1)
    assert calls == [bytes(16), bytes([0xFF] * 64)]
    calls.clear()
    slip10.derive(root, [HARDENED])
    assert calls[1] == b"\x01" + bytes([0xFF] * 32) + b"\x80\0\0\0"


def test_node_text_shows_no_secret():
    """The text of a node of either tree holds none of its private bytes."""
    node = slip10.master(bytes(16), Curve.ED25519)
    assert node.private_key.reveal().hex() not in repr(node)
    assert repr(node.chain_code) not in repr(node)
    assert "hidden" in repr(slip21.master(bytes(16)))


@pytest.mark.parametrize("sample", SLIP21["keys"], ids=lambda sample: "/".join(["m", *sample["labels"]]))
def test_key_of_slip21(sample):
    """Each key of SLIP-21's example comes out of its labels, walked at once or one by one."""
    labels = [label.encode() for label in sample["labels"]]
    root = slip21.master(Secret(bytes.fromhex(SLIP21["seed"])))
    assert slip21.derive(root, labels).key().reveal().hex() == sample["key"]
    node = root
    for label in labels:
        node = slip21.derive(node, [label])
    assert node.key().reveal().hex() == sample["key"]


def test_slip21_key_is_not_what_derives_children():
    """The half of a node that is given away as its key is not the half that makes children."""
    node = slip21.master(bytes(16))
    assert node.key() != node.data.reveal()[:32]
    with pytest.raises(UsageError, match="seed"):
        slip21.master(bytes(8))
