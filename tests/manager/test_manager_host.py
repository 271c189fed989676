"""The host's actions against the whole application in this process, with a scripted device between them."""

from __future__ import annotations

import pytest
from starlette.websockets import WebSocketDisconnect
from tests.manager.manager_device import NANOSP, ScriptedDevice
from tests.manager.manager_stage import NoScripts
from tests.manager.test_manager_install import Scripts

from tallystick.errors import (
    RemoteProtocolError,
    StatusError,
    TransportError,
    TransportTimeout,
    TrustError,
    UsageError,
    UserRefused,
)
from tallystick.host.actions import firmware, genuine, install
from tallystick.host.actions.firmware_plan import NextStep
from tallystick.host.actions.genuine import Caution
from tallystick.host.actions.step import NeedsUser, Progress, result
from tallystick.host.gesture import Gesture
from tallystick.host.manager_address import ManagerAddress, ManagerError, NotOffered
from tallystick.host.manager_client import ManagerClient
from tallystick.host.session import Session
from tallystick.host.transport.base import Direct
from tallystick.host.trust import VENDOR_ISSUER, Issuer, Witness
from tallystick.manager.hsm.keyring import Keyring
from tallystick.manager.hsm.role import Realm
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.app_list import AppListEntry
from tallystick.wire.dashboard import CLA_OS, Ins
from tallystick.wire.image import AppFlag
from tallystick.wire.loader import Commit, Create, DeleteApp, EnterBootloader, Flush
from tallystick.wire.model import MODELS
from tallystick.wire.version import BootloaderInfo, SecureElementInfo, VersionFlags

ADDRESS = ManagerAddress(http="http://testserver/api", ws="ws://testserver/update")
MCU = MODELS["nanosp"].mcu_target_id or 0x04010004
UNLOCKED = VersionFlags(bytes.fromhex("e6000000"))
LOCKED = VersionFlags(bytes.fromhex("66000000"))
DASHBOARD = bytes.fromhex("0105424f4c4f5305312e312e319000")


class Device(ScriptedDevice):
    """A scripted device with a dashboard, and an updater that goes where its script sends it."""

    version, mcu, mode = "1.1.1", "4.03", "normal"
    goal, goal_mcu = "1.3.0", "4.05"
    flags = UNLOCKED
    cut_at = -1

    def answer(self, raw: bytes) -> bytes:
        """Return data and status word; the cable breaks at command `cut_at` of a script, once."""
        command = CommandApdu.from_bytes(raw)
        if raw[:2] == b"\xb0\x01":
            return DASHBOARD if self.mode == "normal" else b"\x6e\x00"
        if command.cla == CLA_OS and command.ins == Ins.GET_VERSION:
            return self.info().to_bytes() + b"\x90\x00"
        if command.ins == Ins.CHANNEL_HOST_CERTIFICATE and self.flags is LOCKED:
            return b"\x55\x15"
        if command.ins == Ins.CHANNEL:
            self.cut_at -= 1
            if self.cut_at == -1:
                self.loaded = []
                raise TransportError("the cable broke")
        if self.mode == "bootloader":
            return self._flash(command)
        data, status = self.exchange(raw)
        return data + status.to_bytes(2, "big")

    def info(self):
        """Return what it says it is."""
        if self.mode == "bootloader":
            return BootloaderInfo(
                target_id=MCU, version="3.12", flags=UNLOCKED, se_version=f"{self.goal}-osu", se_target_id=NANOSP
            )
        version = f"{self.goal}-osu" if self.mode == "osu" else self.version
        return SecureElementInfo(target_id=NANOSP, version=version, flags=self.flags, mcu_version=self.mcu)

    def _flash(self, command):
        if command.ins == Ins.CHANNEL:
            self.loaded.append(Flush())
            if len(self.loaded) == 2:
                self.mcu, self.mode, self.loaded = self.goal_mcu, "osu", []
        return b"\x90\x00"

    def _load(self, plain):
        answer = super()._load(plain)
        if self.of_kind(EnterBootloader):
            self.version, self.mode, self.loaded = self.goal, "normal", []
        elif len(self.of_kind(Flush)) == 2 and not self.of_kind(Create):
            self.mode, self.loaded = ("osu" if self.mcu == self.goal_mcu else "bootloader"), []
        return answer


class Socket:
    """A socket of the test client, as the host wants it."""

    def __init__(self, client, url):
        self._context = client.websocket_connect(url)
        self._socket = self._context.__enter__()
        self.is_open = True

    def receive(self, timeout_s):
        """Return the next text."""
        del timeout_s
        try:
            return self._socket.receive_text()
        except WebSocketDisconnect as error:
            raise ConnectionError from error

    def send(self, text):
        """Send a text."""
        self._socket.send_text(text)

    def close(self):
        """Close."""
        if self.is_open:
            self.is_open = False
            self._context.__exit__(None, None, None)


def manager_of(client):
    """Return a manager as the host sees it: the application behind a test client."""
    path = lambda url: url.removeprefix("ws://testserver")  # noqa: E731
    return ManagerClient(
        ADDRESS, http=client, open_socket=lambda url: Socket(client, path(url)), pause=lambda _seconds: None
    )


@pytest.fixture
def manager(client):
    """Return the manager of the shelves."""
    return manager_of(client)


@pytest.fixture
def device(keyring, shelves):
    """Return a genuine device."""
    del shelves
    return Device(keyring)


def session_with(device):
    """Return a session, which waits in no time."""
    return Session(Direct(device.answer), pause=lambda _seconds: None)


def _entry(flags, name="Demo", full=b"\x22"):
    return AppListEntry(blocks=1, flags=flags, code_hash=b"\x11" * 32, full_hash=full * 32, name=name)


def _issuer(keyring):
    return Issuer(name="ours", public_key=keyring.issuer.public_key)


def test_a_genuine_device_is_verified_twice(manager, device, keyring):
    """The manager says so, and the handshake that went by holds for the same issuer."""
    steps = []
    issuers = [VENDOR_ISSUER, _issuer(keyring)]
    found = result(genuine.check(session_with(device), manager, issuers=issuers), on_step=steps.append)
    assert (found.is_genuine, found.manager, found.cautions) == (True, "0000", ())
    assert (found.chain.issuer.name, found.chain.device) == ("ours", device.credentials.certificate)
    assert found.chain.serial == b"serial".hex()
    assert found.chain.signer_serial == keyring.signer_serial
    assert Progress(step="channel", done=1) in steps


def test_what_is_installed_may_be_a_caution(manager, device, keyring):
    """An interface of its own and an authority of the owner's make the verdict another one, with and without a manager."""
    device.apps = [_entry(AppFlag.BOLOS_UX), _entry(AppFlag.CUSTOM_CA)]
    found = result(genuine.check(session_with(device), manager, issuers=[_issuer(keyring)]))
    assert (found.is_genuine, found.manager) == (False, "0101")
    assert found.cautions == (Caution.FOREIGN_INTERFACE, Caution.CUSTOM_AUTHORITY)
    found = result(genuine.check_offline(session_with(device), issuers=[_issuer(keyring)]))
    assert (found.is_genuine, found.manager) == (True, None)
    assert found.cautions == (Caution.FOREIGN_INTERFACE, Caution.CUSTOM_AUTHORITY)
    assert device.asked[-1] is None


def test_an_issuer_that_nobody_knows_is_said(manager, device):
    """The manager vouches for the device; here nothing is known of its issuer. Without a manager it is not genuine."""
    found = result(genuine.check(session_with(device), manager, issuers=[VENDOR_ISSUER]))
    assert (found.is_genuine, found.chain.issuer, found.cautions) == (True, None, (Caution.UNKNOWN_ISSUER,))
    assert not result(genuine.check_offline(session_with(device), issuers=[VENDOR_ISSUER])).is_genuine


@pytest.fixture
def others(tmp_path):
    """Return the keys of another factory."""
    with Keyring.create(f"file:{tmp_path / 'others'}", Realm.TEST) as keyring:
        yield keyring


def test_a_device_of_another_issuer_is_not_genuine(manager, others, keyring):
    """One that takes the manager hears it say so; one that does not refuses its certificate, which is told as what it is."""
    with pytest.raises(TrustError, match="does not trust this device"):
        result(genuine.check(session_with(Device(others, trusts=keyring)), manager, issuers=[]))
    with pytest.raises(TrustError, match="do not belong together"):
        result(genuine.check(session_with(Device(others)), manager, issuers=[]))


def test_a_device_without_its_key_is_caught_by_the_witness(manager, device, keyring):
    """A certificate that was copied does not make a signature over this session."""
    witness = Witness()
    nonce, ephemeral = b"12345678", device.credentials.certificate
    witness.observe(CommandApdu(CLA_OS, Ins.CHANNEL_NONCE, 0, 0, nonce), bytes(12))
    for p1 in (0, 0x80):
        answer = b"\x00A" + ephemeral.public_key + bytes((len(ephemeral.signature),)) + ephemeral.signature
        witness.observe(CommandApdu(CLA_OS, Ins.CHANNEL_DEVICE_CERTIFICATE, p1, 0), answer)
    with pytest.raises(TrustError, match="did not sign this session"):
        witness.chain([_issuer(keyring)])
    with pytest.raises(TrustError, match="did not ask"):
        Witness().chain([])
    with pytest.raises(RemoteProtocolError):
        Witness().observe(CommandApdu(CLA_OS, Ins.CHANNEL_NONCE, 0, 0, nonce), bytes(11))
    del manager


def test_a_refusal_reaches_both_sides(manager, device, settings):
    """The action ends with the device's own status, and the manager's log has the flow as refused."""
    device.refuses = True
    with pytest.raises(UserRefused) as refused:
        result(genuine.check(session_with(device), manager, issuers=[]))
    assert refused.value.status == 0x6985


def test_an_app_comes_and_goes(manager, device, shelves):
    """By its name in any case; every byte of the script is accounted for."""
    steps = []
    (offered,) = result(install.available(session_with(device), manager))
    done = result(install.install(session_with(device), manager, "dEMO"), on_step=steps.append)
    assert (done.name, done.version, done.action) == ("Demo", "1.0.0", "installed")
    assert device.areas[: shelves.image.create.code_length] == shelves.image.code
    loading = [step for step in steps if isinstance(step, Progress) and step.step == "installing"]
    assert loading[0].done == 0
    assert loading[-1].done == loading[-1].total > len(shelves.image.code)
    result(install.remove(session_with(device), manager, "Demo"))
    assert device.loaded[-1] == DeleteApp(name="Demo")
    assert offered.hash


@pytest.mark.parametrize(("name", "version"), [("Nothing", None), ("Demo", "9.9.9")])
def test_what_is_not_offered_is_said_before_the_device_is_asked(manager, device, name, version):
    """No channel is opened for it."""
    with pytest.raises(NotOffered):
        result(install.install(session_with(device), manager, name, version=version))
    assert device.asked == []


def test_an_update_replaces_what_is_not_the_same(manager, device):
    """The old app goes first; one that is current is left alone, one that is not there is an error."""
    (offered,) = result(install.available(session_with(device), manager))
    device.apps = [_entry(AppFlag.MAIN)]
    (change,) = result(install.update(session_with(device), manager))
    assert change.action == "updated"
    kinds = [type(one) for one in device.loaded if isinstance(one, (DeleteApp, Create, Commit))]
    assert kinds == [DeleteApp, Create, Commit]
    device.apps, device.loaded = [_entry(AppFlag.MAIN, full=b"\x00")], []
    device.apps = [
        AppListEntry(blocks=1, flags=1, code_hash=b"\x11" * 32, full_hash=bytes.fromhex(offered.hash), name="Demo")
    ]
    (change,) = result(install.update(session_with(device), manager, ["demo"]))
    assert (change.action, device.of_kind(Create)) == ("current", [])
    device.apps = []
    with pytest.raises(UsageError, match="not installed"):
        result(install.update(session_with(device), manager, ["demo"]))


def test_a_cable_that_breaks_in_an_update_of_an_app_says_what_is_left(manager, device):
    """The old one is gone by then, and the error says how to get the new one."""
    device.apps, device.cut_at = [_entry(AppFlag.MAIN)], 6
    with pytest.raises(TransportError) as broken:
        result(install.update(session_with(device), manager))
    assert broken.value.remedy.endswith("tally app install Demo")


@pytest.fixture
def update_manager(service_with, settings, shelves):
    """Return a manager with scripts for its releases."""
    del shelves
    with service_with(settings, scripts=Scripts()) as client:
        yield manager_of(client)


def test_an_update_goes_all_the_way(update_manager, device):
    """Update, Normal World, last step: each is planned from what the device says, and the end is that it is up to date."""
    steps = []
    before = result(firmware.status(session_with(device), update_manager))
    assert (before.step, before.final.version, before.flashes_mcu) == (NextStep.OSU, "1.3.0", True)
    done = result(firmware.update(session_with(device), update_manager), on_step=steps.append)
    assert (done.is_up_to_date, done.reading.version, done.reading.mcu_version) == (True, "1.3.0", "4.05")
    named = dict.fromkeys(step.step for step in steps if isinstance(step, Progress) and step.total)
    assert list(named) == ["installing_update", "flashing_mcu", "installing_firmware"]
    assert result(firmware.update(session_with(device), update_manager)).is_up_to_date


def test_a_device_that_has_the_mcu_skips_that_step(update_manager, device):
    """Where the MCU fits, the update goes straight to its last step."""
    device.mcu, steps = "4.05", []
    done = result(firmware.update(session_with(device), update_manager), on_step=steps.append)
    assert done.reading.version == "1.3.0"
    assert "flashing_mcu" not in {step.step for step in steps if isinstance(step, Progress)}


@pytest.mark.parametrize("cut_at", range(7))
def test_a_cable_that_breaks_anywhere_is_made_good_by_the_next_run(update_manager, device, cut_at):
    """At each command of each step: an error that says how to go on; the same command then gets to the end."""
    device.cut_at = cut_at
    with pytest.raises(TransportError) as broken:
        result(firmware.update(session_with(device), update_manager))
    assert broken.value.remedy.endswith("it goes on from what the device says")
    assert result(firmware.update(session_with(device), update_manager)).reading.version == "1.3.0"


def test_a_locked_device_is_waited_for(update_manager, device):
    """Where it restarted locked, the person unlocks it and the update goes on."""
    device.mode, device.mcu, device.flags = "osu", "4.05", LOCKED
    steps = []

    def unlock(step):
        steps.append(step)
        if step == NeedsUser(gesture=Gesture.UNLOCK):
            device.flags = UNLOCKED

    assert result(firmware.update(session_with(device), update_manager), on_step=unlock).is_up_to_date
    assert NeedsUser(gesture=Gesture.UNLOCK) in steps


def test_a_device_that_needs_a_hand_says_which(update_manager, device):
    """One that waits for its left button is waited for, and the gesture is told once."""
    device.mode, asked = "osu", []

    def hold(step):
        if isinstance(step, NeedsUser):
            asked.append(step.gesture)
            device.mode = "bootloader"

    assert result(firmware.update(session_with(device), update_manager), on_step=hold).is_up_to_date
    assert asked == [Gesture.START_BOOTLOADER]


def test_a_device_that_stays_as_it_was_is_not_asked_for_ever(update_manager, device, monkeypatch):
    """A step that changes nothing ends in an error, and is not done again and again."""
    monkeypatch.setattr(Device, "_load", ScriptedDevice._load)
    with pytest.raises(TransportTimeout, match=r"still says 1\.1\.1"):
        result(firmware.update(session_with(device), update_manager))
    goal = device.goal
    device.version = "1.2.0"
    monkeypatch.setattr(Device, "_load", _flip)
    with pytest.raises(StatusError, match="after the step install_update"):
        result(firmware.update(session_with(device), update_manager))
    assert goal == "1.3.0"


def _flip(device, plain):
    """Take a step and be another old version after it."""
    answer = ScriptedDevice._load(device, plain)
    device.version = "1.1.1"
    return answer


def test_a_version_that_the_manager_does_not_know(update_manager, device):
    """It is said as such, and nothing is tried."""
    device.version = "9.9.9"
    with pytest.raises(NotOffered):
        result(firmware.update(session_with(device), update_manager))
    assert device.asked == []


def test_a_manager_without_scripts_ends_the_update(service_with, settings, shelves, device):
    """The manager's own words are told, and the device is as it was."""
    del shelves
    with service_with(settings, scripts=NoScripts()) as client, pytest.raises(ManagerError, match="no script"):
        result(firmware.update(session_with(device), manager_of(client)))
    assert device.version == "1.1.1"
