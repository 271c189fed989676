"""A signing request of the Cosmos app, written out by hand from cosmos-app 1, and its independent judges."""

import hashlib
import json
from pathlib import Path

import coincurve
import ecdsa

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "interop_cosmos.json").read_text(encoding="utf-8"))
#: the sign document whose signature was made with cosmjs (origin in the vector file)
WORKED = VECTORS["documents"]["worked"].encode()
PUBLIC_KEY = bytes.fromhex(VECTORS["public_key"])
_PATH = b"".join(level.to_bytes(4, "little") for level in (44 | 1 << 31, 118 | 1 << 31, 1 << 31, 0, 0))
GET_ADDRESS = bytes.fromhex("55040000") + bytes([27, 6]) + b"cosmos" + _PATH
SHOW_ADDRESS = bytes.fromhex("55040100") + bytes([27, 6]) + b"cosmos" + _PATH


def signing_apdus(payload=WORKED):
    """Give the APDUs of a request: the path, then the document in chunks of 250 bytes; the last one asks the person."""
    chunks = [payload[at : at + 250] for at in range(0, len(payload), 250)]
    apdus = [bytes.fromhex("55020000") + bytes([len(_PATH)]) + _PATH]
    for number, chunk in enumerate(chunks, start=1):
        part = 2 if number == len(chunks) else 1
        apdus.append(bytes([0x55, 0x02, part, 0, len(chunk)]) + chunk)
    return apdus


def begin_signing(device, payload=WORKED):
    """Send a whole request; give the pending answer to its last part."""
    *parts, last = signing_apdus(payload)
    for part in parts:
        assert device.exchange(part).ok
    return device.send(last)


def judge(signature, payload=WORKED):
    """Have two libraries verify a DER signature of the test account over `payload`."""
    assert coincurve.PublicKey(PUBLIC_KEY).verify(signature, payload)
    key = ecdsa.VerifyingKey.from_string(PUBLIC_KEY, curve=ecdsa.SECP256k1, hashfunc=hashlib.sha256)
    assert key.verify(signature, payload, sigdecode=ecdsa.util.sigdecode_der)
