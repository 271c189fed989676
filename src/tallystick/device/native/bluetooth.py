"""A Bluetooth controller that nobody is in reach of: what apps of Nano X 1.2 wait for before they hear anything else (native-apps 1).

Such an app has the whole host part of the stack in itself, sets the controller up command by command as it starts, and stands still until each
one is answered. A command comes as opcode u16 big endian and parameters; an event goes back as the Bluetooth Core Specification has it
(volume 4, part A, 2 and part E, 7.7.14).
"""

from __future__ import annotations

from typing import Final

__all__ = ["completed"]

_EVENT_PACKET, _COMMAND_COMPLETE = 0x04, 0x0E
#: commands that may come before the next answer
_ROOM: Final = 1
_OPCODE_BYTES: Final = 2
#: success, and handles of what was made, all 0: no command of the set-up gives more
_PARAMETERS: Final = bytes(8)


def completed(command: bytes) -> bytes:
    """Return the event that says a command was carried out; empty for what is no command."""
    if len(command) < _OPCODE_BYTES:
        return b""
    body = bytes((_ROOM, command[1], command[0])) + _PARAMETERS
    return bytes((_EVENT_PACKET, _COMMAND_COMPLETE, len(body))) + body
