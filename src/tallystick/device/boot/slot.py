"""Two slots of images, the one on trial, and updates that a power cut cannot break (secure-world 2.5).

A slot is bootable when every check passes on what lies in it; no record says so in its place. The record `slots` only says
which to try first. An update goes into the slot that is not in use: its configuration is removed first and written last,
so a slot that was left half-written has none and never passes. The new slot is then on trial: a count that is written down
before each attempt. When it has reached READY it becomes the one in use, and only then are the minimums raised.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Protocol, Self

from tallystick.errors import RemoteProtocolError, StateError
from tallystick.wire.firmware import ARTEFACTS, ImageRole
from tallystick.wire.strict_json import Fields, strict_json

if TYPE_CHECKING:  # the bootloader has no time for what only names types
    from tallystick.device.hil import Flash

SLOTS = ("a", "b")
#: attempts that an updated slot gets to reach READY
TRIALS = 2
_RECORD = "slots"
#: the record that alone says that an update is on its way beside the slots (`tallystick.device.boot.staging`)
MARK = "update"
_NAMES = frozenset(("active", "trial", "attempts"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefacts:
    """Everything in one slot, as bytes read once; what is missing is empty, which no check accepts."""

    key_table: bytes = field(default=b"", repr=False)
    bootloader: bytes = field(default=b"", repr=False)
    bootloader_signature: bytes = field(default=b"", repr=False)
    secure_world: bytes = field(default=b"", repr=False)
    normal_world: bytes = field(default=b"", repr=False)
    normal_world_signature: bytes = field(default=b"", repr=False)
    config_signature: bytes = field(default=b"", repr=False)
    config: bytes = field(default=b"", repr=False)

    def to_files(self) -> dict[str, bytes]:
        """Return them under the names of their records, in the order they are written: the configuration is last."""
        return {name: getattr(self, member) for member, name in ARTEFACTS.items()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Take them from their names."""
        return cls(**{member: files.get(name, b"") for member, name in ARTEFACTS.items()})


if tuple(ARTEFACTS) != tuple(one.name for one in fields(Artefacts)):  # the order is the safety of an update
    raise ImportError("the files of a slot are not those of its artefacts")


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotRecord:
    """Which slot is in use, which is on trial ("" for none), and how many attempts that one has left."""

    active: str = "a"
    trial: str = ""
    attempts: int = 0

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read the record; raise RemoteProtocolError for anything else."""
        taken = Fields(strict_json(raw, "slots", limit=1024), _NAMES, "slots")
        active, trial = taken.member("active"), taken.member("trial")
        if active not in SLOTS or trial not in ("", *SLOTS) or trial == active:
            raise RemoteProtocolError("slots: no such slot")
        return cls(active=active, trial=trial, attempts=taken.number("attempts", maximum=TRIALS))

    def to_bytes(self) -> bytes:
        """Return the record."""
        return f'{{"active": "{self.active}", "trial": "{self.trial}", "attempts": {self.attempts}}}\n'.encode()


class Minimums(Protocol):
    """The least security versions of the chip: its fuses, or the bus that leads to them."""

    def raise_minimum(self, role: ImageRole, security_version: int) -> None:
        """Raise the one of `role`; a lower number changes nothing."""


class Slots:
    """The slots in `flash`. An unreadable record is no failure: it is a hint, and the checks decide."""

    def __init__(self, flash: Flash) -> None:
        self._flash = flash

    @property
    def record(self) -> SlotRecord:
        """The record as it stands."""
        raw = self._flash.read(_RECORD)
        try:
            return SlotRecord() if raw is None else SlotRecord.from_bytes(raw)
        except RemoteProtocolError:
            return SlotRecord()

    @property
    def inactive(self) -> str:
        """The slot that an update goes into."""
        return SLOTS[1 - SLOTS.index(self.record.active)]

    def read(self, slot: str, *, only: Collection[str] = ARTEFACTS) -> Artefacts:
        """Return what lies in `slot`, each record read once; `only` names the members that a stage needs, the rest stay empty."""
        names = (name for member, name in ARTEFACTS.items() if member in only)
        return Artefacts.from_files({name: self._flash.read(_name(slot, name)) or b"" for name in names})

    def order(self) -> tuple[str, ...]:
        """Return the slots in the order in which they may be tried, without using up an attempt."""
        record = self.record
        first = record.trial if record.trial and record.attempts else record.active
        return (first, SLOTS[1 - SLOTS.index(first)])

    def begin(self, slot: str) -> None:
        """Write down that `slot` is about to run; call before it does. Uses up an attempt of a slot on trial."""
        record = self.record
        if slot == record.trial and record.attempts:
            self._write(replace(record, attempts=record.attempts - 1))

    def install(self, artefacts: Artefacts) -> str:
        """Put checked artefacts into the slot that is not in use and on trial from the next boot; return its name.

        A power cut at any write leaves the slot in use as it was. Raises StateError when flash does not hold what was written.
        """
        slot = self.inactive
        self._write(SlotRecord(active=self.record.active))
        self._flash.remove(_name(slot, ARTEFACTS["config"]))
        for name, data in artefacts.to_files().items():
            self._flash.write(_name(slot, name), data)
        if self.read(slot) != artefacts:
            raise StateError("the flash does not hold the update", remedy="try it again; the device is as it was")
        self._write(SlotRecord(active=self.record.active, trial=slot, attempts=TRIALS))
        return slot

    def abandon(self) -> None:
        """Give up an update that a manager began: somebody who holds the device puts other images in."""
        if self._flash.read(MARK) is not None:
            self._flash.remove(MARK)

    def provision(self, artefacts: Artefacts) -> None:
        """Fill the first slot of a new device."""
        for name, data in artefacts.to_files().items():
            self._flash.write(_name(SLOTS[0], name), data)
        self._write(SlotRecord())

    def confirm(self, slot: str, *, versions: Mapping[ImageRole, int], fuses: Minimums) -> None:
        """Tell that `slot` has reached READY: it is the one in use now, and its security versions are the least allowed.

        Never called for the Normal World's asking. Cut between the writes, the next READY does the rest.
        """
        if self.record != SlotRecord(active=slot):
            self._write(SlotRecord(active=slot))
        for role, version in versions.items():
            fuses.raise_minimum(role, version)

    def _write(self, record: SlotRecord) -> None:
        self._flash.write(_RECORD, record.to_bytes())


def _name(slot: str, name: str) -> str:
    return f"slot-{slot}.{name}"
