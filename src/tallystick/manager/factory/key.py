"""The three key sets of a factory: four keys of the boot ROM, one for configurations, one for Normal Worlds (secure-world 2.1).

They are minisign keys without password, which the real tool reads and writes: whoever holds the folder signs for the
devices. Files are readable by their owner alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tallystick.crypto.minisign import PublicKey, SigningKey
from tallystick.errors import StateError, UsageError

ROM_KEYS = 4
_ENTROPY_BYTES = 40
_ROM = tuple(f"rom-{index}" for index in range(ROM_KEYS))
_CONFIG = "config"
_NORMAL = "normal-world"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactoryKeys:
    """All keys of a factory. `rom` are four, of which the device needs one that is not revoked."""

    rom: tuple[SigningKey, ...] = field(repr=False)
    config: SigningKey = field(repr=False)
    normal: SigningKey = field(repr=False)

    @classmethod
    def generate(cls, entropy: Callable[[int], bytes] = os.urandom) -> Self:
        """Make new keys."""
        made = [SigningKey.from_entropy(entropy(_ENTROPY_BYTES)) for _ in range(ROM_KEYS + 2)]
        return cls(rom=tuple(made[:ROM_KEYS]), config=made[ROM_KEYS], normal=made[ROM_KEYS + 1])

    @property
    def key_table(self) -> bytes:
        """The four public ROM keys, 42 bytes each: what a device carries and whose hash is fused."""
        return b"".join(key.public_key.to_bytes() for key in self.rom)

    def write(self, folder: Path) -> list[Path]:
        """Write all keys into `folder` and return the files; raise UsageError rather than replace a key."""
        named = dict(zip((*_ROM, _CONFIG, _NORMAL), (*self.rom, self.config, self.normal), strict=True))
        texts = {f"{name}.key": key.to_text() for name, key in named.items()}
        texts |= {f"{name}.pub": key.public_key.to_text() for name, key in named.items()}
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            taken = [name for name in texts if (folder / name).exists()]
            if taken:
                raise UsageError(
                    f"there are keys in {folder} already", remedy="choose another folder: keys are not replaced"
                )
            for name, text in texts.items():
                _write_new(folder / name, text, mode=0o600 if name.endswith(".key") else 0o644)
        except OSError as error:
            raise StateError(f"{folder} cannot be written: {error.strerror}") from error
        return [folder / name for name in sorted(texts)]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the keys of a folder; raise UsageError for a missing file, TrustError for a damaged one."""
        rom = tuple(_read(folder / f"{name}.key") for name in _ROM)
        return cls(rom=rom, config=_read(folder / f"{_CONFIG}.key"), normal=_read(folder / f"{_NORMAL}.key"))


def read_public(path: Path) -> PublicKey:
    """Read one ``.pub`` file; raise UsageError when it is missing, TrustError when it is damaged."""
    return PublicKey.from_text(_text(path))


def _read(path: Path) -> SigningKey:
    return SigningKey.from_text(_text(path))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path.name} cannot be read", remedy="make keys with: tally factory keys DIR") from error


def _write_new(path: Path, text: str, *, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
