"""C sources of an app made into an ELF file, with the SDK that comes with the package and the clang of the machine."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import tallystick
from tallystick.errors import UsageError
from tallystick.wire.model import MODELS

__all__ = ["NATIVE_MODELS", "compile_app", "find_compiler", "sdk_folder"]

#: models whose apps the SDK builds
NATIVE_MODELS: Final = tuple(name for name in MODELS if name != "nanos")
_OLDEST, _NEWEST = 14, 30
_TIMEOUT_S: Final = 120.0
_INSTALL: Final = "install clang and lld 14 or later, on Debian and Ubuntu: sudo apt install clang lld"
_VERSION: Final = re.compile(r"clang version (\d+)")


def sdk_folder() -> Path:
    """Return the folder of the SDK: in the package, or beside the sources that the package runs from."""
    package = Path(tallystick.__file__).parent
    for folder in (package / "sdk", package.parent.parent / "sdk"):
        if (folder / "app.ld").exists():
            return folder
    raise UsageError("the C SDK is not in this installation", remedy="install tallystick anew")


def find_compiler(name: str = "") -> str:
    """Return the path of clang: the one that is named, or the first that is there; raise UsageError when there is none."""
    names = [name] if name else ["clang", *(f"clang-{version}" for version in range(_NEWEST, _OLDEST - 1, -1))]
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        raise UsageError(f"there is no {names[0]} on this machine", remedy=_INSTALL)
    version = _VERSION.search(_run([found, "--version"], what="clang").stdout)
    if version is None or int(version[1]) < _OLDEST:
        raise UsageError(f"{found} is no clang of version {_OLDEST} or later", remedy=_INSTALL)
    return found


def compile_app(folder: Path, *, model: str, target: Path, compiler: str = "") -> Path:
    """Build the C sources in `folder` into the ELF file `target`, and return it.

    The same compiler makes the same bytes of the same sources, wherever they lie.

    Raises:
        UsageError: no compiler, no sources, or sources that do not compile; the compiler's own words are in the message.

    """
    sources = sorted(folder.glob("*.c"))
    if not sources:
        raise UsageError(f"there are no C sources in {folder}", remedy="name the folder that has the app's *.c files")
    sdk, clang = sdk_folder(), find_compiler(compiler)
    command = [
        *(clang, f"@{sdk / 'flags'}", f"-I{sdk / 'include'}", f"-DTALLY_TARGET=TALLY_TARGET_{model.upper()}"),
        f"-Wl,-T,{sdk / 'app.ld'}",
        *(f"-ffile-prefix-map={folder}/=", f"-ffile-prefix-map={sdk / 'include'}/=sdk/include/"),
        f"-ffile-prefix-map={sdk / 'source'}/=sdk/source/",
        *("-o", str(target)),
        *map(str, sorted((sdk / "source").glob("*.c"))),
        *map(str, sources),
    ]
    done = _run(command, what=str(folder))
    if done.returncode:
        told = done.stderr.strip() or f"clang ended with {done.returncode}"
        remedy = _INSTALL if "invalid linker name" in told or "unable to execute" in told else "correct the sources"
        raise UsageError(f"{folder} does not build:\n{told}", remedy=remedy)
    return target


def _run(command: list[str], *, what: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 -- the compiler of the machine, and files that the user named
            command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S, errors="replace"
        )
    except subprocess.TimeoutExpired:
        raise UsageError(f"{what}: clang does not come back", remedy="see what keeps the machine busy") from None
    except OSError as error:
        raise UsageError(f"{what}: clang cannot be run: {error.strerror}", remedy=_INSTALL) from error
