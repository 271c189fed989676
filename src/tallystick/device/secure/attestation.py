"""The device's own key and what its factory gave it: who it is to a manager, and whom it trusts (attestation 0 and 1).

One record in flash. START of the provisioning writes the private key alone, so that a START repeated after a power cut answers
with the same public key; FINISH writes everything, once and for good. The record belongs to the device and not to its owner:
it survives a reset. The key signs session keys and attestation keys, never a message that a host chose as a whole.

The record is not sealed: the one key of the hardware is destroyed by a reset (`KeyProvider.destroy`), which this must survive.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Self

from tallystick.crypto import secp256k1
from tallystick.crypto.hash import sha256
from tallystick.crypto.scp import KeySigner
from tallystick.crypto.secret import Secret
from tallystick.device.hil import Flash, Rng
from tallystick.errors import ProtocolError, RemoteProtocolError, StateCorrupt, StateError, TrustError, UsageError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.certificate import device_message
from tallystick.wire.provisioning import (
    FinishProvisioning,
    StartedProvisioning,
    certificate_header,
)

_RECORD: Final = "attestation"
_MAGIC: Final = b"TATT"
_FORMAT: Final = 1
_CHECK_BYTES: Final = 32
_MAX_TRIES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """The record: the private key (32 bytes), and from FINISH on what the factory said."""

    private: Secret = field(repr=False)
    finish: FinishProvisioning | None = None

    def to_bytes(self) -> bytes:
        """Return the record with the SHA-256 of itself behind it."""
        writer = Writer().take(_MAGIC).u8(_FORMAT).take(self.private.reveal())
        if self.finish is not None:
            writer.take(self.finish.to_bytes())
        body = writer.to_bytes()
        return body + sha256(body)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read the record; raise RemoteProtocolError when it is not one."""
        body, check = raw[:-_CHECK_BYTES], raw[-_CHECK_BYTES:]
        reader = Reader(body)
        if sha256(body) != check or reader.take(4) != _MAGIC or reader.u8() != _FORMAT:
            raise RemoteProtocolError("the record of the device's key is none")
        private = Secret(reader.take(secp256k1.PRIVATE_KEY_LENGTH))
        rest = reader.rest()
        return cls(private=private, finish=FinishProvisioning.from_bytes(rest) if rest else None)


class Attestation:
    """Holds the device's key; nothing of it is made before it is asked for.

    Raises StateCorrupt when the record is damaged.
    """

    def __init__(self, *, flash: Flash, rng: Rng) -> None:
        self._flash = flash
        self._rng = rng
        self._signer: KeySigner | None = None
        raw = flash.read(_RECORD)
        try:
            self._stored = None if raw is None else _Stored.from_bytes(raw)
        except ProtocolError:
            raise StateCorrupt(f"the record {_RECORD} is damaged", remedy="restore a copy, or start afresh") from None

    def __repr__(self) -> str:
        return f"Attestation({'provisioned' if self.is_provisioned else 'not provisioned'})"

    @property
    def is_provisioned(self) -> bool:
        """Whether a factory made this device one of its own."""
        return self._stored is not None and self._stored.finish is not None

    @property
    def has_key(self) -> bool:
        """Whether the device made its key."""
        return self._stored is not None

    @property
    def factory(self) -> FinishProvisioning:
        """What the factory gave: certificate, signer serial and trusted keys. Raises StateError before that."""
        if self._stored is None or self._stored.finish is None:
            raise StateError("the device has no certificate yet", remedy="provision it: tally factory provision")
        return self._stored.finish

    @property
    def signer(self) -> KeySigner:
        """The device's key, to sign with. Raises StateError when there is none yet."""
        if self._stored is None:
            raise StateError("the device has no key yet", remedy="provision it: tally factory provision")
        if self._signer is None:
            self._signer = KeySigner(self._stored.private)
        return self._signer

    def start(self, *, challenge: bytes, serial: str) -> StartedProvisioning:
        """Make the key if there is none, keep it, and prove that it is here.

        Raises:
            StateError: the record cannot be written, or the source of randomness gives no key.

        """
        if self._stored is None:
            stored = _Stored(private=self._new_key())
            self._flash.write(_RECORD, stored.to_bytes())
            self._stored = stored
        public = self.signer.public_key
        message = StartedProvisioning.proof_message(challenge=challenge, serial=serial, device_public_key=public)
        return StartedProvisioning(serial=serial, device_public_key=public, proof=self.signer.sign(message))

    def finish(self, message: FinishProvisioning, *, serial: str) -> None:
        """Take the certificate and the trusted keys, once.

        Raises:
            TrustError: the signature does not hold, the header is another device's, or a key is none.
            StateError: START was not given, it was done before, or the record cannot be written.

        """
        if self._stored is None or self._stored.finish is not None:
            raise StateError("there is nothing to finish")
        signed = device_message(header=message.header, public_key=self.signer.public_key)
        try:
            secp256k1.compress(message.software_public_key)
            holds = message.header == certificate_header(serial) and secp256k1.verify_ecdsa_der(
                message.issuer_public_key, sha256(signed), message.issuer_signature
            )
        except (UsageError, RemoteProtocolError):
            holds = False
        if not holds:
            raise TrustError("the certificate does not hold for this device")
        stored = _Stored(private=self._stored.private, finish=message)
        self._flash.write(_RECORD, stored.to_bytes())
        self._stored = stored

    def _new_key(self) -> Secret:
        for _ in range(_MAX_TRIES):
            private = Secret(self._rng.read(secp256k1.PRIVATE_KEY_LENGTH))
            if secp256k1.is_valid_private_key(private):
                return private
        raise StateError("the source of randomness gives no key")
