"""What native apps may derive, as their install parameters and flags say it."""

import pytest

from tallystick.device.os.permission import may_derive
from tallystick.device.os.registry import _native_manifest
from tallystick.wire.image import AppFlag
from tallystick.wire.install import ANY_LEVEL, Curve, Derivation, InstallParameters, Slip21Path, permitted_path
from tallystick.wire.path import HARDENED, Bip32Path

STARRED = ("*/1'", "45'")
NONE = AppFlag(0)


def manifest(*paths, flags=NONE):
    """Return the manifest of a native app that asks for paths on one curve."""
    derivation = Derivation(curves=Curve.SECP256K1, paths=tuple(permitted_path(path) for path in paths))
    return _native_manifest(InstallParameters(name="Demo", derivation=derivation), flags)


@pytest.mark.parametrize("path", ["44'/1'", "84'/1'/0'/0/0", "0/1'", "45'", "45'/7", f"{ANY_LEVEL}/1'"])
def test_a_level_that_may_be_any_lets_each_one_through(path):
    """A star stands for each level, hardened or not, and whatever follows the path is below it."""
    assert may_derive(manifest(*STARRED), Curve.SECP256K1, Bip32Path.parse(path))


@pytest.mark.parametrize("path", ["m", "44'", "44'/0'", "44'/1", "46'", f"{ANY_LEVEL}", f"44'/{ANY_LEVEL}"])
def test_a_level_that_may_be_any_frees_no_other(path):
    """What stands beside a star holds as it is, and a star in what is asked for is a level like others."""
    assert not may_derive(manifest(*STARRED), Curve.SECP256K1, Bip32Path.parse(path))


def test_a_star_frees_no_other_curve():
    """A path is permitted on the app's own curves."""
    assert not may_derive(manifest("*"), Curve.ED25519, (44 | HARDENED,))


@pytest.mark.parametrize(("flags", "allowed"), [(NONE, False), (AppFlag.DERIVE_MASTER, True)])
@pytest.mark.parametrize("path", ["m", "0", "1/2"])
def test_a_path_without_a_hardened_level_is_for_apps_with_the_flag_of_the_master_key(flags, allowed, path):
    """Any path that is permitted needs a hardened level somewhere, unless the app may use the master key."""
    of, levels = manifest(flags=flags), Bip32Path.parse(path)
    assert may_derive(of, Curve.SECP256K1, levels) is allowed
    assert may_derive(of, Curve.SECP256K1, (*levels, HARDENED))


def test_the_flag_of_the_master_key_frees_no_path():
    """The app's paths hold with the flag as without it."""
    of = manifest("44'/1'", flags=AppFlag.DERIVE_MASTER)
    assert not may_derive(of, Curve.SECP256K1, ())
    assert not may_derive(of, Curve.SECP256K1, (44 | HARDENED,))
    assert may_derive(of, Curve.SECP256K1, (44 | HARDENED, 1 | HARDENED, 0))


def test_keys_of_bls_need_no_hardened_level():
    """EIP-2333 has no hardened levels at all."""
    derivation = Derivation(curves=Curve.BLS12381G1, paths=(Bip32Path.parse("12381/3600"),))
    of = _native_manifest(InstallParameters(name="Demo", derivation=derivation), NONE)
    assert may_derive(of, Curve.BLS12381G1, (12381, 3600, 0, 0))


def test_labels_are_no_paths():
    """An app that asks for SLIP-21 labels alone has no BIP-32 path, and one that asks for nothing has all."""
    labels = Derivation(curves=Curve.SECP256K1, paths=(Slip21Path("label"),))
    of = _native_manifest(InstallParameters(name="Demo", derivation=labels), NONE)
    assert not may_derive(of, Curve.SECP256K1, (44 | HARDENED,))
    assert may_derive(manifest(), Curve.SECP256K1, (HARDENED,))
