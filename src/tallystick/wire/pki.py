"""Certificates that native apps give to the OS: a key, what it may sign, and who says so (``os_pki.h`` of the public SDK).

Elements of tag, length and value, one byte of length each, in the order of their tags; the signature comes last and covers all before it. In this
house the order is a must, so that a certificate has one encoding. A public key is a point in its short form on a curve of the SDK.
An issuer signs other things, too (`tallystick.wire.certificate`): none of those begins with ``01 01``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import IntEnum, unique
from types import MappingProxyType
from typing import Final, NamedTuple, Self

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.tlv import Tlv, iterate_tlv

__all__ = [
    "ISSUER_KEY_ID",
    "MAX_CERTIFICATE_BYTES",
    "VENDOR_KEY_ID",
    "PkiAlgorithm",
    "PkiCertificate",
    "PkiDevice",
    "PkiStatus",
]

#: the number of the vendor's root, which only emulated devices have a key for (`os_pki.h`)
VENDOR_KEY_ID: Final = 0x0002
#: our number for the device's issuer, who signs without a certificate above
ISSUER_KEY_ID: Final = 0xFFFE
MAX_CERTIFICATE_BYTES: Final = 512
_STRUCTURE: Final = b"\x01"
_VERSION: Final = 2
_SIGNATURE: Final = 0x15


@unique
class PkiStatus(IntEnum):
    """What the OS answers (16 bits; ``os_pki.h``)."""

    BAD_KEY = 0x3302
    UNKNOWN_TAG = 0x422D
    WRONG_USAGE = 0x422E
    STRUCTURE = 0x422F
    VERSION = 0x4230
    VALIDITY = 0x4231
    VALIDITY_INDEX = 0x4232
    SIGNER = 0x4233
    SIGNATURE_ALGORITHM = 0x4234
    KEY_ID = 0x4235
    USAGE = 0x4236
    CURVE = 0x4237
    KEY_ALGORITHM = 0x4238
    DEVICE = 0x4239
    NAME = 0x423A
    TIME = 0x423B
    DEPTH = 0x423C
    SIGNATURE = 0x5720
    NOT_LOADED = 0x590E


@unique
class PkiAlgorithm(IntEnum):
    """How something is signed: ECDSA over a hash; EdDSA (10) is not verified here."""

    ECDSA_SHA256 = 1
    ECDSA_SHA3_256 = 2
    ECDSA_KECCAK_256 = 3
    ECDSA_RIPEMD160 = 4


@unique
class PkiDevice(IntEnum):
    """The models that a certificate can be for."""

    NANOS = 1
    NANOX = 2
    NANOSP = 3
    STAX = 4
    FLEX = 5
    APEX_P = 6


class _Field(NamedTuple):
    name: str
    tag: int
    #: bytes of a number, 0 for bytes of any length
    number_bytes: int
    status: PkiStatus
    is_needed: bool = True


_FIELDS: Final = (
    _Field("version", 0x02, 1, PkiStatus.VERSION),
    _Field("newest_os", 0x10, 4, PkiStatus.VALIDITY, is_needed=False),
    _Field("validity_index", 0x11, 4, PkiStatus.VALIDITY_INDEX, is_needed=False),
    _Field("challenge", 0x12, 0, PkiStatus.UNKNOWN_TAG, is_needed=False),
    _Field("signer_key_id", 0x13, 2, PkiStatus.SIGNER),
    _Field("signature_algorithm", 0x14, 1, PkiStatus.SIGNATURE_ALGORITHM),
    _Field("time", 0x16, 4, PkiStatus.TIME, is_needed=False),
    _Field("trusted_name", 0x20, 0, PkiStatus.NAME, is_needed=False),
    _Field("key_id", 0x30, 2, PkiStatus.KEY_ID),
    _Field("usage", 0x31, 1, PkiStatus.USAGE),
    _Field("curve", 0x32, 1, PkiStatus.CURVE),
    _Field("public_key", 0x33, 0, PkiStatus.BAD_KEY),
    _Field("key_algorithm", 0x34, 1, PkiStatus.KEY_ALGORITHM),
    _Field("device", 0x35, 1, PkiStatus.DEVICE, is_needed=False),
    _Field("depth", 0x36, 1, PkiStatus.DEPTH, is_needed=False),
)
_BY_TAG: Final[Mapping[int, _Field]] = MappingProxyType({field.tag: field for field in _FIELDS})
_NAME_BYTES: Final = 32
_OLDEST_INDEX: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PkiCertificate:
    """One certificate; None where an element is left out.

    `newest_os` has major, minor and patch of the last OS version it is good for in its three high bytes; `usage` is what the key may sign, for which an app asks;
    a key signs further certificates of a smaller `depth` alone, and none without.
    """

    key_id: int
    usage: int
    curve: int
    public_key: bytes
    signer_key_id: int = ISSUER_KEY_ID
    signature_algorithm: int = PkiAlgorithm.ECDSA_SHA256
    key_algorithm: int = PkiAlgorithm.ECDSA_SHA256
    trusted_name: bytes | None = None
    version: int = _VERSION
    newest_os: int | None = None
    validity_index: int | None = None
    challenge: bytes | None = None
    time: int | None = None
    device: int | None = None
    depth: int | None = None
    #: DER
    signature: bytes = b""

    @property
    def message(self) -> bytes:
        """What is signed; raise LocalProtocolError where a value does not fit."""
        parts = [Tlv(0x01, _STRUCTURE)]
        for field in _FIELDS:
            value: int | bytes | None = getattr(self, field.name)
            if value is not None:
                parts.append(Tlv(field.tag, value if isinstance(value, bytes) else _number(value, field.number_bytes)))
        return b"".join(part.to_bytes() for part in parts)

    def signed(self, signature: bytes) -> Self:
        """Return it with its signature."""
        return replace(self, signature=signature)

    def to_bytes(self) -> bytes:
        """Return the certificate as apps are given it; raise LocalProtocolError where a value does not fit."""
        return self.message + Tlv(_SIGNATURE, self.signature).to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a certificate; raise RemoteProtocolError, whose status is a `PkiStatus`, for what is none.

        Whether it holds is another matter: nothing is verified here.
        """
        if len(data) > MAX_CERTIFICATE_BYTES:
            raise _refusal(PkiStatus.UNKNOWN_TAG, f"it has more than {MAX_CERTIFICATE_BYTES} bytes")
        elements = list(iterate_tlv(data, status=PkiStatus.UNKNOWN_TAG))
        if not elements or elements[0] != Tlv(0x01, _STRUCTURE):
            raise _refusal(PkiStatus.STRUCTURE, "it does not begin as a certificate")
        if elements[-1].tag != _SIGNATURE or not elements[-1].value:
            raise _refusal(PkiStatus.SIGNATURE, "no signature ends it")
        tags = [element.tag for element in elements[:-1]]
        if tags != sorted(set(tags)):
            raise _refusal(PkiStatus.UNKNOWN_TAG, "its elements are not in their order")
        values = dict(map(_read, elements[1:-1]))
        for field in _FIELDS:
            if field.is_needed and field.name not in values:
                raise _refusal(field.status, f"it does not say its {field.name}")
        given = {field.name: values.get(field.name) for field in fields(cls) if field.name != "signature"}
        return cls(**given, signature=elements[-1].value)  # type: ignore[arg-type]  # each read as its kind


def _read(element: Tlv) -> tuple[str, int | bytes]:
    """Return name and value of an element; raise RemoteProtocolError for one that is wrong in itself."""
    field = _BY_TAG.get(element.tag)
    if field is None:
        raise _refusal(PkiStatus.UNKNOWN_TAG, f"its tag {element.tag:02x} means nothing")
    value = element.value
    if not field.number_bytes:
        if field.status is PkiStatus.NAME and len(value) > _NAME_BYTES:
            raise _refusal(field.status, f"its name is longer than {_NAME_BYTES} bytes")
        return field.name, value
    number = int.from_bytes(value, "big")
    is_good = len(value) == field.number_bytes
    if field.status is PkiStatus.VERSION:
        is_good = is_good and number <= _VERSION
    elif field.status is PkiStatus.VALIDITY_INDEX:
        is_good = is_good and number >= _OLDEST_INDEX
    if not is_good:
        raise _refusal(field.status, f"its {field.name} is {value.hex() or 'empty'}")
    return field.name, number


def _number(value: int, size_bytes: int) -> bytes:
    try:
        return value.to_bytes(size_bytes, "big")
    except OverflowError:
        raise LocalProtocolError(f"{value} does not fit {size_bytes} bytes") from None


def _refusal(status: PkiStatus, why: str) -> RemoteProtocolError:
    return RemoteProtocolError(why, status=status)
