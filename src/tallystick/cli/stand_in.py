"""`tally emulate --stand-in`: run a command in which whatever starts Speculos starts this emulator.

Clients of Speculos start ``python -m speculos``. A package of that name, put before all others, lends its path to the real one
that such a client brings along, but for its entry, which is ours.
"""

from __future__ import annotations

import os
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
import os
import sys

import speculos

tally = {tally!r}
shared = ["--shared-lib", speculos.__path__[1]] if len(speculos.__path__) > 1 else []
environment = dict(os.environ)
environment.pop("PYTHONPATH", None)
os.execve(tally[0], [*tally, "emulate", *shared, *sys.argv[1:]], environment)
"""


def stand_in(command: Sequence[str]) -> int:
    """Run `command` and return its exit status; raise UsageError when there is none, or it cannot be started."""
    if not command:
        raise UsageError("--stand-in runs a command", remedy="tally emulate --stand-in -- pytest tests/")
    with tempfile.TemporaryDirectory(prefix="tallystick-stand-in-") as folder:
        package = Path(folder) / "speculos"
        package.mkdir()
        (package / "__init__.py").write_text(_PACKAGE, encoding="utf-8")
        (package / "__main__.py").write_text(
            _ENTRY.format(tally=[sys.executable, "-m", "tallystick"]), encoding="utf-8"
        )
        paths = [folder, *filter(None, [os.environ.get("PYTHONPATH")])]
        try:
            process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)})  # noqa: S603 -- the user's own command
        except OSError as error:
            raise UsageError(f"{command[0]} cannot be run: {error.strerror}", remedy="name a program") from error
        for number in (signal.SIGTERM, signal.SIGINT):  # a terminal tells the whole group by itself
            signal.signal(number, lambda number, _frame: process.send_signal(number))
        status = process.wait()
        return status if status >= 0 else 128 - status
