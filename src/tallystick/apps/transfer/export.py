"""The sender's three steps (attestation 6): say hello, know the peer, let the key go.

At each of them the key must be there and must never have signed. It is erased before the first byte of it leaves: what a
broken cable or a peer that lied takes, it destroys and does not copy.
"""

from __future__ import annotations

from tallystick.app import Os, Reject, StatusWord

from . import key, peer, screens
from .blob import IV_BYTES, SealedKey
from .exchange import Exchange, Step
from .peer import Role


async def say_hello(os: Os, exchange: Exchange, data: bytes) -> bytes:
    """Ask the person, and begin: return the hello."""
    del data
    exchange.wipe()
    held = await _movable(os)
    if not await os.review(screens.export(await os.public_of(held.private))):
        raise Reject(StatusWord.CONDITIONS_NOT_SATISFIED)
    ephemeral = await key.fresh(os)
    answer = await peer.hello(os, Role.SENDER, ephemeral)
    exchange.begin(Step.SENDER_SAID_HELLO, ephemeral)
    return answer


async def meet(os: Os, exchange: Exchange, data: bytes) -> bytes:
    """Take the peer's attestation."""
    exchange.require(Step.SENDER_SAID_HELLO)
    await _movable(os)
    exchange.meet(Step.SENDER_KNOWS_PEER, await peer.certified(os, data))
    return b""


async def let_go(os: Os, exchange: Exchange, data: bytes) -> bytes:
    """Take the peer's hello; erase the key, and return it under the channel's key."""
    exchange.require(Step.SENDER_KNOWS_PEER)
    held = await _movable(os)
    channel_key = await peer.channel_key(os, data, Role.RECEIVER, peer=exchange.peer, ephemeral=exchange.ephemeral)
    iv = await os.random(IV_BYTES)
    sealed = SealedKey(iv=iv, ciphertext=await os.encrypt(channel_key, iv, held.private))
    # whatever happens from here on, nobody gets another copy: not a second receiver, not a repetition
    exchange.wipe()
    await key.store(os, key.NOTHING)
    return sealed.to_bytes()


async def _movable(os: Os) -> key.Held:
    held = await key.load(os)
    if not held.is_movable:
        raise Reject(StatusWord.CONDITIONS_NOT_SATISFIED)
    return held
