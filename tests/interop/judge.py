"""The judge: signatures and addresses, checked with libraries that know nothing of this project."""

import hashlib

import bech32
from ecdsa import SECP256k1, VerifyingKey
from ecdsa.util import sigdecode_der


def assert_signature_holds(*, public_key, payload, der):
    """Check a DER signature (hexadecimal) over SHA-256 of `payload`, and that it is in the form chains take."""
    signature = bytes.fromhex(der)
    key = VerifyingKey.from_string(bytes.fromhex(public_key), curve=SECP256k1)
    digest = hashlib.sha256(payload).digest()
    assert key.verify_digest(signature, digest, sigdecode=sigdecode_der)
    assert signature[0] == 0x30
    _, s = sigdecode_der(signature, SECP256k1.order)
    assert s <= SECP256k1.order // 2, "high S: no Cosmos chain takes it"


def assert_address_is_well_formed(address, *, hrp):
    """Check that an address is bech32 of 20 bytes for `hrp`."""
    found, words = bech32.bech32_decode(address)
    assert found == hrp
    assert len(bech32.convertbits(words, 5, 8, False)) == 20
