"""What an app may derive: its manifest's curves and path prefixes, enforced at every call (wire-protocol E.4).

A native app whose flags let it use the master key may derive the root as well (SDK, appflags.h), whatever its prefixes.
"""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.wire.bundle import Manifest
from tallystick.wire.install import Curve, is_below

#: the flag in the manifest of a native app that may use the root
MASTER = "master"


def may_derive(manifest: Manifest, curve: Curve, path: Sequence[int]) -> bool:
    """Return whether the app may use the key at `path` on `curve`: at or below one of its prefixes, on its curves."""
    if curve not in manifest.curves:
        return False
    if not path and MASTER in manifest.flags:
        return True
    return any(is_below(path, prefix) for prefix in manifest.paths)
