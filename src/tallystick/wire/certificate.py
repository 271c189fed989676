"""Certificates of the secure channel and of attestation: their bytes, and what is signed (wire-protocol D.1 and F, attestation 0).

Public keys are points of secp256k1 in 65 bytes beginning with 04, signatures are ECDSA in DER of at most 72 bytes over the
SHA-256 of the message. The first byte of every message is the role of what is signed. Two traps: the nonces change places
between the two ephemeral messages, each side's own first; and the header of a device certificate is signed without its length.
Whether a point is on the curve, and whether a signature holds, is for `tallystick.crypto` to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, unique
from typing import Final, Self

from tallystick.errors import LocalProtocolError
from tallystick.wire.buffer import Reader, Writer

__all__ = [
    "MAX_SIGNATURE_BYTES",
    "NONCE_BYTES",
    "PUBLIC_KEY_BYTES",
    "CertificateRole",
    "DeviceCertificate",
    "EndorsedKey",
    "HostCertificate",
    "device_ephemeral_message",
    "device_message",
    "endorsement_message",
    "host_ephemeral_message",
    "owner_message",
    "read_public_key",
    "signer_message",
]

PUBLIC_KEY_BYTES: Final = 65
MAX_SIGNATURE_BYTES: Final = 72
NONCE_BYTES: Final = 8
#: two INTEGERs of one byte each in a SEQUENCE
_MIN_SIGNATURE_BYTES: Final = 8
_UNCOMPRESSED: Final = 0x04
_MAX_HEADER_BYTES: Final = 0xFF


@unique
class CertificateRole(IntEnum):
    """The first byte of a signed message: what the signed key is."""

    SIGNER = 0x01
    DEVICE = 0x02
    HOST_EPHEMERAL = 0x11
    DEVICE_EPHEMERAL = 0x12
    OWNER_CERTIFICATE = 0xFE
    ENDORSEMENT_KEY = 0xFF


def signer_message(public_key: bytes) -> bytes:
    """Return what is signed to make `public_key` (65 bytes) a host's static key: by itself, or by the key above it."""
    return _message(CertificateRole.SIGNER, _checked_key(public_key))


def device_message(*, header: bytes, public_key: bytes) -> bytes:
    """Return what an issuer signs: `header` (0 to 255 bytes, opaque to hosts) and the device's key (65 bytes)."""
    if len(header) > _MAX_HEADER_BYTES:
        raise LocalProtocolError(f"a header has at most {_MAX_HEADER_BYTES} bytes, not {len(header)}")
    return _message(CertificateRole.DEVICE, header, _checked_key(public_key))


def host_ephemeral_message(*, host_nonce: bytes, device_nonce: bytes, public_key: bytes) -> bytes:
    """Return what the host's static key signs: the host's nonce first (8 bytes each), then the ephemeral key (65 bytes)."""
    return _message(
        CertificateRole.HOST_EPHEMERAL,
        _checked_nonce(host_nonce),
        _checked_nonce(device_nonce),
        _checked_key(public_key),
    )


def device_ephemeral_message(*, host_nonce: bytes, device_nonce: bytes, public_key: bytes) -> bytes:
    """Return what the device's key signs: the device's nonce first (8 bytes each), then the ephemeral key (65 bytes)."""
    return _message(
        CertificateRole.DEVICE_EPHEMERAL,
        _checked_nonce(device_nonce),
        _checked_nonce(host_nonce),
        _checked_key(public_key),
    )


def endorsement_message(public_key: bytes) -> bytes:
    """Return what a device signs about an attestation key (65 bytes) that it made."""
    return _message(CertificateRole.ENDORSEMENT_KEY, _checked_key(public_key))


def owner_message(public_key: bytes) -> bytes:
    """Return what an owner signs about an attestation key (65 bytes)."""
    return _message(CertificateRole.OWNER_CERTIFICATE, _checked_key(public_key))


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCertificate:
    """The data of ``E0 51``: a static or an ephemeral key of the host (65 bytes) and its signature (DER)."""

    public_key: bytes
    signature: bytes

    def __post_init__(self) -> None:
        _checked_key(self.public_key)
        _checked_signature(self.signature)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read two length-value fields that fill `raw`; raise RemoteProtocolError (6700) otherwise."""
        reader = Reader(raw)
        certificate = cls(public_key=_key_field(reader), signature=_signature_field(reader))
        reader.finish()
        return certificate

    def to_bytes(self) -> bytes:
        """Return two length-value fields."""
        return Writer().lv(self.public_key).lv(self.signature).to_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCertificate:
    """An answer to ``E0 52``: the device's static key with its header, or its ephemeral key with an empty header."""

    header: bytes = b""
    public_key: bytes
    signature: bytes

    def __post_init__(self) -> None:
        if len(self.header) > _MAX_HEADER_BYTES:
            raise LocalProtocolError(f"a header has at most {_MAX_HEADER_BYTES} bytes, not {len(self.header)}")
        _checked_key(self.public_key)
        _checked_signature(self.signature)

    @property
    def message(self) -> bytes:
        """What the issuer signed, if this is a static certificate."""
        return device_message(header=self.header, public_key=self.public_key)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read three length-value fields that fill `raw`; raise RemoteProtocolError (6700) otherwise."""
        reader = Reader(raw)
        certificate = cls(
            header=reader.lv(),
            public_key=_key_field(reader),
            signature=_signature_field(reader),
        )
        reader.finish()
        return certificate

    def to_bytes(self) -> bytes:
        """Return three length-value fields."""
        return Writer().lv(self.header).lv(self.public_key).lv(self.signature).to_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class EndorsedKey:
    """The answer to ``E0 C0``: an attestation key (65 bytes) and the device's signature (DER), with no lengths between (F)."""

    public_key: bytes
    signature: bytes

    def __post_init__(self) -> None:
        _checked_key(self.public_key)
        _checked_signature(self.signature)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read a key and a signature that fill `raw`; raise RemoteProtocolError (6700) otherwise."""
        reader = Reader(raw)
        key = read_public_key(reader)
        return cls(public_key=key, signature=_read_signature(reader, reader.remaining))

    def to_bytes(self) -> bytes:
        """Return key and signature."""
        return self.public_key + self.signature


def read_public_key(reader: Reader) -> bytes:
    """Take 65 bytes beginning with 04 off `reader`; raise its error otherwise."""
    key = reader.take(PUBLIC_KEY_BYTES)
    if key[0] != _UNCOMPRESSED:
        raise reader.error("a public key begins with 04")
    return key


def _key_field(reader: Reader) -> bytes:
    size = reader.u8()
    if size != PUBLIC_KEY_BYTES:
        raise reader.error(f"a public key has {PUBLIC_KEY_BYTES} bytes, not {size}")
    return read_public_key(reader)


def _signature_field(reader: Reader) -> bytes:
    return _read_signature(reader, reader.u8())


def _read_signature(reader: Reader, size_bytes: int) -> bytes:
    signature = reader.take(size_bytes)
    if not _fits_signature(signature):
        raise reader.error(f"a signature has {_MIN_SIGNATURE_BYTES} to {MAX_SIGNATURE_BYTES} bytes")
    return signature


def _fits_signature(signature: bytes) -> bool:
    """Tell whether a signature has a possible size; what is inside, the verifier reads: bad DER is a bad signature."""
    return _MIN_SIGNATURE_BYTES <= len(signature) <= MAX_SIGNATURE_BYTES


def _message(role: CertificateRole, *parts: bytes) -> bytes:
    return bytes((role,)) + b"".join(parts)


def _checked_key(public_key: bytes) -> bytes:
    if len(public_key) != PUBLIC_KEY_BYTES or public_key[0] != _UNCOMPRESSED:
        raise LocalProtocolError(f"a public key has {PUBLIC_KEY_BYTES} bytes and begins with 04")
    return public_key


def _checked_nonce(nonce: bytes) -> bytes:
    if len(nonce) != NONCE_BYTES:
        raise LocalProtocolError(f"a nonce has {NONCE_BYTES} bytes, not {len(nonce)}")
    return nonce


def _checked_signature(signature: bytes) -> None:
    if not _fits_signature(signature):
        raise LocalProtocolError(f"a signature has {_MIN_SIGNATURE_BYTES} to {MAX_SIGNATURE_BYTES} bytes")
