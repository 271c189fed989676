"""How a factory makes a device one of its own: two plain commands that exist only until it has been done (attestation 1).

=============== ====================================== =========================================================
``E0 F0 00 00`` ``challenge(32)``                      ``01 LV serial LV devicePub LV proof``
``E0 F2 00 00`` ``01 LV header LV signature serial(4)  nothing
                issuerPub(65) softwarePub(65)``
=============== ====================================== =========================================================

Both instructions are our own: no published client sends them (wire-protocol B, C). START makes the device's key pair if there
is none yet, and keeps it, so that a START repeated after a cut answers with the same key; `proof` shows that the device holds
the private key and answers now. FINISH brings the issuer's certificate and the keys that the device trusts; the device
verifies it and stores everything in one write. From then on both are unknown instructions (6D00): provisioning is one-shot.

Each message fits one short APDU, so there are no chunks. Sizes are exact, nothing may follow; a wrong one is 6700.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, unique
from typing import Final, Self

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.dashboard import CLA_OS

__all__ = [
    "CHALLENGE_BYTES",
    "HEADER_BYTES",
    "MAX_SERIAL_BYTES",
    "SIGNER_SERIAL_BYTES",
    "FinishProvisioning",
    "ProvisioningIns",
    "StartProvisioning",
    "StartedProvisioning",
    "certificate_header",
]

CHALLENGE_BYTES: Final = 32
#: ``10`` and six bytes of serial, as long as that of real devices
HEADER_BYTES: Final = 7
MAX_SERIAL_BYTES: Final = 32
#: names the issuer's key, the same for all devices of a batch
SIGNER_SERIAL_BYTES: Final = 4

_FORMAT = 1
_POINT_BYTES = 65
_UNCOMPRESSED = 4
#: shortest and longest DER signature that libraries produce
_SIGNATURE_BYTES = range(8, 73)
_HEADER_KIND = b"\x10"
_SERIAL_DIGITS = 2 * (HEADER_BYTES - 1)
#: role byte of our proof, which no other signed message begins with (attestation 0)
_PROOF_ROLE = b"\xf0"


@unique
class ProvisioningIns(IntEnum):
    """Instructions of class E0 on a device that has no certificate yet."""

    START = 0xF0
    FINISH = 0xF2


def certificate_header(serial: str) -> bytes:
    """Return the certificate's header for a serial number: ``10`` and its hexadecimal end as six bytes (attestation 1).

    ``tallystick-0badcafe`` gives ``10 00 00 0b ad ca fe``. Raises RemoteProtocolError for a serial that does not end in
    ``-`` and 1 to 12 hexadecimal digits in lower case: two devices must never share a header.
    """
    digits = serial.rpartition("-")[2]
    if "-" not in serial or not 1 <= len(digits) <= _SERIAL_DIGITS or set(digits) - set("0123456789abcdef"):
        raise RemoteProtocolError("a serial number ends in '-' and 1 to 12 hexadecimal digits")
    return _HEADER_KIND + bytes.fromhex(digits.zfill(_SERIAL_DIGITS))


@dataclass(frozen=True, slots=True, kw_only=True)
class StartProvisioning:
    """The data of START: 32 random bytes of the factory, new for each try."""

    challenge: bytes

    def __post_init__(self) -> None:
        if len(self.challenge) != CHALLENGE_BYTES:
            raise LocalProtocolError(f"a challenge has {CHALLENGE_BYTES} bytes")

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read the data. Raises RemoteProtocolError (6700)."""
        reader = Reader(raw)
        message = cls(challenge=reader.take(CHALLENGE_BYTES))
        reader.finish()
        return message

    def to_bytes(self) -> bytes:
        """Return the data."""
        return self.challenge

    def to_apdu(self) -> CommandApdu:
        """Return ``E0 F0 00 00 20 challenge``."""
        return CommandApdu(CLA_OS, ProvisioningIns.START, 0, 0, self.to_bytes())


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedProvisioning:
    """The answer to START: the serial number as text, the device's public key (65 bytes), a DER signature by that key.

    The signature is over SHA-256 of `proof_message`.
    """

    serial: str
    device_public_key: bytes
    proof: bytes

    def __post_init__(self) -> None:
        raw = self.serial.encode()
        if not 1 <= len(raw) <= MAX_SERIAL_BYTES or not (self.serial.isascii() and self.serial.isprintable()):
            raise LocalProtocolError(f"a serial number is 1 to {MAX_SERIAL_BYTES} printable ASCII characters")
        _check_point(self.device_public_key, LocalProtocolError("a device's public key is a point of 65 bytes"))
        _check_signature(self.proof, LocalProtocolError("a proof is a DER signature of at most 72 bytes"))

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read the answer without its status word. Raises RemoteProtocolError."""
        reader = Reader(raw)
        if reader.u8() != _FORMAT:
            raise reader.error("the answer to START has an unknown format")
        serial, public_key, proof = reader.text_lv(), reader.lv(), reader.lv()
        reader.finish()
        if not 1 <= len(serial) <= MAX_SERIAL_BYTES or not (serial.isascii() and serial.isprintable()):
            raise reader.error("the serial number is not printable ASCII of the right length")
        _check_point(public_key, reader.error("the device's public key is not a point of 65 bytes"))
        _check_signature(proof, reader.error("the proof has no signature's length"))
        return cls(serial=serial, device_public_key=public_key, proof=proof)

    def to_bytes(self) -> bytes:
        """Return the answer without its status word."""
        return Writer().u8(_FORMAT).text_lv(self.serial).lv(self.device_public_key).lv(self.proof).to_bytes()

    @staticmethod
    def proof_message(*, challenge: bytes, serial: str, device_public_key: bytes) -> bytes:
        """Return what the device signs: ``F0 challenge(32) LV serial devicePub(65)``, with a role byte of its own."""
        return Writer().take(_PROOF_ROLE).take(challenge).text_lv(serial).take(device_public_key).to_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishProvisioning:
    """The data of FINISH: the certificate and the keys the device trusts from now on.

    `header` (7 bytes) is signed with the device's public key by the issuer (`issuer_signature`, DER, over SHA-256 of
    `tallystick.wire.certificate.device_message`); `signer_serial` (4 bytes) names the issuer's key in ``E0 50``; public keys have 65 bytes.
    A device answers a signature that does not hold with 6982 and stays as it was.
    """

    header: bytes
    issuer_signature: bytes
    signer_serial: bytes
    issuer_public_key: bytes
    software_public_key: bytes

    def __post_init__(self) -> None:
        if len(self.header) != HEADER_BYTES or len(self.signer_serial) != SIGNER_SERIAL_BYTES:
            raise LocalProtocolError("a header has 7 bytes, a signer's serial 4")
        _check_signature(self.issuer_signature, LocalProtocolError("a signature is DER of at most 72 bytes"))
        for key in (self.issuer_public_key, self.software_public_key):
            _check_point(key, LocalProtocolError("a public key is a point of 65 bytes"))

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read the data. Raises RemoteProtocolError (6700); whether keys and signature are good is for the device to see."""
        reader = Reader(raw)
        if reader.u8() != _FORMAT:
            raise reader.error("FINISH has an unknown format")
        header, signature = reader.lv(), reader.lv()
        signer_serial, issuer, software = (
            reader.take(SIGNER_SERIAL_BYTES),
            reader.take(_POINT_BYTES),
            reader.take(_POINT_BYTES),
        )
        reader.finish()
        if len(header) != HEADER_BYTES:
            raise reader.error("the certificate's header has not 7 bytes")
        _check_signature(signature, reader.error("the issuer's signature has no signature's length"))
        for key in (issuer, software):
            _check_point(key, reader.error("a trusted key is not a point of 65 bytes"))
        return cls(
            header=header,
            issuer_signature=signature,
            signer_serial=signer_serial,
            issuer_public_key=issuer,
            software_public_key=software,
        )

    def to_bytes(self) -> bytes:
        """Return the data: at most 216 bytes."""
        writer = Writer().u8(_FORMAT).lv(self.header).lv(self.issuer_signature).take(self.signer_serial)
        return writer.take(self.issuer_public_key).take(self.software_public_key).to_bytes()

    def to_apdu(self) -> CommandApdu:
        """Return ``E0 F2 00 00 Lc …``."""
        return CommandApdu(CLA_OS, ProvisioningIns.FINISH, 0, 0, self.to_bytes())


def _check_point(raw: bytes, error: LocalProtocolError | RemoteProtocolError) -> None:
    """Raise `error` unless `raw` has a public key's form; whether it is on the curve is seen where curves are known."""
    if len(raw) != _POINT_BYTES or raw[0] != _UNCOMPRESSED:
        raise error


def _check_signature(raw: bytes, error: LocalProtocolError | RemoteProtocolError) -> None:
    if len(raw) not in _SIGNATURE_BYTES:
        raise error
