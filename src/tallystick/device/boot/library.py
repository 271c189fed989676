"""Code that an image cannot hold: the interpreter, and native modules (secure-world 2.2).

An image carries the list of them inside its signature. The bootloader checks every file of the list before anything is
started. A running image takes a native module by reading it once, comparing, and loading it from sealed memory, so that a
file replaced after the check has no effect; a module that is neither in the image nor on the list does not exist for it.
What one stage has read, compared and sealed, the next one takes over from it: such memory cannot have changed.

The few native modules that hashing itself needs are loaded before that and compared afterwards.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from importlib.util import spec_from_file_location
from types import ModuleType
from typing import TYPE_CHECKING

from tallystick.device.boot.memory import sealed_memfd
from tallystick.errors import TrustError

if TYPE_CHECKING:
    from tallystick.wire.environment import Entry

_MAX_HANDOVER = 1 << 20
#: name of a root -> folder
Places = dict[str, str]


def places(libraries: str) -> Places:
    """Return where the roots of a list lie for this interpreter; `libraries` is the folder of the installed packages."""
    program = os.path.realpath("/proc/self/exe")
    return {
        "interpreter": os.path.dirname(os.path.dirname(program)),  # noqa: PTH120 -- pathlib would pull native code in
        "standard": f"{sys.base_exec_prefix}/{sys.platlibdir}/python{sys.version_info.major}.{sys.version_info.minor}",
        "libraries": libraries,
    }


def read_checked(where: str, size_bytes: int, digest: bytes) -> bytes:
    """Read a file once and return its bytes; raise TrustError unless size and SHA-256 are these."""
    try:
        with open(where, "rb") as file:  # noqa: PTH123
            data = file.read(size_bytes + 1)
    except OSError:
        raise TrustError(f"{os.path.basename(where)} cannot be read") from None  # noqa: PTH119
    if len(data) != size_bytes or hashlib.sha256(data).digest() != digest:
        raise TrustError(f"{os.path.basename(where)} is not the one that was signed for")  # noqa: PTH119
    return data


def check_entry(entry: Entry, roots: Places) -> None:
    """Check one file of a list; raise TrustError. What this stage has sealed already runs from there, and needs no second look."""
    if entry.digest.hex() not in sealed():
        read_checked(f"{roots[entry.root.value]}/{entry.path}", entry.size_bytes, entry.digest)


class LibraryFinder:
    """Finds the native modules of a list, and nothing else. Goes into ``sys.meta_path``.

    A row is (root, path, size in bytes, SHA-256 as hex, module).
    """

    def __init__(self, rows: Sequence[Sequence[str | int]], roots: Places, sealed: Mapping[str, int]) -> None:
        self._rows = {str(row[4]): row for row in rows if row[4]}
        self._roots = roots
        self._taken = 0
        #: SHA-256 as hex -> descriptor of sealed memory with a file that was compared, by this stage or the one before
        self.sealed = dict(sealed)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the module `name` in sealed memory, or None; raise TrustError when its file is another one."""
        del path, target
        row = self._rows.get(name)
        if row is None:
            return None
        digest = str(row[3])
        if digest not in self.sealed:
            self.sealed[digest] = sealed_memfd(name, self.read(row))
        # the dynamic linker takes two files of one name for one file, so no name may come twice, even if the number does
        self._taken += 1
        origin = f"/proc/self/fd/{'./' * self._taken}{self.sealed[digest]}"
        return spec_from_file_location(name, origin, loader=ExtensionFileLoader(name, origin))

    def read(self, row: Sequence[str | int]) -> bytes:
        """Return the bytes of a row's file, checked."""
        return read_checked(f"{self._roots[str(row[0])]}/{row[1]}", int(row[2]), bytes.fromhex(str(row[3])))

    def check_loaded(self, names: Sequence[str]) -> None:
        """Compare the native modules that were loaded before this finder was there; raise TrustError."""
        for name in names:
            if name not in self._rows:
                raise TrustError(f"the native module {name} is not on the list")
            self.read(self._rows[name])


def enter() -> None:
    """Guard the running image by the list inside it: the first thing that an image does, before it imports anything else.

    The folder of the installed packages is told in the hand-over, the descriptor in the first argument.
    """
    loader = sys.modules["__main__"].__loader__
    handover = int(sys.argv[1])
    told = json.loads(os.pread(handover, _MAX_HANDOVER, 0))
    guard(loader.get_data(f"{sys.path[0]}/environment.json"), told["libraries"], told["sealed"])  # type: ignore[union-attr]  # an archive's


def sealed() -> Mapping[str, int]:
    """Return what the running image has compared and sealed, by SHA-256 as hex; nothing outside of images."""
    found = (finder.sealed for finder in sys.meta_path if isinstance(finder, LibraryFinder))
    return next(found, {})


def guard(environment: bytes, libraries: str, taken_over: Mapping[str, int]) -> None:
    """Let the running image import from itself and from its list alone; raise TrustError when the list does not hold.

    `environment` is the list inside the image, which was checked with it. To be called before anything but this module is
    imported. `taken_over` is what the stage before has compared and sealed.
    """
    archive = sys.path[0]
    for descriptor in taken_over.values():
        os.set_inheritable(descriptor, False)  # noqa: FBT003 -- the signature of os
    finder = LibraryFinder(json.loads(environment), places(libraries), taken_over)
    native = [
        name for name, module in list(sys.modules.items()) if str(getattr(module, "__file__", "")).endswith(".so")
    ]
    finder.check_loaded(native)
    for name, module in list(sys.modules.items()):
        # packages that the interpreter brought along look for the rest of themselves in the image, too
        if hasattr(module, "__path__") and not str(getattr(module, "__file__", "")).startswith(archive):
            module.__path__ = [f"{archive}/{name.replace('.', '/')}"]
    del sys.path[1:]
    sys.meta_path.append(finder)
    sys.path_importer_cache.clear()
