"""The loader of a whole device: who may put in what, what is refused, and that a refusal changes nothing (wire-protocol E)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from channel_stage import (
    AUTHORITY,
    CODE,
    MANAGER,
    STRANGER,
    Manager,
    Refused,
    certified_by,
    image_of,
    names,
    native,
    sign,
    status_of,
)
from os_stage import app, ask, status

from tallystick import apps as catalogue
from tallystick.crypto import secp256k1
from tallystick.device.os.channel import ISSUER_TEXT
from tallystick.device.os.custom_ca import stored_ca
from tallystick.testing import host
from tallystick.testing.device import VirtualDevice
from tallystick.testing.factory import known_key
from tallystick.wire.app_list import AppListEntry, decode_app_list
from tallystick.wire.buffer import Writer
from tallystick.wire.dashboard import Ins, MemoryInfo
from tallystick.wire.image import AppFlag, AppImage, CreateApp
from tallystick.wire.install import InstallParameters
from tallystick.wire.loader import (
    CheckCrc,
    Commit,
    Create,
    DeleteApp,
    DeleteAppByHash,
    EnterBootloader,
    Flush,
    ListApps,
    ListMoreApps,
    Load,
    MemoryQuery,
    ResetCustomCertificate,
    SetLoadOffset,
    SetupCustomCertificate,
    crc16,
    load_script,
)
from tallystick.wire.model import MODELS

Factory = Callable[..., VirtualDevice]
SOFTWARE = known_key("software")
COMMIT = Commit().to_bytes()


@pytest.fixture
def empty(device_factory: Factory) -> VirtualDevice:
    """Give a device without apps."""
    return device_factory(apps=())


def manager_of(device: VirtualDevice, **arguments: object) -> Manager:
    """Return a manager with an open channel."""
    manager = Manager(device, **arguments)  # type: ignore[arg-type]  # handed on as they are
    manager.open()
    manager.asked.clear()
    return manager


def listed(manager: Manager) -> list[AppListEntry]:
    """Return the list of apps as it comes through the channel."""
    entries: list[AppListEntry] = []
    page = decode_app_list(manager.send(ListApps().to_bytes()))
    while page:
        entries += page
        page = decode_app_list(manager.send(ListMoreApps().to_bytes()))
    return entries


@pytest.mark.models("all")
def test_signed_app_of_a_known_manager_asks_nobody_and_opens(device_factory: Factory, device: VirtualDevice) -> None:
    """An app that the software key signed is there at once, on the dashboard and for E0 D8, with the flags of its origin."""
    device = device_factory(model=device.model, apps=())
    manager = manager_of(device)
    manager.install(image_of(catalogue.bundle("cosmos")), signed_by=SOFTWARE)
    assert not manager.asked
    (entry,) = listed(manager)
    origin = AppFlag.SIGNED | AppFlag.ISSUER | AppFlag.ENABLED
    assert AppFlag(entry.flags) & (origin | AppFlag.CUSTOM_CA) == origin
    device.user.choose("Cosmos")
    assert device.status["app"] == "Cosmos"
    device.quit()
    pending = ask(device, Ins.OPEN_APP, data=b"Cosmos")
    device.user.approve()
    assert pending.response.ok


def test_known_manager_installs_nothing_unsigned(empty: VirtualDevice) -> None:
    """Without a signature, or with one of another key, a manager of the issuer is refused (5720), and nobody is asked."""
    manager = manager_of(empty)
    for key in (None, STRANGER, MANAGER, AUTHORITY):
        with pytest.raises(Refused) as refused:
            manager.install(native(), signed_by=key)
        assert refused.value.status == 0x5720
    assert not manager.asked
    assert names(empty) == []


def test_signature_of_another_app_is_refused(empty: VirtualDevice) -> None:
    """A signature is over the full hash: of another version, flag, path or byte of code it does not hold."""
    manager = manager_of(empty)
    good = sign(native(), SOFTWARE, empty)
    for other in (native(version="1.1"), native(flags=AppFlag.MAIN | AppFlag.DERIVE_MASTER), native(code=CODE + b"x")):
        with pytest.raises(Refused) as refused:
            manager.send_all(load_script(other, signature=good))
        assert refused.value.status == 0x5720
    manager.send_all(load_script(native(), signature=good))


@pytest.mark.models("all")
def test_unknown_manager_has_each_app_approved(device_factory: Factory, device: VirtualDevice) -> None:
    """The person sees name, version, the full hash and that nobody signed it, and says yes."""
    device = device_factory(model=device.model, apps=())
    manager = manager_of(device, signer=STRANGER)
    image = native()
    *steps, commit = load_script(image)
    manager.send_all(steps)
    assert names(device) == []
    pending = manager.start(commit)
    read = device.user.approve()
    assert pending.response.ok
    digest = image.full_hash(MODELS[device.model].target_id, device.status["version"]).hex()
    assert read.value("Identifier").replace(" ", "").replace("\n", "") == digest
    assert read.value("Version") == "1.0"
    assert "nobody" in read.value("Signed by")
    assert any("Demo" in page.title + page.value for page in read)
    (entry,) = listed(manager)
    assert AppFlag(entry.flags) & (AppFlag.SIGNED | AppFlag.ISSUER | AppFlag.CUSTOM_CA) == AppFlag(0)


def test_refused_install_leaves_the_device_as_it_was(empty: VirtualDevice) -> None:
    """No is 6985, the word clients know for it; apps, flash and free space are as before, and the load is over."""
    manager = manager_of(empty, signer=STRANGER)
    before = {name: empty.flash.read(name) for name in empty.flash.names()}
    memory = manager.send(MemoryQuery().to_bytes())
    with pytest.raises(Refused) as refused:
        manager.install(native(), agree=False)
    assert refused.value.status == 0x6985
    assert {name: empty.flash.read(name) for name in empty.flash.names()} == before
    assert manager.send(MemoryQuery().to_bytes()) == memory
    assert status_of(manager, COMMIT) == 0x6985


def test_app_that_is_there_is_not_installed_over(empty: VirtualDevice) -> None:
    """The very same app is 6A81, another one of its name 6A80, before anybody is asked; deleted first, it goes in."""
    manager = manager_of(empty, signer=STRANGER)
    manager.install(native())
    manager.asked.clear()
    for image, expected in ((native(), 0x6A81), (native(version="2.0"), 0x6A80)):
        with pytest.raises(Refused) as refused:
            manager.install(image)
        assert refused.value.status == expected
    assert not manager.asked
    manager.send_all(load_script(native(version="2.0"), replaces="Demo"))
    assert [app.version for app in empty.board.system.session.registry.apps()] == ["2.0"]


def test_manager_of_the_issuer_replaces_an_app_by_another_version(empty: VirtualDevice) -> None:
    """Installed over the one that is there, another version takes its place with nobody asked; the very same is 6A81."""
    manager = manager_of(empty)
    manager.install(native(), signed_by=SOFTWARE)
    manager.install(native(version="2.0"), signed_by=SOFTWARE)
    assert [app.version for app in empty.board.system.session.registry.apps()] == ["2.0"]
    assert [entry.name for entry in listed(manager)] == ["Demo"]
    assert not manager.asked
    with pytest.raises(Refused) as refused:
        manager.install(native(version="2.0"), signed_by=SOFTWARE)
    assert refused.value.status == 0x6A81


def test_refused_update_of_an_app_leaves_the_one_that_is_there(empty: VirtualDevice) -> None:
    """Unsigned, or without what it needs, the other version changes nothing of the flash."""
    manager = manager_of(empty)
    manager.install(native(), signed_by=SOFTWARE)
    before = {name: empty.flash.read(name) for name in empty.flash.names()}
    for key, image, expected in (
        (None, native(version="2.0"), 0x5720),
        (SOFTWARE, native(version="2.0", dependency=Writer().text_lv("Missing").text_lv("1.0").to_bytes()), 0x6A83),
    ):
        with pytest.raises(Refused) as refused:
            manager.install(image, signed_by=key)
        assert refused.value.status == expected
    assert {name: empty.flash.read(name) for name in empty.flash.names()} == before


def test_hosts_claims_about_an_apps_origin_are_not_believed(empty: VirtualDevice) -> None:
    """Flags that the device alone sets are taken off what a host sends; the hash covers them as they were sent."""
    claims = AppFlag.MAIN | AppFlag.SIGNED | AppFlag.ISSUER | AppFlag.CUSTOM_CA
    manager = manager_of(empty, signer=STRANGER)
    image = native(flags=claims)
    manager.install(image)
    (entry,) = listed(manager)
    assert AppFlag(entry.flags) == AppFlag.MAIN | AppFlag.ENABLED
    assert entry.full_hash == image.full_hash(manager.target_id, empty.status["version"])


@pytest.mark.parametrize(
    "lengths",
    [
        (0xFFFFFFFF, 0, 9),
        (64, 0xFFFFFFFF, 9),
        (64, 0, 0xFFFFFFFF),
        (0xFFFFFFFF,) * 3,
        (1_400_000, 0, 9),
        (64, 1_400_000, 9),
    ],
)
def test_app_that_does_not_fit_is_refused_at_once(empty: VirtualDevice, lengths: tuple[int, int, int]) -> None:
    """Whatever CREATE announces beyond the model's flash is 6A84, before a byte of memory is taken."""
    manager = manager_of(empty)
    code, data, parameters = lengths
    create = CreateApp(code_length=code, data_length=data, parameters_length=parameters)
    assert status_of(manager, Create(app=create).to_bytes()) == 0x6A84
    assert status_of(manager, SetLoadOffset(address=0).to_bytes()) == 0x6985


def test_flash_is_promised_once(device_factory: Factory) -> None:
    """Two managers that load at once share what is free: the second is told that there is no room, and then there is."""
    device = device_factory(model="nanos", apps=())
    one, two = manager_of(device, number=1), manager_of(device, number=2)
    free = MemoryInfo.from_bytes(one.send(MemoryQuery().to_bytes())).free
    create = Create(app=CreateApp(code_length=free * 2 // 3, data_length=0, parameters_length=9)).to_bytes()
    assert status_of(one, create) == 0x9000
    assert status_of(two, create) == 0x6A84
    one.client.close()
    assert status_of(two, create) == 0x9000


@pytest.mark.parametrize(
    ("plain", "expected"),
    [
        (SetLoadOffset(address=0xFFFFFFFF), 0x680B),
        (SetLoadOffset(address=500), 0x680B),
        (Load(offset=0xFFFF, data=b"x"), 0x680B),
        (Load(offset=0, data=bytes(230)), 0x680B),
        (CheckCrc(offset=0, length=0xFFFFFFFF, crc=0), 0x680B),
        (CheckCrc(offset=0, length=4, crc=0), 0x6984),
        (CheckCrc(offset=0xFFFF, length=1, crc=0), 0x680B),
    ],
)
def test_step_outside_of_the_app_ends_the_load(
    empty: VirtualDevice, plain: SetLoadOffset | Load | CheckCrc, expected: int
) -> None:
    """What does not lie in the announced memory, or is not what was sent, is refused, and nothing can be committed then."""
    manager = manager_of(empty)
    create, *_ = load_script(native(code=bytes(128)))
    manager.send_all([create, SetLoadOffset(address=0).to_bytes()])
    assert status_of(manager, plain.to_bytes()) == expected
    assert status_of(manager, COMMIT) == 0x6985


def test_steps_before_their_time_are_refused(empty: VirtualDevice) -> None:
    """Nothing is written, checked or committed before CREATE, nor written before a segment (6985)."""
    manager = manager_of(empty)
    plains = [Load(offset=0, data=b"x"), Flush(), CheckCrc(length=1, crc=0), Commit(), SetLoadOffset(address=0)]
    for plain in plains:
        assert status_of(manager, plain.to_bytes()) == 0x6985
    manager.send(next(load_script(native())))
    assert status_of(manager, Load(offset=0, data=b"x").to_bytes()) == 0x6985
    assert status_of(manager, ListMoreApps().to_bytes()) == 0x6624


def test_order_and_repetition_of_parts_do_not_matter(empty: VirtualDevice) -> None:
    """The hash is of the memory at the end: parts sent backwards, twice, or over zeros give the signed app."""
    manager = manager_of(empty)
    image = native()
    whole = image.code + image.data + image.parameters
    manager.send(Create(app=image.create).to_bytes())
    for start in (128, 64, 0, 64, 192):
        manager.send(SetLoadOffset(address=start).to_bytes())
        manager.send(Load(offset=0, data=b"\xff" * 8).to_bytes())
        manager.send(Load(offset=0, data=whole[start : start + 64]).to_bytes())
        manager.send(CheckCrc(length=8, crc=crc16(whole[start : start + 8])).to_bytes())
    manager.send(Commit(signature=sign(image, SOFTWARE, empty)).to_bytes())
    assert names(empty) == ["Demo"]


@pytest.mark.parametrize("data_size", [0, 64, 100, 128])
@pytest.mark.parametrize("is_aligned", [True, False])
def test_parameters_are_found_where_either_client_puts_them(
    empty: VirtualDevice, data_size: int, *, is_aligned: bool
) -> None:
    """Right behind the data, or at the next multiple of 64: both are the same app with the same hash."""
    manager = manager_of(empty)
    image = native(data=bytes(range(1, data_size + 1)))
    gap = -data_size % 64 if is_aligned else 0
    memory = image.code + image.data + bytes(gap) + image.parameters
    manager.send(Create(app=image.create).to_bytes())
    manager.send(SetLoadOffset(address=0).to_bytes())
    for at in range(0, len(memory), 128):
        manager.send(Load(offset=at, data=memory[at : at + 128]).to_bytes())
    manager.send(Commit(signature=sign(image, SOFTWARE, empty)).to_bytes())
    assert names(empty) == ["Demo"]


@pytest.mark.parametrize(
    "parameters",
    [
        b"",
        b"\x02\x01x",
        b"\x01\x00",
        b"\x01\x21" + b"x" * 33,
        b"\x01\x04\x1b[2J",
        b"\x01\x04Demo\x06\x02\x09x",
        b"\xff" * 9,
    ],
)
def test_app_with_malformed_parameters_is_refused(empty: VirtualDevice, parameters: bytes) -> None:
    """Without a name that people can read, or with a dependency that is none, nothing is installed and nobody asked."""
    manager = manager_of(empty, signer=STRANGER)
    create = CreateApp(code_length=len(CODE), data_length=0, parameters_length=len(parameters))
    image = AppImage(create=create, code=CODE, data=b"", parameters=parameters)
    with pytest.raises(Refused) as refused:
        manager.install(image)
    assert refused.value.status in {0x6700, 0x6984}
    assert not manager.asked
    assert names(empty) == []


def test_bundle_and_parameters_say_the_same(empty: VirtualDevice) -> None:
    """A Python app whose install parameters name other paths, another name or version than its manifest is refused."""
    manager = manager_of(empty)
    image = image_of(catalogue.bundle("cosmos"))
    for parameters in (
        InstallParameters(name="Cosmos", version="2.38.13").to_bytes(),
        InstallParameters(name="Bitcoin", version="2.38.13").to_bytes(),
    ):
        create = CreateApp(code_length=len(image.code), data_length=0, parameters_length=len(parameters))
        lying = AppImage(create=create, code=image.code, data=b"", parameters=parameters)
        with pytest.raises(Refused) as refused:
            manager.install(lying, signed_by=SOFTWARE)
        assert refused.value.status == 0x6984
    assert names(empty) == []


@pytest.mark.parametrize("tail", [b"\x01", bytes(64), b"PK\x05\x06"])
def test_nothing_hides_behind_a_bundle(empty: VirtualDevice, tail: bytes) -> None:
    """Bytes after the archive, even whole pages of zeros, make it no app."""
    manager = manager_of(empty)
    image = image_of(app())
    code = image.code + tail
    create = CreateApp(
        code_length=len(code), data_length=0, parameters_length=len(image.parameters), flags=image.create.flags
    )
    odd = AppImage(create=create, code=code, data=b"", parameters=image.parameters)
    with pytest.raises(Refused) as refused:
        manager.install(odd, signed_by=SOFTWARE)
    assert refused.value.status in {0x6984, 0x6F00}
    assert names(empty) == []


def test_native_app_is_kept_and_says_that_it_cannot_run(
    device_factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the extra it is listed with its hashes; opening it from either side says so on the screen, and E0 D8 is 6A81."""
    monkeypatch.setattr(host, "find_spec", lambda _name: None)
    empty = device_factory(apps=())
    manager = manager_of(empty)
    image = native(data=bytes(64))
    manager.install(image, signed_by=SOFTWARE)
    (entry,) = listed(manager)
    assert entry.code_hash == image.code_hash()
    assert status(empty, Ins.OPEN_APP, data=b"Demo") == 0x6A81
    assert "native]" in "".join(empty.screen), empty.screen
    empty.user.dismiss()
    empty.user.choose("Demo")
    assert "native]" in "".join(empty.screen), empty.screen
    empty.user.dismiss()
    assert empty.status["app"] is None


def test_apps_need_what_they_depend_on(empty: VirtualDevice) -> None:
    """Without it the commit is 6A83; with it the app goes in, and what it needs stays as long as it is there."""
    manager = manager_of(empty)
    single = Writer().text_lv("Library").text_lv("1.0").to_bytes()
    for dependency in (single, Writer().lv(single).to_bytes()):
        user = native(name="User", dependency=dependency)
        with pytest.raises(Refused) as refused:
            manager.install(user, signed_by=SOFTWARE)
        assert refused.value.status == 0x6A83
        manager.install(native(name="Library", flags=AppFlag.LIBRARY), signed_by=SOFTWARE)
        manager.install(user, signed_by=SOFTWARE)
        assert status_of(manager, DeleteApp(name="Library").to_bytes()) == 0x6A83
        for name in ("User", "Library"):
            assert status_of(manager, DeleteApp(name=name).to_bytes()) == 0x9000
    assert names(empty) == []


def test_dependencies_may_stand_before_the_name(empty: VirtualDevice) -> None:
    """One client writes each dependency as an element of its own, in front of the name: all of them count."""
    manager = manager_of(empty)
    needs = [Writer().u8(6).lv(Writer().text_lv(name).to_bytes()).to_bytes() for name in ("One", "Two")]
    parameters = b"".join(needs) + InstallParameters(name="User", version="1").to_bytes()
    create = CreateApp(code_length=len(CODE), data_length=0, parameters_length=len(parameters))
    user = AppImage(create=create, code=CODE, data=b"", parameters=parameters)
    for name in ("One", "Two"):
        with pytest.raises(Refused) as refused:
            manager.install(user, signed_by=SOFTWARE)
        assert refused.value.status == 0x6A83
        manager.install(native(name=name), signed_by=SOFTWARE)
    manager.install(user, signed_by=SOFTWARE)
    assert names(empty) == ["One", "Two", "User"]


def test_app_is_removed_by_name_and_by_hash(empty: VirtualDevice) -> None:
    """Either way it goes with its data; one that is not there is gone already (9000)."""
    manager = manager_of(empty)
    image = native()
    digest = image.full_hash(manager.target_id, empty.status["version"])
    for plain in (DeleteApp(name="Demo"), DeleteAppByHash(full_hash=digest)):
        manager.install(image, signed_by=SOFTWARE)
        assert status_of(manager, plain.to_bytes()) == 0x9000
        assert names(empty) == []
        assert status_of(manager, plain.to_bytes()) == 0x9000
    assert not manager.asked


def test_unknown_manager_asks_before_it_removes(device: VirtualDevice) -> None:
    """No is 6985 and the app stays; for one that is not there nobody is asked."""
    manager = manager_of(device, signer=STRANGER)
    plain = DeleteApp(name="Cosmos").to_bytes()
    assert status_of(manager, plain, agree=False) == 0x6985
    assert names(device) == ["Cosmos"]
    assert status_of(manager, DeleteApp(name="Nothing").to_bytes()) == 0x9000
    assert len(manager.asked) == 1
    assert status_of(manager, plain) == 0x9000
    assert names(device) == []


def test_list_has_pages_and_each_client_its_own(empty: VirtualDevice) -> None:
    """Five apps come in pages of the plain list's form; two clients read on where each of them was."""
    manager = manager_of(empty)
    for number in range(5):
        manager.install(native(name=f"App {number}" + "x" * 26), signed_by=SOFTWARE)
    other = manager_of(empty, number=2)
    first = decode_app_list(other.send(ListApps().to_bytes()))
    assert [entry.name for entry in listed(manager)] == names(empty)
    second = decode_app_list(other.send(ListMoreApps().to_bytes()))
    assert [entry.name for entry in (*first, *second)] == names(empty)[:4]


def test_memory_is_that_of_the_registry(device: VirtualDevice) -> None:
    """Five numbers, which add up to the model's flash at most, and move with what is installed."""
    manager = manager_of(device)
    before = MemoryInfo.from_bytes(manager.send(MemoryQuery().to_bytes()))
    manager.install(native(), signed_by=SOFTWARE)
    after = MemoryInfo.from_bytes(manager.send(MemoryQuery().to_bytes()))
    assert after.used_slots == before.used_slots + 1
    assert before.free - after.free == after.applications - before.applications > 0
    assert after.system + after.applications + after.free <= MODELS[device.model].flash_bytes


def setup_ca(name: str = "Me") -> bytes:
    """Return the command that puts the authority of these tests in."""
    return SetupCustomCertificate(name=name, public_key=AUTHORITY.public_key).to_bytes()


def test_owner_trusts_an_authority_of_his_own(empty: VirtualDevice) -> None:
    """The person sees its whole key; afterwards its managers are shown by its name, and its signed apps ask nobody."""
    manager = manager_of(empty, signer=STRANGER)
    pending = manager.start(setup_ca())
    read = "".join(page.value for page in empty.user.approve()).replace(" ", "").replace("\n", "")
    assert pending.response.ok
    assert AUTHORITY.public_key.hex() in read
    own = Manager(empty, signer=STRANGER, chain=certified_by(AUTHORITY, STRANGER))
    own.open()
    assert '"Me"' in own.asked.pop()
    own.install(native(), signed_by=AUTHORITY)
    assert not own.asked
    (entry,) = listed(own)
    origin = AppFlag.SIGNED | AppFlag.CUSTOM_CA
    assert AppFlag(entry.flags) & (origin | AppFlag.ISSUER) == origin
    own.install(native(name="Other"))
    assert len(own.asked) == 1
    assert AppFlag(listed(own)[1].flags) & (origin | AppFlag.ISSUER) == AppFlag.CUSTOM_CA


def test_only_the_owners_authority_may_leave_the_os_version_out(empty: VirtualDevice) -> None:
    """Tools that people sign with hash no version: good enough for an app of the owner's, not for the software key's."""
    manager = manager_of(empty)
    manager.send(setup_ca())
    image = native()
    unbound = image.full_hash(manager.target_id, "")
    signed = load_script(image, signature=secp256k1.sign_ecdsa_der(SOFTWARE._private, unbound))
    with pytest.raises(Refused) as refused:
        manager.send_all(signed)
    assert refused.value.status == 0x5720
    own = Manager(empty, signer=AUTHORITY, chain=certified_by(AUTHORITY, AUTHORITY))
    own.open()
    own.asked.clear()
    own.send_all(load_script(image, signature=secp256k1.sign_ecdsa_der(AUTHORITY._private, unbound)))
    assert not own.asked
    assert names(empty) == ["Demo"]


def test_authority_that_was_taken_out_vouches_for_nobody(empty: VirtualDevice) -> None:
    """A channel that its manager opened before goes on, as one of somebody unknown: what it changes is asked about."""
    manager = manager_of(empty)
    manager.send(setup_ca())
    own = Manager(empty, signer=STRANGER, chain=certified_by(AUTHORITY, STRANGER))
    own.open()
    own.install(native(), signed_by=AUTHORITY)
    own.asked.clear()
    manager.send(ResetCustomCertificate().to_bytes())
    assert status_of(own, DeleteApp(name="Demo").to_bytes(), agree=False) == 0x6985
    assert len(own.asked) == 1


def test_there_is_one_authority_at_a_time(empty: VirtualDevice) -> None:
    """A second one is 6982, a refused one 6985 and not kept; removing it twice is 6A84, the word clients know for it."""
    manager = manager_of(empty)
    assert status_of(manager, ResetCustomCertificate().to_bytes()) == 0x6A84
    assert status_of(manager, setup_ca(), agree=False) == 0x6985
    assert status_of(manager, setup_ca()) == 0x9000
    assert status_of(manager, setup_ca("Other")) == 0x6982
    assert status_of(manager, ResetCustomCertificate().to_bytes()) == 0x9000
    assert status_of(manager, ResetCustomCertificate().to_bytes()) == 0x6A84


def test_authority_goes_with_a_reset(empty: VirtualDevice) -> None:
    """What the owner trusted is the owner's and not the device's."""
    manager = manager_of(empty)
    assert status_of(manager, setup_ca()) == 0x9000
    empty.user.choose("Settings")
    empty.user.choose("Reset device")
    empty.user.approve()
    with pytest.raises(Refused) as refused:
        Manager(empty, signer=STRANGER, chain=certified_by(AUTHORITY, STRANGER)).open()
    assert refused.value.status == 0x6982


def test_key_off_the_curve_is_no_authority(empty: VirtualDevice) -> None:
    """A key that is no point is 6984 and nobody is asked."""
    manager = manager_of(empty)
    bad = SetupCustomCertificate(name="Me", public_key=b"\x04" + b"\x01" * 64).to_bytes()
    assert status_of(manager, bad) == 0x6984
    assert not manager.asked


def test_device_without_a_seed_takes_no_apps(device_factory: Factory) -> None:
    """Before set-up, apps are neither put in nor taken out (6D07); what the genuine check reads is there."""
    device = device_factory(onboarded=False, apps=())
    manager = manager_of(device)
    create, *_ = load_script(native())
    assert status_of(manager, create) == 0x6D07
    assert status_of(manager, DeleteApp(name="Demo").to_bytes()) == 0x6D07
    assert status_of(manager, ListApps().to_bytes()) == 0x9000


@pytest.mark.parametrize("name", ["BOLOS", "Bolos ", "OLOS"])
def test_no_app_is_called_like_the_dashboard(empty: VirtualDevice, name: str) -> None:
    """Clients know by that name that no app is open: an app that has it is 6984, whoever signed it."""
    manager = manager_of(empty)
    with pytest.raises(Refused) as refused:
        manager.install(native(name=name), signed_by=SOFTWARE)
    assert refused.value.status == 0x6984
    assert not names(empty)


def test_device_without_a_seed_takes_no_authority(device_factory: Factory) -> None:
    """Whoever has a device before its owner sets it up leaves no authority on it that vouches for apps: 6D07, and nobody is asked."""
    device = device_factory(onboarded=False, apps=())
    manager = manager_of(device, signer=STRANGER)
    assert status_of(manager, setup_ca()) == 0x6D07
    assert not manager.asked
    assert stored_ca(device.board.system.session.storage) is None


def test_authority_of_the_same_name_vouches_for_nobody_of_the_other(empty: VirtualDevice) -> None:
    """A channel that began under one authority is nobody's when another one has taken its place and its name."""
    owner = manager_of(empty, signer=STRANGER)
    owner.send(setup_ca())
    own = Manager(empty, signer=STRANGER, chain=certified_by(AUTHORITY, STRANGER))
    own.open()
    own.install(native(), signed_by=AUTHORITY)
    again = manager_of(empty, signer=STRANGER)
    again.send(ResetCustomCertificate().to_bytes())
    other = known_key("another authority").public_key
    again.send(SetupCustomCertificate(name="Me", public_key=other).to_bytes())
    own.asked.clear()
    own.install(native(name="Other"))
    assert len(own.asked) == 1
    assert not AppFlag(listed(own)[1].flags) & AppFlag.CUSTOM_CA


def test_no_name_of_an_authority_reads_like_the_issuer(empty: VirtualDevice) -> None:
    """An authority's name stands in quotes wherever the person decides by it."""
    manager_of(empty, signer=STRANGER).send(setup_ca(ISSUER_TEXT))
    own = Manager(empty, signer=STRANGER, chain=certified_by(AUTHORITY, STRANGER))
    own.open()
    assert f'"{ISSUER_TEXT}"' in " ".join(own.asked.pop())


def test_load_ends_with_its_session(empty: VirtualDevice) -> None:
    """A new handshake, a bad record, or a client that leaves: what was half loaded cannot be committed any more."""
    steps = [*load_script(native(), signature=sign(native(), SOFTWARE, empty))]
    manager = manager_of(empty)
    manager.send_all(steps[:-1])
    again = Manager(empty, client=manager.client, number=2)
    again.open()
    assert status_of(again, steps[-1]) == 0x6985
    assert names(empty) == []


def test_question_of_a_commit_goes_with_its_client(empty: VirtualDevice) -> None:
    """A client that leaves while the person reads takes the question along, and nothing is installed."""
    screen = empty.screen
    manager = manager_of(empty, signer=STRANGER)
    *steps, commit = load_script(native())
    manager.send_all(steps)
    manager.start(commit)
    assert empty.screen != screen
    manager.client.close()
    assert empty.screen == screen
    assert names(empty) == []


@pytest.mark.models("nanosp", "stax")
def test_bootloader_is_entered_by_a_person_who_agrees(device_factory: Factory, device: VirtualDevice) -> None:
    """A no is 5501 and changes nothing; after a yes the answer goes out first, and the next start is an ordinary one again."""
    device = device_factory(model=device.model)
    manager = manager_of(device)
    assert status_of(manager, EnterBootloader().to_bytes(), agree=False) == 0x5501
    device.turn(1)
    assert device.status["mode"] == "normal"
    assert status_of(manager, EnterBootloader().to_bytes()) == 0x9000
    assert device.status["mode"] == "normal"
    device.turn(1)
    assert device.status["mode"] == "bootloader"
    assert status(device, Ins.OPEN_APP, data=b"Cosmos") == 0x6D00
    device.replug()
    assert device.status["mode"] == "normal"
    assert names(device) == ["Cosmos"]
