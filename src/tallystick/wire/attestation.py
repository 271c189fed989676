"""What a host keeps of a device's attestation, as JSON for whoever verifies it elsewhere (attestation 1 to 3).

Two documents, all members texts in hexadecimal unless said otherwise::

    {"format": "tallystick-device/1", "signer_serial", "host_nonce", "device_nonce", DEVICE,
     "session_public_key", "session_signature"}
    {"format": "tallystick-endorsement/1", "slot": 1 or 2 (a number), "signer_serial", DEVICE,
     "attestation_public_key", "attestation_signature", "owner_public_key", "owner_certificate"}

where DEVICE is ``"header", "device_public_key", "issuer_signature"``. The last two of an endorsement are empty until an owner
has certified the key. Nothing here is secret, but both name the device: its key is the same for ever. Whoever wants to prove
less shows the attestation key and the owner's certificate alone. Whether a signature holds is not for this module to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Self

from tallystick.errors import LocalProtocolError
from tallystick.wire.certificate import (
    MAX_SIGNATURE_BYTES,
    NONCE_BYTES,
    DeviceCertificate,
    EndorsedKey,
    device_ephemeral_message,
    endorsement_message,
)
from tallystick.wire.strict_json import Fields, strict_json

__all__ = ["MAX_ATTESTATION_BYTES", "SLOTS", "Endorsement", "HandshakeProof"]

#: of one document
MAX_ATTESTATION_BYTES: Final = 16 << 10
#: the attestation keys of a device
SLOTS: Final = (1, 2)
_DEVICE_FORMAT: Final = "tallystick-device/1"
_KEY_FORMAT: Final = "tallystick-endorsement/1"
_SERIAL_BYTES: Final = 4
_DEVICE_MEMBERS: Final = ("format", "signer_serial", "header", "device_public_key", "issuer_signature")
_PROOF_MEMBERS: Final = frozenset(
    {*_DEVICE_MEMBERS, "host_nonce", "device_nonce", "session_public_key", "session_signature"}
)
_KEY_MEMBERS: Final = frozenset(
    {
        *_DEVICE_MEMBERS,
        "slot",
        "attestation_public_key",
        "attestation_signature",
        "owner_public_key",
        "owner_certificate",
    }
)
_KEY: Final = re.compile("04[0-9a-f]{128}")
_NO_KEY: Final = re.compile("(04[0-9a-f]{128})?")
_SIGNATURE: Final = re.compile(f"([0-9a-f]{{2}}){{8,{MAX_SIGNATURE_BYTES}}}")
_NO_SIGNATURE: Final = re.compile(f"(([0-9a-f]{{2}}){{1,{MAX_SIGNATURE_BYTES}}})?")
_HEADER: Final = re.compile("([0-9a-f]{2}){0,255}")
_SERIAL: Final = re.compile(f"[0-9a-f]{{{2 * _SERIAL_BYTES}}}")
_NONCE: Final = re.compile(f"[0-9a-f]{{{2 * NONCE_BYTES}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class HandshakeProof:
    """One handshake: who the device is (`device`), and what it signed with its key (`session`) over both nonces (8 bytes)."""

    device: DeviceCertificate
    signer_serial: bytes
    host_nonce: bytes
    device_nonce: bytes
    session: DeviceCertificate

    @property
    def message(self) -> bytes:
        """What the device's key signed."""
        return device_ephemeral_message(
            host_nonce=self.host_nonce, device_nonce=self.device_nonce, public_key=self.session.public_key
        )

    def to_document(self) -> dict[str, Any]:
        """Return the members of the JSON document."""
        return _device_members(_DEVICE_FORMAT, self.device, self.signer_serial) | {
            "host_nonce": self.host_nonce.hex(),
            "device_nonce": self.device_nonce.hex(),
            "session_public_key": self.session.public_key.hex(),
            "session_signature": self.session.signature.hex(),
        }

    @classmethod
    def from_json(cls, raw: bytes) -> Self:
        """Read a document; raise RemoteProtocolError when it is none."""
        fields = _fields(raw, _PROOF_MEMBERS, _DEVICE_FORMAT)
        session = DeviceCertificate(
            public_key=_bytes(fields, "session_public_key", _KEY),
            signature=_bytes(fields, "session_signature", _SIGNATURE),
        )
        return cls(
            device=_device(fields),
            signer_serial=_bytes(fields, "signer_serial", _SERIAL),
            host_nonce=_bytes(fields, "host_nonce", _NONCE),
            device_nonce=_bytes(fields, "device_nonce", _NONCE),
            session=session,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Endorsement:
    """One attestation key: its slot, the device's signature over it, the device's certificate, and its owner's.

    `owner_public_key` (65 bytes) is a hint for whoever stores the certificate; who verifies brings the owner's key along.
    """

    slot: int
    key: EndorsedKey
    device: DeviceCertificate
    signer_serial: bytes
    owner_public_key: bytes = b""
    owner_certificate: bytes = b""

    def __post_init__(self) -> None:
        if self.slot not in SLOTS:
            raise LocalProtocolError(f"there is no attestation key {self.slot}")

    @property
    def message(self) -> bytes:
        """What the device's key signed about the attestation key."""
        return endorsement_message(self.key.public_key)

    def to_document(self) -> dict[str, Any]:
        """Return the members of the JSON document."""
        return _device_members(_KEY_FORMAT, self.device, self.signer_serial) | {
            "slot": self.slot,
            "attestation_public_key": self.key.public_key.hex(),
            "attestation_signature": self.key.signature.hex(),
            "owner_public_key": self.owner_public_key.hex(),
            "owner_certificate": self.owner_certificate.hex(),
        }

    @classmethod
    def from_json(cls, raw: bytes) -> Self:
        """Read a document; raise RemoteProtocolError when it is none."""
        fields = _fields(raw, _KEY_MEMBERS, _KEY_FORMAT)
        key = EndorsedKey(
            public_key=_bytes(fields, "attestation_public_key", _KEY),
            signature=_bytes(fields, "attestation_signature", _SIGNATURE),
        )
        return cls(
            slot=fields.number("slot", minimum=min(SLOTS), maximum=max(SLOTS)),
            key=key,
            device=_device(fields),
            signer_serial=_bytes(fields, "signer_serial", _SERIAL),
            owner_public_key=_bytes(fields, "owner_public_key", _NO_KEY),
            owner_certificate=_bytes(fields, "owner_certificate", _NO_SIGNATURE),
        )


def _fields(raw: bytes, members: frozenset[str], form: str) -> Fields:
    fields = Fields(strict_json(raw, form, limit=MAX_ATTESTATION_BYTES), members, form)
    fields.equal("format", form)
    return fields


def _bytes(fields: Fields, name: str, pattern: re.Pattern[str]) -> bytes:
    return bytes.fromhex(fields.text(name, pattern))


def _device_members(form: str, device: DeviceCertificate, signer_serial: bytes) -> dict[str, Any]:
    return {
        "format": form,
        "signer_serial": signer_serial.hex(),
        "header": device.header.hex(),
        "device_public_key": device.public_key.hex(),
        "issuer_signature": device.signature.hex(),
    }


def _device(fields: Fields) -> DeviceCertificate:
    return DeviceCertificate(
        header=_bytes(fields, "header", _HEADER),
        public_key=_bytes(fields, "device_public_key", _KEY),
        signature=_bytes(fields, "issuer_signature", _SIGNATURE),
    )
