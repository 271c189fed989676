"""What the app keeps: one private key, whether it may still move, and whether it is there at all (attestation 6).

One record, written whole: after a power cut the old state is there or the new one, and nothing between. So a key that is
gone is zeros in the same write that says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, unique
from typing import Self

from tallystick.app import CallStatus, Os, Reject, StatusWord, SyscallError

#: number of points of secp256k1 (SEC 2, 2.4.1)
ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
KEY_BYTES = 32

_RECORD = "key"
_MAGIC = bytes.fromhex("DEAD1337")
_RECORD_BYTES = len(_MAGIC) + KEY_BYTES + 2
#: a random number out of range comes once in 2^128
_MAX_TRIES = 16


@unique
class Seal(IntEnum):
    """Whether the key ever signed; no other value stands for either."""

    SEALED = 0xAD
    UNSEALED = 0x53


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The state of the key. `private` is 32 bytes, zeros when there is none."""

    private: bytes = field(default=bytes(KEY_BYTES), repr=False)
    seal: Seal = Seal.UNSEALED
    is_available: bool = False

    @property
    def is_movable(self) -> bool:
        """Whether the key may leave: it is there, and it never signed."""
        return self.is_available and self.seal is Seal.SEALED

    def to_bytes(self) -> bytes:
        """Return the record: magic, key, seal u8, available u8."""
        return _MAGIC + self.private + bytes((self.seal, self.is_available))

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read the record; raise Reject 6F00 for anything that `to_bytes` does not write."""
        body, flags = raw[len(_MAGIC) : -2], raw[-2:]
        try:
            seal = Seal(flags[0])
        except (ValueError, IndexError):
            raise Reject(StatusWord.TECHNICAL_PROBLEM) from None
        held = cls(private=body, seal=seal, is_available=flags[1] == 1)
        if len(raw) != _RECORD_BYTES or held.to_bytes() != raw or is_scalar(body) != held.is_available:
            raise Reject(StatusWord.TECHNICAL_PROBLEM)
        return held


#: no key: what is there at first, and after a key has left
NOTHING = Held()


def is_scalar(private: bytes) -> bool:
    """Tell whether 32 bytes are a private key: 1 to n - 1."""
    return 0 < int.from_bytes(private, "big") < ORDER


async def load(os: Os) -> Held:
    """Return the state; raise Reject 6F00 when the record is damaged."""
    try:
        raw = await os.read(_RECORD)
    except SyscallError as error:
        if error.status is not CallStatus.DAMAGED:
            raise
        raise Reject(StatusWord.TECHNICAL_PROBLEM) from None
    return NOTHING if raw is None else Held.from_bytes(raw)


async def store(os: Os, held: Held) -> None:
    """Keep `held`, at once; raise Reject 6F00, with nothing changed, when the flash does not take it."""
    try:
        await os.write(_RECORD, held.to_bytes())
    except SyscallError as error:
        if error.status is CallStatus.ABORTED:
            raise
        raise Reject(StatusWord.TECHNICAL_PROBLEM) from None


async def fresh(os: Os) -> bytes:
    """Return a new private key (32 bytes)."""
    for _ in range(_MAX_TRIES):
        private = await os.random(KEY_BYTES)
        if is_scalar(private):
            return private
    raise Reject(StatusWord.TECHNICAL_PROBLEM)
