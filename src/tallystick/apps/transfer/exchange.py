"""The exchange in hand, in memory alone: which step was done, the own ephemeral key, who the peer is, the channel's key.

Any step out of its order, and any refusal, forgets all of it; so does the client that goes.
"""

from __future__ import annotations

from enum import IntEnum, unique

from tallystick.app import Reject, StatusWord


@unique
class Step(IntEnum):
    """The step that was done last."""

    NONE = 0
    #: the own hello went out
    SENDER_SAID_HELLO = 1
    #: the peer's attestation key is known, and certified by the owner
    SENDER_KNOWS_PEER = 2
    RECEIVER_SAID_HELLO = 3
    RECEIVER_KNOWS_PEER = 4
    #: the channel is open
    RECEIVER_WAITS = 5


class Exchange:
    """One export or import."""

    def __init__(self) -> None:
        self.step = Step.NONE
        self.ephemeral = b""
        self.peer = b""
        self.channel_key = b""

    def __repr__(self) -> str:
        return f"Exchange({self.step.name})"

    def require(self, step: Step) -> None:
        """Raise Reject 6985 unless `step` was done last."""
        if self.step is not step:
            raise Reject(StatusWord.CONDITIONS_NOT_SATISFIED)

    def begin(self, step: Step, ephemeral: bytes) -> None:
        """Start anew with a fresh private key (32 bytes)."""
        self.wipe()
        self.step, self.ephemeral = step, ephemeral

    def meet(self, step: Step, peer: bytes) -> None:
        """Remember the peer's attestation key (65 bytes)."""
        self.step, self.peer = step, peer

    def open(self, step: Step, channel_key: bytes) -> None:
        """Keep the channel's key (16 bytes); the ephemeral one has served."""
        self.step, self.channel_key = step, channel_key
        self.ephemeral = self.peer = b""

    def wipe(self) -> None:
        """Forget everything."""
        self.step = Step.NONE
        self.ephemeral = self.peer = self.channel_key = b""
