"""Install parameters: what an app says about itself (wire-protocol E.4).

A sequence of TLV elements; we write the name first, and one client writes dependencies before it. Derivation is a mask of
curves and the paths an app may derive on them; a BIP-32 path with no level stands for any path, and so does no path at all. The
level `ANY_LEVEL` stands for each level, hardened or not: the SDK writes it for ``*``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import Final, Self

from tallystick.errors import LocalProtocolError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.path import Bip32Path
from tallystick.wire.tlv import Tlv, TlvWriter, iterate_tlv

__all__ = [
    "ANY_LEVEL",
    "Curve",
    "Derivation",
    "InstallParameters",
    "Slip21Path",
    "is_below",
    "permitted_path",
    "permitted_text",
]

#: the level of a permitted path that stands for each level
ANY_LEVEL: Final = 0x7FFF_FFFF
_NAME: Final = 0x01
_VERSION: Final = 0x02
_ICON: Final = 0x03
_DERIVATION: Final = 0x04
_DATA_SIZE: Final = 0x05
_DEPENDENCY: Final = 0x06
_MAX_NAME_BYTES: Final = 32
_MAX_VERSION_BYTES: Final = 16
_SLIP21: Final = 0x80
_MAX_SLIP21_LETTERS: Final = 0x7E
_MAX_PATHS: Final = 64


class Curve(IntFlag):
    """The curves an app may derive on."""

    SECP256K1 = 0x01
    SECP256R1 = 0x02
    ED25519 = 0x04
    SLIP21 = 0x08
    BLS12381G1 = 0x10
    BLS12377G1 = 0x20
    ZIP32 = 0x40


@dataclass(frozen=True, slots=True)
class Slip21Path:
    """A SLIP-21 label of 0 to 126 ASCII letters."""

    label: str

    def __post_init__(self) -> None:
        if len(self.label) > _MAX_SLIP21_LETTERS or not self.label.isascii():
            raise LocalProtocolError(f"a SLIP-21 label has at most {_MAX_SLIP21_LETTERS} ASCII letters")

    def to_bytes(self) -> bytes:
        """Return the marked length, a zero and the label."""
        return bytes((_SLIP21 | (len(self.label) + 1), 0)) + self.label.encode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """The curves and paths an app asks for, at most 64 paths."""

    curves: Curve
    paths: tuple[Bip32Path | Slip21Path, ...] = ()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read the value of tag 04; raise RemoteProtocolError when a path is cut short, too long or badly marked."""
        reader = Reader(raw)
        curves = Curve(reader.u8())
        paths: list[Bip32Path | Slip21Path] = []
        while reader.remaining:
            if len(paths) == _MAX_PATHS:
                raise reader.error(f"an app asks for at most {_MAX_PATHS} paths")
            paths.append(_read_path(reader))
        return cls(curves=curves, paths=tuple(paths))

    def to_bytes(self) -> bytes:
        """Return the value of tag 04."""
        if len(self.paths) > _MAX_PATHS:
            raise LocalProtocolError(f"an app asks for at most {_MAX_PATHS} paths")
        return Writer().u8(self.curves).take(b"".join(path.to_bytes() for path in self.paths)).to_bytes()


def is_below(path: Sequence[int], permitted: Bip32Path) -> bool:
    """Tell whether a path is the permitted one or goes on from it, each level where that one has `ANY_LEVEL`."""
    return len(path) >= len(permitted) and all(
        wanted in (ANY_LEVEL, level) for wanted, level in zip(permitted, path, strict=False)
    )


def permitted_text(path: Bip32Path) -> str:
    """Return a permitted path as it is written in an app's makefile: ``*/0'``."""
    return "/".join("*" if level == ANY_LEVEL else str(Bip32Path((level,))) for level in path) or "m"


def permitted_path(text: str) -> Bip32Path:
    """Read a permitted path, ``*`` for each level; raise UsageError when it is none."""
    return Bip32Path.parse("/".join(str(ANY_LEVEL) if level == "*" else level for level in text.split("/")))


def _read_path(reader: Reader) -> Bip32Path | Slip21Path:
    first = reader.u8()
    if not first & _SLIP21:
        return Bip32Path.from_bytes(bytes((first,)) + reader.take(min(4 * first, reader.remaining)))
    body = reader.take(first & ~_SLIP21)
    if not body or body[0] != 0 or not body.isascii():
        raise reader.error("a SLIP-21 path is a zero and an ASCII label")
    return Slip21Path(body[1:].decode("ascii"))


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallParameters:
    """What an app says about itself.

    `name` has at most 32 bytes, `version` 16, `data_size` is in bytes (32 bits); `icon` is kept as it is, and so is `dependency`,
    which clients encode in different ways. `others` keeps every further element, a second dependency too.
    """

    name: str
    version: str | None = None
    icon: bytes | None = None
    derivation: Derivation | None = None
    data_size: int | None = None
    dependency: bytes | None = None
    others: tuple[Tlv, ...] = ()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read all elements; raise RemoteProtocolError (6700) when one is malformed or repeated, or there is no name."""
        elements = tuple(iterate_tlv(raw))
        reader = Reader(raw)
        known: dict[int, bytes] = {}
        others: list[Tlv] = []
        for element in elements:
            is_another = element.tag == _DEPENDENCY and _DEPENDENCY in known
            if is_another or not _NAME <= element.tag <= _DEPENDENCY:
                others.append(element)
            elif element.tag in known:
                raise reader.error(f"tag {element.tag:02x} stands there twice")
            else:
                known[element.tag] = element.value
        if not known.get(_NAME):
            raise reader.error("the name of the app is missing or empty")
        derivation, size = known.get(_DERIVATION), known.get(_DATA_SIZE)
        return cls(
            name=_text(known[_NAME], limit=_MAX_NAME_BYTES, reader=reader),
            version=_text(known[_VERSION], limit=_MAX_VERSION_BYTES, reader=reader) if _VERSION in known else None,
            icon=known.get(_ICON),
            derivation=None if derivation is None else Derivation.from_bytes(derivation),
            data_size=None if size is None else _size(size),
            dependency=known.get(_DEPENDENCY),
            others=tuple(others),
        )

    def dependencies(self) -> tuple[bytes, ...]:
        """Return every dependency as it is encoded."""
        more = tuple(element.value for element in self.others if element.tag == _DEPENDENCY)
        return more if self.dependency is None else (self.dependency, *more)

    def claims(self) -> tuple[str, str, Derivation | None]:
        """Return what a person and the permissions go by: name, version, and what the app may derive."""
        return self.name, self.version or "", self.derivation

    def to_bytes(self) -> bytes:
        """Return all elements in the order of their tags, the others last; raise LocalProtocolError when one does not fit."""
        name = self.name.encode()
        version = (self.version or "").encode()
        if not 1 <= len(name) <= _MAX_NAME_BYTES or len(version) > _MAX_VERSION_BYTES:
            raise LocalProtocolError("a name has 1 to 32 bytes, a version at most 16")
        writer = TlvWriter().add(_NAME, name)
        if self.version is not None:
            writer.add(_VERSION, version)
        if self.icon is not None:
            writer.add(_ICON, self.icon)
        if self.derivation is not None:
            writer.add(_DERIVATION, self.derivation.to_bytes())
        if self.data_size is not None:
            writer.add(_DATA_SIZE, Writer().u32(self.data_size).to_bytes())
        if self.dependency is not None:
            writer.add(_DEPENDENCY, self.dependency)
        for element in self.others:
            writer.add(element.tag, element.value)
        return writer.to_bytes()


def _size(raw: bytes) -> int:
    reader = Reader(raw)
    size = reader.u32()
    reader.finish()
    return size


def _text(raw: bytes, *, limit: int, reader: Reader) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise reader.error("a name or a version is not UTF-8") from None
    if len(raw) > limit or not text.isprintable():
        raise reader.error(f"a name or a version is printable and has at most {limit} bytes")
    return text
