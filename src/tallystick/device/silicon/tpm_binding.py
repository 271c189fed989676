"""Which TPM a chip's key is in, for life: a record in the chip's memory, written when the device is made.

Record ``key-provider`` (JSON): the way to the TPM, the first of four indexes that are this device's (two for enrolments, two
counters), and the passwords of owner and lock-out where the TPM was taken into possession, in hexadecimal. The chip's memory
is readable by its user alone (0600). A chip without the record holds its key itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Self

from tallystick.crypto.secret import Secret
from tallystick.device.hil import Flash, KeyRefused, Rng
from tallystick.device.silicon import tpm_owner
from tallystick.device.silicon.nvm import KEY_PROVIDER
from tallystick.device.silicon.tpm_command import Tpm
from tallystick.device.silicon.tpm_link import open_link, place_of
from tallystick.device.silicon.tpm_nv import BASE_INDEX, Indexes, TpmCounter
from tallystick.device.silicon.tpm_refusal import refusals
from tallystick.errors import RemoteProtocolError, StateCorrupt, StateError, UsageError
from tallystick.wire.strict_json import Fields, strict_json

_RETIRED = b"retired\n"
#: indexes of one device, and devices that one TPM may hold
_BLOCK, _BLOCKS = 4, 64
_PASSWORD_BYTES = 16
_NAMES = frozenset(("way", "base", "owner", "lockout"))
_WAY = re.compile(r"[ -~]{1,4096}")
_PASSWORD = re.compile(r"([0-9a-f]{32})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class TpmBinding:
    """The TPM of one device. The passwords are empty where the TPM was not taken into possession."""

    way: str
    base: int
    owner: Secret
    lockout: Secret

    def to_bytes(self) -> bytes:
        """Return the record."""
        document = {
            "way": self.way,
            "base": self.base,
            "owner": self.owner.reveal().decode(),
            "lockout": self.lockout.reveal().decode(),
        }
        return json.dumps(document).encode()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read the record; raise RemoteProtocolError for anything else."""
        fields = Fields(strict_json(raw, "key provider"), _NAMES, "key provider")
        last = BASE_INDEX + _BLOCK * (_BLOCKS - 1)
        return cls(
            way=fields.text("way", _WAY),
            base=fields.number("base", minimum=BASE_INDEX, maximum=last),
            owner=Secret(fields.text("owner", _PASSWORD).encode()),
            lockout=Secret(fields.text("lockout", _PASSWORD).encode()),
        )


def binding_of(store: Flash) -> TpmBinding | None:
    """Return the TPM of the chip in `store`, None for a chip that holds its key itself; raise StateError when retired."""
    raw = store.read(KEY_PROVIDER)
    if raw is None:
        return None
    if raw == _RETIRED:
        raise StateError("the device was retired: its TPM was given back", remedy="make another device")
    try:
        return TpmBinding.from_bytes(raw)
    except RemoteProtocolError as error:
        raise StateCorrupt("the chip does not say which TPM its key is in", remedy="make another device") from error


def bind(store: Flash, way: str, *, rng: Rng, takes_ownership: bool = False) -> TpmBinding:
    """Put the key of a new device into the TPM at `way`, for life; cut off anywhere, it can be done again.

    With `takes_ownership` the TPM's passwords of owner and lock-out are set, and kept in `store`.

    Raises:
        UsageError: `way` is none.
        KeyRefused: there is no TPM, or it is somebody else's.

    """
    place_of(way)
    binding = binding_of(store)
    with _tpm(way) as tpm, refusals():
        if binding is None:
            if tpm_owner.is_owned(tpm):
                raise KeyRefused(
                    "the TPM has an owner's password already", remedy="use a TPM whose owner you are not yet"
                )
            words = [Secret(rng.read(_PASSWORD_BYTES).hex().encode() if takes_ownership else b"") for _ in range(2)]
            binding = TpmBinding(way=way, base=_free_base(tpm, rng), owner=words[0], lockout=words[1])
        binding = replace(binding, way=way)
        store.write(KEY_PROVIDER, binding.to_bytes())  # before the passwords are set: they must never be lost
        if binding.owner:
            tpm_owner.take(tpm, owner=binding.owner, lockout=binding.lockout)
        TpmCounter(Indexes(tpm, rng=rng, owner=binding.owner), base=binding.base)  # which takes the place
    return binding


def move(store: Flash, way: str) -> None:
    """Note that the same TPM is reached by another way; another TPM would open nothing. Raises UsageError."""
    place_of(way)
    binding = binding_of(store)
    if binding is None:
        raise UsageError("the chip holds its key itself")
    if binding.way != way:
        store.write(KEY_PROVIDER, replace(binding, way=way).to_bytes())


def retire(store: Flash, *, rng: Rng) -> None:
    """Remove all that the device has in its TPM, and give the TPM back: nothing it sealed opens again. Raises KeyRefused."""
    binding = binding_of(store)
    if binding is None:
        raise UsageError("the chip holds its key itself", remedy="remove the folder")
    with _tpm(binding.way) as tpm, refusals():
        indexes = Indexes(tpm, rng=rng, owner=binding.owner)
        for index in range(binding.base, binding.base + _BLOCK):
            indexes.remove(index)
        if binding.owner:
            tpm_owner.give_back(tpm, owner=binding.owner, lockout=binding.lockout)
    store.write(KEY_PROVIDER, _RETIRED)


def _free_base(tpm: Tpm, rng: Rng) -> int:
    indexes = Indexes(tpm, rng=rng, owner=tpm_owner.EMPTY)
    for base in range(BASE_INDEX, BASE_INDEX + _BLOCK * _BLOCKS, _BLOCK):
        if not any(indexes.exists(index) for index in range(base, base + _BLOCK)):
            return base
    raise KeyRefused("the TPM has no place for another device", remedy="retire one: tally device retire DIR")


@contextmanager
def _tpm(way: str) -> Iterator[Tpm]:
    link = open_link(way)
    try:
        yield Tpm(link.exchange)
    finally:
        link.close()
