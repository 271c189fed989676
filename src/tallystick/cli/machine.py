"""What is installed on this machine: the packages of each extra, and the tools that some commands call."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import Final

#: third parties by the extra that brings them; what is always there has none
PACKAGES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "": (
            *(
                "click",
                "rich",
                "construct",
                "cryptography",
                "coincurve",
                "mnemonic",
                "hidapi",
                "httpx",
                "h2",
                "websockets",
            ),
            "platformdirs",
        ),
        "device": ("starlette", "uvicorn", "pillow", "segno"),
        "ui": ("textual",),
        "testing": ("pytest",),
        "hsm": ("python-pkcs11",),
        "manager": ("uvloop", "sqlalchemy", "alembic", "structlog"),
        "postgresql": ("psycopg",),
        "native": ("unicorn",),
        "ble": ("bleak", "dbus-fast"),
    }
)
#: licences that ask for more than ours does
_LICENCES: Final = {"unicorn": "GPL-2.0-only"}
_OLDEST_CLANG, _NEWEST_CLANG = 14, 30
_CLANGS: Final = tuple(f"clang-{number}" for number in range(_NEWEST_CLANG, _OLDEST_CLANG - 1, -1))
_LINKERS: Final = tuple(f"ld.lld-{number}" for number in range(_NEWEST_CLANG, _OLDEST_CLANG - 1, -1))
#: programs that do, the first that is there, by what people call them
_PROGRAMS: Final = {
    "clang": ("clang", *_CLANGS),
    "lld": ("ld.lld", *_LINKERS),
    "gdb": ("gdb-multiarch", "arm-none-eabi-gdb", "gdb"),
    "qemu": ("qemu-system-x86_64",),
    "bluez": ("bluetoothd",),
}
#: where the daemon of BlueZ lies, which nobody calls by hand
_DAEMONS: Final = ("/usr/libexec/bluetooth", "/usr/lib/bluetooth", "/usr/sbin")
#: what each tool is for
USES: Final = {
    "clang": "tally app build",
    "lld": "tally app build",
    "gdb": "tally app run --gdb",
    "qemu": "make usb-test",
    "vhci_hcd": "tally up --usb",
    "bluez": "tally up --ble",
}
_LOADED: Final = "loaded"


def packages() -> dict[str, str | None]:
    """Return the version of each package, None for one that is not installed."""
    return {name: _installed(name) for names in PACKAGES.values() for name in names}


def package_words(found: Mapping[str, str | None]) -> list[tuple[str, str]]:
    """Return packages for people: version and a licence that matters, or the extra to install."""
    return [
        (name, _words(name, found.get(name), extra=extra))
        for extra, names in PACKAGES.items()
        for name in names
        if name in found
    ]


def tools(*, path: str | None = None, root: Path = Path("/")) -> dict[str, str | None]:
    """Return where each tool is, None for one that is not there; for the kernel's module ``loaded`` or its file.

    `path` is where programs are looked for, PATH if None; `root` is where the system's folders begin.
    """
    places = os.pathsep.join((os.environ.get("PATH", os.defpath) if path is None else path, *_below(root, _DAEMONS)))
    found = {
        name: next((place for program in programs if (place := shutil.which(program, path=places))), None)
        for name, programs in _PROGRAMS.items()
    }
    return {name: found[name] if name in found else _module(name, root) for name in USES}


def tool_words(found: Mapping[str, str | None]) -> list[tuple[str, str]]:
    """Return tools for people."""
    return [(name, place or f"not there: {USES[name]} needs it") for name, place in found.items()]


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _words(name: str, found: str | None, *, extra: str) -> str:
    licence = f", {_LICENCES[name]}" if name in _LICENCES else ""
    if found is not None:
        return f"{found}{licence}"
    return f"not installed{licence}" + (f": pip install 'tallystick[{extra}]'" if extra else "")


def _below(root: Path, folders: tuple[str, ...]) -> list[str]:
    return [str(root / folder.removeprefix("/")) for folder in folders]


def _module(name: str, root: Path) -> str | None:
    """Return where a module of the kernel is; names differ in dashes only."""
    if (root / "sys/module" / name).is_dir():
        return _LOADED
    index = root / "lib/modules" / platform.release() / "modules.dep"
    try:
        lines = index.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    files = (line.partition(":")[0] for line in lines)
    return next((file for file in files if Path(file).name.partition(".")[0].replace("-", "_") == name), None)
