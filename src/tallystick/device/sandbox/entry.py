"""The first program of every locked process: prepare, lock, then work.

Started as ``python -I -m tallystick.device.sandbox.entry ROLE PARENT_PID PROGRAM ARGUMENT…``, or as the ``__main__`` of an
image with the same arguments. PROGRAM is the name of a module with ``prepare(arguments)``: it imports and opens all it will
ever need, touches nothing hostile, and returns the work; the work begins when the process is locked. The programs know
nothing of this room, and this room nothing of them but their names.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import importlib
import linecache
import os
import sys
import traceback
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from importlib.machinery import BuiltinImporter, FrozenImporter
from types import TracebackType
from typing import cast

from tallystick.device.sandbox.boundary import Boundary
from tallystick.device.sandbox.confine import Lock
from tallystick.device.sandbox.role import Role
from tallystick.device.sandbox.seccomp import Refusal
from tallystick.errors import TrustError

__all__ = ["NOT_CONFINED", "Work", "let_go_of_images", "main", "prepare", "seal_imports"]

#: exit status of a process that could not be locked
NOT_CONFINED = 97
_DESCRIPTORS = "/proc/self/fd"
#: what a program's `prepare` returns: run behind the lock, it returns the exit status
Work = Callable[[], int]


def main(
    arguments: list[str],
    *,
    refusal: Refusal = Refusal.KILL,
    without: AbstractSet[Boundary] = frozenset(),
    on_prepared: Callable[[], None] | None = None,
) -> int:
    """Run the program that `arguments` names, locked, and return its exit status.

    Only the self-test softens the lock, by `refusal` and `without`; no argument of the command line can. `on_prepared` is
    called before the lock, when everything is imported.
    """
    role, parent, program, *rest = arguments
    work = prepare(program, rest)
    if on_prepared is not None:
        on_prepared()
    gc.freeze()  # an image starts without; what is loaded by now is no garbage
    gc.enable()
    lock = Lock(Role(role), refusal=refusal, without=without)
    seal_imports()
    let_go_of_images()
    try:
        lock.put_on(parent=int(parent))
    except TrustError as error:
        print(error.message, file=sys.stderr)  # noqa: T201 -- its parent's pipe: there is nothing else to tell it with
        return NOT_CONFINED
    return work()


def prepare(program: str, arguments: list[str]) -> Work:
    """Import `program` and have it prepare; raise ImportError or AttributeError when it is none."""
    return cast("Work", importlib.import_module(program).prepare(arguments))


def seal_imports() -> None:
    """Let later imports find what is loaded or part of the interpreter, and never look for files.

    Behind the lock, looking for a file ends the process; an app that asks for a module which is not there is to get an
    ImportError, and one that raises an error is to be told without its source lines. None of this keeps anybody in: it lets
    an honest program fail with an error where the lock would end it without a word.
    """
    sys.meta_path[:] = [BuiltinImporter, FrozenImporter]
    sys.excepthook = _report
    sys.addaudithook(_refuse_files)
    vars(linecache)["updatecache"] = _no_lines


def let_go_of_images() -> None:
    """Close every descriptor of memory files: the image this runs from, its native modules, and what was read from others.

    All of it is loaded by now, and nothing of it is to be had behind the lock.
    """
    with contextlib.suppress(FileNotFoundError):  # no such folder, no Linux, no image
        for name in os.listdir(_DESCRIPTORS):  # noqa: PTH208 -- no path objects in a world that has no files
            with contextlib.suppress(FileNotFoundError):  # the listing's own descriptor is in the list
                if os.readlink(f"{_DESCRIPTORS}/{name}").startswith("/memfd:"):  # noqa: PTH115
                    os.close(int(name))


def _refuse_files(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse what opens a file by name, which the interpreter itself does to show the line of a syntax error."""
    if event == "open":
        raise PermissionError(errno.EPERM, "no file can be opened behind the lock", arguments[0])


def _report(kind: type[BaseException], value: BaseException, trace: TracebackType | None) -> None:
    """Print where an error came from: names and line numbers."""
    lines = [f"  {frame.f_code.co_filename}:{number}" for frame, number in traceback.walk_tb(trace)]
    print("\n".join([*lines, f"{kind.__name__}: {value}"]), file=sys.stderr)  # noqa: T201 -- as the interpreter would


def _no_lines(filename: str, module_globals: dict[str, object] | None = None) -> list[str]:
    del filename, module_globals
    return []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
