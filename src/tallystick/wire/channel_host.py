"""The host's side of the secure channel's handshake (wire-protocol D.1, attestation 2)."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Final

from tallystick.errors import LocalProtocolError, RemoteProtocolError, TrustError, UsageError
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.buffer import Reader
from tallystick.wire.certificate import (
    NONCE_BYTES,
    DeviceCertificate,
    HostCertificate,
    device_ephemeral_message,
    host_ephemeral_message,
    signer_message,
)
from tallystick.wire.channel_seam import Channel, ChannelEphemeral, ChannelSigner, ChannelSuite
from tallystick.wire.dashboard import Ins, request

__all__ = ["HostHandshake", "OpenChannel", "Unsigned"]

_SERIAL_BYTES: Final = 4
_LAST: Final = 0x80
_EPHEMERAL: Final = 0x80
_DEVICE: Final = request(Ins.CHANNEL_DEVICE_CERTIFICATE)
_SESSION: Final = request(Ins.CHANNEL_DEVICE_CERTIFICATE, _EPHEMERAL)
_AUTHENTICATE: Final = request(Ins.CHANNEL_AUTHENTICATE)


@dataclass(frozen=True, slots=True)
class Unsigned:
    """What the host's static key has to sign before a handshake goes on; the answer is the signature of its SHA-256 (DER)."""

    message: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenChannel:
    """What a handshake gave: the channel (closed when it was left before its last step) and who is at the other end.

    `device` holds the key that signed this very handshake. `issuer` is the key (65 bytes) that certified it, of those the
    host asked for; None when none of them did: then nothing is known about the device.
    """

    channel: Channel
    device: DeviceCertificate
    signer_serial: bytes
    issuer: bytes | None

    @property
    def genuine(self) -> bool:
        """Whether one of the expected issuers certified the device."""
        return self.issuer is not None


class HostHandshake:
    """A host that opens channels to devices of one target; may be run many times, also at once.

    `signer` is the host's static key; `chain` are its certificates from a key that devices know down to itself, by default
    one that it signs itself. `issuers` (65 bytes each) are those whose devices count as genuine. Raises UsageError for a
    target of the first generation, LocalProtocolError for a chain that does not end in `signer`.
    """

    def __init__(
        self,
        *,
        target_id: int,
        signer: ChannelSigner,
        suite: ChannelSuite,
        issuers: Sequence[bytes] = (),
        chain: Sequence[HostCertificate] = (),
    ) -> None:
        if target_id & 0x0F < 2:
            raise UsageError(f"target {target_id:08x} speaks the first secure channel, which is not supported")
        self._target_id = target_id
        self._signer = signer
        self._suite = suite
        self._issuers = tuple(issuers)
        self._chain = tuple(chain) or (_self_signed(signer),)
        if self._chain[-1].public_key != signer.public_key:
            raise LocalProtocolError("the chain of certificates does not end in the signer's key")
        # what is the same for every device is made once
        self._select = request(Ins.VALIDATE_TARGET_ID, data=target_id.to_bytes(4, "big"))
        self._links = tuple(request(Ins.CHANNEL_HOST_CERTIFICATE, data=link.to_bytes()) for link in self._chain)

    def run(self, *, authenticate: bool = True) -> Generator[CommandApdu, bytes, OpenChannel]:
        """Yield the commands, be sent the data of their answers (9000 already checked), and return what came of it.

        Without `authenticate` the last step is left out, as for endorsement. Raises TrustError when the device does not own
        the key it shows, RemoteProtocolError for answers that make no sense.
        """
        steps = self.steps(authenticate=authenticate)
        answer: bytes | None = None
        while True:
            try:
                step = next(steps) if answer is None else steps.send(answer)
            except StopIteration as end:
                opened: OpenChannel = end.value
                return opened
            answer = self._signer.sign(step.message) if isinstance(step, Unsigned) else (yield step)

    def steps(self, *, authenticate: bool = True) -> Generator[CommandApdu | Unsigned, bytes, OpenChannel]:
        """Do as `run` does, but leave the one signature to the caller, who may know of a better place to wait for it."""
        yield self._select
        host_nonce = self._suite.nonce()
        serial, device_nonce = _read_challenge((yield request(Ins.CHANNEL_NONCE, data=host_nonce)))
        for link in self._links:  # noqa: UP028 -- what is sent back belongs to nobody here
            yield link
        ephemeral = self._suite.ephemeral()
        key = ephemeral.public_key
        signature = yield Unsigned(
            host_ephemeral_message(host_nonce=host_nonce, device_nonce=device_nonce, public_key=key)
        )
        certificate = HostCertificate(public_key=key, signature=signature)
        yield request(Ins.CHANNEL_HOST_CERTIFICATE, _LAST, data=certificate.to_bytes())
        device = DeviceCertificate.from_bytes((yield _DEVICE))
        session = DeviceCertificate.from_bytes((yield _SESSION))
        message = device_ephemeral_message(
            host_nonce=host_nonce, device_nonce=device_nonce, public_key=session.public_key
        )
        if not self._suite.verify(device.public_key, message, session.signature):
            raise TrustError("the device did not sign this session with the key it shows")
        issuer = self._issuer_of(device)
        channel = Channel()
        if authenticate:
            yield _AUTHENTICATE
            channel = self._agree(ephemeral, session.public_key)
        return OpenChannel(channel=channel, device=device, signer_serial=serial, issuer=issuer)

    def _issuer_of(self, device: DeviceCertificate) -> bytes | None:
        for issuer in self._issuers:
            if self._suite.verify(issuer, device.message, device.signature):
                return issuer
        return None

    def _agree(self, ephemeral: ChannelEphemeral, public_key: bytes) -> Channel:
        try:
            return Channel(ephemeral.agree(public_key, target_id=self._target_id))
        except UsageError:
            raise RemoteProtocolError("the device's key is not on the curve") from None


def _self_signed(signer: ChannelSigner) -> HostCertificate:
    key = signer.public_key
    return HostCertificate(public_key=key, signature=signer.sign(signer_message(key)))


def _read_challenge(answer: bytes) -> tuple[bytes, bytes]:
    reader = Reader(answer)
    serial, nonce = reader.take(_SERIAL_BYTES), reader.take(NONCE_BYTES)
    reader.finish()
    return serial, nonce
