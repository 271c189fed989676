"""Back-up and restoring of what apps keep: `E0 6A` to `E0 6F` (wire-protocol C), in both clients' manners."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from os_stage import LATER_S, PIN, app, ask, call, data, status

from tallystick.device.os.app_storage import MAX_TRANSFERS
from tallystick.testing.client import DeviceClient, Pending
from tallystick.testing.device import VirtualDevice
from tallystick.wire.app_storage import StorageInfo
from tallystick.wire.dashboard import Ins

# 80 01 name=value writes a record, 80 00 name reads it, 80 02 turns the setting on, 80 03 reads it
KEEPER = """
if raw[1] == 1:
    name, _, value = raw[4:].partition(b"=")
    await self.os.write(name.decode(), value)
    return b""
if raw[1] == 2:
    await self.os.set_setting("expert", True)
    return b""
if raw[1] == 3:
    return bytes([await self.os.setting("expert")])
return await self.os.read(raw[4:].decode()) or b""
"""
BUNDLE = app(KEEPER, settings=[{"name": "expert", "label": "Expert mode"}])
SECRET = b"a very private record"
pytestmark = pytest.mark.device(apps=[BUNDLE, "cosmos"])


def fill(device: VirtualDevice, value: bytes = SECRET) -> None:
    """Have the app keep something."""
    device.open("Probe")
    assert device.exchange(b"\x80\x01\x00\x00note=" + value).ok
    assert device.exchange(b"\x80\x02\x00\x00").ok
    device.quit()


def note(device: VirtualDevice) -> bytes:
    """Return what the app keeps."""
    device.open("Probe")
    value = device.exchange(b"\x80\x00\x00\x00note").data
    device.quit()
    return value


def back_up(device: VirtualDevice, name: bytes = b"Probe") -> bytes:
    """Take a back-up as a client does."""
    info = StorageInfo.from_bytes(data(device, Ins.STORAGE_INFO, data=name))
    raw = b""
    while len(raw) < info.size_bytes:
        raw += data(device, Ins.STORAGE_BACKUP)
    assert len(raw) == info.size_bytes
    assert status(device, Ins.STORAGE_BACKUP) == 0x6642
    return raw


def begin(
    client: VirtualDevice | DeviceClient, size_bytes: int, *, framed: bool = False, name: bytes = b"Probe"
) -> Pending:
    """Announce a back-up."""
    body = size_bytes.to_bytes(4, "big") + name
    return client.send(call(Ins.STORAGE_RESTORE_INIT, data=bytes([len(body)]) + body if framed else body))


def restore(device: VirtualDevice, raw: bytes, *, framed: bool = False, name: bytes = b"Probe") -> int:
    """Restore a back-up as a client does, after whatever consent was given; return the status of the commit."""
    for at in range(0, len(raw), 200):
        chunk = raw[at : at + 200]
        data(device, Ins.STORAGE_RESTORE, data=bytes([len(chunk)]) + chunk if framed else chunk)
    return status(device, Ins.STORAGE_RESTORE_COMMIT)


def reinstall(device: VirtualDevice) -> None:
    """Do what an update of the app does: its data is gone afterwards."""
    device.install(BUNDLE)


@pytest.mark.parametrize("framed", [False, True])
@pytest.mark.parametrize("model", ["nanos", "stax"])
def test_back_up_brings_data_and_settings_back(
    device_factory: Callable[..., VirtualDevice], model: str, framed: bool
) -> None:
    """What an app kept is there again after it was installed anew, for both kinds of clients."""
    device = device_factory(model=model, apps=[BUNDLE])
    fill(device)
    raw = back_up(device, b"\x05Probe" if framed else b"Probe")
    reinstall(device)
    assert note(device) == b""
    assert begin(device, len(raw), framed=framed).response.ok
    assert restore(device, raw, framed=framed) == 0x9000
    assert note(device) == SECRET
    device.replug()
    assert note(device) == SECRET
    device.open("Probe")
    assert device.exchange("80030000").data == b"\x01"


def test_back_up_tells_nothing_of_what_is_in_it(device: VirtualDevice) -> None:
    """The contents are sealed, and the hash changes with them but is no hash that a client could compute."""
    fill(device)
    first = StorageInfo.from_bytes(data(device, Ins.STORAGE_INFO, data=b"Probe"))
    again = StorageInfo.from_bytes(data(device, Ins.STORAGE_INFO, data=b"Probe"))
    raw = back_up(device)
    assert first == again
    assert (first.has_settings, first.has_data) == (True, True)
    assert SECRET not in raw
    assert b"note" not in raw
    fill(device, SECRET[::-1])
    assert StorageInfo.from_bytes(data(device, Ins.STORAGE_INFO, data=b"Probe")).content_hash != first.content_hash


def test_app_that_keeps_nothing_has_no_back_up(device: VirtualDevice) -> None:
    """The size is 0, and there is nothing to fetch."""
    assert StorageInfo.from_bytes(data(device, Ins.STORAGE_INFO, data=b"Cosmos")).size_bytes == 0
    assert status(device, Ins.STORAGE_BACKUP) == 0x5123


def test_back_up_is_restored_once(device: VirtualDevice) -> None:
    """A second restoring of the same back-up, or of an older one, is refused (541B): nobody turns an app's time back twice."""
    fill(device)
    raw = back_up(device)
    reinstall(device)
    begin(device, len(raw))
    assert restore(device, raw) == 0x9000
    reinstall(device)
    begin(device, len(raw))
    assert restore(device, raw) == 0x541B
    assert note(device) == b""


def test_data_that_is_there_is_replaced_with_consent_only(device: VirtualDevice) -> None:
    """Restoring into an app that keeps something asks the person; a no is 5501 and changes nothing."""
    fill(device)
    raw = back_up(device)
    fill(device, b"newer")
    pending = begin(device, len(raw))
    device.user.reject()
    assert pending.response.status == 0x5501
    assert status(device, Ins.STORAGE_RESTORE, data=raw[:100]) == 0x5123
    assert note(device) == b"newer"
    pending = begin(device, len(raw))
    device.user.approve()
    assert pending.response.ok
    assert restore(device, raw) == 0x9000
    assert note(device) == SECRET


def test_reinstall_consent_covers_as_many_storages_as_it_names(device: VirtualDevice) -> None:
    """After E0 6F for one storage, one is replaced without a question and the next asks."""
    fill(device)
    raw = back_up(device)
    pending = ask(device, Ins.REINSTALL_CONSENT, data=b"\x00\x00\x01\x01")
    device.user.approve()
    assert pending.response.ok
    assert begin(device, len(raw)).response.ok
    assert restore(device, raw) == 0x9000
    assert not begin(device, len(raw)).done


def test_every_changed_byte_is_noticed(device: VirtualDevice) -> None:
    """A back-up of which one byte was changed is refused with a status of its own, and the app keeps what it has."""
    fill(device)
    raw = back_up(device)
    reinstall(device)
    for at in range(len(raw)):
        assert begin(device, len(raw)).response.ok
        changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        assert restore(device, changed) in {0x684A, 0x5419, 0x541A, 0x541B}
    assert note(device) == b""
    assert begin(device, len(raw)).response.ok
    assert restore(device, raw) == 0x9000


def test_every_cut_back_up_is_refused(device: VirtualDevice) -> None:
    """A back-up cut at any length is refused."""
    fill(device)
    raw = back_up(device)
    reinstall(device)
    for size in range(1, len(raw)):
        assert begin(device, size).response.ok
        assert restore(device, raw[:size]) in {0x684A, 0x5419}


def test_back_up_of_another_app_or_device_is_refused(
    device: VirtualDevice, device_factory: Callable[..., VirtualDevice]
) -> None:
    """An app gets its own back-ups alone (541A), and a device those it made (5419), even with the same recovery phrase."""
    fill(device)
    raw = back_up(device)
    begin(device, len(raw), name=b"Cosmos")
    assert restore(device, raw) == 0x541A
    other = device_factory(apps=[BUNDLE])
    assert other.serial != device.serial
    begin(other, len(raw))
    assert restore(other, raw) == 0x5419


def test_parts_must_fit_what_was_announced(device: VirtualDevice) -> None:
    """Empty and overlong parts are 6832, more after the end 6643, a commit too early 6832 and a second one 6643."""
    fill(device)
    raw = back_up(device)
    reinstall(device)
    begin(device, len(raw))
    assert status(device, Ins.STORAGE_RESTORE) == 0x6832
    assert status(device, Ins.STORAGE_RESTORE_COMMIT) == 0x6832
    data(device, Ins.STORAGE_RESTORE, data=raw[:-1])
    assert status(device, Ins.STORAGE_RESTORE, data=raw[-1:] + b"x") == 0x6832
    data(device, Ins.STORAGE_RESTORE, data=raw[-1:])
    assert status(device, Ins.STORAGE_RESTORE, data=b"x") == 0x6643
    assert status(device, Ins.STORAGE_RESTORE_COMMIT) == 0x9000
    assert status(device, Ins.STORAGE_RESTORE_COMMIT) == 0x6643


def test_each_client_has_a_back_up_of_its_own(device: VirtualDevice) -> None:
    """Two clients that read at once each get the whole; one that went away leaves nothing behind."""
    fill(device)
    one, two = device.client(), device.client()
    size = StorageInfo.from_bytes(one.exchange(call(Ins.STORAGE_INFO, data=b"Probe")).data).size_bytes
    assert two.exchange(call(Ins.STORAGE_BACKUP)).status == 0x5123
    assert two.exchange(call(Ins.STORAGE_INFO, data=b"Probe")).ok
    first = one.exchange(call(Ins.STORAGE_BACKUP)).data
    assert two.exchange(call(Ins.STORAGE_BACKUP)).data == first
    assert len(first) == size
    one.close()
    assert one.exchange(call(Ins.STORAGE_BACKUP)).status == 0x5123


def test_as_many_clients_move_something_as_there_is_room_for(device: VirtualDevice) -> None:
    """One client more than that takes the place of the one that began first, either way; a Normal World has thousands of channels."""
    fill(device)
    size_bytes = StorageInfo.from_bytes(data(device, Ins.STORAGE_INFO, data=b"Probe")).size_bytes
    clients = [device.client() for _ in range(MAX_TRANSFERS)]
    for client in clients:
        assert client.exchange(call(Ins.STORAGE_INFO, data=b"Probe")).ok
    assert status(device, Ins.STORAGE_BACKUP) == 0x5123
    assert all(client.exchange(call(Ins.STORAGE_BACKUP)).ok for client in clients)
    reinstall(device)
    assert begin(device, size_bytes).response.ok
    assert all(begin(client, size_bytes).response.ok for client in clients)
    assert status(device, Ins.STORAGE_RESTORE, data=b"part") == 0x5123
    assert all(client.exchange(call(Ins.STORAGE_RESTORE, data=b"part")).ok for client in clients)


@pytest.mark.device(pin=PIN)
def test_lock_forgets_what_was_being_moved(device: VirtualDevice) -> None:
    """A back-up that was begun before the lock is begun again after it."""
    device.user.enter_pin(PIN)
    fill(device)
    assert status(device, Ins.STORAGE_INFO, data=b"Probe") == 0x9000
    device.turn(LATER_S)
    device.user.enter_pin(PIN)
    assert status(device, Ins.STORAGE_BACKUP) == 0x5123


ALONE = app(KEEPER, flags=["no_backup"], settings=[{"name": "expert", "label": "Expert mode"}])


@pytest.mark.device(apps=[ALONE])
def test_app_without_back_ups_has_nothing_to_copy(device: VirtualDevice) -> None:
    """An app that says `no_backup` keeps its records and settings, and clients are told that there is nothing."""
    fill(device)
    assert StorageInfo.from_bytes(data(device, Ins.STORAGE_INFO, data=b"Probe")).size_bytes == 0
    assert status(device, Ins.STORAGE_BACKUP) == 0x5123
    assert note(device) == SECRET


@pytest.mark.device(apps=[BUNDLE])
def test_app_without_back_ups_takes_none(device: VirtualDevice) -> None:
    """The back-up of an app of that name is not put into one that says `no_backup`: not begun, and not finished either."""
    fill(device)
    raw = back_up(device)
    size = len(raw).to_bytes(4, "big")
    pending = ask(device, Ins.STORAGE_RESTORE_INIT, data=size + b"Probe")
    device.user.approve()
    assert pending.response.ok
    for at in range(0, len(raw), 200):
        assert status(device, Ins.STORAGE_RESTORE, data=raw[at : at + 200]) == 0x9000
    device.board.system.session.registry.install(ALONE)
    assert status(device, Ins.STORAGE_RESTORE_COMMIT) == 0x5123
    assert note(device) == b""
    assert status(device, Ins.STORAGE_RESTORE_INIT, data=size + b"Probe") == 0x5123
