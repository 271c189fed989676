"""System calls of native apps for secrets of other schemes than BIP-32 and SLIP-10, after the permission of the app was checked.

Install parameters permit curves and levels for all schemes alike, and labels for SLIP-21 (wire-protocol E.4).
"""

from __future__ import annotations

import struct

from tallystick.device.os.permission import may_derive
from tallystick.device.os.registry import InstalledApp
from tallystick.device.secure.keychain import Keychain, Locked
from tallystick.errors import UsageError
from tallystick.wire.install import Curve, InstallParameters, Slip21Path
from tallystick.wire.syscall import MAX_LEVELS, CallStatus, DeriveSecret, MasterIdentifier, Outcome, Scheme

__all__ = ["derive_secret"]

_LEVEL_BYTES = 4
#: what a label begins with
_MARK = b"\0"


def derive_secret(keychain: Keychain, app: InstalledApp, request: DeriveSecret | MasterIdentifier) -> Outcome:
    """Carry out `request` for `app`: secrets go to native apps alone."""
    if app.bundle is not None:
        return Outcome(CallStatus.NOT_PERMITTED)
    try:
        if isinstance(request, MasterIdentifier):
            return _identify(keychain, app)
        if request.scheme is Scheme.SLIP21:
            return _symmetric(keychain, app, request.path)
        return _levels(keychain, app, request)
    except Locked:
        return Outcome(CallStatus.LOCKED)
    except UsageError:
        return Outcome(CallStatus.BAD_ARGUMENT)


def _identify(keychain: Keychain, app: InstalledApp) -> Outcome:
    if Curve.SECP256K1 not in app.manifest.curves:
        return Outcome(CallStatus.NOT_PERMITTED)
    return Outcome(value=keychain.identifier())


def _levels(keychain: Keychain, app: InstalledApp, request: DeriveSecret) -> Outcome:
    curve = Curve.ED25519 if request.scheme is Scheme.BIP32_ED25519 else Curve.BLS12381G1
    if len(request.path) % _LEVEL_BYTES or len(request.path) > MAX_LEVELS * _LEVEL_BYTES:
        return Outcome(CallStatus.BAD_ARGUMENT)
    path = tuple(level for (level,) in struct.iter_unpack(">I", request.path))
    if not may_derive(app.manifest, curve, path):
        return Outcome(CallStatus.NOT_PERMITTED)
    secret = keychain.kholaw(path) if curve is Curve.ED25519 else keychain.eip2333(path)
    return Outcome(value=secret.reveal())


def _symmetric(keychain: Keychain, app: InstalledApp, path: bytes) -> Outcome:
    """Derive by a label, at or behind one that is permitted, as its bytes begin."""
    derivation = InstallParameters.from_bytes(app.record.image.parameters).derivation
    if derivation is None or Curve.SLIP21 not in derivation.curves:
        return Outcome(CallStatus.NOT_PERMITTED)
    labels = [_MARK + each.label.encode("ascii") for each in derivation.paths if isinstance(each, Slip21Path)]
    if derivation.paths and not any(path.startswith(label) for label in labels):
        return Outcome(CallStatus.NOT_PERMITTED)
    if not path.startswith(_MARK):
        return Outcome(CallStatus.BAD_ARGUMENT)
    return Outcome(value=keychain.symmetric(path[1:]).reveal())
