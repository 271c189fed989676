"""Calls that compute with keys an app hands over: no key of the device is in reach of this module, and nothing is kept."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher as Aes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from tallystick.crypto import secp256k1
from tallystick.errors import UsageError
from tallystick.wire.call_cipher import (
    BLOCK_BYTES,
    CIPHER_KEY_BYTES,
    MAX_CIPHER,
    MAX_SIGNATURE_BYTES,
    PUBLIC_BYTES,
    Agree,
    Cipher,
    PublicOf,
    SignWith,
    Verify,
)
from tallystick.wire.syscall import CallStatus, Outcome

CipherCall = PublicOf | SignWith | Verify | Agree | Cipher


def calculate(request: CipherCall) -> Outcome:
    """Carry out `request`; what is no key, point, digest or block is BAD_ARGUMENT."""
    try:
        return Outcome(value=_value(request))
    except (UsageError, ValueError):
        return Outcome(CallStatus.BAD_ARGUMENT)


def _value(request: CipherCall) -> bytes | bool:
    match request:
        case PublicOf(private):
            return secp256k1.public_key(bytes(private), compressed=False)
        case SignWith(private, digest):
            return secp256k1.sign_ecdsa_der(bytes(private), bytes(digest))
        case Verify(public, digest, signature):
            if len(public) != PUBLIC_BYTES or len(signature) > MAX_SIGNATURE_BYTES:
                raise UsageError("keys are uncompressed, signatures have at most 72 bytes")
            return secp256k1.verify_ecdsa_der(bytes(public), bytes(digest), bytes(signature), allow_high_s=True)
        case Agree(private, public):
            if len(public) != PUBLIC_BYTES:
                raise UsageError("keys are uncompressed")
            return secp256k1.ecdh(bytes(private), bytes(public)).reveal()
        case Cipher():
            return _cipher(request)


def _cipher(request: Cipher) -> bytes:
    size = len(request.data)
    if len(request.key) != CIPHER_KEY_BYTES or not 0 < size <= MAX_CIPHER or size % BLOCK_BYTES:
        raise UsageError("whole blocks, at most 4 KiB, with a key of 16 bytes")
    aes = Aes(AES(bytes(request.key)), CBC(bytes(request.iv)))
    context = aes.encryptor() if request.encrypt else aes.decryptor()
    return context.update(bytes(request.data)) + context.finalize()
