"""System calls of native apps for secrets of other schemes than BIP-32 and SLIP-10, after the permission of the app was checked.

Install parameters permit curves and levels for all schemes alike, and labels for SLIP-21 (wire-protocol E.4).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from tallystick.crypto.secret import Secret
from tallystick.device.os.permission import may_derive
from tallystick.device.os.registry import InstalledApp
from tallystick.device.secure.keychain import Keychain, Locked
from tallystick.errors import RemoteProtocolError, UsageError
from tallystick.wire.buffer import Reader
from tallystick.wire.install import Curve, InstallParameters, Slip21Path
from tallystick.wire.syscall import MAX_LEVELS, CallStatus, DeriveSecret, MasterIdentifier, Outcome, Scheme

__all__ = ["derive_secret"]

_LEVEL_BYTES = 4
#: what a label begins with
_MARK = b"\0"
#: by which bit of the install parameters levels of a scheme are permitted
_CURVES = {
    Scheme.BIP32_ED25519: Curve.ED25519,
    Scheme.EIP2333: Curve.BLS12381G1,
    Scheme.ZIP32_SAPLING: Curve.ZIP32,
    Scheme.ZIP32_ORCHARD: Curve.ZIP32,
    Scheme.ALEO: Curve.BLS12377G1,
}


def derive_secret(keychain: Keychain, app: InstalledApp, request: DeriveSecret | MasterIdentifier) -> Outcome:
    """Carry out `request` for `app`: secrets go to native apps alone."""
    if app.bundle is not None:
        return Outcome(CallStatus.NOT_PERMITTED)
    try:
        if isinstance(request, MasterIdentifier):
            return _identify(keychain, app)
        if request.scheme is Scheme.SLIP21:
            return _symmetric(keychain, app, request.path)
        if request.scheme is Scheme.ZIP32_REGISTERED:
            return _registered(keychain, app, request.path)
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
    if len(request.path) % _LEVEL_BYTES or len(request.path) > MAX_LEVELS * _LEVEL_BYTES:
        return Outcome(CallStatus.BAD_ARGUMENT)
    path = tuple(level for (level,) in struct.iter_unpack(">I", request.path))
    if not may_derive(app.manifest, _CURVES[request.scheme], path):
        return Outcome(CallStatus.NOT_PERMITTED)
    derive: dict[Scheme, Callable[[Sequence[int]], Secret]] = {
        Scheme.BIP32_ED25519: keychain.kholaw,
        Scheme.EIP2333: keychain.eip2333,
        Scheme.ZIP32_SAPLING: keychain.sapling,
        Scheme.ZIP32_ORCHARD: keychain.orchard,
        Scheme.ALEO: keychain.aleo,
    }
    return Outcome(value=derive[request.scheme](path).reveal())


def _registered(keychain: Keychain, app: InstalledApp, raw: bytes) -> Outcome:
    """Derive in a registered tree of ZIP-32: count u8, levels u32, the context and the tags with their lengths."""
    reader = Reader(raw)
    try:
        count = reader.u8()
        path = tuple(reader.u32() for _ in range(count))
        context = reader.lv()
        tags = tuple(reader.lv() for _ in path[1:])
        reader.finish()
    except RemoteProtocolError:
        return Outcome(CallStatus.BAD_ARGUMENT)
    if count > MAX_LEVELS:
        return Outcome(CallStatus.BAD_ARGUMENT)
    if not may_derive(app.manifest, Curve.ZIP32, path):
        return Outcome(CallStatus.NOT_PERMITTED)
    return Outcome(value=keychain.registered(path, context=context, tags=tags).reveal())


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
