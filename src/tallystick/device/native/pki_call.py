"""System calls about certificates: keys that apps may trust because the device's issuer says so (``os_pki.h``).

A device has one root, its issuer; one that is emulated may be given another for tests. Certificates of the vendor of the apps are signed by keys that no device of ours trusts: they are refused
with the SDK's own word, and by name in the log. The last certificate that was good is kept while the app runs, and may sign the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tallystick.crypto.hash import keccak256, ripemd160, sha3_256, sha256
from tallystick.device.native.cx_bn_call import put_word
from tallystick.device.native.cx_domain import Shape
from tallystick.device.native.cx_ecdsa_call import is_signature
from tallystick.device.native.cx_error import CxError
from tallystick.device.native.cx_fast import curve_of
from tallystick.device.native.cx_key import Key, point_bytes, put_key
from tallystick.device.native.machine import Asking, Handler, Machine
from tallystick.errors import RemoteProtocolError
from tallystick.wire.pki import (
    ISSUER_KEY_ID,
    MAX_CERTIFICATE_BYTES,
    VENDOR_KEY_ID,
    PkiAlgorithm,
    PkiCertificate,
    PkiDevice,
    PkiStatus,
)

__all__ = ["HANDLERS"]

_SECP256K1: Final = 0x21
_MAX_DIGEST: Final = 64
_MAX_SIGNATURE: Final = 150
#: `cx_ecfp_384_public_key_t`
_KEY_BYTES: Final = 97
#: as so many calls counts one that verifies
_WORK: Final = 64
_HASHES: Final[Mapping[int, Callable[[bytes], bytes]]] = MappingProxyType(
    {
        PkiAlgorithm.ECDSA_SHA256: sha256,
        PkiAlgorithm.ECDSA_SHA3_256: sha3_256,
        PkiAlgorithm.ECDSA_KECCAK_256: keccak256,
        PkiAlgorithm.ECDSA_RIPEMD160: ripemd160,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trusted:
    """A certificate that holds, and its key."""

    certificate: PkiCertificate
    key: Key


def _refusal(status: PkiStatus, why: str) -> RemoteProtocolError:
    return RemoteProtocolError(why, status=status)


def _key_of(certificate: PkiCertificate) -> Key:
    """Return the key of a certificate; raise RemoteProtocolError unless it is one that can be verified with here."""
    if certificate.key_algorithm not in _HASHES:
        raise _refusal(PkiStatus.KEY_ALGORITHM, f"its key signs by algorithm {certificate.key_algorithm}")
    try:
        curve = curve_of(certificate.curve)
    except CxError:
        raise _refusal(PkiStatus.CURVE, f"curve {certificate.curve:#04x} is none") from None
    size = curve.domain.size_bytes
    raw = certificate.public_key
    if curve.domain.shape is not Shape.WEIERSTRASS or 1 + 2 * size > _KEY_BYTES:
        raise _refusal(PkiStatus.CURVE, f"curve {certificate.curve:#04x} is not for these keys")
    if len(raw) != 1 + size or raw[0] not in {2, 3}:
        raise _refusal(PkiStatus.BAD_KEY, "its key is no point in short form")
    try:
        point = curve.lift(int.from_bytes(raw[1:], "big"), odd=bool(raw[0] & 1))
    except CxError:
        raise _refusal(PkiStatus.BAD_KEY, "its key is no point of its curve") from None
    return Key(curve=curve, value=point_bytes(point, size))


def _signer(machine: Machine, certificate: PkiCertificate) -> Key:
    """Return the key that should have signed; raise RemoteProtocolError where none is known."""
    above = machine.trusted
    if certificate.signer_key_id == ISSUER_KEY_ID:
        if not machine.info.issuer:
            raise _refusal(PkiStatus.SIGNER, "this device has no issuer yet")
        return Key(curve=curve_of(_SECP256K1), value=machine.info.issuer)
    if certificate.signer_key_id == VENDOR_KEY_ID and machine.info.test_root:
        return Key(curve=curve_of(_SECP256K1), value=machine.info.test_root)
    if not isinstance(above, _Trusted) or above.certificate.key_id != certificate.signer_key_id:
        raise _refusal(PkiStatus.SIGNER, f"its signer, {certificate.signer_key_id:#06x}, is not trusted here")
    if (certificate.depth or 0) >= (above.certificate.depth or 0):
        raise _refusal(PkiStatus.DEPTH, "its signer may not sign it")
    return above.key


def _os_version(text: str) -> tuple[int, ...]:
    numbers = text.split("-", maxsplit=1)[0].split(".")
    return tuple(int(number) for number in numbers if number.isdecimal())


def _check(machine: Machine, certificate: PkiCertificate, usage: int) -> _Trusted:
    """Return what is trusted from now on; raise RemoteProtocolError with the status that says why not."""
    newest = certificate.newest_os
    if newest is not None and _os_version(machine.info.os_version) > tuple(newest.to_bytes(4, "big")[:3]):
        raise _refusal(PkiStatus.VALIDITY, "it is for older versions of the OS")
    if certificate.device is not None and certificate.device != PkiDevice.__members__.get(machine.info.model.upper()):
        raise _refusal(PkiStatus.DEVICE, "it is for another model")
    if certificate.usage != usage:
        raise _refusal(PkiStatus.WRONG_USAGE, f"its key is for usage {certificate.usage}, not {usage}")
    digest = _HASHES.get(certificate.signature_algorithm)
    if digest is None:
        raise _refusal(PkiStatus.SIGNATURE_ALGORITHM, f"it is signed by algorithm {certificate.signature_algorithm}")
    signer = _signer(machine, certificate)
    key = _key_of(certificate)
    if not is_signature(signer, digest(certificate.message), certificate.signature):
        raise _refusal(PkiStatus.SIGNATURE, "its signer did not sign it")
    return _Trusted(certificate=certificate, key=key)


def _load(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """os_pki_load_certificate(usage, certificate, its length, name, its length *, key): what was trusted before is not, either way."""
    usage, pointer, size, name, name_size, key = arguments
    machine.calls += _WORK
    try:
        raw = machine.memory.read(pointer, min(size, MAX_CERTIFICATE_BYTES + 1))
        trusted = _check(machine, PkiCertificate.from_bytes(raw), usage & 0xFF)
    except RemoteProtocolError as refusal:
        machine.trusted = None
        yield from machine.complain(f"os_pki_load_certificate, {refusal.status:#06x}", refusal.message)
        return refusal.status
    machine.trusted = trusted
    _tell(machine, trusted, (name, name_size, key))
    return 0


def _tell(machine: Machine, trusted: _Trusted, pointers: tuple[int, int, int]) -> None:
    """Write name, its length, and key where the app wants them."""
    name, name_size, key = pointers
    if name and name_size:
        text = trusted.certificate.trusted_name or b""
        machine.memory.write(name, text)
        put_word(machine, name_size, len(text))
    if key:
        put_key(machine, key, trusted.key.curve.domain.number, trusted.key.value)


def _verify(machine: Machine, arguments: tuple[int, ...]) -> int:
    """os_pki_verify(digest, its length, signature, its length): whether the key of the certificate signed."""
    digest, digest_size, signature, signature_size = arguments
    machine.calls += _WORK
    trusted = machine.trusted
    if not isinstance(trusted, _Trusted) or digest_size > _MAX_DIGEST or signature_size > _MAX_SIGNATURE:
        return 0
    read = machine.memory.read
    return int(is_signature(trusted.key, read(digest, digest_size), read(signature, signature_size)))


def _get_info(machine: Machine, arguments: tuple[int, ...]) -> int:
    """os_pki_get_info(usage *, name, its length *, key)."""
    usage, *pointers = arguments
    trusted = machine.trusted
    if not isinstance(trusted, _Trusted):
        return PkiStatus.NOT_LOADED
    machine.memory.write(usage, bytes((trusted.certificate.usage,)))
    name, name_size, key = pointers
    _tell(machine, trusted, (name, name_size, key))
    return 0


HANDLERS: Final[Mapping[str, Handler]] = {
    "os_pki_load_certificate": _load,
    "os_pki_verify": _verify,
    "os_pki_get_info": _get_info,
}
