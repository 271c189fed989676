"""Turn a bundle into a running program: the modules that run are the ones whose hash was taken.

Modules are compiled from the bundle's own bytes, never from a file, and live in a package named after the bundle's
hash, so two versions of one app never meet. Relative imports work within the app; absolute ones reach what the
process offers.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, cast

from tallystick.app.app import Start
from tallystick.errors import RemoteProtocolError
from tallystick.wire.bundle import Bundle

if TYPE_CHECKING:
    from importlib.abc import Loader

_PREFIX = "_tally_app_"


class _BundleFinder:
    """Finds and loads the modules of one bundle.

    Not a subclass of the abstract finder and loader: importing those would bring twenty modules, from ZIP files to network
    addresses, into every app's process.
    """

    def __init__(self, package: str, bundle: Bundle) -> None:
        self._package = package
        self._modules = bundle.modules

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module of this bundle, or None for all others."""
        del path, target
        loader = cast("Loader", self)
        if fullname == self._package:
            return ModuleSpec(fullname, loader, is_package=True)
        package, _, name = fullname.rpartition(".")
        if package == self._package and f"{name}.py" in self._modules:
            return ModuleSpec(fullname, loader)
        return None

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave the making of the module to the interpreter."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's source; the package itself has an optional `__init__.py`, which bundles never hold."""
        name = module.__name__.rpartition(".")[2]
        if module.__name__ != self._package:
            source = self._modules[f"{name}.py"]
            exec(compile(source, f"<{self._package}>/{name}.py", "exec", dont_inherit=True), module.__dict__)  # noqa: S102


def load(bundle: Bundle) -> Start:
    """Return the entry of `bundle`.

    Raises:
        RemoteProtocolError: the app cannot be imported, or its entry is not there.

    """
    package = _PREFIX + bundle.digest.hex()[:32]
    if package not in sys.modules:
        sys.meta_path.insert(0, _BundleFinder(package, bundle))
    module_name, _, entry = bundle.manifest.entry.partition(":")
    try:
        module = importlib.import_module(f"{package}.{module_name}")
        return cast("Start", getattr(module, entry))
    except (ImportError, AttributeError, SyntaxError) as error:
        raise RemoteProtocolError(f"the app cannot be loaded: {type(error).__name__}") from error
