"""What an app may derive: its manifest's curves and path prefixes, enforced at every call (wire-protocol E.4)."""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.wire.bundle import Manifest
from tallystick.wire.install import Curve


def may_derive(manifest: Manifest, curve: Curve, path: Sequence[int]) -> bool:
    """Return whether the app may use the key at `path` on `curve`: at or below one of its prefixes, on its curves."""
    if curve not in manifest.curves:
        return False
    levels = tuple(path)
    return any(levels[: len(prefix)] == tuple(prefix) for prefix in manifest.paths)
