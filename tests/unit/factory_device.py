"""A device fresh from assembly, by the reference (attestation 1): its own words and keys, as a function of APDUs.

It is written against the reference and not against the device of this project, so that the two can be wrong apart.
"""

from __future__ import annotations

import hashlib

from tallystick.crypto import secp256k1

KEY = b"\x2a" * 32
PUBLIC = secp256k1.public_key(KEY, compressed=False)


class FactoryDevice:
    """Answers START and FINISH until it is provisioned; `forced` answers (by instruction) come first."""

    def __init__(self, *, serial: str = "tallystick-0badcafe", key: bytes = KEY) -> None:
        self.serial = serial
        self.key = key
        self.public = secp256k1.public_key(key, compressed=False)
        self.proof_key = key
        self.finish: bytes | None = None
        self.forced: dict[int, bytes] = {}
        self.log: list[bytes] = []

    def answer(self, apdu: bytes) -> bytes:
        """Return data and status word."""
        self.log.append(apdu)
        if apdu[1] in self.forced:
            return self.forced[apdu[1]]
        if apdu[0] != 0xE0 or self.finish is not None or apdu[1] not in {0xF0, 0xF2}:
            return b"\x6d\x00"
        return self._start(apdu[5:]) if apdu[1] == 0xF0 else self._finish(apdu[5:])

    def _start(self, challenge: bytes) -> bytes:
        name = self.serial.encode()
        lv = bytes((len(name),)) + name
        proof = secp256k1.sign_ecdsa_der(
            self.proof_key, hashlib.sha256(b"\xf0" + challenge + lv + self.public).digest()
        )
        return b"\x01" + lv + b"\x41" + self.public + bytes((len(proof),)) + proof + b"\x90\x00"

    def _finish(self, data: bytes) -> bytes:
        header, size = data[2:9], data[9]
        signature, issuer = data[10 : 10 + size], data[14 + size : 79 + size]
        digest = hashlib.sha256(b"\x02" + header + self.public).digest()
        if not secp256k1.verify_ecdsa_der(issuer, digest, signature):
            return b"\x69\x82"
        self.finish = data
        return b"\x90\x00"
