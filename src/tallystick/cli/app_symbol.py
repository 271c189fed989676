"""Places in an app told by function: ``app+0x162`` in the device's log becomes ``app+0x162 (harm+0x1e)``.

The device knows no names; whoever gave it the ELF file does.
"""

from __future__ import annotations

import bisect
import logging
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tallystick.device.native.elf import Elf

__all__ = ["SymbolFilter", "function_at", "tell_functions"]

_PLACE: Final = re.compile(r"\bapp\+0x([0-9a-f]{1,8})\b")


def function_at(elf: Elf, offset: int) -> str | None:
    """Return function and offset in it for a place in the app (bytes from the begin of its flash), or None."""
    start = elf.segments[0].address
    # of Thumb code the lowest bit is set; what begins with $ marks code and data
    starts = sorted((value & ~1, name) for name, value in elf.symbols.items() if value & 1 and not name.startswith("$"))
    at = bisect.bisect_right(starts, (start + offset, "\uffff")) - 1
    if at < 0 or not 0 <= offset < len(elf.segments[0].data):
        return None
    address, name = starts[at]
    return f"{name}+{start + offset - address:#x}"


def tell_functions(elf: Elf) -> None:
    """Have this program's log tell places in the app by function."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(SymbolFilter(elf))


class SymbolFilter(logging.Filter):
    """Adds the functions of `elf` to every line of a log."""

    def __init__(self, elf: Elf) -> None:
        super().__init__()
        self._elf = elf

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the line; none is left out."""
        text = record.getMessage()
        told = _PLACE.sub(self._named, text)
        if told != text:
            record.msg, record.args = told, ()
        return True

    def _named(self, match: re.Match[str]) -> str:
        name = function_at(self._elf, int(match[1], 16))
        return match[0] if name is None else f"{match[0]} ({name})"
