"""Whether a device is what it says: known issuers, and the chain from one of them to a handshake (attestation 1, 2).

An issuer certified the device's key, and the device's key signed this very handshake. Both are checked here with public keys
alone, no server: by a handshake of our own, or by looking on while a manager shakes hands (`Witness`). In the second case the
manager chose the nonce, so that what is learnt is as fresh as the manager is honest.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tallystick.crypto.scp import KeySigner, Suite
from tallystick.crypto.secp256k1 import is_valid_private_key
from tallystick.errors import RemoteProtocolError, TrustError
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.attestation import SLOTS, Endorsement, HandshakeProof
from tallystick.wire.buffer import Reader
from tallystick.wire.certificate import NONCE_BYTES, DeviceCertificate, EndorsedKey
from tallystick.wire.dashboard import CLA_OS, Ins

_SERIAL_BYTES: Final = 4
_EPHEMERAL: Final = 0x80
#: how the header of our devices' certificates begins; six bytes of serial number follow
_OUR_HEADER: Final = 0x10
_OUR_HEADER_BYTES: Final = 7
_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Who certifies devices: a name for people, and the key (65 bytes)."""

    name: str
    public_key: bytes


#: the vendor's first batch, as its own open tools name it (attestation 1)
VENDOR_ISSUER: Final = Issuer(
    name="vendor",
    public_key=bytes.fromhex(
        "0490f5c9d15a0134bb019d2afd0bf297149738459706e7ac5be4abc350a1f818057"
        "224fce12ec9a65de18ec34d6e8c24db927835ea1692b14c32e9836a75dad609"
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceChain:
    """What a handshake proved: the device owns the key in `device`; `issuer` certified it, None when no known one did."""

    device: DeviceCertificate
    signer_serial: bytes
    issuer: Issuer | None

    @property
    def serial(self) -> str | None:
        """The six bytes of serial number of one of our devices, in hexadecimal; None where the header is of another form."""
        header = self.device.header
        if len(header) != _OUR_HEADER_BYTES or header[0] != _OUR_HEADER:
            return None
        return header[1:].hex()


class _SystemRandom:
    """The kernel's randomness."""

    def read(self, size_bytes: int) -> bytes:
        """Return `size_bytes` fresh bytes."""
        return secrets.token_bytes(size_bytes)


class _Challenged(Suite):
    """Shakes hands with the nonce of somebody who is not here."""

    __slots__ = ("_challenge",)

    def __init__(self, challenge: bytes) -> None:
        super().__init__(rng=_SystemRandom())
        self._challenge = challenge

    def nonce(self) -> bytes:
        """Return the challenge."""
        return self._challenge


def system_suite(*, challenge: bytes | None = None) -> Suite:
    """Return the cryptography of handshakes, with the kernel's randomness; `challenge` (8 bytes) stands for the host's nonce."""
    return Suite(rng=_SystemRandom()) if challenge is None else _Challenged(challenge)


def fresh_signer() -> KeySigner:
    """Return a key for one conversation: nobody's, so a device asks its person about it."""
    private = secrets.token_bytes(_KEY_BYTES)
    while not is_valid_private_key(private):
        private = secrets.token_bytes(_KEY_BYTES)
    return KeySigner(private)


def issuer_of(device: DeviceCertificate, issuers: Iterable[Issuer]) -> Issuer | None:
    """Return which of these issuers certified a device, or None."""
    suite = system_suite()
    return next((one for one in issuers if suite.verify(one.public_key, device.message, device.signature)), None)


@dataclass(slots=True, kw_only=True)
class Witness:
    """Looks on while a manager and a device shake hands, and while attestation keys are made; nothing of it is secret."""

    _host_nonce: bytes = b""
    _device_nonce: bytes = b""
    _serial: bytes = b""
    _device: DeviceCertificate | None = field(default=None)
    _session: DeviceCertificate | None = field(default=None)
    _slot: int = 0
    _made: EndorsedKey | None = field(default=None)
    _certificate: bytes = b""

    def observe(self, command: CommandApdu, answer: bytes) -> None:
        """Note a command that the device took, and the data of its answer; raise RemoteProtocolError for a bad certificate."""
        if command.cla != CLA_OS:
            return
        if command.ins == Ins.CHANNEL_NONCE:
            reader = Reader(answer)
            self._serial, self._device_nonce = reader.take(_SERIAL_BYTES), reader.take(NONCE_BYTES)
            self._host_nonce = command.data
            self._device = self._session = None
        elif command.ins == Ins.CHANNEL_DEVICE_CERTIFICATE and command.p1 == _EPHEMERAL:
            self._session = DeviceCertificate.from_bytes(answer)
        elif command.ins == Ins.CHANNEL_DEVICE_CERTIFICATE:
            self._device = DeviceCertificate.from_bytes(answer)
        elif command.ins == Ins.ENDORSEMENT_START:
            self._slot, self._made, self._certificate = command.p1, EndorsedKey.from_bytes(answer), b""
        elif command.ins == Ins.ENDORSEMENT_COMMIT:
            self._certificate = command.data

    def chain(self, issuers: Iterable[Issuer]) -> DeviceChain:
        """Return what the handshake proved; raise TrustError when the device did not sign it or it was not whole."""
        proof = self.proof()
        return DeviceChain(
            device=proof.device, signer_serial=proof.signer_serial, issuer=issuer_of(proof.device, issuers)
        )

    def proof(self) -> HandshakeProof:
        """Return the handshake as others can verify it; raises as `chain` does."""
        if self._device is None or self._session is None or len(self._host_nonce) != NONCE_BYTES:
            raise TrustError("the manager did not ask the device who it is", remedy="check it with: --offline")
        proof = HandshakeProof(
            device=self._device,
            signer_serial=self._serial,
            host_nonce=self._host_nonce,
            device_nonce=self._device_nonce,
            session=self._session,
        )
        if not system_suite().verify(proof.device.public_key, proof.message, proof.session.signature):
            raise TrustError("the device did not sign this session with the key it shows")
        return proof

    def endorsement(self) -> Endorsement:
        """Return the attestation key that was made, with the certificate that was stored, if any.

        Raises TrustError when none was made, or not by the device of this handshake.
        """
        proof = self.proof()
        if self._made is None or self._slot not in SLOTS:
            raise TrustError("no attestation key was made")
        endorsement = Endorsement(
            slot=self._slot,
            key=self._made,
            device=proof.device,
            signer_serial=proof.signer_serial,
            owner_certificate=self._certificate,
        )
        if not system_suite().verify(proof.device.public_key, endorsement.message, self._made.signature):
            raise TrustError("the device did not sign the attestation key it made")
        return endorsement


def parse_issuer_key(text: str) -> bytes:
    """Read a public key in hexadecimal, 65 bytes beginning with 04; raise RemoteProtocolError for anything else."""
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != 65 or key[0] != 0x04:
        raise RemoteProtocolError("an issuer's key is 65 bytes in hexadecimal, beginning with 04")
    return key
