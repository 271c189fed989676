"""What the probes send, and what they hold the limits against."""

import struct

import pytest
from bench.probe.limit import derive
from bench.profile import BOILERPLATE, COSMOS, SEED

from tallystick.crypto import bip32, bip39


def cosmos_path(index):
    """Read the path out of a command for a public key."""
    return struct.unpack("<5I", COSMOS.key(index)[-20:])


def test_cosmos_paths_are_new_each_time_and_within_what_the_app_allows():
    """All 20,402 paths differ, and no account or leaf passes 100 (cosmos-app 1)."""
    paths = {cosmos_path(index) for index in range(101 * 202)}
    assert len(paths) == 101 * 202
    for path in paths:
        assert path[:2] == (0x8000002C, 0x80000076)
        assert path[3] == 0
        assert all(level & 0x7FFFFFFF <= 100 for level in path[2:])


@pytest.mark.parametrize("profile", [COSMOS, BOILERPLATE])
def test_commands_say_their_length(profile):
    """Every command that is sent has the length of its data in its fifth byte."""
    for apdu in (profile.key(0), profile.key(19_999), *profile.signature):
        assert apdu[4] == len(apdu) - 5


def test_limit_derives_what_the_device_derives():
    """The bare derivation that ours is compared with gives the key that BIP-32 gives."""
    seed = bip39.seed(SEED)
    path = (0x8000002C, 0x80000076, 0x80000003, 0, 7)
    assert derive(seed.reveal(), path) == bip32.derive(bip32.master(seed), path).private_key.reveal()
