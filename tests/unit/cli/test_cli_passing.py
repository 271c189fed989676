"""Folders that are forgotten: where they lie, that they go, and who sweeps up what was left."""

from pathlib import Path

import pytest

from tallystick.cli import passing
from tallystick.cli.passing import Passing, sweep


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """Give a place in memory and a usual one of the test's own, with folders as old as they are at once."""
    for name in ("memory", "usual"):
        (tmp_path / name).mkdir()
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(passing, "_MEMORY", tmp_path / "memory")
    monkeypatch.setattr(passing, "_ROOM", 0)
    monkeypatch.setattr(passing, "_YOUNG_S", -10)
    monkeypatch.setattr(passing.tempfile, "tempdir", str(tmp_path / "usual"))
    return tmp_path


def test_it_lies_in_memory_and_goes_with_what_is_in_it(places):
    """Such a folder is in memory, belongs to its user alone, and nothing of it is left."""
    with Passing("device") as folder:
        assert folder.path.parent == places / "memory"
        assert folder.path.stat().st_mode & 0o077 == 0
        (folder.path / "flash").mkdir()
        (folder.path / "flash" / "record").write_bytes(b"x")
    assert list((places / "memory").iterdir()) == []
    folder.close()


@pytest.mark.parametrize("reason", ["none", "full", "chosen"])
def test_without_room_in_memory_it_lies_where_such_things_do(places, monkeypatch, reason):
    """A machine without such a place, one that is too small, and a TMPDIR that was chosen: the usual place."""
    if reason == "none":
        (places / "memory").rmdir()
    elif reason == "full":
        monkeypatch.setattr(passing, "_ROOM", 1 << 62)
    else:
        monkeypatch.setenv("TMPDIR", str(places / "usual"))
    with Passing("manager") as folder:
        assert folder.path.parent == places / "usual"
    assert list((places / "usual").iterdir()) == []


def test_what_nobody_holds_is_swept_up_and_what_is_held_stays(places, monkeypatch):
    """A process that was killed leaves its folder to the next one; folders in use and other people's things stay."""
    held = Passing("device")
    left = []
    for place in ("memory", "usual"):
        folder = places / place / "tallystick-passing-manager-abc"
        folder.mkdir()
        (folder / "manager.db").write_bytes(b"x")
        left.append(folder)
    other = places / "usual" / "somebody-else"
    other.mkdir()
    sweep()
    assert [folder.exists() for folder in left] == [False, False]
    assert (held.path.exists(), other.exists()) == (True, True)
    held.close()


def test_a_young_folder_is_left_alone(places, monkeypatch):
    """One that was made just now may not be locked yet."""
    monkeypatch.setattr(passing, "_YOUNG_S", 60)
    folder = places / "usual" / "tallystick-passing-device-abc"
    folder.mkdir()
    sweep()
    assert folder.exists()


def test_no_link_is_followed(places):
    """A link with such a name, which anybody can lay there, leads to nothing that is removed."""
    target = places / "target"
    target.mkdir()
    (target / "kept").write_bytes(b"x")
    Path(places / "usual" / "tallystick-passing-device-abc").symlink_to(target)
    sweep()
    assert [one.name for one in target.iterdir()] == ["kept"]
