"""What the machine allows: the same work with nothing around it. No device can be faster than this column."""

from __future__ import annotations

import hashlib
import hmac
import subprocess
import sys
import time

import coincurve

from bench.effort import FRESH, Effort, burst
from bench.metric import LIMIT
from bench.profile import COSMOS_DOCUMENT, SEED
from bench.record import Record

_HARDENED = 0x8000_0000
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def measure(record: Record, effort: Effort) -> None:
    """Measure bare interpreter, derivation, signature and seed; the transport's limit is taken in turn with the devices."""
    for _ in range(effort.starts):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-c", "pass"], check=True)
        seconds = time.perf_counter() - started
        record.add(LIMIT, "start.answer", seconds)
        record.add(LIMIT, "import.wall", 1e3 * seconds)
        record.add(LIMIT, "help.wall", 1e3 * seconds)
    seed = hashlib.pbkdf2_hmac("sha512", SEED.encode(), b"mnemonic", 2048)
    signer = coincurve.PrivateKey(derive(seed, (44 | _HARDENED, 118 | _HARDENED, _HARDENED, 0, 0)))
    for number in range(effort.runs):
        done = burst(
            lambda _: hashlib.pbkdf2_hmac("sha512", SEED.encode(), b"mnemonic", 2048), seconds=effort.run_s / 5
        )
        record.add(LIMIT, "embedded.fresh", done.p50_ms)
        record.add(LIMIT, "embedded.open", done.p50_ms)
        done = burst(lambda index: _key(seed, index), seconds=effort.run_s, first=number * FRESH)
        record.add(LIMIT, "key.rate", done.rate)
        record.add(LIMIT, "embedded.key", done.rate)
        done = burst(lambda _: signer.sign(hashlib.sha256(COSMOS_DOCUMENT).digest(), hasher=None), seconds=effort.run_s)
        for key in ("sign.rate", "sign.approve", "embedded.sign"):
            record.add(LIMIT, key, done.rate)


def derive(seed: bytes, path: tuple[int, ...]) -> bytes:
    """Return the private key (32 bytes) at `path` of `seed`, by BIP-32, with nothing kept between calls.

    The sum of keys is taken by Python's integers: coincurve's own would make a public key that nobody asked for.
    """
    node = hmac.digest(b"Bitcoin seed", seed, "sha512")
    key, chain = node[:32], node[32:]
    for level in path:
        head = b"\0" + key if level & _HARDENED else coincurve.PublicKey.from_secret(key).format()
        node = hmac.digest(chain, head + level.to_bytes(4, "big"), "sha512")
        key = ((int.from_bytes(node[:32], "big") + int.from_bytes(key, "big")) % _ORDER).to_bytes(32, "big")
        chain = node[32:]
    return key


def _key(seed: bytes, index: int) -> bytes:
    path = (44 | _HARDENED, 118 | _HARDENED, index | _HARDENED, 0, index % 101)
    return coincurve.PublicKey.from_secret(derive(seed, path)).format()
