"""Apps in and out, and the steps of a firmware update, over a socket of the whole application."""

from __future__ import annotations

import pytest
from tests.manager.manager_device import NANOSP, ScriptedDevice
from tests.manager.manager_stage import NoScripts, audit_lines, play, reply_to

from tallystick.crypto.secp256k1 import verify_ecdsa_der
from tallystick.manager.firmware.script import ScriptKind
from tallystick.wire.firmware import SECURE_WORLD
from tallystick.wire.image import AppImage
from tallystick.wire.loader import Commit, Create, DeleteApp, EnterBootloader, Flush
from tallystick.wire.manager_app import AppV2
from tallystick.wire.manager_message import Bulk, ClientReply, Error, Response, Success, decode_server_message

STAX = 0x33200004


@pytest.fixture
def app(client):
    """Return the app that is offered to a Nano S+ with 1.1.1."""
    query = {"provider": 1, "target_id": NANOSP, "firmware_version_name": "1.1.1"}
    (document,) = client.get("/v2/apps/by-target", params=query).json()
    return AppV2.from_json(document)


def install(app, *, remove=False, target_id=NANOSP, **other):
    """Return the path by which clients install or remove an app."""
    name, key = (app.delete, app.delete_key) if remove else (app.firmware, app.firmware_key)
    query = {"targetId": target_id, "perso": app.perso, "firmware": name, "firmwareKey": key, "hash": app.hash} | other
    return "/update/install?" + "&".join(f"{key}={value}" for key, value in query.items() if value is not None)


def flow(client, path, device):
    """Play a device into a flow and return how it ended."""
    with client.websocket_connect(path) as socket:
        return play(socket, device)


@pytest.mark.parametrize("form", [{}, {"hash": None}, {"deleteKey": "x_del_key"}, {"livecommonversion": "34.0.0"}])
def test_an_app_arrives_whole_and_signed(client, keyring, app, shelves, settings, form):
    """What every kind of client asks for is sent in one bulk, is the app byte for byte, and is signed by the software key."""
    device = ScriptedDevice(keyring)
    assert isinstance(flow(client, install(app, **form), device), Success)
    (create,), (commit,) = device.of_kind(Create), device.of_kind(Commit)
    code = device.areas[: create.app.code_length]
    parameters = device.areas[-create.app.parameters_length :]
    image = AppImage(create=create.app, code=code, data=b"", parameters=parameters)
    assert image == shelves.image
    digest = image.full_hash(NANOSP, "1.1.1")
    assert digest.hex() == app.hash
    assert verify_ecdsa_der(keyring.software.public_key, digest, commit.signature)
    assert device.loaded[-1] == commit
    assert audit_lines(settings.database)[-1][:3] == ("install", app.firmware, "success")


def test_the_signature_is_for_one_version_of_the_os(client, keyring, app):
    """The same app for another version of the OS has another hash, which the same name does not install."""
    query = {"target_id": NANOSP, "firmware_version_name": "1.3.0"}
    (other,) = client.get("/v2/apps/by-target", params=query).json()
    assert other["hash"] != app.hash
    end = flow(client, install(app, hash=other["hash"]), ScriptedDevice(keyring))
    assert isinstance(end, Error)
    assert end.text.endswith(": 6a82")


@pytest.mark.parametrize(
    "wrong",
    [{"firmwareKey": "other_key"}, {"hash": "00" * 32}, {"target_id": STAX}, {"firmware": "nanosp/1.1.1/demo/app_9"}],
)
def test_what_does_not_fit_together_is_refused(client, keyring, app, wrong):
    """A wrong key name, hash, device or version is refused before the device is asked anything."""
    device = ScriptedDevice(keyring)
    end = flow(client, install(app, **wrong), device)
    assert isinstance(end, Error)
    assert not device.asked


def test_an_app_is_removed_by_its_name(client, keyring, app, settings):
    """The names for removal make the device forget the app, whatever version it has."""
    device = ScriptedDevice(keyring)
    assert isinstance(flow(client, install(app, remove=True), device), Success)
    assert [one.name for one in device.of_kind(DeleteApp)] == ["Demo"]
    assert audit_lines(settings.database)[-1][:3] == ("remove", app.firmware, "success")


def test_nothing_follows_a_bulk_but_success(client, keyring, app):
    """The bulk is the last thing the device is sent: one message later the conversation is over."""
    device = ScriptedDevice(keyring)
    kinds = []
    with client.websocket_connect(install(app)) as socket:
        while isinstance(reply := reply_to(text := socket.receive_text(), device), str):
            kinds.append(decode_server_message(text).__class__.__name__)
            socket.send_text(reply)
    assert kinds == ["Exchange"] * 7 + ["Bulk"]
    assert reply.nonce == 9


@pytest.mark.parametrize("response", [Response.IO, Response.ERROR])
def test_a_device_that_refuses_the_script_is_an_error(client, keyring, app, settings, response):
    """A client that says that the bulk failed gets an error, and the log does not say success."""
    device = ScriptedDevice(keyring)
    with client.websocket_connect(install(app)) as socket:
        while not isinstance(message := decode_server_message(text := socket.receive_text()), Bulk):
            socket.send_text(reply_to(text, device))
        socket.send_text(ClientReply(nonce=message.nonce, response=response).to_json())
        assert isinstance(play(socket, device), Error)
    assert audit_lines(settings.database)[-1][2] == "refused"


def test_a_client_that_left_at_the_bulk_was_served(client, keyring, app, settings):
    """A client that closes the socket at the bulk, as current ones do, is noted as sent, not as failed."""
    device = ScriptedDevice(keyring)
    with client.websocket_connect(install(app)) as socket:
        while not isinstance(decode_server_message(text := socket.receive_text()), Bulk):
            socket.send_text(reply_to(text, device))
    assert client.get("/metrics").status_code == 200
    client.__exit__(None, None, None)
    assert audit_lines(settings.database)[-1][:3] == ("install", app.firmware, "sent")
    client.__enter__()


class Scripts:
    """Turns a release into one recognisable command for each step."""

    def __init__(self):
        self.asked = []

    def commands(self, kind, release, *, software):
        """Return one command."""
        self.asked.append((kind, release, software))
        return (EnterBootloader().to_bytes(),) if kind is ScriptKind.FINAL else (Flush().to_bytes(), Flush().to_bytes())


@pytest.mark.parametrize(
    ("kind", "suffix"), [(ScriptKind.OSU, "_osu"), (ScriptKind.WHOLE, "_osu_whole"), (ScriptKind.FINAL, "")]
)
def test_a_step_of_an_update_is_the_script_of_its_release(service_with, settings, keyring, kind, suffix):
    """The first and the last step go through the channel, made from the files that were published."""
    scripts, device = Scripts(), ScriptedDevice(keyring)
    name = f"nanosp/1.3.0/upgrade{suffix}"
    path = f"/update/install?targetId={NANOSP}&perso=perso_11&firmware={name}&firmwareKey={name}_key"
    with service_with(settings, scripts=scripts) as client:
        assert isinstance(flow(client, path, device), Success)
    ((asked, release, software),) = scripts.asked
    assert asked is kind
    assert (release.target_id, release.version, release.runs) == (NANOSP, "1.3.0", "1.1.1")
    assert release.files[SECURE_WORLD] == b"secure-world.pyz 1.3.0" * 20
    assert software.public_key == keyring.software.public_key
    assert len(device.loaded) == (1 if kind is ScriptKind.FINAL else 2)
    assert audit_lines(settings.database)[-1][:3] == (kind.value, name, "success")


def test_a_normal_world_is_flashed_in_plain_commands(service_with, settings):
    """The bootloader has no channel: target id, then the script as it is, with the MCU's version asked for by name."""
    scripts = Scripts()
    seen = []

    class Bootloader:
        def exchange(self, apdu):
            seen.append(apdu.hex())
            return b"", 0x9000

    with service_with(settings, scripts=scripts) as client:
        assert isinstance(flow(client, "/update/mcu?targetId=83951619&version=4.05", Bootloader()), Success)
    assert seen == ["e00400000405010003", "e00000000107", "e00000000107"]
    assert scripts.asked[0][1].mcu_version == "4.05"


def test_a_version_with_nothing_to_install_has_no_script(client):
    """The Normal World that came with a device, of which no release was published, cannot be flashed."""
    end = flow(client, "/mcu?targetId=83951619&version=4.03", None)
    assert isinstance(end, Error)


def test_a_manager_without_scripts_says_so(service_with, settings, keyring):
    """Where releases cannot be turned into scripts, an update ends in an error, not in silence."""
    name = "nanosp/1.3.0/upgrade_osu"
    with service_with(settings, scripts=NoScripts()) as client:
        end = flow(client, f"/install?targetId={NANOSP}&firmware={name}", ScriptedDevice(keyring))
    assert isinstance(end, Error)
    assert "no script" in end.text
