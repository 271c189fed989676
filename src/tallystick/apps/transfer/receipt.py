"""The receiver's four steps (attestation 6): say hello, know the peer, open the channel, keep the key.

What was sent is not authenticated: the wire between can change it and cannot read it. A number out of range is refused
here; any other is a key that nobody knows, which the host tells by its public key.
"""

from __future__ import annotations

from tallystick.app import Os, Reject, StatusWord

from . import key, peer, screens
from .blob import SealedKey
from .exchange import Exchange, Step
from .key import Held, Seal
from .peer import Role


async def say_hello(os: Os, exchange: Exchange, data: bytes) -> bytes:
    """Ask the person, and begin: return the hello."""
    del data
    exchange.wipe()
    await _require_room(os)
    if not await os.review(screens.receive()):
        raise Reject(StatusWord.CONDITIONS_NOT_SATISFIED)
    ephemeral = await key.fresh(os)
    answer = await peer.hello(os, Role.RECEIVER, ephemeral)
    exchange.begin(Step.RECEIVER_SAID_HELLO, ephemeral)
    return answer


async def meet(os: Os, exchange: Exchange, data: bytes) -> bytes:
    """Take the peer's attestation."""
    exchange.require(Step.RECEIVER_SAID_HELLO)
    await _require_room(os)
    exchange.meet(Step.RECEIVER_KNOWS_PEER, await peer.certified(os, data))
    return b""


async def open_channel(os: Os, exchange: Exchange, data: bytes) -> bytes:
    """Take the peer's hello."""
    exchange.require(Step.RECEIVER_KNOWS_PEER)
    await _require_room(os)
    channel_key = await peer.channel_key(os, data, Role.SENDER, peer=exchange.peer, ephemeral=exchange.ephemeral)
    exchange.open(Step.RECEIVER_WAITS, channel_key)
    return b""


async def keep(os: Os, exchange: Exchange, data: bytes) -> bytes:
    """Take the key; it is sealed here as it was there."""
    exchange.require(Step.RECEIVER_WAITS)
    await _require_room(os)
    sealed = SealedKey.from_bytes(data)
    private = await os.decrypt(exchange.channel_key, sealed.iv, sealed.ciphertext)
    exchange.wipe()
    if not key.is_scalar(private):
        raise Reject(StatusWord.INCORRECT_DATA)
    await key.store(os, Held(private=private, seal=Seal.SEALED, is_available=True))
    return b""


async def _require_room(os: Os) -> None:
    if (await key.load(os)).is_available:
        raise Reject(StatusWord.CONDITIONS_NOT_SATISFIED)
