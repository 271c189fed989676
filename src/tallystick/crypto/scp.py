"""Keys and records of the secure channel (wire-protocol D.2 to D.5, attestation 2).

`Suite` and `KeySigner` are what `tallystick.wire.channel` asks of cryptography, in both roles; `open_records` gives the
record layer that belongs to a target id:

* low digit 2: AES-128-CBC under the first half of the secret, no MAC;
* low digit 3 and above: an ENC and a MAC key derived from the secret, a CBC-MAC cut to its last 14 bytes.

Either chain of IVs begins at zero and is one for both directions. A cipher of OpenSSL costs more to set up than a record
costs to encrypt, so each chain keeps one cipher from the first record to the last. MACs run one way only. ENC changes
between encryption and decryption; what the other direction moved is then folded into the first block by exclusive or.
"""

from __future__ import annotations

import hmac
from typing import Final, Protocol

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from tallystick.crypto import secp256k1
from tallystick.crypto.hash import sha256
from tallystick.crypto.secret import Material, Secret, reveal_exactly
from tallystick.errors import RemoteProtocolError, UsageError

__all__ = [
    "MAC_BYTES",
    "Ephemeral",
    "KeySigner",
    "MacRecords",
    "PlainRecords",
    "Rng",
    "Suite",
    "derive_key",
    "open_records",
    "shared_secret",
]

BLOCK_BYTES: Final = 16
MAC_BYTES: Final = 14
NONCE_BYTES: Final = 8
SECRET_BYTES: Final = 32
_KEY_BYTES: Final = 16
_ENC: Final = 0
_MAC: Final = 1
_ZEROS: Final = bytes(BLOCK_BYTES)
#: holds nothing of a cipher's, so that one serves all
_FROM_ZERO: Final = CBC(_ZEROS)
_PADDING: Final = tuple(b"\x80" + bytes(size) for size in range(BLOCK_BYTES))
#: derivation of a key tries again with probability 2**-128; a loop that goes on is not a loop over hashes
_MAX_TRIES: Final = 256
_WITHOUT_MAC: Final = 2
_WRONG_LENGTH: Final = 0x6700
_NOT_AUTHENTIC: Final = 0x6982


class Rng(Protocol):
    """A source of random bytes fit for keys."""

    def read(self, size_bytes: int) -> bytes:
        """Return `size_bytes` bytes."""
        ...


def shared_secret(private: Material, public: bytes) -> Secret:
    """Return the secret (32 bytes) of a private key (32 bytes) and the peer's public key (33 or 65 bytes), D.2.

    Raises UsageError when one of them is no key.
    """
    return secp256k1.ecdh(private, public)


def derive_key(secret: Material, index: int) -> Secret:
    """Return key `index` (16 bytes; 0 is ENC, 1 is MAC) of a shared secret of 32 bytes (D.4)."""
    data = reveal_exactly(secret, SECRET_BYTES)
    head = index.to_bytes(4, "big")
    for retry in range(_MAX_TRIES):
        scalar = sha256(head + bytes((retry,)) + data)
        if secp256k1.is_valid_private_key(scalar):
            return Secret(sha256(secp256k1.public_key(scalar, compressed=False))[:_KEY_BYTES])
    raise UsageError("no key can be derived from this secret")


class _Chain:
    """AES-128-CBC whose IV is the last ciphertext block that went either way."""

    __slots__ = ("_cipher", "_decryptor", "_decryptor_iv", "_encryptor", "_encryptor_iv", "_iv")

    def __init__(self, key: Secret) -> None:
        self._cipher = Cipher(AES(key.reveal()), _FROM_ZERO)
        # made when it is needed: many a channel only ever goes one way
        self._encryptor: CipherContext | None = None
        self._decryptor: CipherContext | None = None
        # the block each cipher would chain on, and the one it has to
        self._encryptor_iv = self._decryptor_iv = self._iv = _ZEROS

    def encrypt(self, plain: bytes) -> bytes:
        """Pad and encrypt; return a multiple of 16 bytes."""
        padded = plain + _PADDING[-len(plain) % BLOCK_BYTES - 1]
        if self._encryptor_iv is not self._iv:
            padded = _fold(padded, self._encryptor_iv, self._iv)
        if self._encryptor is None:
            self._encryptor = self._cipher.encryptor()
        cipher = self._encryptor.update(padded)
        self._encryptor_iv = self._iv = cipher[-BLOCK_BYTES:]
        return cipher

    def decrypt(self, cipher: bytes) -> bytes:
        """Decrypt a multiple of 16 bytes and take the padding off; raise RemoteProtocolError (6982) when there is none."""
        if self._decryptor is None:
            self._decryptor = self._cipher.decryptor()
        padded = self._decryptor.update(cipher)
        if self._decryptor_iv is not self._iv:
            padded = _fold(padded, self._decryptor_iv, self._iv)
        self._decryptor_iv = self._iv = cipher[-BLOCK_BYTES:]
        plain = padded.rstrip(b"\x00")
        if not plain.endswith(b"\x80") or len(padded) - len(plain) >= BLOCK_BYTES:
            raise RemoteProtocolError("the record has no padding", status=_NOT_AUTHENTIC)
        return plain[:-1]


def _fold(data: bytes, one: bytes, other: bytes) -> bytes:
    """Return `data` with the difference of two blocks added to its first block."""
    first = int.from_bytes(data[:BLOCK_BYTES], "big") ^ int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
    return first.to_bytes(BLOCK_BYTES, "big") + data[BLOCK_BYTES:]


def _check_blocks(size_bytes: int) -> None:
    if size_bytes < BLOCK_BYTES or size_bytes % BLOCK_BYTES:
        raise RemoteProtocolError("the record is not made of whole blocks", status=_WRONG_LENGTH)


class PlainRecords:
    """The record layer of targets with the low digit 2: one key of 16 bytes, no MAC (D.5)."""

    __slots__ = ("_chain",)

    def __init__(self, key: Secret) -> None:
        self._chain = _Chain(key)

    def seal(self, plain: bytes) -> bytes:
        """Return the record of `plain`: 1 to 16 bytes longer."""
        return self._chain.encrypt(plain)

    def open(self, record: bytes) -> bytes:
        """Return the content of a record; raise RemoteProtocolError (6700, 6982) when length or padding is wrong."""
        _check_blocks(len(record))
        return self._chain.decrypt(record)


class MacRecords:
    """The record layer of targets with the low digit 3 and above: two keys of 16 bytes (D.5)."""

    __slots__ = ("_chain", "_mac")

    def __init__(self, *, enc_key: Secret, mac_key: Secret) -> None:
        self._chain = _Chain(enc_key)
        self._mac = Cipher(AES(mac_key.reveal()), _FROM_ZERO).encryptor()

    def seal(self, plain: bytes) -> bytes:
        """Return the record of `plain`: 15 to 30 bytes longer."""
        cipher = self._chain.encrypt(plain)
        return cipher + self._mac.update(cipher)[-MAC_BYTES:]

    def open(self, record: bytes) -> bytes:
        """Return the content of a record; raise RemoteProtocolError (6700, 6982) when length, MAC or padding is wrong."""
        cipher = record[:-MAC_BYTES]
        _check_blocks(len(cipher))
        if not hmac.compare_digest(self._mac.update(cipher)[-MAC_BYTES:], record[-MAC_BYTES:]):
            raise RemoteProtocolError("the MAC of the record is wrong", status=_NOT_AUTHENTIC)
        return self._chain.decrypt(cipher)


def open_records(secret: Material, *, target_id: int) -> PlainRecords | MacRecords:
    """Return the record layer of a shared secret (32 bytes) for a target id, D.3; its chains stand at the beginning.

    Raises UsageError for a target of the first generation (low digit 0 or 1), which has another handshake.
    """
    generation = target_id & 0x0F
    if generation < _WITHOUT_MAC:
        raise UsageError(f"target {target_id:08x} speaks the first secure channel, which is not supported")
    if generation == _WITHOUT_MAC:
        return PlainRecords(Secret(reveal_exactly(secret, SECRET_BYTES)[:_KEY_BYTES]))
    return MacRecords(enc_key=derive_key(secret, _ENC), mac_key=derive_key(secret, _MAC))


class KeySigner:
    """A key that signs: the host's static key, the device's key, an issuer of a test.

    Raises UsageError unless `private` is 32 bytes, 1 to n - 1. `public_key` is 65 bytes.
    """

    __slots__ = ("_private", "public_key")

    def __init__(self, private: Material) -> None:
        self._private = Secret(reveal_exactly(private, secp256k1.PRIVATE_KEY_LENGTH))
        self.public_key = secp256k1.public_key(self._private, compressed=False)

    def sign(self, message: bytes) -> bytes:
        """Return the signature of SHA-256(`message`): DER of at most 72 bytes, low s, nonce of RFC 6979."""
        return secp256k1.sign_ecdsa_der(self._private, sha256(message))

    def __repr__(self) -> str:
        return f"KeySigner({self.public_key[1:5].hex()}…)"


class Ephemeral:
    """The key of one handshake: agrees on one secret and is gone. `public_key` is 65 bytes."""

    __slots__ = ("_private", "public_key")

    def __init__(self, private: Secret) -> None:
        self._private = private
        self.public_key = secp256k1.public_key(private, compressed=False)

    def agree(self, public_key: bytes, *, target_id: int) -> PlainRecords | MacRecords:
        """Return the record layer shared with the owner of `public_key` (65 bytes), and forget the private key.

        Raises UsageError when that is no point of the curve, when this was done before, or for a target of the first
        generation.
        """
        secret = shared_secret(self._private, public_key)
        self._private.wipe()
        records = open_records(secret, target_id=target_id)
        secret.wipe()
        return records


class Suite:
    """The cryptography of a handshake, with randomness from `rng`."""

    __slots__ = ("_rng",)

    def __init__(self, *, rng: Rng) -> None:
        self._rng = rng

    def nonce(self) -> bytes:
        """Return 8 fresh bytes."""
        return self._rng.read(NONCE_BYTES)

    def ephemeral(self) -> Ephemeral:
        """Return a fresh key."""
        for _ in range(_MAX_TRIES):
            private = Secret(self._rng.read(secp256k1.PRIVATE_KEY_LENGTH))
            if secp256k1.is_valid_private_key(private):
                return Ephemeral(private)
        raise UsageError("the source of randomness gives no key")

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Tell whether `signature` (DER, any s) is one of `public_key` (65 bytes) over SHA-256(`message`).

        A key that is none is False: it came from the peer.
        """
        try:
            return secp256k1.verify_ecdsa_der(public_key, sha256(message), signature, allow_high_s=True)
        except UsageError:
            return False
