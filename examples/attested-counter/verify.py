"""What a third party does, with no device and nothing of tallystick but its hashes: believe a value, or not.

python verify.py OWNER_KEY CODE_HASH ATTESTATION CHALLENGE ANSWER      (all in hexadecimal)
"""

import sys
from hashlib import sha256

from coincurve import PublicKey

KEY_BYTES = 65
VALUE_BYTES = 8


def holds(key, message, signature):
    """Tell whether a DER signature is one of `key` over SHA-256 of the message."""
    return PublicKey(key).verify(signature, message, hasher=lambda data: sha256(data).digest())


def verified(owner_key, code_hash, attestation, challenge, answer):
    """Return the value, if the owner vouches for the device, and the device for the code that said it."""
    device_key, certificate = attestation[:KEY_BYTES], attestation[KEY_BYTES:]
    if not holds(owner_key, b"\xfe" + device_key, certificate):
        raise ValueError("this owner did not certify that device")
    value, signature = answer[:VALUE_BYTES], answer[VALUE_BYTES:]
    if not holds(device_key, b"counter:" + challenge + value + code_hash, signature):
        raise ValueError("that code did not say this on that device, or it said it to somebody else")
    return int.from_bytes(value, "big")


if __name__ == "__main__":
    print(verified(*(bytes.fromhex(word) for word in sys.argv[1:])))
