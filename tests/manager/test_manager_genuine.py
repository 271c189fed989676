"""The genuine check and the list of apps, over a socket of the whole application."""

from __future__ import annotations

from tests.manager.manager_device import NANOSP, ScriptedDevice
from tests.manager.manager_stage import play

from tallystick.wire.manager import Success


def test_a_device_of_the_issuer_is_genuine(client, keyring):
    """A device that the manager's issuer certified passes, and was shown a manager it knows."""
    device = ScriptedDevice(keyring)
    with client.websocket_connect(f"/update/genuine?targetId={NANOSP}&perso=perso_11") as socket:
        end = play(socket, device)
    assert isinstance(end, Success)
    assert end.data == "0000"
    assert device.asked == ["issuer"]
