"""The keychain: keys while it is filled, none before and after."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path

import coincurve
import pytest

from tallystick.crypto import secp256k1
from tallystick.crypto.secret import Secret
from tallystick.device.secure.keychain import Keychain, Locked
from tallystick.errors import UsageError
from tallystick.wire.install import Curve
from tallystick.wire.path import Bip32Path

PHRASE = Secret(b"test test test test test test test test test test test junk")
COSMOS = Bip32Path.parse("44'/118'/0'/0/0")
# public key of the test account at 44'/118'/0'/0/0, from the vectors made with cosmjs
VECTORS = json.loads((Path(__file__).parents[3] / "vectors" / "interop_cosmos.json").read_text(encoding="utf-8"))

USES: list[Callable[[Keychain], object]] = [
    lambda chain: chain.public_key(Curve.SECP256K1, COSMOS),
    lambda chain: chain.public_key(Curve.SECP256R1, COSMOS),
    lambda chain: chain.public_key(Curve.ED25519, Bip32Path.parse("44'")),
    lambda chain: chain.sign(Curve.SECP256K1, COSMOS, bytes(32)),
    lambda chain: chain.sign(Curve.SECP256R1, COSMOS, bytes(32)),
    lambda chain: chain.sign(Curve.ED25519, Bip32Path.parse("44'"), b"message"),
    lambda chain: chain.node(Curve.SECP256K1, COSMOS),
    lambda chain: chain.node(Curve.SECP256R1, COSMOS),
    lambda chain: chain.node(Curve.SECP256K1, COSMOS, seed_key=b"mine"),
    lambda chain: chain.backup_key(),
]


@pytest.mark.parametrize("use", USES)
def test_nothing_is_derived_before_filling_and_after_clearing(use: Callable[[Keychain], object]) -> None:
    """An empty keychain raises Locked for everything; a filled one serves; a cleared one is empty again."""
    chain = Keychain()
    assert chain.is_empty
    with pytest.raises(Locked):
        use(chain)
    chain.fill(PHRASE)
    first = use(chain)
    assert use(chain) == first
    chain.clear()
    assert chain.is_empty
    with pytest.raises(Locked):
        use(chain)


def test_key_of_the_test_account_is_the_known_one() -> None:
    """The public key at the Cosmos path is the one other libraries derive."""
    chain = Keychain()
    chain.fill(PHRASE)
    key = coincurve.PublicKey(chain.public_key(Curve.SECP256K1, COSMOS))
    assert key.format().hex() == VECTORS["public_key"]


def test_a_seed_key_is_that_of_the_roots_hmac() -> None:
    """Below it children are those of BIP-32 and SLIP-10, here worked out beside; the standard's key gives the standard's tree."""
    chain = Keychain()
    chain.fill(PHRASE)
    seed = hashlib.pbkdf2_hmac("sha512", PHRASE.reveal(), b"mnemonic", 2048)
    root = hmac.digest(b"mine", seed, "sha512")
    child = hmac.digest(root[32:], b"\0" + root[:32] + (0x8000002C).to_bytes(4, "big"), "sha512")
    path = Bip32Path.parse("44'")
    assert chain.node(Curve.ED25519, path, seed_key=b"mine").reveal() == child
    number = (int.from_bytes(root[:32], "big") + int.from_bytes(child[:32], "big")) % secp256k1.ORDER
    assert chain.node(Curve.SECP256K1, path, seed_key=b"mine").reveal() == number.to_bytes(32, "big") + child[32:]
    for curve, key in ((Curve.SECP256K1, b"Bitcoin seed"), (Curve.ED25519, b"ed25519 seed\0")):
        assert chain.node(curve, path, seed_key=key).reveal() == chain.node(curve, path).reveal()


@pytest.mark.parametrize(
    "key", [b"Bitcoin seed", b"ed25519 seed", b"Symmetric key seed", b"Symmetric key seed\0", b"bls12_377 seed"]
)
def test_the_tree_of_another_permission_is_not_had_by_its_seed_key(key: bytes) -> None:
    """An app that may use one curve does not get the roots of the others by naming their keys, nor what seals its records."""
    chain = Keychain()
    chain.fill(PHRASE)
    with pytest.raises(UsageError, match="another tree"):
        chain.node(Curve.SECP256R1, COSMOS, seed_key=key)


def test_node_is_the_private_key_of_the_public_one() -> None:
    """What a native app gets is the private key of the path's public key, and 32 bytes more."""
    chain = Keychain()
    chain.fill(PHRASE)
    node = chain.node(Curve.SECP256K1, COSMOS).reveal()
    assert coincurve.PrivateKey(node[:32]).public_key.format().hex() == VECTORS["public_key"]
    assert len(node) == 64
    assert node[:32].hex() not in repr(chain.node(Curve.SECP256K1, COSMOS))


def test_passphrase_gives_other_keys() -> None:
    """The same words with a passphrase are another wallet (BIP-39)."""
    chain, other = Keychain(), Keychain()
    chain.fill(PHRASE)
    other.fill(PHRASE, "x")
    assert chain.public_key(Curve.SECP256K1, COSMOS) != other.public_key(Curve.SECP256K1, COSMOS)
    assert not chain.backup_key() == other.backup_key()  # noqa: SIM201 -- Secret compares with == alone


def test_path_that_is_none_on_ed25519_is_a_usage_error() -> None:
    """SLIP-10 has hardened levels alone on ed25519."""
    chain = Keychain()
    chain.fill(PHRASE)
    with pytest.raises(UsageError):
        chain.public_key(Curve.ED25519, (0,))


def test_seed_is_in_no_text() -> None:
    """The representation of a keychain holds nothing of what it keeps."""
    chain = Keychain()
    chain.fill(PHRASE)
    assert "junk" not in repr(chain)
    assert "junk" not in repr(vars(chain))
    assert chain._seed is not None
    assert chain._seed.reveal().hex() not in repr(vars(chain))
