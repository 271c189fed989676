"""What a cable's program and whoever holds it say to each other: JSON objects, one a line.

The program says ``ready``, or ``error`` and ends. For each line ``plug`` it plugs the device in and says ``plugged`` with facts,
or ``error``. When its input ends, it ends, and the device is unplugged.
"""

from __future__ import annotations

import json
import signal
import sys
from typing import IO, Any, Protocol

from tallystick.errors import DeviceNotFound, PermissionDenied, TallyError, TransportError

PLUG = "plug"


class Cable(Protocol):
    """One kind of cable."""

    def prepare(self) -> None:
        """See that it can be used; raise TransportError with the remedy when it cannot."""
        ...

    def plug(self) -> dict[str, Any]:
        """Plug the device in, which must be there, and return facts about where; raise TransportError."""
        ...

    def close(self) -> None:
        """Unplug, if anything is plugged in."""
        ...


def serve(cable: Cable, lines: IO[str] = sys.stdin, out: IO[str] = sys.stdout) -> int:
    """Be the program of `cable`; return the exit status."""
    for number in (signal.SIGINT, signal.SIGTERM):  # meant for who holds the cable, and lets go of it then
        signal.signal(number, signal.SIG_IGN)
    try:
        cable.prepare()
        say(out, ready={})
        for line in lines:
            if line.strip() == PLUG:
                say(out, plugged=cable.plug())
    except TransportError as error:
        say(out, error={"code": error.code, "message": error.message, "remedy": error.remedy})
        return 1
    except BrokenPipeError:  # nobody holds it any more
        return 0
    finally:
        cable.close()
    return 0


def complaint(document: dict[str, Any]) -> TallyError:
    """Return the error that a cable told of."""
    kinds: dict[str, type[TransportError]] = {kind.code: kind for kind in (PermissionDenied, DeviceNotFound)}
    kind = kinds.get(str(document.get("code")), TransportError)
    return kind(str(document.get("message")), remedy=str(document.get("remedy")))


def say(out: IO[str], **message: Any) -> None:
    """Write a message."""
    out.write(json.dumps(message) + "\n")
    out.flush()
