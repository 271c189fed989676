"""The shared library that native apps call, from a Speculos install beside this package: nothing of it is ours to give.

It is read as data, and goes into the app's process with the app's image; what it may do there is what the app may do.
"""

from __future__ import annotations

import os
from typing import Final

from tallystick.wire.native import MAX_LIBRARY, join_fonts

__all__ = ["find_shared_library", "speculos_folder"]

#: names the folder of the package `speculos` of another installation
FOLDER: Final = "TALLYSTICK_SPECULOS"
_FIRST_SHARED_LEVEL: Final = 23


def speculos_folder(libraries: str = "", *, named: str = "") -> str:
    """Return the folder of the package `speculos` that is used, "" where there is none.

    The first of these decides:

    1. `named`, which a person wrote (`--shared-lib`),
    2. the environment's TALLYSTICK_SPECULOS,
    3. the package installed beside this one.

    A folder that somebody named and that has no libraries is not passed over for the next. `libraries` is the folder of the
    installed packages for whoever runs out of an image: nothing is named there, and the environment is not heard.
    """
    if named:
        return named
    if libraries:
        return f"{libraries}/speculos"
    told = os.environ.get(FOLDER)
    if told:
        return told
    import importlib.util  # no image needs it

    found = importlib.util.find_spec("speculos")
    return "" if found is None or not found.submodule_search_locations else found.submodule_search_locations[0]


def find_shared_library(folder: str, *, model: str, level: int | None) -> bytes:
    """Return the library for a model and an API level, empty where there is none, or none that can be read.

    Up to level 22 the fonts that apps find in the OS come behind it, or alone where there are no others than fonts.
    """
    if not folder or level is None:
        return b""
    if level >= _FIRST_SHARED_LEVEL:
        return _read(f"{folder}/sharedlib/{model}-api-level-shared-{level}.elf")
    library = _read(f"{folder}/cxlib/{model}-api-level-cx-{level}.elf")
    return join_fonts(library, _read(f"{folder}/fonts/{model}-fonts-{level}.bin"))


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 -- no path objects in a world that has no files
            raw = file.read(MAX_LIBRARY + 1)
            while len(raw) <= MAX_LIBRARY and (more := file.read(MAX_LIBRARY + 1 - len(raw))):
                raw += more
    except OSError:
        return b""
    return raw if len(raw) <= MAX_LIBRARY else b""
