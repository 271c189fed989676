"""Where apps lie and how they are started, by generation of the SDK that they were linked with (native-apps 1).

An app is linked for one address, and code for any: it finds out where it lies, and the OS translates the pointers that it
passes on untouched. Real chips map it at its link address; here that range is never executable, so it lies elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tallystick.errors import UsageError

__all__ = ["Generation", "generation_of"]

#: API levels whose apps run
LEVELS: Final = range(22, 28)
_FLASH: Final = 0x0040_0000
_RAM: Final = 0x2010_0000
_KIB: Final = 1024
#: RAM of an app, static data and stack together, by model
_RAM_BYTES: Final = {
    "nanox": 28 * _KIB,
    "nanosp": 40 * _KIB,
    "stax": 36 * _KIB,
    "flex": 36 * _KIB,
    "apex_p": 40 * _KIB,
}
_TRAMPOLINE: Final = {"nanox": 0x0021_0000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One way to be laid out: addresses are of 32 bits, sizes in bytes.

    `flash_link` and `ram_link` are where the app was linked to lie, `flash` and `ram` where it lies; `trampoline` is where it
    calls the shared library, with the number of the function in r0.
    """

    level: int
    flash_link: int = 0xC0DE_0000
    flash: int = _FLASH
    flash_bytes: int = 400 * _KIB
    ram_link: int = 0xDA7A_0000
    ram: int = _RAM
    ram_bytes: int
    trampoline: int

    @property
    def stack(self) -> int:
        """The address behind the stack: the end of RAM."""
        return self.ram + self.ram_bytes


def generation_of(model: str, level: int | None) -> Generation:
    """Return the generation of an app for `model` and this API level; raise UsageError for one that is not run."""
    ram_bytes = _RAM_BYTES.get(model)
    if level is None or level not in LEVELS or ram_bytes is None:
        told = "no API level" if level is None else f"API level {level}"
        raise UsageError(
            f"an app for {model} with {told} cannot run here",
            remedy=f"apps for {', '.join(_RAM_BYTES)} with API level {LEVELS[0]} to {LEVELS[-1]} can",
        )
    return Generation(level=level, ram_bytes=ram_bytes, trampoline=_TRAMPOLINE.get(model, 0x0080_8000))
