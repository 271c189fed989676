"""What an app may derive: its manifest's curves and path prefixes, enforced at every call (wire-protocol E.4).

A native app has a key of a curve only behind a hardened level, unless its flags let it use the master key (SDK, appflags.h): from the
key at a path without one, and its chain code, the master key can be reckoned.
"""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.wire.bundle import Manifest
from tallystick.wire.install import Curve, is_below
from tallystick.wire.path import is_hardened

#: the flag in the manifest of a native app that may not use the master key
NO_MASTER = "no_master"
_BIP32 = (Curve.SECP256K1, Curve.SECP256R1, Curve.ED25519)


def may_derive(manifest: Manifest, curve: Curve, path: Sequence[int]) -> bool:
    """Return whether the app may use the key at `path` on `curve`: at or below one of its prefixes, on its curves."""
    if curve not in manifest.curves:
        return False
    if NO_MASTER in manifest.flags and curve in _BIP32 and not any(map(is_hardened, path)):
        return False
    return any(is_below(path, prefix) for prefix in manifest.paths)
