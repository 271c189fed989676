"""Attestation calls of an app in a process of its own: results come through the socket, keys do not."""

import pytest
from endorsement_stage import CERTIFICATE, FAILED, HASH, METADATA, PUBLIC, SECRET, SIGN, SIGN_APP, SIGN_BARE, caller
from process_stage import stages

from tallystick.crypto import endorsement
from tallystick.wire.syscall import CallStatus

MESSAGE = b"from far away"


@pytest.fixture
def stage():
    """Return a maker of stages that are closed at the end."""
    with stages() as make:
        yield make


async def ask(stage, number, data=b""):
    """Have the app make a call that must succeed."""
    answer = await stage.client.exchange(bytes((number,)) + data)
    assert answer[-2:] == b"\x90\x00"
    return answer[:-2]


async def test_calls_over_the_socket_give_what_they_give_inline(stage):
    """Every call works from a locked process, and what is signed holds for the app's hash."""
    device = stage(caller())
    keys = device.board.system.session.endorsement
    for slot in (1, 2):
        keys.stage(slot)
        keys.commit(bytes((slot,)) * 70)
    code_hash = await ask(device, HASH)
    assert code_hash == device.board.system.session.registry.find("Caller").full_hash
    for slot in (1, 2):
        assert await ask(device, PUBLIC, bytes((slot,))) == keys.public_key(slot)
        assert await ask(device, CERTIFICATE, bytes((slot,))) == bytes((slot,)) * 70
        assert await ask(device, METADATA, bytes((slot,))) == bytes(7) + b"\x01"
    assert await ask(device, SECRET) == keys.app_secret(code_hash).reveal()
    one, two = await ask(device, SIGN, MESSAGE), await ask(device, SIGN_APP, MESSAGE)
    assert endorsement.verify_with_code_hash(keys.public_key(1), MESSAGE, code_hash, signature=one)
    assert endorsement.verify_app_key(keys.public_key(2), MESSAGE, code_hash, signature=two)


async def test_refusals_over_the_socket_carry_their_words(stage):
    """What is not there, not allowed and no slot is told to the app with status and word."""
    device = stage(caller())
    for number, data, status, word in (
        (SIGN, MESSAGE, CallStatus.EMPTY, 0x4106),
        (PUBLIC, b"\x03", CallStatus.BAD_ARGUMENT, 0x4209),
        (SIGN_BARE, MESSAGE, CallStatus.NOT_PERMITTED, 0),
    ):
        answer = await device.client.exchange(bytes((number,)) + data)
        assert answer == bytes((status,)) + word.to_bytes(2, "big") + FAILED.to_bytes(2, "big")
