"""The seal: from PIN and hardware to the key that encrypts, as pure functions (secure-world 5.2).

::

    st   = Argon2id(PIN, salt)                       costly for whoever guesses
    d    = HMAC-SHA256(st, "to-hw")                  one way, before anything leaves the Secure World
    h    = the hardware's answer to d                only this chip, only in this state of the boot
    KEK  = HKDF-SHA256(HMAC-SHA256(st, h), salt, "KEK" ‖ device id ‖ state)
    EDEK = ChaCha20-Poly1305(KEK, DEK)               bound to the whole header and the counter id
    item = ChaCha20-Poly1305(DEK, plaintext)         bound to the lasting part of the header, its name and its version

So a stolen key of the chip still meets Argon2id, and a lying chip cannot make the seal weaker than the PIN. The header has
a lasting part and one that belongs to the PIN (cost, salt, handle): a change of PIN wraps the key anew and leaves the
items as they are.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from enum import IntEnum, IntFlag, unique
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tallystick.crypto.secret import Secret
from tallystick.device.hil import Rng
from tallystick.errors import RemoteProtocolError, TrustError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.chip import DEVICE_ID_BYTES, ChipState, ProviderKind

_MAGIC = b"TALV"
_FORMAT = 2
_ARGON2ID = 1
KEY_BYTES = 32
SALT_BYTES = 16
NONCE_BYTES = 12
TAG_BYTES = 16
#: nonce, wrapped key, tag
WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES
MAX_HANDLE = 1024
_MAX_LANES = 16
_MAX_ITERATIONS = 16
_MAX_MEMORY_KIB = 1 << 20


class SealBroken(TrustError):
    """A key does not open it, or it was changed: nobody can tell which."""

    def __init__(self) -> None:
        super().__init__("the seal does not open")


class Sealing(IntFlag):
    """What kind of seal it is."""

    NONE = 0
    #: made from a seed given at start: a marked test device
    TEST = 1
    #: there is no PIN: the seal keeps nobody out, and says so
    NO_PIN = 2


@unique
class PinPolicy(IntEnum):
    """What wrong PINs lead to (secure-world 6); chosen at set-up, for good."""

    #: three tries, no waits, as the models do
    LEDGER = 1
    #: sixteen tries, each wait twice as long as the one before
    BACKOFF = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a guess costs: Argon2id iterations, memory in KiB, lanes."""

    iterations: int
    memory_kib: int
    lanes: int


#: 120 ms on a desktop machine (secure-world 5.2)
COST = Cost(iterations=3, memory_kib=64 * 1024, lanes=4)
#: for tests, and for a vault that no PIN protects anyway
COST_TRIVIAL = Cost(iterations=1, memory_kib=8, lanes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What is said of a seal before it is opened; all of it is authenticated, none of it is secret."""

    sealing: Sealing
    policy: PinPolicy
    #: wrong PINs after which the device is reset
    limit: int
    device_id: bytes
    state: ChipState
    #: which counters of the hardware count the PINs; 0 is none
    counter_id: int
    cost: Cost
    salt: bytes
    kind: ProviderKind
    handle: bytes

    def lasting(self) -> bytes:
        """Return the part that a change of PIN leaves alone: items are bound to it."""
        writer = Writer().take(_MAGIC).u8(_FORMAT).u8(self.sealing).u8(self.policy).u8(self.limit)
        return writer.take(self.device_id).u8(self.state).u8(self.counter_id).to_bytes()

    def to_bytes(self) -> bytes:
        """Return the header."""
        cost = self.cost
        writer = Writer().take(self.lasting()).u8(_ARGON2ID)
        writer.u8(cost.iterations).u32(cost.memory_kib).u8(cost.lanes).take(self.salt)
        return writer.u8(self.kind).u16(len(self.handle)).take(self.handle).to_bytes()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Take a header off the front of `reader`; raise RemoteProtocolError for anything else."""
        if reader.take(4) != _MAGIC or reader.u8() != _FORMAT:
            raise RemoteProtocolError("not a vault of this format")
        try:
            sealing, policy, limit = _sealing(reader.u8()), PinPolicy(reader.u8()), reader.u8()
            device_id, state, counter_id = reader.take(DEVICE_ID_BYTES), ChipState(reader.u8()), reader.u8()
            if reader.u8() != _ARGON2ID or not limit:
                raise RemoteProtocolError("unknown key derivation, or no try at all")
            cost, salt = _cost(reader), reader.take(SALT_BYTES)
            kind, size_bytes = ProviderKind(reader.u8()), reader.u16()
        except ValueError:
            raise RemoteProtocolError("the header of the vault holds an unknown number") from None
        if size_bytes > MAX_HANDLE:
            raise RemoteProtocolError("the handle is too long")
        return cls(
            sealing=sealing,
            policy=policy,
            limit=limit,
            device_id=device_id,
            state=state,
            counter_id=counter_id,
            cost=cost,
            salt=salt,
            kind=kind,
            handle=reader.take(size_bytes),
        )


def stretch(pin: Secret, *, salt: bytes, cost: Cost) -> Secret:
    """Return st (32 bytes); the only step that takes long, on purpose."""
    kdf = Argon2id(
        salt=salt, length=KEY_BYTES, iterations=cost.iterations, lanes=cost.lanes, memory_cost=cost.memory_kib
    )
    return Secret(kdf.derive(pin.reveal() or b"\x00"))


def proof(stretched: Secret) -> Secret:
    """Return d (32 bytes), which the hardware is shown."""
    return Secret(hmac.new(stretched.reveal(), b"to-hw", hashlib.sha256).digest())


def wrapping_key(stretched: Secret, answer: Secret, header: Header) -> Secret:
    """Return the KEK (32 bytes) from st and the hardware's answer h."""
    material = hmac.new(stretched.reveal(), answer.reveal(), hashlib.sha256).digest()
    info = b"KEK" + header.device_id + bytes((header.state,))
    return Secret(HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=header.salt, info=info).derive(material))


def wrap(key: Secret, wrapping: Secret, *, header: Header, rng: Rng) -> bytes:
    """Return EDEK (60 bytes): nonce, wrapped key, tag."""
    return _encrypt(wrapping, key, aad=_wrap_aad(header), rng=rng)


def unwrap(wrapped: bytes, wrapping: Secret, *, header: Header) -> Secret:
    """Return the DEK (32 bytes); raise SealBroken for another PIN, chip, state or header."""
    return _decrypt(wrapping, wrapped, aad=_wrap_aad(header))


def seal_item(plaintext: Secret, key: Secret, *, header: Header, name: str, version: int, rng: Rng) -> bytes:
    """Return an item under the DEK: nonce, ciphertext, tag."""
    return _encrypt(key, plaintext, aad=_item_aad(header, name, version), rng=rng)


def open_item(sealed: bytes, key: Secret, *, header: Header, name: str, version: int) -> Secret:
    """Return an item's plaintext; raise SealBroken when it is another item, version or vault, or was changed."""
    return _decrypt(key, sealed, aad=_item_aad(header, name, version))


def _wrap_aad(header: Header) -> bytes:
    return header.to_bytes() + bytes((header.counter_id,))


def _item_aad(header: Header, name: str, version: int) -> bytes:
    return header.lasting() + Writer().text_lv(name).u32(version).to_bytes()


def _encrypt(key: Secret, plaintext: Secret, *, aad: bytes, rng: Rng) -> bytes:
    nonce = rng.read(NONCE_BYTES)
    return nonce + ChaCha20Poly1305(key.reveal()).encrypt(nonce, plaintext.reveal(), aad)


def _decrypt(key: Secret, sealed: bytes, *, aad: bytes) -> Secret:
    try:
        return Secret(ChaCha20Poly1305(key.reveal()).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], aad))
    except (InvalidTag, ValueError):
        raise SealBroken from None


def _sealing(number: int) -> Sealing:
    if number > Sealing.TEST | Sealing.NO_PIN:
        raise RemoteProtocolError("unknown kind of seal")
    return Sealing(number)


def _cost(reader: Reader) -> Cost:
    cost = Cost(iterations=reader.u8(), memory_kib=reader.u32(), lanes=reader.u8())
    fits = 1 <= cost.iterations <= _MAX_ITERATIONS and 1 <= cost.lanes <= _MAX_LANES
    if not fits or not 8 * cost.lanes <= cost.memory_kib <= _MAX_MEMORY_KIB:
        raise RemoteProtocolError("cost out of bounds")
    return cost
