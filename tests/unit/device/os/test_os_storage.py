"""Storage: what counts, what is swept up, and what is damaged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.device.os.storage import RECORD_OVERHEAD_BYTES, Storage
from tallystick.device.os.stored_state import state_from_bytes, state_to_bytes
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.errors import RemoteProtocolError, StateCorrupt

NAMES = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=32)


@pytest.fixture
def flash() -> MemoryFlash:
    """Give empty flash."""
    return MemoryFlash()


def test_app_keeps_what_it_was_given(flash: MemoryFlash) -> None:
    """Bundle, settings and records are there in the next life too."""
    storage = Storage(flash)
    storage.install("One", b"bundle")
    storage.set_setting("One", "expert", value=True)
    storage.set_record("One", "note", b"data")
    for one in (storage, Storage(flash)):
        assert one.installed() == ["One"]
        assert one.image("One") == b"bundle"
        assert one.settings("One") == {"expert": True}
        assert one.records("One") == {"note": b"data"}
        assert one.data_size("One") == 4 + RECORD_OVERHEAD_BYTES


def test_installing_again_wipes_the_data_and_moves_to_the_end(flash: MemoryFlash) -> None:
    """Nothing of the old installation is left in flash."""
    storage = Storage(flash)
    storage.install("One", b"old")
    storage.set_record("One", "note", b"data")
    storage.install("Two", b"two")
    storage.install("One", b"new")
    assert storage.installed() == ["Two", "One"]
    assert storage.records("One") == {}
    assert storage.data_size("One") == 0
    assert len(flash.names()) == 3


def test_uninstalled_app_leaves_nothing(flash: MemoryFlash) -> None:
    """Its records are gone, and an app of another name that begins alike keeps its own."""
    storage = Storage(flash)
    for number in range(12):
        storage.install(f"App{number}", b"x")
        storage.set_record(f"App{number}", "note", b"x")
    storage.uninstall("App1")
    assert storage.record("App11", "note") == b"x"
    assert len(flash.names()) == 11 * 2 + 1
    storage.uninstall("App1")
    assert len(storage.installed()) == 11


def test_restored_data_replaces_all_and_is_counted(flash: MemoryFlash) -> None:
    """Settings and records are those of the back-up alone; the count outlives the app but not a reset."""
    storage = Storage(flash)
    storage.install("One", b"bundle")
    storage.set_setting("One", "old", value=True)
    storage.set_record("One", "old", b"x")
    storage.restore("One", settings={"new": True}, records={"a": b"1", "b": b""})
    assert storage.settings("One") == {"new": True}
    assert storage.records("One") == {"a": b"1", "b": b""}
    assert storage.image("One") == b"bundle"
    assert storage.restored("One") == 1
    storage.uninstall("One")
    assert Storage(flash).restored("One") == 1
    storage.erase()
    assert Storage(flash).restored("One") == 0


def test_records_that_no_app_owns_are_swept_up_at_start(flash: MemoryFlash) -> None:
    """What a cut left behind goes; what is not an app's stays."""
    Storage(flash).install("One", b"x")
    for name in ("app.99.image", "app.99.data-00", "app.old", "vault", "lock-image"):
        flash.write(name, b"x")
    Storage(flash)
    assert flash.names() == ["app.1.image", "apps", "lock-image", "vault"]


def test_leftovers_of_a_failed_restore_are_not_the_next_apps(flash: MemoryFlash) -> None:
    """A number is given anew only after everything that carried it is gone."""
    storage = Storage(flash)
    storage.install("One", b"x")
    flash.write("app.2.data-61", b"left over")
    storage.install("Two", b"y")
    assert storage.records("Two") == {}


@pytest.mark.parametrize("record", ["apps", "device"])
@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"7", b"\xff\xfe", b"null", b'"x"'])
def test_damaged_document_is_a_damaged_state(flash: MemoryFlash, record: str, damage: bytes) -> None:
    """It is named, and nothing is guessed."""
    flash.write(record, damage)
    with pytest.raises(StateCorrupt, match=record):
        Storage(flash).device_setting("x", 1)


@pytest.mark.parametrize("index", [b'{"installed": 5}', b'{"installed": [1]}', b'{"installed": [["a", "b", "c"]]}'])
def test_damaged_list_of_apps_is_a_damaged_state(flash: MemoryFlash, index: bytes) -> None:
    """A list of another form is no list."""
    flash.write("apps", index)
    with pytest.raises(StateCorrupt, match="apps"):
        Storage(flash)


def test_missing_image_is_a_damaged_state(flash: MemoryFlash) -> None:
    """An app that is listed and not there is told by its name."""
    storage = Storage(flash)
    storage.install("One", b"x")
    flash.remove("app.1.image")
    with pytest.raises(StateCorrupt, match="One"):
        Storage(flash).image("One")


def test_settings_of_the_device_are_numbers(flash: MemoryFlash) -> None:
    """What is not there, or no number, is the default."""
    storage = Storage(flash)
    assert storage.device_setting("x", 7) == 7
    storage.set_device_setting("x", 3)
    assert Storage(flash).device_setting("x", 7) == 3
    flash.write("device", b'{"x": "three"}')
    assert Storage(flash).device_setting("x", 7) == 7


def test_erase_leaves_what_is_not_the_owners(flash: MemoryFlash) -> None:
    """Serial, model and vault are others' business."""
    storage = Storage(flash)
    storage.install("One", b"x")
    storage.set_device_setting("x", 1)
    storage.set_lock_image(b"picture")
    for name in ("serial", "model", "vault", "tries"):
        flash.write(name, b"x")
    storage.erase()
    assert flash.names() == ["apps", "model", "serial", "tries", "vault"]
    assert storage.installed() == []
    assert storage.lock_image() is None


@given(
    settings=st.dictionaries(NAMES, st.booleans(), max_size=5), records=st.dictionaries(NAMES, st.binary(max_size=99))
)
def test_state_of_an_app_comes_back(settings: dict[str, bool], records: dict[str, bytes]) -> None:
    """Bytes and back, in any order of names to the same bytes."""
    raw = state_to_bytes(settings, records)
    assert state_from_bytes(raw) == (settings, records)
    assert raw == state_to_bytes(dict(reversed(settings.items())), dict(reversed(records.items())))


def test_cut_state_is_refused_at_every_length() -> None:
    """Cut, or with a byte too many, it is no state (684A)."""
    raw = state_to_bytes({"a": True}, {"b": b"12"})
    for broken in [raw[:size] for size in range(len(raw))] + [raw + b"\x00"]:
        with pytest.raises(RemoteProtocolError) as refused:
            state_from_bytes(broken)
        assert refused.value.status == 0x684A


def test_sizes_of_a_removed_app_are_not_the_next_ones(flash: MemoryFlash) -> None:
    """An app that gets a number that was used before begins with nothing."""
    storage = Storage(flash)
    storage.install("One", b"x")
    storage.set_record("One", "note", b"data")
    storage.uninstall("One")
    storage.install("Two", b"y")
    assert storage.data_size("Two") == 0
