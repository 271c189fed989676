"""What the secure channel asks of cryptography, and the open channel itself (wire-protocol D).

The Protocols here are met by `tallystick.crypto.scp` and by anything that keeps its keys elsewhere: an HSM, a secure world.
"""

from __future__ import annotations

from typing import Protocol

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.dashboard import Ins, request

__all__ = ["Channel", "ChannelEphemeral", "ChannelRecords", "ChannelSigner", "ChannelSuite"]

_NOT_AUTHENTIC = 0x6982


class ChannelSigner(Protocol):
    """A key that signs, wherever it is kept: a host's static key, a device's key, an issuer."""

    @property
    def public_key(self) -> bytes:
        """The public key, 65 bytes beginning with 04."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the ECDSA signature of SHA-256(`message`): DER, low s."""
        ...


class ChannelRecords(Protocol):
    """The record layer of one channel: one chain for both directions."""

    def seal(self, plain: bytes) -> bytes:
        """Return the record of `plain` (one byte at least)."""
        ...

    def open(self, record: bytes) -> bytes:
        """Return the content of a record; raise RemoteProtocolError (6700, 6982) when it does not hold."""
        ...


class ChannelEphemeral(Protocol):
    """The key of one handshake."""

    @property
    def public_key(self) -> bytes:
        """The public key, 65 bytes beginning with 04."""
        ...

    def agree(self, public_key: bytes, *, target_id: int) -> ChannelRecords:
        """Return the records shared with the owner of `public_key` (65 bytes); raise UsageError when that is no point."""
        ...


class ChannelSuite(Protocol):
    """Fresh values and verification for handshakes."""

    def nonce(self) -> bytes:
        """Return 8 fresh bytes."""
        ...

    def ephemeral(self) -> ChannelEphemeral:
        """Return a fresh key."""
        ...

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Tell whether `signature` (DER, any s) is one of `public_key` over SHA-256(`message`); False for a bad key."""
        ...


class Channel:
    """An open channel, the same for both ends: the host wraps commands, the device answers, in strict order.

    Nothing is nothing: an empty answer is not wrapped and does not move the chain. One record that does not hold closes the
    channel for good, since its chain can no longer be the peer's. Without `records` it is closed from the beginning.
    """

    __slots__ = ("_records",)

    def __init__(self, records: ChannelRecords | None = None) -> None:
        self._records = records

    @property
    def closed(self) -> bool:
        """Whether nothing goes through any more."""
        return self._records is None

    def close(self) -> None:
        """Forget the keys; twice is harmless."""
        self._records = None

    def wrap(self, plain: bytes) -> bytes:
        """Return the record of `plain`, nothing for nothing; raise LocalProtocolError when the channel is closed."""
        if self._records is None:
            raise LocalProtocolError("the secure channel is closed")
        return self._records.seal(plain) if plain else b""

    def unwrap(self, record: bytes) -> bytes:
        """Return the content of `record`, nothing for nothing.

        Raises RemoteProtocolError (6700 for its length, 6982 for its MAC or padding), and 6982 for any record from then on.
        """
        if self._records is None:
            raise RemoteProtocolError("the secure channel is closed", status=_NOT_AUTHENTIC)
        if not record:
            return b""
        try:
            return self._records.open(record)
        except RemoteProtocolError:
            self.close()
            raise

    def command(self, plain: bytes, *, ins: Ins = Ins.CHANNEL, p1: int = 0) -> CommandApdu:
        """Return the APDU that carries `plain` (at most 239 bytes fit a short APDU)."""
        return request(ins, p1, data=self.wrap(plain))
