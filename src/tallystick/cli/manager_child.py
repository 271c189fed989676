"""The manager beside a device, as a process: ``python -m tallystick.cli.manager_child FD``, started by `manager_beside`.

The listening socket is at the descriptor, the settings are in the environment, and standard input ends when whoever started
it does; then it ends too, and a folder of passing files (TALLY_PASSING) goes with it.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from tallystick.errors import TallyError

if TYPE_CHECKING:
    from tallystick.manager.settings import Settings

#: names the folder of a manager that is forgotten with its device
PASSING: Final = "TALLY_PASSING"
_FAILED: Final = 1


def main(arguments: list[str]) -> int:
    """Serve until standard input ends or a signal comes."""
    threading.Thread(target=_watch, name="parent", daemon=True).start()
    from tallystick.manager.server import serve
    from tallystick.manager.settings import Settings

    listener = socket.socket(fileno=int(arguments[0]))
    try:
        settings = Settings.from_environment()
        _stock(settings)
        serve(settings, listener=listener, on_ready=lambda: None)
    except TallyError as error:
        sys.stderr.write(f"{error.message}\n{error.remedy}\n")
        return _FAILED
    return 0


def _stock(settings: Settings) -> None:
    """See that the built-in apps are offered. A catalogue of keys that are lost is no use to anybody: a new one is begun."""
    from tallystick.cli.manager_store import add_built_in, database_url, set_aside
    from tallystick.manager.service import OtherIssuer

    try:
        add_built_in(settings.database, settings.hsm, settings.owner)
    except OtherIssuer as error:
        if settings.database != database_url(""):
            raise
        aside = set_aside(settings.database)
        sys.stderr.write(f"{error.message}: it is {aside} now, and a new one is begun\n")
        add_built_in(settings.database, settings.hsm, settings.owner)


def _watch() -> None:
    """End when the one who started this is gone, whatever is in hand: a flow lives in its socket, the database is whole."""
    sys.stdin.buffer.read()
    _end(0)


def _end(status: int) -> NoReturn:
    passing = os.environ.get(PASSING)
    if passing:
        from tallystick.cli.passing import remove

        remove(Path(passing))
    os._exit(status)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stderr.flush()
    _end(code)
