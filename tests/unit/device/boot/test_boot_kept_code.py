"""Code of data classes that is kept from one start to the next."""

from __future__ import annotations

import dataclasses
import marshal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tallystick.device.boot.kept_code import KeptCode


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the module of a package that may keep bytecode, in a folder of its own."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    yield tmp_path / "__init__.py"
    vars(dataclasses).pop("exec", None)


def define(field: str = "number") -> type:
    """Define a data class with one field, as a module does when it is imported."""
    return dataclasses.make_dataclass("Made", [(field, int)], frozen=True)


def started(package: Path, field: str = "number") -> type:
    """Define a class as a program of its own does: with what was kept, keeping what is new."""
    kept = KeptCode("program", package=package)
    kept.use()
    try:
        return define(field)
    finally:
        kept.keep()


def file_of(package: Path) -> Path:
    """Return the one file that was written."""
    (found,) = (package.parent / "__pycache__").iterdir()
    return found


def test_a_second_start_compiles_nothing_and_its_classes_work(package, monkeypatch):
    """What was compiled at one start is taken from the file at the next, and makes the same methods."""
    started(package)
    monkeypatch.setattr("tallystick.device.boot.kept_code.compile", lambda *_: pytest.fail("compiled"), raising=False)
    made = started(package)
    assert made(1) == made(1) != made(2)
    assert repr(made(1)) == repr(define()(1))
    with pytest.raises(dataclasses.FrozenInstanceError):
        made(1).number = 2


def test_a_changed_class_is_compiled_as_ever(package):
    """A class with another field gets the methods of that field, and takes the place of the old one in the file."""
    started(package)
    before = file_of(package).read_bytes()
    assert started(package, "other")(other=3).other == 3
    assert file_of(package).read_bytes() != before


def test_a_start_with_nothing_new_leaves_the_file_alone(package):
    """The file is written when there is something to keep, and not at each start."""
    started(package)
    before = file_of(package).stat()
    started(package)
    after = file_of(package).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"rubbish", marshal.dumps({}), marshal.dumps((b"3.0", {})), marshal.dumps((b"", 1)), b"["],
    ids=["empty", "unknown type", "rubbish", "no pair", "other interpreter", "no table", "cut"],
)
def test_a_file_that_is_none_is_as_good_as_none(package, content):
    """What cannot be read, or is another interpreter's, is not used, and is replaced."""
    started(package)
    path = file_of(package)
    path.write_bytes(content)
    assert started(package)(1).number == 1
    assert len(path.read_bytes()) > len(content)


def test_a_file_that_was_cut_is_as_good_as_none(package):
    """A file that ends early is not used, wherever it ends."""
    started(package)
    path = file_of(package)
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        assert started(package)(1).number == 1
        assert path.read_bytes() == whole


def test_nothing_is_written_where_bytecode_is_not_to_be_written(package, monkeypatch):
    """Who tells the interpreter to write no bytecode finds no file of ours."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert started(package)(1).number == 1
    assert list(package.parent.iterdir()) == []


def test_a_place_that_cannot_be_written_does_no_harm(package):
    """Where there is a file in place of the folder, classes are made all the same."""
    (package.parent / "__pycache__").write_bytes(b"")
    assert started(package)(1).number == 1


def test_dataclasses_is_as_it_was_afterwards(package):
    """When all is kept, the standard library's module works by itself again."""
    started(package)
    assert "exec" not in vars(dataclasses)
    assert define()(4).number == 4
