"""What the Secure World and the chip say to each other: the complete, closed list (secure-world 2.1, 5.2, 5.3).

The chip answers each request with exactly one reply. No message carries a key of the chip, in either direction: keys are used
in there and never read. The requests of `wire.chip_key` are for a TPM in the chip's place; the simulated chip refuses them,
and a TPM refuses `Mac`. The bytes are in `wire.chip_codec`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, unique

from tallystick.wire.chip_key import MAX_REQUEST, Handle, KeyRequest

MAX_DATA = 1024
MAX_DRAW = 64
#: no datagram of either side is longer
MAX_MESSAGE = MAX_REQUEST
DEVICE_ID_BYTES = 16
KEY_ID_BYTES = 8
TAG_BYTES = 32


@unique
class ChipState(IntEnum):
    """What the boot ROM found: decides which key the chip uses, and whether it uses any."""

    #: nobody has said yet, or the boot failed: no key is used
    RESET = 0
    #: a development chip: a test key answers
    OPEN = 1
    #: every stage was checked: the real key answers
    VERIFIED = 2


@unique
class ProviderKind(IntEnum):
    """What holds the hardware's key; written into every seal."""

    #: the simulated chip: refuses no copy of its own folder
    SIMULATED = 1
    #: a Trusted Platform Module 2.0
    TPM2 = 2


@unique
class KeySlot(IntEnum):
    """What a keyed hash of the chip is for; two slots never give the same tag."""

    SEAL = 1


@unique
class CounterId(IntEnum):
    """Counters that only rise."""

    #: PINs that were tried
    ATTEMPT = 1
    #: raised to the other one after each right PIN: the difference is the number of wrong ones since
    SETTLED = 2


@unique
class ChipRole(IntEnum):
    """Whose lowest security version it is (secure-world 2.5)."""

    BOOTLOADER = 1
    SECURE_WORLD = 2
    NORMAL_WORLD = 3


@unique
class Refusal(IntEnum):
    """Why the chip does not do as asked."""

    #: the state of the boot does not allow it
    STATE = 1
    #: no such message, slot, counter or role, or a length that cannot be
    REQUEST = 2
    #: the source of noise is not to be trusted
    NOISE = 3
    #: the chip's own memory failed
    MEMORY = 4
    #: the proof is wrong, and was counted
    PROOF = 5
    #: the key is not there, or is not used for this
    KEY = 6
    #: the TPM does not answer
    AWAY = 7
    #: the TPM's registers are not as they were at the enrolment; nothing was counted
    REGISTERS = 8


@dataclass(frozen=True, slots=True)
class Latch:
    """ROM: this is the state of the boot. Once for each power cycle."""

    state: ChipState


@dataclass(frozen=True, slots=True)
class Describe:
    """Say what you are."""


@dataclass(frozen=True, slots=True)
class Mac:
    """HMAC-SHA256 of `data` (1 to 1024 bytes) under the key of `slot`."""

    slot: KeySlot
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReadCounter:
    """Say where the counter stands."""

    counter: CounterId


@dataclass(frozen=True, slots=True)
class IncrementCounter:
    """Raise the counter by one, durably, and say where it stands."""

    counter: CounterId


@dataclass(frozen=True, slots=True)
class ReadMinimum:
    """Say the lowest security version of the role."""

    role: ChipRole


@dataclass(frozen=True, slots=True)
class RaiseMinimum:
    """Raise the lowest security version of the role; a lower number changes nothing."""

    role: ChipRole
    security_version: int


@dataclass(frozen=True, slots=True)
class Draw:
    """Give 1 to 64 bytes of noise, as they come from the source."""

    size_bytes: int


@dataclass(frozen=True, slots=True)
class DestroyKey:
    """Forget the erasable half of the key: nothing sealed before can be opened again."""


@dataclass(frozen=True, slots=True)
class Done:
    """It is done."""


@dataclass(frozen=True, slots=True)
class Description:
    """State of the boot, device id (16 bytes), id (8 bytes) of the key that answers now (zeros when none does), and its kind."""

    state: ChipState
    device_id: bytes
    key_id: bytes
    kind: ProviderKind = ProviderKind.SIMULATED


@dataclass(frozen=True, slots=True)
class Tag:
    """A keyed hash, 32 bytes."""

    value: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Value:
    """Where a counter or a minimum stands, 32 bits."""

    value: int


@dataclass(frozen=True, slots=True)
class Noise:
    """Bytes of the source."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """It is not done."""

    reason: Refusal


ToChip = (
    Latch
    | Describe
    | Mac
    | ReadCounter
    | IncrementCounter
    | ReadMinimum
    | RaiseMinimum
    | Draw
    | DestroyKey
    | KeyRequest
)
FromChip = Done | Description | Tag | Value | Noise | Handle | Refused
