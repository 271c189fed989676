"""`tally emulate --stand-in`: run a command in which whatever starts Speculos starts this emulator.

Clients of Speculos start ``python -m speculos``, or its program ``speculos``. A package of that name, put before all others,
lends its path to the real one that such a client brings along, but for where both begin, which is ours. Where no such program
is installed, and for the name ``speculos.py`` of old suites, there is one behind all others of the search path.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tallystick.errors import UsageError

__all__ = ["stand_in"]

_PACKAGE: Final = """\
from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
"""
_ENTRY: Final = """\
from speculos.main import main

main()
"""
#: the environment of who started the stand-in is that of the emulator: tallystick itself may come from its PYTHONPATH
_MAIN: Final = """\
import os
import sys

import speculos

tally = {tally!r}
python_path = {python_path!r}


def main(prog=None):
    shared = ["--shared-lib", speculos.__path__[1]] if len(speculos.__path__) > 1 else []
    environment = dict(os.environ)
    environment.pop("PYTHONPATH", None)
    if python_path:
        environment["PYTHONPATH"] = python_path
    os.execve(tally[0], [*tally, "emulate", *shared, *sys.argv[1:]], environment)
"""
_PROGRAM: Final = """\
#!/bin/sh
exec {python} -m speculos "$@"
"""
_PROGRAMS: Final = ("speculos", "speculos.py")


def stand_in(command: Sequence[str]) -> int:
    """Run `command` and return its exit status; raise UsageError when there is none, or it cannot be started."""
    if not command:
        raise UsageError("--stand-in runs a command", remedy="tally emulate --stand-in -- pytest tests/")
    with tempfile.TemporaryDirectory(prefix="tallystick-stand-in-") as folder:
        environment = _furnish(Path(folder))
        try:
            process = subprocess.Popen(command, env=environment)  # noqa: S603 -- the user's own command
        except OSError as error:
            raise UsageError(f"{command[0]} cannot be run: {error.strerror}", remedy="name a program") from error
        for number in (signal.SIGTERM, signal.SIGINT):  # a terminal tells the whole group by itself
            signal.signal(number, lambda number, _frame: process.send_signal(number))
        status = process.wait()
        return status if status >= 0 else 128 - status


def _furnish(folder: Path) -> dict[str, str]:
    """Write the package and the programs, and return the environment in which they are found."""
    package, programs = folder / "python" / "speculos", folder / "bin"
    package.mkdir(parents=True)
    programs.mkdir()
    python_path = os.environ.get("PYTHONPATH", "")
    main = _MAIN.format(tally=[sys.executable, "-m", "tallystick"], python_path=python_path)
    for name, text in (("__init__.py", _PACKAGE), ("__main__.py", _ENTRY), ("main.py", main)):
        (package / name).write_text(text, encoding="utf-8")
    for name in _PROGRAMS:
        (programs / name).write_text(_PROGRAM.format(python=shlex.quote(sys.executable)), encoding="utf-8")
        (programs / name).chmod(0o755)
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(package.parent), python_path])),
        "PATH": os.pathsep.join([os.environ.get("PATH", os.defpath), str(programs)]),
    }
