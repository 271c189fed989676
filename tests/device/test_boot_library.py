"""Native code that an image cannot hold: compared once, loaded from sealed memory, and nothing beside the list."""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import sys
from pathlib import Path

import pytest
from tests.device.boot_stage import Bench, release

from tallystick.device.boot import library
from tallystick.device.boot.image import VerifiedImage
from tallystick.device.boot.library import LibraryFinder, places, read_checked
from tallystick.device.boot.memory import sealed_memfd
from tallystick.device.boot.start import Handover, command
from tallystick.errors import TrustError

DATA = b"native code"
ROW = ("libraries", "native.so", len(DATA), hashlib.sha256(DATA).hexdigest(), "native")


@pytest.fixture
def roots(tmp_path):
    """Return places with one file in the libraries."""
    (tmp_path / "native.so").write_bytes(DATA)
    return {"interpreter": "/nowhere", "standard": "/nowhere", "libraries": str(tmp_path)}


def test_a_listed_module_is_found_in_sealed_memory(roots, tmp_path):
    """The origin is a descriptor with the very bytes; the file may change afterwards without effect."""
    finder = LibraryFinder([ROW], roots, {})
    spec = finder.find_spec("native")
    (tmp_path / "native.so").write_bytes(b"other code!")
    assert Path(spec.origin).read_bytes() == DATA
    with pytest.raises(PermissionError):
        os.truncate(spec.origin, 0)
    assert finder.find_spec("unlisted") is None


def test_no_two_origins_have_one_name(roots):
    """The dynamic linker would take them for one file."""
    finder = LibraryFinder([ROW, (*ROW[:4], "second")], roots, {})
    first, second = finder.find_spec("native"), finder.find_spec("second")
    assert first.origin != second.origin
    assert os.path.realpath(first.origin) == os.path.realpath(second.origin)


@pytest.mark.parametrize("content", [b"native codf", b"native code.", b"native cod", b""])
def test_a_file_that_is_not_the_listed_one_is_refused(roots, tmp_path, content):
    """Other bytes, longer, shorter, empty, gone: refused, when it is loaded and when it was loaded before."""
    (tmp_path / "native.so").write_bytes(content)
    finder = LibraryFinder([ROW], roots, {})
    for act in (lambda: finder.find_spec("native"), lambda: finder.check_loaded(["native"])):
        with pytest.raises(TrustError, match="not the one"):
            act()
    (tmp_path / "native.so").unlink()
    with pytest.raises(TrustError, match="cannot be read"):
        finder.find_spec("native")
    with pytest.raises(TrustError, match="not on the list"):
        finder.check_loaded(["other"])


def test_what_the_stage_before_sealed_is_taken_over(roots, tmp_path):
    """Memory that was compared and sealed is used as it is; the file is not even opened."""
    (tmp_path / "native.so").unlink()
    descriptor = sealed_memfd("native", DATA)
    finder = LibraryFinder([ROW], roots, {ROW[3]: descriptor})
    assert Path(finder.find_spec("native").origin).read_bytes() == DATA
    os.close(descriptor)


def test_sealed_memory_cannot_be_changed_by_anybody():
    """Not written, not grown, not shrunk, not mapped for writing, not unsealed."""
    descriptor = sealed_memfd("test", b"0123456789")
    try:
        for act in (
            lambda: os.pwrite(descriptor, b"x", 0),
            lambda: os.ftruncate(descriptor, 4),
            lambda: os.ftruncate(descriptor, 40),
            lambda: mmap.mmap(descriptor, 10),
            lambda: fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, 0),
        ):
            with pytest.raises(OSError):
                act()
        assert os.pread(descriptor, 20, 0) == b"0123456789"
        assert not os.get_inheritable(descriptor)
    finally:
        os.close(descriptor)


def test_an_image_is_sealed_with_the_bytes_that_were_checked():
    """`seal` gives the checked bytes and nothing read again."""
    artefacts = release()
    image = Bench().check(artefacts).secure_world
    assert isinstance(image, VerifiedImage)
    descriptor = image.seal()
    try:
        assert os.pread(descriptor, len(artefacts.secure_world) + 1, 0) == artefacts.secure_world
    finally:
        os.close(descriptor)


def test_the_places_are_those_of_this_interpreter():
    """The standard library and the program lie where the roots say."""
    found = places("/libraries")
    assert Path(f"{found['standard']}/encodings/utf_8.py").exists()
    assert os.path.realpath(sys.executable).startswith(found["interpreter"])
    assert found["libraries"] == "/libraries"
    assert library.sealed() == {}


def test_files_are_read_with_a_bound(tmp_path):
    """A file that never ends is read to its listed size and a byte."""
    with pytest.raises(TrustError):
        read_checked("/dev/zero", 10, bytes(32))


def test_the_handover_is_read_back_and_the_command_isolates():
    """What one stage is told; and an interpreter without site packages, environment or cache."""
    told = Handover(
        libraries="/l", state="verified", slot="a", flash="/f", minimum={"bootloader": 1}, stages=[], sealed={"00": 7}
    )
    assert Handover.from_bytes(told.to_bytes()) == told
    line = command(5, 6, "more")
    assert line[1:4] == ["-I", "-S", "-B"]
    assert line[-3:] == ["/proc/self/fd/5", "6", "more"]
