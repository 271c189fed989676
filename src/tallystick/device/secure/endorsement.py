"""Attestation keys 1 and 2: with them apps prove to the world what code runs on this device (attestation 3, 4).

A pair is made on the device, endorsed by the device's own key, certified by an owner, and from then on the slot's. Until its
certificate comes it is *staged*: kept, through sessions and replugs, and of no use to any app. Slots and the staged pair are
one record, so that the commit is one write: the old slot with the staged pair, or the new slot and nothing staged.

Record: ``TEND``, format u8, tag (8 bytes) of the key it is sealed with, nonce (12), ChaCha20-Poly1305 ciphertext, SHA-256 of
all before. The key comes from the recovery phrase, so a lock takes the attestation keys away too, and a copy of the flash
without the PIN gives none; the serial number is authenticated, so the record is no use in another device. Nothing
of a former seed counts: another tag is no record. Contents: slot u8 (0: none) and private key (32) of the staged pair; then for
each slot how many commits it has seen (u64), and if any, private key (32) and certificate (LV).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from tallystick.crypto import endorsement, secp256k1
from tallystick.crypto.hash import hmac_sha256, sha256
from tallystick.crypto.secret import Secret
from tallystick.device.hil import Flash, Rng
from tallystick.device.secure.keychain import Keychain
from tallystick.errors import ProtocolError, StateCorrupt, StateError, TallyError
from tallystick.wire.buffer import Reader, Writer

SLOTS: Final = (1, 2)
MAX_CERTIFICATE_BYTES: Final = 72
_RECORD: Final = "endorsement"
_MAGIC: Final = b"TEND"
_FORMAT: Final = 1
_TAG_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_CHECK_BYTES: Final = 32
_PRIVATE_BYTES: Final = secp256k1.PRIVATE_KEY_LENGTH
_MAX_TRIES: Final = 16


class NoEndorsementKey(TallyError):
    """The slot holds nothing, or nothing is staged."""

    code = "no_endorsement_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """What a slot holds: the private key, and the owner's certificate as it came (1 to 72 bytes)."""

    private: Secret = field(repr=False)
    certificate: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Contents:
    """What the record holds; `staged` is slot and private key, `slots` the pairs and `commits` their numbers, in order."""

    staged: tuple[int, Secret] | None = field(default=None, repr=False)
    slots: tuple[_Pair | None, ...] = (None, None)
    commits: tuple[int, ...] = (0, 0)

    def to_bytes(self) -> bytes:
        """Return the contents."""
        writer = Writer()
        if self.staged is None:
            writer.u8(0)
        else:
            writer.u8(self.staged[0]).take(self.staged[1].reveal())
        for pair, count in zip(self.slots, self.commits, strict=True):
            writer.take(count.to_bytes(8, "big"))
            if pair is not None:
                writer.take(pair.private.reveal()).lv(pair.certificate)
        return writer.to_bytes()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read the contents; raise RemoteProtocolError when they are none."""
        reader = Reader(raw)
        slot = reader.u8()
        if slot > len(SLOTS):
            raise reader.error(f"there is no slot {slot}")
        staged = (slot, Secret(reader.take(_PRIVATE_BYTES))) if slot else None
        slots: list[_Pair | None] = []
        commits: list[int] = []
        for _ in SLOTS:
            commits.append(int.from_bytes(reader.take(8), "big"))
            pair = commits[-1] and _Pair(private=Secret(reader.take(_PRIVATE_BYTES)), certificate=reader.lv())
            slots.append(pair or None)
        reader.finish()
        return cls(staged=staged, slots=tuple(slots), commits=tuple(commits))


class EndorsementKeys:
    """Holds the pairs of one device, whose serial number the record belongs to beside the seed.

    Every method but `forget` raises `keychain.Locked` while there is no seed, and StateCorrupt when the record is damaged;
    those that take a slot expect 1 or 2, and raise NoEndorsementKey for one that is empty.
    """

    def __init__(self, *, flash: Flash, rng: Rng, keychain: Keychain, serial: str) -> None:
        self._flash = flash
        self._rng = rng
        self._keychain = keychain
        self._serial = serial.encode()

    @property
    def is_locked(self) -> bool:
        """Whether there is no seed to open the record with."""
        return self._keychain.is_empty

    def has(self, slot: int) -> bool:
        """Return whether the slot holds a key with its certificate."""
        return self._read().slots[slot - 1] is not None

    def staged(self) -> int:
        """Return the slot of the staged pair; raise NoEndorsementKey when there is none."""
        staged = self._read().staged
        if staged is None:
            raise NoEndorsementKey("nothing is staged")
        return staged[0]

    def stage(self, slot: int) -> bytes:
        """Make a pair for the slot, in place of any staged one, and return its public key (65 bytes).

        Raises StateError when it cannot be written, or the source of randomness gives no key.
        """
        contents = self._read()
        private = self._new_private(contents)
        public = secp256k1.public_key(private, compressed=False)
        self._write(replace(contents, staged=(slot, private)))
        return public

    def commit(self, certificate: bytes) -> None:
        """Put the staged pair and its certificate (1 to 72 bytes) into the slot it was made for, in one write.

        Raises NoEndorsementKey when nothing is staged, StateError when it cannot be written.
        """
        contents = self._read()
        if contents.staged is None:
            raise NoEndorsementKey("nothing is staged")
        slot, private = contents.staged
        slots, commits = list(contents.slots), list(contents.commits)
        slots[slot - 1] = _Pair(private=private, certificate=bytes(certificate))
        commits[slot - 1] += 1
        self._write(_Contents(slots=tuple(slots), commits=tuple(commits)))

    def forget(self) -> None:
        """Erase all of it: the device is reset."""
        self._flash.remove(_RECORD)

    def public_key(self, slot: int) -> bytes:
        """Return the public key (65 bytes) of the slot."""
        return secp256k1.public_key(self._pair(slot).private, compressed=False)

    def certificate(self, slot: int) -> bytes:
        """Return the owner's certificate of the slot as it came (1 to 72 bytes)."""
        return self._pair(slot).certificate

    def commits(self, slot: int) -> int:
        """Return how many pairs the slot has seen since the device was reset; 0 when it is empty."""
        return self._read().commits[slot - 1]

    def app_secret(self, code_hash: bytes) -> Secret:
        """Return what key 1 gives the app of this hash (64 bytes)."""
        return endorsement.app_secret(self._pair(1).private, code_hash)

    def sign_with_code_hash(self, message: bytes, code_hash: bytes) -> bytes:
        """Sign with key 1 for the app of this hash (DER)."""
        return endorsement.sign_with_code_hash(self._pair(1).private, message, code_hash)

    def sign_bare(self, message: bytes) -> bytes:
        """Sign with key 1 for whoever `message` says (DER): only for apps that may speak for all others."""
        return endorsement.sign_bare(self._pair(1).private, message)

    def sign_as_app_key(self, message: bytes, code_hash: bytes) -> bytes:
        """Sign with the key that key 2 has for the app of this hash (DER); raise UsageError when it has none."""
        return endorsement.sign_as_app_key(self._pair(2).private, message, code_hash)

    def _pair(self, slot: int) -> _Pair:
        pair = self._read().slots[slot - 1]
        if pair is None:
            raise NoEndorsementKey(f"attestation key {slot} was not made")
        return pair

    def _new_private(self, contents: _Contents) -> Secret:
        """Return a key that no slot has: a repeatable source of randomness says the same things after each start."""
        taken = [pair.private for pair in contents.slots if pair is not None]
        for _ in range(_MAX_TRIES):
            private = Secret(self._rng.read(_PRIVATE_BYTES))
            if secp256k1.is_valid_private_key(private) and private not in taken:
                return private
        raise StateError("the source of randomness gives no key")

    def _read(self) -> _Contents:
        key = self._keychain.endorsement_key()
        raw = self._flash.read(_RECORD)
        if raw is None:
            return _Contents()
        body, check = raw[:-_CHECK_BYTES], raw[-_CHECK_BYTES:]
        try:
            reader = Reader(body)
            if sha256(body) != check or reader.take(len(_MAGIC)) != _MAGIC or reader.u8() != _FORMAT:
                raise _damaged()
            if reader.take(_TAG_BYTES) != self._tag(key):
                return _Contents()  # of a seed that is gone
            nonce, header = reader.take(_NONCE_BYTES), self._header(key)
            return _Contents.from_bytes(
                ChaCha20Poly1305(key.reveal()).decrypt(nonce, reader.rest(), header + self._serial)
            )
        except (ProtocolError, InvalidTag):
            raise _damaged() from None

    def _write(self, contents: _Contents) -> None:
        key = self._keychain.endorsement_key()
        plain, header = contents.to_bytes(), self._header(key)
        # made from the contents: equal ones make equal records, and no nonce serves two
        nonce = hmac_sha256(key.reveal(), b"nonce" + sha256(header + self._serial) + plain)[:_NONCE_BYTES]
        body = header + nonce + ChaCha20Poly1305(key.reveal()).encrypt(nonce, plain, header + self._serial)
        self._flash.write(_RECORD, body + sha256(body))

    def _header(self, key: Secret) -> bytes:
        return Writer().take(_MAGIC).u8(_FORMAT).take(self._tag(key)).to_bytes()

    def _tag(self, key: Secret) -> bytes:
        return hmac_sha256(key.reveal(), b"tag" + self._serial)[:_TAG_BYTES]


def _damaged() -> StateCorrupt:
    return StateCorrupt(f"the record {_RECORD} is damaged", remedy="reset the device: nothing else brings new keys in")
