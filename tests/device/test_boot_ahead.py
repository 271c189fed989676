"""The list of native code, compared two files at a time and ahead of need: as strict as one after the other."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from pathlib import Path

import pytest

from tallystick.device.boot import library
from tallystick.device.boot.library import LibraryFinder, check_entries
from tallystick.device.boot.slot import Artefacts, Slots
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.errors import TrustError
from tallystick.wire.environment import Entry, Root

FILES = {f"file{number}": bytes([number]) * (number + 1) for number in range(9)}


@pytest.fixture
def roots(tmp_path):
    """Return places with nine files in the libraries."""
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    return {"interpreter": "/nowhere", "standard": "/nowhere", "libraries": str(tmp_path)}


def entries() -> list[Entry]:
    """Return the list of the nine files."""
    return [
        Entry(root=Root.LIBRARIES, path=name, size_bytes=len(data), digest=hashlib.sha256(data).digest())
        for name, data in FILES.items()
    ]


def finder_of(roots: dict[str, str], name: str) -> LibraryFinder:
    """Return a finder whose list is one file, as a native module."""
    data = FILES[name]
    return LibraryFinder([("libraries", name, len(data), hashlib.sha256(data).hexdigest(), "native")], roots, {})


@pytest.mark.parametrize("wrong", FILES)
def test_one_wrong_file_of_the_list_refuses_all(roots, tmp_path, wrong):
    """Whichever of the files is another one, and whichever thread finds it."""
    check_entries(entries(), roots)
    (tmp_path / wrong).write_bytes(b"x" * len(FILES[wrong]))
    with pytest.raises(TrustError, match=f"{wrong} is not the one"):
        check_entries(entries(), roots)


def test_a_thread_that_ends_early_has_checked_nothing(roots, monkeypatch):
    """An error that is no verdict ends one of the two threads: the list counts as not checked."""
    main, check = threading.current_thread(), library._check_entry
    died = threading.Event()

    def fail_elsewhere(*arguments):
        if threading.current_thread() is not main:
            died.set()
            raise MemoryError
        died.wait()
        check(*arguments)

    monkeypatch.setattr(library, "_check_entry", fail_elsewhere)
    monkeypatch.setattr(threading, "excepthook", lambda _arguments: None)
    with pytest.raises(TrustError, match="not checked to its end"):
        check_entries(entries(), roots)


def test_what_was_read_ahead_is_sealed_and_taken_from_there(roots, tmp_path, monkeypatch):
    """The file may be replaced after it was read ahead: the module comes from the bytes that were compared."""
    monkeypatch.setattr(library, "_LARGE_BYTES", 1)
    monkeypatch.setattr(sys, "setswitchinterval", lambda _seconds: None)
    finder = finder_of(roots, "file5")
    finder.read_ahead()
    finder._ahead.join()
    (tmp_path / "file5").write_bytes(b"other")
    assert Path(finder.find_spec("native").origin).read_bytes() == FILES["file5"]
    for descriptor in finder.sealed.values():
        os.close(descriptor)


def test_another_file_read_ahead_is_refused_when_it_is_wanted(roots, tmp_path, monkeypatch):
    """What was found wrong ahead of need is wrong when it is needed; nothing of it is kept."""
    monkeypatch.setattr(library, "_LARGE_BYTES", 1)
    monkeypatch.setattr(sys, "setswitchinterval", lambda _seconds: None)
    (tmp_path / "file5").write_bytes(b"x" * len(FILES["file5"]))
    finder = finder_of(roots, "file5")
    finder.read_ahead()
    with pytest.raises(TrustError, match="not the one"):
        finder.find_spec("native")
    assert finder.sealed == {}


def test_a_stage_reads_what_it_names_and_nothing_else():
    """Of a whole slot, the named members are there and the others are empty."""
    flash = MemoryFlash()
    Slots(flash).provision(Artefacts(key_table=b"k", bootloader=b"b", config=b"c"))
    assert Slots(flash).read("a", only=("bootloader",)) == Artefacts(bootloader=b"b")
