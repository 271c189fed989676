"""The built-in catalogue: apps that come with the package, as bundles.

The modules of an app are read as data and packed; nothing here imports them.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from tallystick.errors import UsageError
from tallystick.wire.bundle import MANIFEST, Bundle

#: by the name a person types: the folder
CATALOGUE = {"cosmos": "cosmos", "transfer": "transfer"}


def bundle(name: str, *, modules: Mapping[str, str] | None = None) -> Bundle:
    """Return the bundle of the built-in app `name`, whatever its case.

    `modules` (member name to source) stand in place of its own of the same name: what is fixed when an app is built.

    Raises:
        UsageError: there is no such app in the catalogue.

    """
    folder = CATALOGUE.get(name.lower())
    if folder is None:
        raise UsageError(
            f"there is no app {name} in the catalogue", remedy=f"choose one of: {', '.join(sorted(CATALOGUE))}"
        )
    root = files(__name__) / folder
    sources = {
        entry.name: entry.read_text(encoding="utf-8")
        for entry in root.iterdir()
        if entry.name.endswith(".py") and entry.name != "__init__.py"
    }
    return Bundle.pack((root / MANIFEST).read_bytes(), {**sources, **(modules or {})})
