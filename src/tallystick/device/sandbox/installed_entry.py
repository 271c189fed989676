"""How a locked process of this installation begins: as `entry`, with the code of its data classes at hand.

Started as ``python -I -m tallystick.device.sandbox.installed_entry ROLE PARENT_PID PROGRAM ARGUMENT…``. An image begins with
`entry` itself: it has that code inside.
"""

from __future__ import annotations

import sys

from tallystick.device.boot.kept_code import KeptCode

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Run the program that `arguments` names, locked, and return its exit status."""
    _role, _parent, program, *_rest = arguments
    kept = KeptCode(program)
    kept.use()
    from tallystick.device.sandbox import entry  # its imports are the first that are to be fast

    return entry.main(arguments, on_prepared=kept.keep)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
