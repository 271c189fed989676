"""A manager whose keys are in a PKCS#11 token (SoftHSM2), which they never leave."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from tests.manager.manager_device import NANOSP, ScriptedDevice
from tests.manager.manager_process import PATIENCE_S, manager, play_remote
from tests.manager.manager_stage import play
from tests.unit.manager.hsm_stage import PROGRAM, soft_hsm

from tallystick.crypto.hash import sha256
from tallystick.crypto.secp256k1 import verify_ecdsa_der
from tallystick.errors import TrustError
from tallystick.manager.hsm.keyring import Keyring
from tallystick.manager.hsm.owner import OwnerKey
from tallystick.manager.hsm.role import Realm
from tallystick.wire.certificate import owner_message
from tallystick.wire.loader import Commit
from tallystick.wire.manager_app import AppV2
from tallystick.wire.manager_message import Success

pytestmark = pytest.mark.skipif(
    PROGRAM is None and not os.environ.get("CI"), reason="no token in software here: scripts/hsm_setup"
)


def test_workers_sign_with_one_token(tmp_path, monkeypatch):
    """Two workers check ten devices at once and install an app, all signed by keys in one token."""
    with soft_hsm(tmp_path, monkeypatch) as hsm:
        url = hsm.make_token()
        with Keyring.create(url, Realm.TEST) as keyring:
            devices = [ScriptedDevice(keyring) for _ in range(10)]
            options = ("--database", f"sqlite:///{tmp_path / 'm.db'}", "--hsm", url, "--workers", "2")
            with manager(tmp_path / "run", *options) as address:

                def check(device):
                    with address.flow(f"/genuine?targetId={NANOSP}") as socket:
                        return play_remote(socket, device).data

                with ThreadPoolExecutor(10) as threads:
                    assert set(threads.map(check, devices)) == {"0000"}
                query = {"target_id": NANOSP, "firmware_version_name": "1.1.1"}
                found, *_ = httpx.get(f"{address.http}/v2/apps/by-target", params=query, timeout=PATIENCE_S).json()
                app = AppV2.from_json(found)
                path = f"/install?targetId={NANOSP}&firmware={app.firmware}&firmwareKey={app.firmware_key}"
                with address.flow(path) as socket:
                    assert isinstance(play_remote(socket, devices[0]), Success)
            (commit,) = devices[0].of_kind(Commit)
            assert verify_ecdsa_der(keyring.software.public_key, bytes.fromhex(app.hash), commit.signature)


def test_an_owner_in_a_token_certifies_for_a_manager_with_keys_in_files(
    tmp_path, monkeypatch, service_with, settings_with, keyring
):
    """The owner's key stays in its token; an owner of the production realm is refused by a manager of the test realm."""
    with soft_hsm(tmp_path, monkeypatch) as hsm:
        url = hsm.make_token("owner")
        owner = OwnerKey.create(url, Realm.TEST)
        device = ScriptedDevice(keyring)
        path = f"/endorse?targetId={NANOSP}&endorse=attest_1&endorseScheme=2"
        with service_with(settings_with(owner=url)) as client, client.websocket_connect(path) as socket:
            assert isinstance(play(socket, device), Success)
        message = sha256(owner_message(device.endorsed))
        assert verify_ecdsa_der(owner.public_key, message, device.owner_certificate)
        owner.close()
        other = hsm.make_token("other")
        OwnerKey.create(other, Realm.PRODUCTION).close()
        with pytest.raises(TrustError, match="realm"), service_with(settings_with(owner=other)):
            pass
