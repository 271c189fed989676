"""A whole device and a whole manager: genuine check, install, list, removal, with the keys of the factory of tests."""

from __future__ import annotations

import pytest
from tests.manager.manager_stage import play

from tallystick.crypto.hash import sha256
from tallystick.crypto.secret import Secret
from tallystick.manager.catalog.service import NewApp, devices_named, publish_app
from tallystick.manager.db.engine import migrate, open_engine, sessions_of, writing
from tallystick.manager.firmware.service import KnownFirmware, know
from tallystick.manager.hsm.key_file import KeyFile
from tallystick.manager.hsm.keyring import KEYRING_ROLES, Keyring, certify_signer
from tallystick.manager.hsm.place import file_of
from tallystick.manager.hsm.role import Realm, Role
from tallystick.manager.settings import Settings
from tallystick.testing import VirtualDevice
from tallystick.testing.factory import known_key
from tallystick.wire.manager_app import AppV2
from tallystick.wire.manager_message import Error, Success
from tallystick.wire.model import MODELS


class Client:
    """A client's way to a device in this process, with a person who says yes or no."""

    def __init__(self, device):
        self._device = device
        self._host = device.client()

    def exchange(self, raw):
        """Return data and status word."""
        answer = self._host.exchange(raw)
        return answer.data, answer.status


def known_keys(folder):
    """Write the keys of the factory of tests as a manager keeps them; return their URL."""
    folder.mkdir(mode=0o700)
    for role in KEYRING_ROLES:
        private = sha256(f"tallystick test realm: {role.value}".encode())
        public = known_key(role.value).public_key
        certificate = b""
        if role is Role.SIGNER:
            certificate = certify_signer(known_key("issuer"), public).to_bytes()
        key = KeyFile(role=role, realm=Realm.TEST, public_key=public, private=Secret(private), certificate=certificate)
        key.write(file_of(folder, role))
    return f"file:{folder}"


@pytest.fixture
def known_manager(tmp_path, service_with):
    """Return a client of a manager with the keys of the factory of tests and the Cosmos app for every model."""
    from tallystick import apps
    from tallystick.device.os.identity import VERSIONS
    from tallystick.manager.catalog.service import stock

    keys, database = known_keys(tmp_path / "ring"), f"sqlite:///{tmp_path / 'known.db'}"
    engine = open_engine(database)
    migrate(engine)
    with Keyring.open(keys) as keyring, writing(sessions_of(engine)) as session:
        stock(session)
        for model, versions in VERSIONS.items():
            (device,) = devices_named(session, (model,))
            know(session, device, KnownFirmware(version=versions.os, mcu_version=versions.mcu))
        publish_app(session, NewApp(image=apps.bundle("cosmos").image()), software=keyring.software)
    engine.dispose()
    with service_with(Settings(database=database, hsm=keys, reply_s=20)) as client:
        yield client


def flow(client, path, device):
    """Play a device into a flow and return how it ended."""
    with client.websocket_connect(path) as socket:
        return play(socket, Client(device))


@pytest.mark.parametrize("model", ["nanos", "nanosp", "stax"])
def test_a_device_is_genuine_and_takes_an_app(known_manager, model):
    """A device is genuine, installs what the catalogue offers its model, lists it with the catalogue's hash, and removes it."""
    device = VirtualDevice(model=model, apps=(), approve=True)
    target = MODELS[model].target_id
    base = f"targetId={target}&perso=perso_11"
    end = flow(known_manager, f"/update/genuine?{base}", device)
    assert (type(end), getattr(end, "data", end)) == (Success, "0000")
    version = device.board.system.session.identity.versions.os
    query = {"target_id": target, "firmware_version_name": version}
    (app,) = (AppV2.from_json(one) for one in known_manager.get("/v2/apps/by-target", params=query).json())
    chosen = f"{base}&hash={app.hash}"
    end = flow(known_manager, f"/install?{chosen}&firmware={app.firmware}&firmwareKey={app.firmware_key}", device)
    assert isinstance(end, Success)
    (listed,) = flow(known_manager, f"/apps/list?{base}", device).result
    assert (listed["name"], listed["hash"]) == ("Cosmos", app.hash)
    found = known_manager.post("/v2/apps/hash", json=[listed["hash"]]).json()
    assert found[0]["versionId"] == app.version_id
    end = flow(known_manager, f"/install?{chosen}&firmware={app.delete}&firmwareKey={app.delete_key}", device)
    assert isinstance(end, Success)
    assert flow(known_manager, f"/apps/list?{base}", device).result == []


def test_a_device_of_another_factory_is_not_genuine(client):
    """A device that the factory of tests made means nothing to a manager with other keys."""
    device = VirtualDevice(apps=(), approve=True)
    end = flow(client, f"/genuine?targetId={MODELS['nanosp'].target_id}", device)
    assert isinstance(end, Error)
