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
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from importlib.util import spec_from_file_location
from types import ModuleType
from typing import TYPE_CHECKING

from tallystick.device.boot.memory import seal, writable_memfd, write_whole
from tallystick.errors import TrustError

if TYPE_CHECKING:
    from threading import Thread

    from tallystick.wire.environment import Entry

_MAX_HANDOVER = 1 << 20
#: read, hashed and written at a time
_PIECE_BYTES = 1 << 20
#: files that are worth a thread of their own; it must not wait long for its turn between two pieces
_LARGE_BYTES = 4 << 20
_SWITCH_S = 0.0002
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


def read_checked(
    where: str, size_bytes: int, digest: bytes, *, take: Callable[[memoryview], object] | None = None
) -> None:
    """Read a file once, piece by piece, and give the pieces to `take`; raise TrustError unless size and SHA-256 are these.

    What was taken counts for nothing before this has returned. Never more than the listed size is taken.
    """
    found, rest = hashlib.sha256(), size_bytes
    piece = memoryview(bytearray(min(_PIECE_BYTES, size_bytes + 1)))
    try:
        with open(where, "rb", buffering=0) as file:  # noqa: PTH123
            while read := file.readinto(piece):
                rest -= read
                if rest < 0:
                    break
                found.update(piece[:read])
                if take is not None:
                    take(piece[:read])
    except OSError:
        raise TrustError(f"{os.path.basename(where)} cannot be read") from None  # noqa: PTH119
    if rest or found.digest() != digest:
        raise TrustError(f"{os.path.basename(where)} is not the one that was signed for")  # noqa: PTH119


def check_entries(entries: Sequence[Entry], roots: Places) -> None:
    """Check every file of a list, two at a time; raise TrustError.

    A running image seals the native modules among them as it compares them, for the stage that comes next. What it has sealed
    or compared already needs no second look.
    """
    import threading  # the list of the image that runs is in force by now

    finder = next(_finders(), None)
    waiting = sorted(entries, key=lambda entry: entry.size_bytes)
    passed: list[Entry] = []
    refused: list[TrustError] = []

    def work() -> None:
        while waiting and not refused:
            try:
                entry = waiting.pop()
            except IndexError:  # the other one was faster
                return
            try:
                _check_entry(entry, roots, finder)
            except TrustError as error:
                refused.append(error)
            else:
                passed.append(entry)

    other = threading.Thread(target=work, daemon=True)
    other.start()
    work()
    other.join()
    if refused:
        raise refused[0]
    if len(passed) != len(entries):  # a thread that ended for any other reason has checked nothing
        raise TrustError("the list of native code was not checked to its end")


def _check_entry(entry: Entry, roots: Places, finder: LibraryFinder | None) -> None:
    if finder is None:
        read_checked(f"{roots[entry.root.value]}/{entry.path}", entry.size_bytes, entry.digest)
    else:
        finder.take((entry.root.value, entry.path, entry.size_bytes, entry.digest.hex(), entry.module))


class LibraryFinder:
    """Finds the native modules of a list, and nothing else. Goes into ``sys.meta_path``.

    A row is (root, path, size in bytes, SHA-256 as hex, module).
    """

    def __init__(self, rows: Sequence[Sequence[str | int]], roots: Places, sealed: Mapping[str, int]) -> None:
        self._rows = {str(row[4]): row for row in rows if row[4]}
        self._large = [row for row in rows if int(row[2]) >= _LARGE_BYTES]
        self._ahead: Thread | None = None
        self._compared: set[tuple[str | int, ...]] = set()
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
        self.take(row)
        # the dynamic linker takes two files of one name for one file, so no name may come twice, even if the number does
        self._taken += 1
        origin = f"/proc/self/fd/{'./' * self._taken}{self.sealed[digest]}"
        return spec_from_file_location(name, origin, loader=ExtensionFileLoader(name, origin))

    def take(self, row: Sequence[str | int]) -> None:
        """Compare the file of a row, once, and seal it if it is a module; raise TrustError when it is another one."""
        if self._ahead is not None and int(row[2]) >= _LARGE_BYTES:
            self._ahead.join()
        self._take(row)

    def _take(self, row: Sequence[str | int]) -> None:
        if str(row[3]) in self.sealed or tuple(row) in self._compared:
            return
        if row[4]:
            self.sealed[str(row[3])] = self._seal(row)
        else:
            self._compare(row)
            self._compared.add(tuple(row))

    def read_ahead(self) -> None:
        """Begin to compare the large files of the list, beside the imports that will wait for them."""
        import threading  # only now: before the list was in force it could have come from anywhere

        sys.setswitchinterval(_SWITCH_S)
        # native modules first: an import waits for them
        waiting = sorted(self._large, key=lambda row: not row[4])
        self._ahead = threading.Thread(target=self._take_ahead, args=(waiting,), daemon=True)
        self._ahead.start()

    def _take_ahead(self, rows: Sequence[Sequence[str | int]]) -> None:
        for row in rows:
            try:
                self._take(row)
            except (TrustError, OSError):  # whoever needs it finds the same, and says so
                return

    def _seal(self, row: Sequence[str | int]) -> int:
        descriptor = writable_memfd(str(row[4]))
        try:
            self._compare(row, take=lambda piece: write_whole(descriptor, piece))
            seal(descriptor)
        except (TrustError, OSError):
            os.close(descriptor)
            raise
        return descriptor

    def _compare(self, row: Sequence[str | int], *, take: Callable[[memoryview], object] | None = None) -> None:
        read_checked(f"{self._roots[str(row[0])]}/{row[1]}", int(row[2]), bytes.fromhex(str(row[3])), take=take)

    def check_loaded(self, names: Sequence[str]) -> None:
        """Compare the native modules that were loaded before this finder was there; raise TrustError."""
        for name in names:
            if name not in self._rows:
                raise TrustError(f"the native module {name} is not on the list")
            self._compare(self._rows[name])


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
    return next((finder.sealed for finder in _finders()), {})


def read_ahead() -> None:
    """Begin to compare the large files that the running image needs; for the bootloader, which has to check them anyway."""
    for finder in _finders():
        finder.read_ahead()


def _finders() -> Iterator[LibraryFinder]:
    return (finder for finder in sys.meta_path if isinstance(finder, LibraryFinder))


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
