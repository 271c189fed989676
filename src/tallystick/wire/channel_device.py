"""The device's side of the secure channel's handshake (wire-protocol D.1, attestation 2).

::

    IDLE ──E0 04──► TARGETED ──E0 50──► CHALLENGED ──E0 51 00──► ASKED ──accept──► SIGNED ──E0 51 80──► KEYED ──E0 53──► OPEN
                                             │                                     ▲  │ E0 51 00: one more link
                                             │                                     └──┘
                                             └──E0 51 80 by a trusted key──► ASKED ──accept──► KEYED

``E0 04`` is taken everywhere. ``E0 52`` is answered in KEYED only, so nothing that tells this device from others leaves it
before the person agreed; ``E0 53`` wants both certificates given. Whatever does not hold ends the session: 6985 out of order,
6700 for a length, 6982 for a signature or a key, 6484 for another target; then the next step is ``E0 04``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto, unique
from typing import Final

from tallystick.errors import LocalProtocolError, RemoteProtocolError, UsageError
from tallystick.wire.certificate import (
    NONCE_BYTES,
    PUBLIC_KEY_BYTES,
    DeviceCertificate,
    HostCertificate,
    device_ephemeral_message,
    host_ephemeral_message,
    signer_message,
)
from tallystick.wire.channel_seam import Channel, ChannelEphemeral, ChannelSigner, ChannelSuite

__all__ = ["DeviceCredentials", "DeviceHandshake", "HostSigner", "TrustedKey"]

SERIAL_BYTES: Final = 4
_TARGET_BYTES: Final = 4
_MAX_LINKS: Final = 8
_WRONG_TARGET: Final = 0x6484
_WRONG_LENGTH: Final = 0x6700
_NOT_AUTHENTIC: Final = 0x6982
_OUT_OF_ORDER: Final = 0x6985


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCredentials:
    """What a device got in the factory: its key, the issuer's certificate of it, and which issuer that was (4 bytes)."""

    key: ChannelSigner
    certificate: DeviceCertificate
    signer_serial: bytes

    def __post_init__(self) -> None:
        if len(self.signer_serial) != SERIAL_BYTES or self.certificate.public_key != self.key.public_key:
            raise LocalProtocolError("a signer serial has 4 bytes, and a device's certificate is of its own key")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """A key (65 bytes) that may vouch for hosts, with the name a person knows it by."""

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        if len(self.public_key) != PUBLIC_KEY_BYTES:
            raise LocalProtocolError(f"a public key has {PUBLIC_KEY_BYTES} bytes, not {len(self.public_key)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSigner:
    """Who wants to open a channel: a verified key (65 bytes), and the name of the trusted key behind it.

    `authority` is None for a key that only vouches for itself: to be shown as unsafe, with the key.
    """

    public_key: bytes
    authority: str | None


@unique
class _State(Enum):
    IDLE = auto()
    TARGETED = auto()
    CHALLENGED = auto()
    ASKED = auto()
    SIGNED = auto()
    KEYED = auto()
    OPEN = auto()


class DeviceHandshake:
    """One device's end; used again for each handshake. Make another when the trusted keys change.

    It knows no screen: `validate` returns whom to ask the person about, and `accept` or `refuse` says what came of it. An
    agreement that still covers the key is the caller's to know: it accepts without asking. Raises UsageError for a target
    of the first generation.
    """

    def __init__(
        self, *, target_id: int, credentials: DeviceCredentials, suite: ChannelSuite, trusted: Sequence[TrustedKey]
    ) -> None:
        if target_id & 0x0F < 2:
            raise UsageError(f"target {target_id:08x} speaks the first secure channel, which is not supported")
        self._target_id = target_id
        self._credentials = credentials
        self._suite = suite
        self._trusted = tuple(trusted)
        self.reset()

    def reset(self) -> None:
        """Forget the session: at a disconnection, a lock, the start of an app."""
        self._state = _State.IDLE
        self._after_consent = _State.IDLE
        self._host_nonce = self._device_nonce = self._signer = self._host_ephemeral = b""
        self._links = 0
        self._ephemeral: ChannelEphemeral | None = None
        self._ephemeral_certificate = b""
        self._certificate_given = False

    @property
    def identified(self) -> bool:
        """Whether the host has both certificates: attestation keys may be made from now on, with or without ``E0 53``."""
        return self._state in {_State.KEYED, _State.OPEN} and self._certificate_given and self._ephemeral is not None

    def select(self, data: bytes) -> None:
        """Take the data of ``E0 04``: a target id (4 bytes). Ends any session before it."""
        self.reset()
        if len(data) != _TARGET_BYTES:
            raise RemoteProtocolError(f"a target id has {_TARGET_BYTES} bytes, not {len(data)}", status=_WRONG_LENGTH)
        if int.from_bytes(data, "big") != self._target_id:
            raise RemoteProtocolError("this is another target", status=_WRONG_TARGET)
        self._state = _State.TARGETED

    def challenge(self, data: bytes) -> bytes:
        """Take the data of ``E0 50``, the host's nonce (8 bytes); return the signer serial (4) and a fresh nonce (8)."""
        with self._step(_State.TARGETED):
            if len(data) != NONCE_BYTES:
                raise RemoteProtocolError(f"a nonce has {NONCE_BYTES} bytes, not {len(data)}", status=_WRONG_LENGTH)
            self._host_nonce = bytes(data)
            self._device_nonce = self._suite.nonce()
            self._state = _State.CHALLENGED
            return self._credentials.signer_serial + self._device_nonce

    def validate(self, data: bytes, *, ephemeral: bool) -> HostSigner | None:
        """Take the data of ``E0 51``, `ephemeral` for P1 = 80; return whom to ask about, None where nothing is to be asked.

        The question is about the first key of a chain; the links after it follow from it.
        """
        with self._step(_State.CHALLENGED, _State.SIGNED):
            certificate = HostCertificate.from_bytes(data)
            return self._take_ephemeral(certificate) if ephemeral else self._take_link(certificate)

    def accept(self) -> None:
        """Go on after `validate` returned somebody to ask about; raise LocalProtocolError when it did not."""
        if self._state is not _State.ASKED:
            raise LocalProtocolError("nobody was asked about")
        self._state = self._after_consent

    def refuse(self) -> None:
        """End the session: the person said no."""
        self.reset()

    def certificate(self, *, ephemeral: bool) -> bytes:
        """Return the answer to ``E0 52``: the issuer's certificate, or with P1 = 80 that of the key of this session."""
        with self._step(_State.KEYED):
            if not ephemeral:
                self._certificate_given = True
                return self._credentials.certificate.to_bytes()
            if self._ephemeral is None:
                self._ephemeral = self._suite.ephemeral()
                self._ephemeral_certificate = self._certify(self._ephemeral.public_key)
            return self._ephemeral_certificate

    def open(self) -> Channel:
        """Take ``E0 53``; return the open channel."""
        with self._step(_State.KEYED):
            if self._ephemeral is None or not self._certificate_given:
                raise RemoteProtocolError("the certificates were not asked for", status=_OUT_OF_ORDER)
            try:
                records = self._ephemeral.agree(self._host_ephemeral, target_id=self._target_id)
            except UsageError:
                raise RemoteProtocolError("the host's key is not on the curve", status=_NOT_AUTHENTIC) from None
            self._state = _State.OPEN
            return Channel(records)

    @contextmanager
    def _step(self, *expected: _State) -> Iterator[None]:
        """Refuse out of order, and end the session with whatever goes wrong inside."""
        try:
            if self._state not in expected:
                raise RemoteProtocolError("this step is out of order", status=_OUT_OF_ORDER)
            yield
        except RemoteProtocolError:
            self.reset()
            raise

    def _take_link(self, certificate: HostCertificate) -> HostSigner | None:
        message = signer_message(certificate.public_key)
        if self._links == _MAX_LINKS:
            raise RemoteProtocolError(f"a chain has at most {_MAX_LINKS} links", status=_OUT_OF_ORDER)
        self._links += 1
        if self._state is _State.SIGNED:
            if not self._suite.verify(self._signer, message, certificate.signature):
                raise RemoteProtocolError("the chain of signers is broken", status=_NOT_AUTHENTIC)
            self._signer = certificate.public_key
            return None
        known = self._authority_of(message, certificate)
        if known is None and not self._suite.verify(certificate.public_key, message, certificate.signature):
            raise RemoteProtocolError("nobody known signed for this signer", status=_NOT_AUTHENTIC)
        return self._ask(certificate.public_key, authority=known.name if known else None, then=_State.SIGNED)

    def _take_ephemeral(self, certificate: HostCertificate) -> HostSigner | None:
        message = host_ephemeral_message(
            host_nonce=self._host_nonce, device_nonce=self._device_nonce, public_key=certificate.public_key
        )
        self._host_ephemeral = certificate.public_key
        if self._state is _State.SIGNED:
            if not self._suite.verify(self._signer, message, certificate.signature):
                raise RemoteProtocolError("the host's key is not signed by its signer", status=_NOT_AUTHENTIC)
            self._state = _State.KEYED
            return None
        # a remote HSM sends no static certificate: the device has to know its key already (wire-protocol D.1)
        known = self._authority_of(message, certificate)
        if known is None:
            raise RemoteProtocolError("nobody known signed the host's key", status=_NOT_AUTHENTIC)
        return self._ask(known.public_key, authority=known.name, then=_State.KEYED)

    def _authority_of(self, message: bytes, certificate: HostCertificate) -> TrustedKey | None:
        for trusted in self._trusted:
            if self._suite.verify(trusted.public_key, message, certificate.signature):
                return trusted
        return None

    def _ask(self, signer: bytes, *, authority: str | None, then: _State) -> HostSigner:
        self._signer, self._state, self._after_consent = signer, _State.ASKED, then
        return HostSigner(public_key=signer, authority=authority)

    def _certify(self, public_key: bytes) -> bytes:
        message = device_ephemeral_message(
            host_nonce=self._host_nonce, device_nonce=self._device_nonce, public_key=public_key
        )
        return DeviceCertificate(public_key=public_key, signature=self._credentials.key.sign(message)).to_bytes()
