"""The secure channel of a whole device: who is asked, what leaves before, how it ends (wire-protocol D, attestation 2)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from channel_stage import ISSUER, MANAGER, STRANGER, Manager, Refused, certified_by, status_of
from os_stage import LATER_S, PIN, ask, call, data, in_mode, status

from tallystick.crypto.hash import sha256
from tallystick.crypto.scp import KeySigner
from tallystick.device.os.channel import MAX_SESSIONS
from tallystick.testing.client import DeviceClient
from tallystick.testing.device import VirtualDevice
from tallystick.testing.factory import SIGNER_SERIAL, known_key
from tallystick.wire.certificate import DeviceCertificate
from tallystick.wire.dashboard import Ins, StateFlag, parse_version
from tallystick.wire.loader import ListApps, LoaderVersion, VersionQuery

Factory = Callable[..., VirtualDevice]


def flags(device: VirtualDevice, client: DeviceClient | None = None) -> StateFlag:
    """Return byte 0 of the flags, as a client is told it."""
    answer = (client or device).exchange(call(Ins.GET_VERSION))
    return parse_version(answer.data).flags.state


@pytest.mark.models("all")
def test_manager_of_the_issuer_is_known_and_the_device_genuine(device: VirtualDevice) -> None:
    """One question, without a warning; then the device shows a certificate of its issuer and the channel carries."""
    manager = Manager(device)
    opened = manager.open()
    assert opened.genuine
    assert opened.signer_serial == SIGNER_SERIAL
    assert opened.device.header[0] == 0x10
    (asked,) = manager.asked
    assert "Allow manager" in asked
    assert not any("nknown" in line for line in asked)
    version = LoaderVersion.from_bytes(manager.send(VersionQuery().to_bytes()))
    assert version.version == device.status["version"]
    assert version.flags.state & StateFlag.MANAGER_ALLOWED


@pytest.mark.models("all")
def test_unknown_manager_is_shown_with_its_key(device: VirtualDevice) -> None:
    """A key that vouches for itself alone is called unknown, and its fingerprint can be read."""
    manager = Manager(device, signer=STRANGER)
    for _, pending in manager.steps():
        if not pending.done:
            text = "".join(page.value for page in device.user.approve())
            assert sha256(STRANGER.public_key).hex()[:32] in text.replace(" ", "").replace("\n", "")
            manager.asked.append(())
    assert len(manager.asked) == 1
    assert manager.opened is not None
    assert manager.opened.genuine


@pytest.mark.parametrize("signer", [MANAGER, STRANGER])
def test_refusal_is_5501_and_ends_the_session(device: VirtualDevice, signer: KeySigner) -> None:
    """After a no, nothing of the session is left, and nothing that was made with the device's key has left."""
    manager = Manager(device, signer=signer)
    with pytest.raises(Refused) as refused:
        manager.open(agree=False)
    assert refused.value.status == 0x5501
    for apdu in (call(Ins.CHANNEL_DEVICE_CERTIFICATE), call(Ins.CHANNEL_NONCE, data=bytes(8))):
        assert manager.client.exchange(apdu).status == 0x6985
    assert not flags(device, manager.client) & StateFlag.MANAGER_ALLOWED


def test_nothing_that_tells_devices_apart_leaves_before_the_agreement(device_factory: Factory) -> None:
    """Two devices answer all steps up to the question alike, but for a nonce; E0 52 is refused at each of them."""
    devices = [device_factory(deterministic_rng=number) for number in (1, 2)]
    answers = []
    for device in devices:
        said = []
        for command, pending in Manager(device).steps():
            assert pending.done or command.ins == Ins.CHANNEL_HOST_CERTIFICATE
            if not pending.done:
                break
            said.append(pending.response.data[:4])
            assert device.client().exchange(call(Ins.CHANNEL_DEVICE_CERTIFICATE)).status == 0x6985
        answers.append(said)
    assert answers[0] == answers[1]
    assert devices[0].serial != devices[1].serial


@pytest.mark.parametrize("step", range(6))
def test_certificate_is_refused_at_every_step_before_its_own(device: VirtualDevice, step: int) -> None:
    """E0 52 sent by the same client too early is 6985, gives nothing, and ends the session."""
    manager = Manager(device)
    run = manager.steps()
    for number, (command, pending) in enumerate(run):
        manager.decide(pending, agree=True)
        if command.ins == Ins.CHANNEL_DEVICE_CERTIFICATE:
            return
        if number == step:
            answer = manager.client.exchange(call(Ins.CHANNEL_DEVICE_CERTIFICATE))
            assert (answer.status, answer.data) == ((0x6985, b"") if number < 3 else (0x9000, answer.data))
            assert number == 3 or manager.client.exchange(call(Ins.CHANNEL_DEVICE_CERTIFICATE)).status == 0x6985
            return


def test_agreement_holds_for_that_signer_and_not_for_another(device: VirtualDevice) -> None:
    """A second handshake of the same signer asks nobody; another signer on the same cable asks anew."""
    manager = Manager(device)
    manager.open()
    assert flags(device, manager.client) & StateFlag.MANAGER_ALLOWED
    again = Manager(device, client=manager.client, number=2)
    again.open()
    assert not again.asked
    other = Manager(device, signer=STRANGER, client=manager.client)
    other.open()
    assert len(other.asked) == 1
    back = Manager(device, client=manager.client)
    back.open()
    assert len(back.asked) == 1


def test_refused_signer_takes_the_agreement_of_another_along(device: VirtualDevice) -> None:
    """After a no to somebody else, the one before is asked about again: agreement is to one signer at a time."""
    manager = Manager(device)
    manager.open()
    with pytest.raises(Refused):
        Manager(device, signer=STRANGER, client=manager.client).open(agree=False)
    assert not flags(device, manager.client) & StateFlag.MANAGER_ALLOWED


def _lock(device: VirtualDevice, _manager: Manager) -> None:
    device.turn(LATER_S)
    device.user.enter_pin(PIN)


def _disconnect(_device: VirtualDevice, manager: Manager) -> None:
    manager.client.close()


def _open_app(device: VirtualDevice, _manager: Manager) -> None:
    device.open("Cosmos")
    device.quit()


def _replug(device: VirtualDevice, _manager: Manager) -> None:
    device.replug()
    device.user.enter_pin(PIN)


@pytest.mark.parametrize("end", [_lock, _disconnect, _open_app, _replug])
def test_channel_and_agreement_end_together(
    device_factory: Factory, end: Callable[[VirtualDevice, Manager], None]
) -> None:
    """A lock, a client that goes, an app that opens, a restart: the channel is gone, and the person is asked again."""
    device = device_factory(pin=PIN)
    device.user.enter_pin(PIN)
    manager = Manager(device)
    manager.open()
    assert status_of(manager, ListApps().to_bytes()) == 0x9000
    end(device, manager)
    assert status_of(manager, ListApps().to_bytes()) == 0x6985
    assert not flags(device, manager.client) & StateFlag.MANAGER_ALLOWED
    again = Manager(device, client=manager.client)
    again.open()
    assert len(again.asked) == 1


def test_agreement_of_one_client_is_not_anothers(device: VirtualDevice) -> None:
    """The same signer on another cable is asked about: whoever sits at that end is somebody else."""
    manager, other = Manager(device), Manager(device)
    manager.open()
    assert not flags(device, other.client) & StateFlag.MANAGER_ALLOWED
    other.open()
    assert len(other.asked) == 1


def test_two_clients_have_a_channel_each(device: VirtualDevice) -> None:
    """Handshakes and records of two clients, in turn, do not disturb each other."""
    one, two = Manager(device, number=1), Manager(device, signer=STRANGER, number=2)
    first, second = one.steps(), two.steps()
    for (_, pending_one), (_, pending_two) in zip(first, second, strict=True):
        one.decide(pending_one, agree=True)
        two.decide(pending_two, agree=True)
    for _ in range(3):
        assert one.send(VersionQuery().to_bytes()) == two.send(VersionQuery().to_bytes())


def test_wrong_mac_kills_the_channel_for_good(device: VirtualDevice) -> None:
    """One flipped bit is 6982, and so is every record after it, a right one too; a new handshake helps."""
    manager = Manager(device)
    channel = manager.open().channel
    raw = bytearray(channel.command(ListApps().to_bytes()).to_bytes())
    raw[-1] ^= 1
    answer = manager.client.exchange(bytes(raw))
    assert (answer.status, answer.data) == (0x6982, b"")
    for _ in range(2):
        assert status_of(manager, ListApps().to_bytes()) == 0x6982
    again = Manager(device, client=manager.client, number=2)
    again.open()
    assert status_of(again, ListApps().to_bytes()) == 0x9000


def test_replayed_record_is_refused(device: VirtualDevice) -> None:
    """A record that was taken once is not taken twice, and the channel is dead afterwards."""
    manager = Manager(device)
    raw = manager.open().channel.command(ListApps().to_bytes()).to_bytes()
    assert manager.client.exchange(raw).ok
    assert manager.client.exchange(raw).status == 0x6982
    assert status_of(manager, ListApps().to_bytes()) == 0x6982


def test_record_of_another_session_is_refused(device: VirtualDevice) -> None:
    """What one client wrapped opens nothing in another's channel."""
    one, two = Manager(device, number=1), Manager(device, number=2)
    channel = one.open().channel
    two.open()
    assert two.client.exchange(channel.command(ListApps().to_bytes()).to_bytes()).status == 0x6982


@pytest.mark.parametrize("length", range(31))
def test_cut_record_is_refused(device: VirtualDevice, length: int) -> None:
    """A record cut anywhere is 6700 or 6982, never more."""
    manager = Manager(device)
    record = manager.open().channel.wrap(ListApps().to_bytes())
    assert len(record) == 30
    answer = manager.client.exchange(call(Ins.CHANNEL, data=record[:length]))
    assert answer.status == 0x9000 if length == 30 else answer.status in {0x6700, 0x6982}


def test_refused_sub_command_leaves_the_channel_in_step(device: VirtualDevice) -> None:
    """An unknown sub-command is 6D00 and a malformed one 6700, and the next one is understood."""
    manager = Manager(device)
    manager.open()
    assert status_of(manager, b"\xee") == 0x6D00
    assert status_of(manager, b"\x05\x00") == 0x6700
    assert status_of(manager, ListApps().to_bytes()) == 0x9000


def test_handshake_can_stop_before_authentication(device: VirtualDevice) -> None:
    """Without E0 53 the host has both certificates and no channel; a record is refused."""
    manager = Manager(device)
    assert manager.open(authenticate=False).genuine
    assert manager.client.exchange(call(Ins.CHANNEL, data=bytes(30))).status == 0x6985


def test_target_select_ends_the_session(device: VirtualDevice) -> None:
    """E0 04 with the right target begins anew, with a wrong one it is 6484; either way the channel is gone."""
    for target, expected in ((0x33100004, 0x9000), (0x33000004, 0x6484)):
        manager = Manager(device)
        manager.open()
        apdu = call(Ins.VALIDATE_TARGET_ID, data=target.to_bytes(4, "big"))
        assert manager.client.exchange(apdu).status == expected
        assert manager.client.exchange(call(Ins.CHANNEL, data=bytes(30))).status == 0x6985


def test_bad_signatures_ask_nobody(device: VirtualDevice) -> None:
    """A certificate that nobody signed, the signer itself included, is 6982 without a question."""
    manager = Manager(device, chain=certified_by(STRANGER, MANAGER))
    with pytest.raises(Refused) as refused:
        manager.open()
    assert refused.value.status == 0x6982
    assert not manager.asked


def test_issuer_of_another_realm_is_a_stranger(device: VirtualDevice) -> None:
    """A manager that some other issuer vouches for is refused, since it does not vouch for itself."""
    other = known_key("issuer of another realm")
    with pytest.raises(Refused):
        Manager(device, chain=certified_by(other, MANAGER)).open()


def test_question_goes_with_its_client(device: VirtualDevice) -> None:
    """A client that leaves while the person is asked takes its question along, and its session."""
    screen = device.screen
    manager = Manager(device)
    for _, pending in manager.steps():
        if not pending.done:
            break
    assert device.screen != screen
    manager.client.close()
    assert device.screen == screen
    assert manager.client.exchange(call(Ins.CHANNEL_DEVICE_CERTIFICATE)).status == 0x6985


def test_lock_during_the_question_ends_it(device_factory: Factory) -> None:
    """A device that locks itself while it asks answers 5515; unlocked, nothing of the session is left."""
    device = device_factory(pin=PIN)
    device.user.enter_pin(PIN)
    manager = Manager(device)
    for _, waiting in manager.steps():
        if not waiting.done:
            device.turn(LATER_S)
            assert waiting.response.status == 0x5515
            break
    device.user.enter_pin(PIN)
    assert manager.client.exchange(call(Ins.CHANNEL_DEVICE_CERTIFICATE)).status == 0x6985


@pytest.mark.parametrize("mode", ["new", "recovery", "new recovery"])
def test_channel_opens_before_set_up_and_in_recovery(device_factory: Factory, mode: str) -> None:
    """The check of a device out of its box, and the recovery mode, have the channel too; set-up goes on behind it."""
    device = in_mode(device_factory, mode)
    screen = device.screen
    if mode == "new":
        assert status(device, Ins.ONBOARDING_CHECK) == 0x9000
    manager = Manager(device)
    assert manager.open().genuine
    assert manager.send(ListApps().to_bytes())[:1] == b"\x01"
    assert device.screen == screen


def test_no_manager_comes_between_person_and_set_up(device_factory: Factory) -> None:
    """From the choice of a PIN on until the seed is there, E0 51 is 6D07 and the screen stays as it is."""
    device = device_factory(onboarded=False)
    device.user.choose("Set up as new")
    screen = device.screen
    manager = Manager(device)
    with pytest.raises(Refused) as refused:
        manager.open()
    assert refused.value.status == 0x6D07
    assert not manager.asked
    assert device.screen == screen
    assert manager.client.exchange(call(Ins.CHANNEL_DEVICE_CERTIFICATE)).status == 0x6985


def test_locked_device_has_no_channel(device_factory: Factory) -> None:
    """Every step is 5515 while the device is locked."""
    device = device_factory(pin=PIN)
    with pytest.raises(Refused) as refused:
        Manager(device).open()
    assert refused.value.status == 0x5515


def test_device_without_a_certificate_opens_no_channel(device_factory: Factory) -> None:
    """Out of the factory half-made: the target is confirmed, every further step is 69D5, and the rest works."""
    device = device_factory(provisioned=False)
    with pytest.raises(Refused) as refused:
        Manager(device).open()
    assert refused.value.status == 0x69D5
    assert status(device, Ins.CHANNEL_DEVICE_CERTIFICATE) == 0x69D5
    assert status(device, Ins.CHANNEL, data=bytes(30)) == 0x69D5
    assert device.status["issuer_public_key"] is None
    assert not flags(device) & StateFlag.HAS_CERTIFICATE
    assert data(device, Ins.GET_DEVICE_NAME)


def test_device_has_one_certificate_for_good(device_factory: Factory) -> None:
    """Restarted, and reset by its owner, it is the same device with the same key and issuer."""
    device = device_factory()
    before = Manager(device).open(authenticate=False).device
    device.user.choose("Settings")
    device.user.choose("Reset device")
    device.user.approve()
    assert not device.status["onboarded"]
    after: DeviceCertificate = Manager(device).open(authenticate=False).device
    assert after == before
    assert device.status["issuer_public_key"] == ISSUER.public_key.hex()


def test_sessions_have_an_end(device: VirtualDevice) -> None:
    """More clients than the limit may begin; the one that began first has to begin again, the others go on."""
    managers = [Manager(device, number=number) for number in range(MAX_SESSIONS + 1)]
    for manager in managers:
        manager.open()
    assert status_of(managers[0], ListApps().to_bytes()) == 0x6985
    assert status_of(managers[1], ListApps().to_bytes()) == 0x9000
    assert status_of(managers[-1], ListApps().to_bytes()) == 0x9000


def test_plain_list_still_asks_after_a_manager_was_allowed(device: VirtualDevice) -> None:
    """What a manager may see by its channel does not open the plain command to whoever shares the cable."""
    manager = Manager(device)
    manager.open()
    pending = ask(device, Ins.LIST_APPS)
    assert not pending.done
    device.user.reject()
