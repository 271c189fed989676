"""The chip as a process of its own: a folder, and one end of a SEQPACKET socket to the Secure World.

Arguments: the chip's folder, the number of the inherited socket, and the state of the boot (``open`` or ``verified``)
when whoever starts it is the boot ROM; without it the first message on the socket says so, once. It ends when the socket
does. Nothing is written to stdout or stderr but one line when it cannot start.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tallystick.device.silicon.chip import Chip
from tallystick.device.silicon.entropy import SystemRng
from tallystick.device.silicon.flash import DirectoryFlash
from tallystick.errors import TallyError
from tallystick.wire.chip import MAX_MESSAGE, ChipState

_STATES = {"": ChipState.RESET, "open": ChipState.OPEN, "verified": ChipState.VERIFIED}
_USAGE = 64
_UNUSABLE = 1


def serve(chip: Chip, end: socket.socket) -> None:
    """Answer datagrams until the other end is gone."""
    while True:
        try:
            datagram = end.recv(MAX_MESSAGE + 1)
            if not datagram:
                return
            end.send(chip.handle(datagram))
        except OSError:
            return


def main(argv: Sequence[str], *, confine: Callable[[], object] = lambda: None) -> int:
    """Run the chip; `confine` is called once everything is open, before the first message is read. Returns the exit code."""
    folder, number, *rest = (*argv, "", "")[:3] if len(argv) in {2, 3} else ("", "", "")
    state = _STATES.get(rest[0])
    if not folder or not number.isdecimal() or state is None:
        sys.stderr.write("chip: FOLDER SOCKET [open|verified]\n")
        return _USAGE
    try:
        store = DirectoryFlash(Path(folder))
        chip = Chip(store=store, noise=SystemRng(), state=state)
        end = socket.socket(fileno=int(number))
    except (TallyError, OSError) as error:
        sys.stderr.write(f"chip: {error}\n")
        return _UNUSABLE
    with end:
        confine()
        serve(chip, end)
    store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
