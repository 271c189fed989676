"""Where apps lie and how they are started, by generation of the SDK that they were linked with (native-apps 1).

An app is linked for one address, and code for any: it finds out where it lies, and the OS translates the pointers that it
passes on untouched. Real chips map it at its link address; here that range is never executable, so it lies elsewhere. RAM of
a Nano S is different: its apps name it by address, so there it lies where they were linked for.

Apps say their API level since there are any. Those before say nothing: `Era` is found by the numbers in their code.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from tallystick.device.native.call_table import CallTable
from tallystick.device.native.era import Era, era_of
from tallystick.device.native.level import LEVELS, MODELS, calls_of, functions_of, ram_bytes_of, trampoline_of
from tallystick.device.native.library_table import FUNCTIONS
from tallystick.errors import UsageError

__all__ = ["Generation", "generation_of"]

_FLASH: Final = 0x0040_0000
#: what is between two apps of which one is the other's library
_FLASH_STEP: Final = 0x0008_0000
_RAM: Final = 0x2010_0000
_KIB: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One way to be laid out: addresses are of 32 bits, sizes in bytes.

    `flash_link` and `ram_link` are where the app was linked to lie, `flash` and `ram` where it lies; `trampoline` is where it
    calls the shared library, with the number of the function in r0. `level` is what the OS says when an app asks for it, `ux_ok` what it says
    where all is well.
    """

    level: int
    flash_link: int = 0xC0DE_0000
    flash: int = _FLASH
    flash_bytes: int = 400 * _KIB
    ram_link: int = 0xDA7A_0000
    ram: int = _RAM
    ram_bytes: int
    trampoline: int
    calls: CallTable
    functions: tuple[str, ...] = FUNCTIONS
    ux_ok: int = 0xAA

    @property
    def caller(self) -> int:
        """Where the code of an app lies that called this one."""
        return self.flash - _FLASH_STEP

    @property
    def stack(self) -> int:
        """The address behind the stack: the end of RAM."""
        return self.ram + self.ram_bytes

    def function_name(self, number: int) -> str:
        """Return the name of the shared library's function `number`, or its number where there is none."""
        functions = self.functions
        return functions[number] if number < len(functions) else f"function {number:#x} of the shared library"


def generation_of(model: str, level: int | None, *, code: bytes = b"", depth: int = 0) -> Generation:
    """Return the generation of an app for `model`, by its API level or, where it says none, by its code.

    `depth` is 0 for an app, and for one that was called as a library how many called one another.
    Raises UsageError for one that is not run.
    """
    flash = _FLASH + depth * _FLASH_STEP
    if level is None:
        era = era_of(model, code)
        if era is not None:
            return _before_levels(era, flash)
    if level is None or level not in LEVELS or model not in MODELS:
        told = "no API level" if level is None else f"API level {level}"
        raise UsageError(
            f"an app for {model} with {told} cannot run here",
            remedy=f"apps for {', '.join(MODELS)} with API level {LEVELS[0]} to {LEVELS[-1]} can, "
            "and those of Nano S 1.5 to 2.1, Nano X 1.2 to 2.0 and Nano S+ 1.0",
        )
    return Generation(
        level=level,
        flash=flash,
        ram_bytes=ram_bytes_of(model, level),
        trampoline=trampoline_of(model, level),
        calls=calls_of(level),
        functions=functions_of(level),
    )


def _before_levels(era: Era, flash: int) -> Generation:
    make = partial(
        Generation,
        level=era.told_level,
        flash=flash,
        ram_bytes=era.ram_bytes,
        trampoline=era.trampoline,
        calls=era.calls,
        functions=era.functions,
        ux_ok=era.ux_ok,
    )
    if not era.ram:
        return make()
    return make(flash_link=era.flash_link, ram_link=era.ram, ram=era.ram)
