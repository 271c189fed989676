"""Keys on Ed25519 with soft levels: published master keys, and an implementation that this project did not write."""

import pytest
from bip_utils import Bip32KholawEd25519
from hypothesis import given, settings
from hypothesis import strategies as st
from mnemonic import Mnemonic

from tallystick.crypto import kholaw
from tallystick.errors import UsageError

# CIP-3, Ledger: phrase, passphrase, master key (kL, kR, chain code)
MASTERS = [
    (
        (
            "recall grace sport punch exhibit mad harbor stand obey short width stem awkward used stairs wool ugly trap season "
            "stove worth toward congress jaguar"
        ),
        "",
        (
            "a08cf85b564ecf3b947d8d4321fb96d70ee7bb760877e371899b14e2ccf88658104b884682b57efd97decbb318a45c05a527b9cc5c2f64f7"
            "352935a049ceea60680d52308194ccef2a18e6812b452a5815fbd7f5babc083856919aaf668fe7e4"
        ),
    ),
    (
        (
            "correct cherry mammal bubble want mandate polar hazard crater better craft exotic choice fun tourist census gap "
            "lottery neglect address glow carry old business"
        ),
        "",
        (
            "587c6774357ecbf840d4db6404ff7af016dace0400769751ad2abfc77b9a3844cc71702520ef1a4d1b68b91187787a9b8faab0a9bb6b160d"
            "e541b6ee62469901fc0beda0975fe4763beabd83b7051a5fd5cbce5b88e82c4bbaca265014e524bd"
        ),
    ),
    (
        "abandon " * 23 + "art",
        "foo",
        (
            "f053a1e752de5c26197b60f032a4809f08bb3e5d90484fe42024be31efcba7578d914d3ff992e21652fee6a4d99f6091006938fac2c0c0f9"
            "d2de0ba64b754e92a4f3723f23472077aa4cd4dd8a8a175dba07ea1852dad1cf268c61a2679c3890"
        ),
    ),
]


@pytest.mark.parametrize(("phrase", "passphrase", "key"), MASTERS)
def test_master_keys_are_the_published_ones(phrase, passphrase, key):
    """The master key of a phrase is what CIP-3 publishes for it."""
    node = kholaw.master(Mnemonic.to_seed(phrase, passphrase))
    assert (node.private_key.reveal() + node.chain_code).hex() == key


@settings(deadline=None, max_examples=15)
@given(st.binary(min_size=32, max_size=64), st.lists(st.integers(0, 2**32 - 1), max_size=4))
def test_keys_are_those_of_another_implementation(seed, path):
    """At random paths, keys, chain codes and public keys are those of bip-utils."""
    theirs = Bip32KholawEd25519.FromSeed(seed)
    for index in path:
        theirs = theirs.ChildKey(index)
    ours = kholaw.derive(kholaw.master(seed), path)
    assert ours.private_key.reveal() == theirs.PrivateKey().Raw().ToBytes()
    assert ours.chain_code == theirs.ChainCode().ToBytes()
    assert kholaw.public_key(ours.private_key) == theirs.PublicKey().RawCompressed().ToBytes()[1:]


def test_what_is_no_seed_and_no_path_is_refused():
    """A seed too short and a level too large are refused, and no key is shown."""
    with pytest.raises(UsageError):
        kholaw.master(b"short")
    node = kholaw.master(bytes(64))
    with pytest.raises(UsageError):
        kholaw.derive(node, (2**32,))
    assert node.private_key.reveal().hex() not in repr(node)
