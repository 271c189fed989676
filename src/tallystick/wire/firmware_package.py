"""Firmware as it travels: the artefacts of a release, deflated, in the code area of an image or in the memory of an MCU.

The vendor's formats are not public (wire-protocol J); this one is ours. A package is::

    "TFWP" | format u8 = 1 | kind u8 | count u8 | count entries | zeros, fewer than 64

and an entry is LV name, u32 raw size, u32 deflated size, deflated bytes (zlib), in the order of `ARTEFACTS`. The zeros are what
loaders fill an area up with. Equal artefacts give equal bytes. Nothing is inflated beyond the size that was announced, and what
is announced has limits; whoever reads a package has checked a signature over it before, or checks a hash of what comes out.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, unique
from typing import Final, Self

from tallystick.errors import LocalProtocolError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.firmware import ARTEFACTS, MAX_IMAGE, MAX_PACKAGE

__all__ = ["ALIGNMENT", "CONTENTS", "FirmwarePackage", "PackageKind"]

_MAGIC: Final = b"TFWP"
_FORMAT: Final = 1
#: bytes that loaders round an area up to
ALIGNMENT: Final = 64
#: bytes of everything in one package
_MAX_RAW: Final = MAX_IMAGE
_LEVEL: Final = 6


@unique
class PackageKind(IntEnum):
    """Which step of an update a package is for; WHOLE is the first and the last one together (wire-protocol I)."""

    OSU = 1
    MCU = 2
    FINAL = 3
    WHOLE = 4


_FIRST: Final = (
    "key_table",
    "bootloader",
    "bootloader_signature",
    "normal_world_signature",
    "config_signature",
    "config",
)
#: what a package of each kind holds, all of it and nothing else: members of `ARTEFACTS`
CONTENTS: Final[Mapping[PackageKind, tuple[str, ...]]] = {
    PackageKind.OSU: _FIRST,
    PackageKind.MCU: ("normal_world",),
    PackageKind.FINAL: ("secure_world",),
    PackageKind.WHOLE: (*_FIRST, "secure_world"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwarePackage:
    """The artefacts of one step: member of `ARTEFACTS` to bytes. Raises LocalProtocolError for others than the step's."""

    kind: PackageKind
    artefacts: Mapping[str, bytes] = field(repr=False)

    def __post_init__(self) -> None:
        if tuple(self.artefacts) != CONTENTS[self.kind]:
            raise LocalProtocolError(f"these are not the artefacts of the step {self.kind.name}")

    @classmethod
    def of(cls, kind: PackageKind, files: Mapping[str, bytes]) -> Self:
        """Return the package of one step of a release; `files` are its files by their names in a slot.

        Raises:
            LocalProtocolError: a file is not there.

        """
        missing = [ARTEFACTS[member] for member in CONTENTS[kind] if ARTEFACTS[member] not in files]
        if missing:
            raise LocalProtocolError(f"the release has no {', '.join(missing)}")
        return cls(kind=kind, artefacts={member: files[ARTEFACTS[member]] for member in CONTENTS[kind]})

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read a package; raise RemoteProtocolError (6A80) for anything but the form above."""
        reader = Reader(raw, status=0x6A80)
        if len(raw) > MAX_PACKAGE:
            raise reader.error("a firmware package is too long")
        if reader.take(len(_MAGIC)) != _MAGIC or reader.u8() != _FORMAT:
            raise reader.error("this is no firmware package")
        kind = _kind(reader)
        names = CONTENTS[kind]
        if reader.u8() != len(names):
            raise reader.error("a firmware package has another number of entries than its kind")
        artefacts: dict[str, bytes] = {}
        left = _MAX_RAW
        for name in names:
            if reader.text_lv() != ARTEFACTS[name]:
                raise reader.error("a firmware package has another entry than its kind")
            size, packed = reader.u32(), reader.u32()
            if size > left:
                raise reader.error("a firmware package holds too much")
            left -= size
            artefacts[name] = _inflate(reader.take(packed), size, reader)
        rest = reader.rest()
        if len(rest) >= ALIGNMENT or any(rest):
            raise reader.error("something follows a firmware package")
        return cls(kind=kind, artefacts=artefacts)

    def to_bytes(self) -> bytes:
        """Return the package, filled up with zeros to a multiple of 64 bytes.

        Raises:
            LocalProtocolError: it is longer than a package may be.

        """
        writer = Writer().take(_MAGIC).u8(_FORMAT).u8(self.kind).u8(len(self.artefacts))
        for name, data in self.artefacts.items():
            packed = zlib.compress(data, _LEVEL)
            writer.text_lv(ARTEFACTS[name]).u32(len(data)).u32(len(packed)).take(packed)
        raw = writer.to_bytes()
        raw += bytes(-len(raw) % ALIGNMENT)
        if len(raw) > MAX_PACKAGE or sum(map(len, self.artefacts.values())) > _MAX_RAW:
            raise LocalProtocolError("the release is too large for a package")
        return raw


def _kind(reader: Reader) -> PackageKind:
    try:
        return PackageKind(reader.u8())
    except ValueError:
        raise reader.error("a firmware package is for no step of an update") from None


def _inflate(packed: bytes, size: int, reader: Reader) -> bytes:
    """Return exactly `size` bytes; no more than one more than that is ever made of `packed`."""
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(packed, size + 1)
    except zlib.error:
        raise reader.error("an entry of a firmware package cannot be inflated") from None
    if len(raw) != size or not inflater.eof or inflater.unused_data or inflater.unconsumed_tail:
        raise reader.error("an entry of a firmware package has another size than announced")
    return raw
