"""What `tally emulate` takes from an ELF file that says little of itself."""

import pytest
from tests.unit.device.native.native_program import elf

from tallystick.cli.emulate_app import read_app
from tallystick.wire.image import AppFlag
from tallystick.wire.install import Curve, InstallParameters


@pytest.mark.parametrize(
    ("notes", "flags"),
    [
        ([], AppFlag.DERIVE_MASTER),
        ([("ledger.app_flags", "0x000")], AppFlag(0)),
        ([("ledger.app_flags", "0x010")], AppFlag.DERIVE_MASTER),
    ],
)
def test_a_file_that_says_no_flags_may_use_the_master_key(tmp_path, notes, flags):
    """Nothing said is everything permitted; what is said holds."""
    path = tmp_path / "app.elf"
    path.write_bytes(elf(bytes(64), notes=notes))
    assert read_app(path).image.create.flags & AppFlag.DERIVE_MASTER == flags


def test_a_file_without_install_parameters_may_derive_on_each_curve(tmp_path):
    """Nothing said of curves and paths is every one of them."""
    path = tmp_path / "app.elf"
    path.write_bytes(elf(bytes(64), parameters=b""))
    derivation = InstallParameters.from_bytes(read_app(path).image.parameters).derivation
    assert (list(derivation.curves), derivation.paths) == (list(Curve), ())
