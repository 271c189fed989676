"""The genuine check, the list of apps and the endorsement, over a socket of the whole application."""

from __future__ import annotations

import pytest
from tests.manager.manager_device import NANOSP, ScriptedDevice
from tests.manager.manager_stage import audit_lines, play

from tallystick.crypto.hash import sha256
from tallystick.crypto.secp256k1 import verify_ecdsa_der
from tallystick.errors import TrustError, UsageError
from tallystick.manager.hsm.key_file import KeyFile
from tallystick.manager.hsm.keyring import Keyring
from tallystick.manager.hsm.role import Realm, Role
from tallystick.testing.factory import known_key
from tallystick.wire.app_list import AppListEntry
from tallystick.wire.certificate import owner_message
from tallystick.wire.image import AppFlag
from tallystick.wire.manager_message import Error, Success

GENUINE = f"/genuine?targetId={NANOSP}&perso=perso_11"


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """Return the keys of another issuer."""
    url = f"file:{tmp_path_factory.mktemp('stranger') / 'ring'}"
    return Keyring.create(url, Realm.TEST)


def check(client, device, path=GENUINE):
    """Play a device into a flow and return how it ended."""
    with client.websocket_connect(path) as socket:
        return play(socket, device)


def entry(name, *, flags=0, full=b"\x01"):
    """Return one installed app."""
    return AppListEntry(blocks=3, flags=flags, code_hash=b"\x02" * 32, full_hash=full * 32, name=name)


@pytest.mark.parametrize("base", ["", "/update", "/api"])
def test_a_device_of_the_issuer_is_genuine(client, keyring, base):
    """A device that the manager's issuer certified passes, and was shown a manager it knows, below every base."""
    device = ScriptedDevice(keyring)
    end = check(client, device, base + GENUINE)
    assert isinstance(end, Success)
    assert end.data == "0000"
    assert device.asked == ["issuer"]
    assert end.uuid
    assert end.session


@pytest.mark.parametrize(
    ("flags", "result"), [(AppFlag.ISSUER, "0000"), (AppFlag.CUSTOM_CA, "0001"), (AppFlag.BOLOS_UX, "0100")]
)
def test_what_did_not_come_from_here_is_told(client, keyring, flags, result):
    """A user interface or an app of another authority on a genuine device shows in the result."""
    device = ScriptedDevice(keyring, apps=[entry("One"), entry("Two"), entry("Three", flags=flags)])
    assert check(client, device).data == result


def test_a_device_of_another_issuer_is_not_genuine(client, keyring, stranger, settings):
    """A device whose certificate another issuer signed gets an error, and the log says so."""
    end = check(client, ScriptedDevice(stranger, trusts=keyring))
    assert isinstance(end, Error)
    assert "not genuine" in end.text
    assert end.text.endswith(": 6300")
    assert audit_lines(settings.database)[-1][:3] == ("genuine", "nanosp", "failed")


def test_a_device_that_does_not_know_the_manager_asks_its_person(client, keyring, stranger):
    """A device that trusts another issuer refuses the manager's certificate, which is an error that clients understand."""
    end = check(client, ScriptedDevice(keyring, trusts=stranger))
    assert isinstance(end, Error)
    assert end.text.endswith(": 6985")


def test_a_person_who_says_no_ends_the_flow(client, keyring, settings):
    """A refusal on the device is told in the words that clients read: 6985; and logged as refused."""
    end = check(client, ScriptedDevice(keyring, refuses=True))
    assert isinstance(end, Error)
    assert end.text.endswith(": 6985")
    assert audit_lines(settings.database)[-1][:3] == ("genuine", "nanosp", "refused")


def test_a_device_that_signs_with_another_key_is_not_genuine(client, keyring):
    """A device that shows a certified key it does not own is found out by the signature of the session."""
    device = ScriptedDevice(keyring)
    other = ScriptedDevice(keyring)
    object.__setattr__(device.credentials, "key", other.credentials.key)
    end = check(client, device)
    assert isinstance(end, Error)
    assert end.text.endswith(": 6300")


@pytest.mark.parametrize(
    "path",
    [
        "/genuine",
        "/genuine?targetId=x",
        "/genuine?targetId=1",
        "/genuine?targetId=99999999999",
        f"/genuine?targetId={NANOSP}&perso=perso_99",
        f"/genuine?targetId={NANOSP}&perso=" + "x" * 300,
        "/apps/list?targetId=1",
        f"/endorse?targetId={NANOSP}&endorse=attest_1&endorseScheme=3",
        f"/endorse?targetId={NANOSP}&endorse=attest_1&endorseScheme=1",
        f"/install?targetId={NANOSP}",
        f"/install?targetId={NANOSP}&firmware=x",
        f"/install?targetId={NANOSP}&firmware=' OR 1=1 --",
        f"/mcu?targetId={NANOSP}",
        "/mcu?targetId=83951619&version=9.99",
    ],
)
def test_what_is_not_offered_is_one_error(client, path):
    """A request for something unknown is answered by one error message, never by an exchange."""
    with client.websocket_connect(path) as socket:
        end = play(socket, None)
    assert isinstance(end, Error)
    assert end.text[-6:-4] == ": "


def test_the_apps_of_a_device_are_listed(client, keyring):
    """Every installed app comes with its flags and both hashes; what belongs to the OS does not."""
    language = AppListEntry(blocks=1, flags=0x2000, code_hash=bytes(32), full_hash=b"\x03" * 32, name="")
    device = ScriptedDevice(keyring, apps=[entry("One", flags=0x50), language, entry("Two", full=b"\x09")])
    end = check(client, device, f"/apps/list?targetId={NANOSP}&perso=perso_11")
    assert end.result == [
        {"flags": 0x50, "hash": "01" * 32, "hash_code_data": "02" * 32, "name": "One"},
        {"flags": 0, "hash": "09" * 32, "hash_code_data": "02" * 32, "name": "Two"},
    ]


def test_no_apps_are_an_empty_list(client, keyring):
    """A device without apps has an empty list, which is a result."""
    assert check(client, ScriptedDevice(keyring), f"/apps/list?targetId={NANOSP}").result == []


def test_an_old_client_that_sends_9000_for_nothing_is_understood(client, keyring):
    """`9000` as data is an empty answer: so an old client says that there was none."""
    device = ScriptedDevice(keyring)

    class Old:
        def exchange(self, apdu):
            data, status = device.exchange(apdu)
            return data or b"\x90\x00", status

    assert check(client, Old()).data == "0000"


def test_a_silent_client_is_let_go(keyring, settings, service_with, settings_with):
    """A client that never answers hears an error in the end, and costs nothing any more."""
    with service_with(settings_with(reply_s=0.05)) as client, client.websocket_connect(GENUINE) as socket:
        socket.receive_text()
        end = play(socket, None)
    assert isinstance(end, Error)
    assert "in time" in end.text
    assert audit_lines(settings.database)[-1][2] == "timeout"


def test_too_many_devices_are_told_to_come_back(keyring, service_with, settings_with):
    """Beyond the limit of sockets a client hears an error at once; the others go on."""
    with service_with(settings_with(max_flows=1)) as client, client.websocket_connect(GENUINE) as first:
        assert first.receive_text()
        with client.websocket_connect(GENUINE) as second:
            assert isinstance(play(second, None), Error)


def test_an_attestation_key_gets_its_owners_certificate(tmp_path, service_with, settings_with, keyring):
    """With an owner's key the device is given the owner's signature over the key it made."""
    owner = KeyFile.generate(Role.OWNER, Realm.TEST)
    owner.write(tmp_path / "owner.json")
    device = ScriptedDevice(keyring)
    with service_with(settings_with(owner=str(tmp_path / "owner.json"))) as client:
        end = check(client, device, f"/endorse?targetId={NANOSP}&perso=perso_11&endorse=attest_1&endorseScheme=1")
    assert isinstance(end, Success)
    assert verify_ecdsa_der(owner.public_key, sha256(owner_message(device.endorsed)), device.owner_certificate)


@pytest.mark.parametrize("slot", [1, 2])
def test_the_known_owner_certifies_where_it_is_named(service_with, settings_with, keyring, slot):
    """With the word `test` the owner is the one whose key everybody knows, for both keys and with or without its name."""
    for name in ("", "&endorse=attest_1"):
        device = ScriptedDevice(keyring)
        with service_with(settings_with(owner="test")) as client:
            assert isinstance(check(client, device, f"/endorse?targetId={NANOSP}{name}&endorseScheme={slot}"), Success)
        message = sha256(owner_message(device.endorsed))
        assert verify_ecdsa_der(known_key("owner").public_key, message, device.owner_certificate)


def test_an_owner_that_is_not_here_certifies_nothing(service_with, settings_with, keyring, stranger):
    """Another owner's name, another issuer's device, a device that signs its key with another: an error, no certificate."""
    with service_with(settings_with(owner="test")) as client:
        path = f"/endorse?targetId={NANOSP}&endorse={{}}&endorseScheme=1"
        for name, device in (
            ("attest_2", ScriptedDevice(keyring)),
            ("attest_1", ScriptedDevice(stranger, trusts=keyring)),
            ("attest_1", Liar(keyring)),
        ):
            assert isinstance(check(client, device, path.format(name)), Error)
            assert device.owner_certificate == b""


class Liar(ScriptedDevice):
    """A genuine device that presents an attestation key which it did not sign."""

    def exchange(self, raw):
        """Answer E0 C0 with a key of nobody's."""
        if raw[1] != 0xC0:
            return super().exchange(raw)
        key = KeyFile.generate(Role.OWNER, Realm.TEST)
        return key.public_key + key.sign(b"\xff" + key.public_key), 0x9000


def test_an_owner_of_another_realm_is_refused(tmp_path, service_with, settings_with):
    """A manager of the test realm does not start with a production owner, and one without the named key not at all."""
    KeyFile.generate(Role.OWNER, Realm.PRODUCTION).write(tmp_path / "owner.json")
    for owner in (tmp_path / "owner.json", tmp_path / "missing.json"):
        with pytest.raises((TrustError, UsageError)), service_with(settings_with(owner=str(owner))):
            pass


def test_a_database_of_another_issuer_is_refused(settings_with, service_with, stranger, tmp_path):
    """A manager does not start on a database that belongs to other keys."""
    url = f"file:{tmp_path / 'ring'}"
    Keyring.create(url, Realm.TEST).close()
    with service_with(settings_with()) as client:
        assert client.get("/health").status_code == 200
    with pytest.raises(TrustError, match="another issuer"), service_with(settings_with(hsm=url)):
        pass
