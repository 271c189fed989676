"""The shared library of an installed Speculos: found by model and API level, or not at all."""

import pytest

from tallystick.device.sandbox.shared_library import find_shared_library, speculos_folder
from tallystick.wire.native import MAX_LIBRARY


@pytest.fixture
def folder(tmp_path):
    """Return the folder of a package with two libraries in it."""
    for name, raw in (
        ("sharedlib/nanox-api-level-shared-26.elf", b"shared"),
        ("cxlib/nanox-api-level-cx-22.elf", b"cx"),
    ):
        path = tmp_path / name
        path.parent.mkdir()
        path.write_bytes(raw)
    return tmp_path


@pytest.mark.parametrize(
    ("model", "level", "found"),
    [
        ("nanox", 26, b"shared"),
        ("nanox", 22, b"cx"),
        ("nanox", 25, b""),
        ("stax", 26, b""),
        ("nanox", None, b""),
    ],
)
def test_library_is_the_one_of_model_and_level(folder, model, level, found):
    """The file of this model and this level is given whole; where there is none, nothing is."""
    assert find_shared_library(str(folder), model=model, level=level) == found


def test_without_a_folder_nothing_is_looked_for():
    """No Speculos, no library."""
    assert find_shared_library("", model="nanox", level=26) == b""


def test_library_that_is_too_large_is_none(folder):
    """A file above the limit is not taken."""
    (folder / "sharedlib" / "nanox-api-level-shared-26.elf").write_bytes(bytes(MAX_LIBRARY + 1))
    assert find_shared_library(str(folder), model="nanox", level=26) == b""


def test_folder_lies_among_the_packages():
    """Out of an image the folder of the packages is known, and Speculos is one of them."""
    assert speculos_folder("/packages") == "/packages/speculos"


def test_what_a_person_named_goes_first(monkeypatch):
    """An option goes before the environment, and before where an image's packages lie."""
    monkeypatch.setenv("TALLYSTICK_SPECULOS", "/told")
    assert speculos_folder(named="/named") == "/named"
    assert speculos_folder("/packages", named="/named") == "/named"


def test_environment_goes_before_what_is_installed(monkeypatch, tmp_path):
    """TALLYSTICK_SPECULOS goes before an installed package, and an empty one is none; an image does not hear it."""
    package = tmp_path / "speculos"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("TALLYSTICK_SPECULOS", "/told")
    assert speculos_folder() == "/told"
    assert speculos_folder("/packages") == "/packages/speculos"
    monkeypatch.setenv("TALLYSTICK_SPECULOS", "")
    assert speculos_folder() == str(package)
    monkeypatch.delenv("TALLYSTICK_SPECULOS")
    assert speculos_folder() == str(package)
