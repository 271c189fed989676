"""Parts of the loader by themselves: the memory of an app on its way, its record in flash, the owner's authority."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.device.os.app_record import AppRecord
from tallystick.device.os.custom_ca import CustomCa, stored_ca
from tallystick.device.os.loading import Loading
from tallystick.device.os.registry import Registry
from tallystick.device.os.storage import Storage
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.errors import RemoteProtocolError, StateCorrupt
from tallystick.testing.flash import FaultyFlash, PowerCut
from tallystick.wire.bundle import Bundle
from tallystick.wire.image import AppFlag, AppImage, CreateApp
from tallystick.wire.install import InstallParameters
from tallystick.wire.model import MODELS
from tallystick.wire.status import Reject

MODEL = MODELS["nanosp"]
VERSION = "1.1.1"
BUNDLE = Bundle.pack(b'{"name": "Old", "version": "1.0"}', {"app.py": "def start(): pass\n"})
AREA = st.binary(min_size=1, max_size=200)


def image(code: bytes, data: bytes, parameters: bytes) -> AppImage:
    """Return an app of these areas."""
    create = CreateApp(code_length=len(code), data_length=len(data), parameters_length=len(parameters))
    return AppImage(create=create, code=code, data=data, parameters=parameters)


def record(app: AppImage) -> AppRecord:
    """Return its record."""
    return AppRecord(image=app, flags=AppFlag.ENABLED, code_hash=app.code_hash(), full_hash=bytes(32))


@given(code=AREA, data=st.binary(max_size=200), parameters=AREA, cuts=st.lists(st.integers(1, 60), max_size=20))
def test_memory_becomes_the_image_however_it_was_cut(
    code: bytes, data: bytes, parameters: bytes, cuts: list[int]
) -> None:
    """Parts of any size, written backwards, give the areas that were announced."""
    app = image(code, data, parameters)
    whole = code + data + bytes(-len(data) % 64) + parameters
    loading = Loading(app.create)
    parts, at = [], 0
    for size in [*cuts, len(whole)]:
        parts.append((at, whole[at : at + size]))
        at += size
    for start, part in reversed(parts):
        if part:
            loading.select(start)
            loading.write(0, part)
            assert loading.read(0, len(part)) == part
    assert loading.image() == app


def test_what_was_never_written_is_zero() -> None:
    """An app of which nothing came is an app of zeros."""
    create = CreateApp(code_length=3, data_length=2, parameters_length=4)
    made = Loading(create).image()
    assert (made.code, made.data, made.parameters) == (bytes(3), bytes(2), bytes(4))


def test_load_of_nothing_is_refused() -> None:
    """A part without a byte is 6832."""
    loading = Loading(CreateApp(code_length=3, data_length=0, parameters_length=4))
    loading.select(0)
    with pytest.raises(Reject, match="6832"):
        loading.write(0, b"")


@given(code=AREA, data=st.binary(max_size=99), parameters=AREA)
def test_record_comes_back(code: bytes, data: bytes, parameters: bytes) -> None:
    """Bytes and back."""
    made = record(image(code, data, parameters))
    assert AppRecord.from_bytes(made.to_bytes()) == made


def test_changed_record_is_refused_at_every_byte() -> None:
    """Cut, longer, or with any bit flipped, it is no record."""
    raw = record(image(b"code", b"", b"parameters")).to_bytes()
    broken = [raw[:size] for size in range(len(raw))] + [raw + b"\x00"]
    broken += [raw[:at] + bytes((raw[at] ^ 1,)) + raw[at + 1 :] for at in range(len(raw))]
    for one in broken:
        with pytest.raises(RemoteProtocolError):
            AppRecord.from_bytes(one)


def _old_flash() -> MemoryFlash:
    """Return the flash of an older release: the bare bundle, with data beside it."""
    flash = MemoryFlash()
    flash.write("apps", b'{"installed": [["Old", 1]], "restored": []}')
    flash.write("app.1.bundle", BUNDLE.raw)
    flash.write("app.1.data-61", b"precious")
    return flash


def _registry(flash: MemoryFlash | FaultyFlash) -> tuple[Storage, Registry]:
    storage = Storage(flash)
    return storage, Registry(storage=storage, model=MODEL, os_version=VERSION)


def test_app_of_an_older_release_is_renewed_with_its_data() -> None:
    """The bare bundle becomes a record, once; hashes, data and place stay."""
    flash = _old_flash()
    for _ in range(2):
        storage, registry = _registry(flash)
        (app,) = registry.apps()
        assert app.bundle == BUNDLE
        assert app.full_hash == BUNDLE.image().full_hash(MODEL.target_id, VERSION)
        assert storage.records("Old") == {"a": b"precious"}
        assert flash.names() == ["app.1.data-61", "app.1.image", "apps"]


@pytest.mark.parametrize("writes", range(3))
def test_renewal_cut_off_is_done_again(writes: int) -> None:
    """The power goes at any write of it: the next start has the app, whole."""
    flash = _old_flash()
    faulty = FaultyFlash(flash, cut_after=writes)
    with contextlib.suppress(PowerCut):
        _registry(faulty)
    _, registry = _registry(flash)
    assert [app.name for app in registry.apps()] == ["Old"]


def test_full_hash_is_that_of_the_day_the_app_was_loaded() -> None:
    """Under another OS version the app keeps the hash that was signed."""
    flash = _old_flash()
    _, registry = _registry(flash)
    before = registry.apps()[0].full_hash
    storage = Storage(flash)
    after = Registry(storage=storage, model=MODEL, os_version="9.9.9").apps()[0].full_hash
    assert before == after


def test_permissions_of_native_code_are_its_parameters() -> None:
    """Name, version and paths of an app without a manifest come from its install parameters."""
    parameters = InstallParameters(name="Demo", version="1.2").to_bytes()
    _, registry = _registry(MemoryFlash())
    app = registry.measure(image(bytes(64), b"", parameters))
    assert (app.name, app.version, app.manifest.paths, app.bundle) == ("Demo", "1.2", (), None)


def test_authority_comes_back_and_damage_is_told() -> None:
    """What was stored is read again; what is none is a damaged state."""
    flash = MemoryFlash()
    storage = Storage(flash)
    assert stored_ca(storage) is None
    ca = CustomCa(name="Me", public_key=b"\x04" + bytes(64))
    storage.set_custom_ca(ca.to_bytes())
    assert stored_ca(Storage(flash)) == ca
    for broken in (ca.to_bytes()[:-1], ca.to_bytes() + b"x", b"\xff"):
        flash.write("custom-ca", broken)
        with pytest.raises(StateCorrupt, match="custom-ca"):
            stored_ca(storage)
