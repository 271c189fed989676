"""Attestation calls of native code on a whole device: what it says holds for its hash, and is the same as for any app."""

import contextlib

import pytest
from native_stage import NativeStage
from tests.unit.device.native import native_speaker as speaker
from tests.unit.device.native.native_program import image

from tallystick.crypto import endorsement


@pytest.mark.parametrize("level", [23, 25, 26, 27])
async def test_native_app_proves_what_runs(level):
    """Hash, keys, certificates, counter, secret and both signatures are those of the device for this very app."""
    with contextlib.ExitStack() as stack:
        app = image(speaker.speaker(), level=level, parameters=speaker.PARAMETERS)
        device = NativeStage(app, name="Speaker")
        stack.callback(device.close)
        keys = device.board.system.session.endorsement
        for slot in (1, 2):
            keys.stage(slot)
            keys.commit(bytes((0x30, 68)) + bytes((slot,)) * 68)
        answer = await device.client.exchange(speaker.APDU)
        assert answer[-2:] == b"\x90\x00"
        said = speaker.parts(answer)
        assert said.code_hash == device.board.system.session.registry.find("Speaker").full_hash
        assert said.secret == keys.app_secret(said.code_hash).reveal()
        assert said.metadata == bytes(7) + b"\x01"
        assert said.keys == (keys.public_key(1), keys.public_key(2))
        assert said.certificates == (keys.certificate(1), keys.certificate(2))
    (one, two), (first, second), message = said.keys, said.signatures, speaker.MESSAGE
    assert endorsement.verify_with_code_hash(one, message, said.code_hash, signature=first)
    assert endorsement.verify_app_key(two, message, said.code_hash, signature=second)
