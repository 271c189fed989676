"""The transfer app in a locked process of its own: the same answers as inline, with all its modules there."""

import pytest_asyncio
from process_stage import Stage

from tallystick import apps
from tallystick.crypto.hash import sha256
from tallystick.crypto.secp256k1 import verify_ecdsa_der
from tallystick.wire.panel import Role

DIGEST = sha256(b"a transaction")


@pytest_asyncio.fixture
async def stage():
    """Return the app on a device, in a process."""
    made = Stage(apps.bundle("transfer"))
    yield made
    made.close()


async def test_a_key_is_made_and_signs_in_a_locked_process(stage):
    """Creation, public key, refusals and a signature after the person's yes: nothing is missing behind the lock."""
    ask = stage.client.exchange
    assert await ask("e00c000000") == b"\0\0\x90\0"
    assert await ask("e00a000000") == b"\x90\0"
    key = (await ask("e000000000"))[:-2]
    assert await ask("e004000000") == b"\x69\x03"
    assert await ask("e006020000") == b"\x69\x85"
    stage.client.send(bytes.fromhex("e002000020") + DIGEST)
    await stage.until(lambda: stage.board.frame.scene == "review")
    for _ in range(20):
        if stage.board.frame.action(Role.APPROVE) is not None:
            break
        stage.do(Role.NEXT)
    count = len(stage.client.answers)
    stage.do(Role.APPROVE)
    await stage.until(lambda: len(stage.client.answers) > count)
    assert verify_ecdsa_der(key, DIGEST, stage.client.answers[-1][:-2])
    assert await ask("e00c000000") == b"\1\0\x90\0"
