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
def test_the_root_is_for_apps_with_the_flag_of_the_master_key(flags, allowed):
    """The flag permits the root beside the app's paths, and nothing else above or beside them."""
    of = manifest("44'/1'", flags=flags)
    assert may_derive(of, Curve.SECP256K1, ()) is allowed
    assert not may_derive(of, Curve.SECP256K1, (44 | HARDENED,))
    assert not may_derive(of, Curve.SECP256R1, ())


def test_labels_are_no_paths():
    """An app that asks for SLIP-21 labels alone has no BIP-32 path, and one that asks for nothing has all."""
    labels = Derivation(curves=Curve.SECP256K1, paths=(Slip21Path("label"),))
    of = _native_manifest(InstallParameters(name="Demo", derivation=labels), NONE)
    assert not may_derive(of, Curve.SECP256K1, (44 | HARDENED,))
    assert may_derive(manifest(), Curve.SECP256K1, ())
