"""System calls of native apps that derive keys: what the contract of the SDK hands to the app, and no more (native-apps 4).

The OS checks the path and the curve against what the app may derive, as for every app.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tallystick.device.native.machine import Asking, Handler, Machine, Throw
from tallystick.wire.install import Curve
from tallystick.wire.syscall import MAX_LEVELS, CallStatus, DeriveNode

__all__ = ["CURVES", "HANDLERS"]

#: curves by their number in the SDK
CURVES: Final[Mapping[int, Curve]] = {0x21: Curve.SECP256K1, 0x22: Curve.SECP256R1, 0x71: Curve.ED25519}
_NORMAL, _SLIP10 = 0, 1
_INVALID_PARAMETER: Final = 0x02
_SECURITY: Final = 0x03
_NOT_SUPPORTED: Final = 0x0B
_KEY_BYTES: Final = 32
_UNKNOWN_CURVE: Final = 0xFFFF_FF87


def _derive(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """Derive by BIP-32; ed25519 is another scheme there, which is not offered."""
    curve, path, levels, private, chain = arguments
    return (yield from _node(machine, _NORMAL, (curve, path, levels, private, chain)))


def _derive_with_mode(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """Derive by a scheme; a seed key of the app's own is not offered."""
    mode, curve, path, levels, private, chain, _seed_key, seed_key_length = arguments
    if seed_key_length:
        raise Throw(_NOT_SUPPORTED)
    return (yield from _node(machine, mode, (curve, path, levels, private, chain)))


def _node(machine: Machine, mode: int, arguments: tuple[int, ...]) -> Asking:
    number, pointer, levels, private, chain = arguments
    curve = CURVES.get(number & 0xFF)
    if curve is None or (mode == _SLIP10) != (curve is Curve.ED25519) or mode not in {_NORMAL, _SLIP10}:
        raise Throw(_NOT_SUPPORTED)
    if levels > MAX_LEVELS:
        raise Throw(_INVALID_PARAMETER)
    outcome = yield DeriveNode(curve, machine.memory.words(pointer, levels))
    if outcome.status is not CallStatus.OK:
        raise Throw(_SECURITY if outcome.status is CallStatus.NOT_PERMITTED else _INVALID_PARAMETER)
    if private:
        machine.memory.write(private, outcome.value[:_KEY_BYTES])
    if chain:
        machine.memory.write(chain, outcome.value[_KEY_BYTES:])
    return 0


def _parameters_length(machine: Machine, arguments: tuple[int, ...]) -> int:
    """Tell the length of a curve's field in bytes."""
    if arguments[0] & 0xFF not in CURVES:
        return _UNKNOWN_CURVE
    machine.memory.write(arguments[1], _KEY_BYTES.to_bytes(4, "little"))
    return 0


def _size(machine: Machine, arguments: tuple[int, ...]) -> int:
    """Tell the size of a curve's field in bits."""
    if arguments[0] & 0xFF not in CURVES:
        return _UNKNOWN_CURVE
    machine.memory.write(arguments[1], (8 * _KEY_BYTES).to_bytes(4, "little"))
    return 0


HANDLERS: Final[Mapping[str, Handler]] = {
    "cx_ecdomain_parameters_length": _parameters_length,
    "cx_ecdomain_size": _size,
    "os_perso_derive_node_bip32": _derive,
    "os_perso_derive_node_with_seed_key": _derive_with_mode,
}
