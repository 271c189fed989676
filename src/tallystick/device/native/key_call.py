"""System calls of native apps that derive keys: what the contract of the SDK hands to the app, and no more (native-apps 4).

The OS checks the path and the curve against what the app may derive, as for every app. Older calls throw, words of their own where
there are API levels, and `hdkey_derive`, of API levels from 26 on, gives a word (os_hdkey.h). A seed key of the app's own makes a tree
of its own by BIP-32 and SLIP-10, and is refused by the other schemes; in its place, a registered tree of ZIP-32 has its context and its tags.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from tallystick.device.native.machine import Asking, Handler, Machine, Throw
from tallystick.wire.image import AppFlag
from tallystick.wire.install import Curve
from tallystick.wire.path import is_hardened
from tallystick.wire.syscall import (
    MAX_LEVELS,
    MAX_SEED_KEY,
    CallStatus,
    DeriveNode,
    DeriveSecret,
    MasterIdentifier,
    Outcome,
    Request,
    Scheme,
)

__all__ = ["HANDLERS"]

#: curves by their number in the SDK; ed25519 had another one in firmware 1.x
_CURVES: Final[Mapping[int, Curve]] = {
    0x21: Curve.SECP256K1,
    0x22: Curve.SECP256R1,
    0x41: Curve.ED25519,
    0x71: Curve.ED25519,
}
_NORMAL, _SLIP10, _SLIP21 = 0, 1, 2
_ZIP32_REGISTERED: Final = 0x40
_JUBJUB, _BLS12_377 = 0x74, 0x52
#: modes that `hdkey_derive` alone has: scheme, the curve that must be named (None: any), and the key's bytes before its chain code
_TREES: Final[Mapping[int, tuple[Scheme, int | None, int]]] = {
    0x08: (Scheme.ALEO, _BLS12_377, 32),
    0x10: (Scheme.ZIP32_SAPLING, _JUBJUB, 128),
    0x20: (Scheme.ZIP32_ORCHARD, None, 32),
    _ZIP32_REGISTERED: (Scheme.ZIP32_REGISTERED, None, 32),
}
_CONTEXT, _TAGS = 0x16, 0xA0
_MAX_NAMES: Final = 4096
_INVALID_PARAMETER: Final = 0x02
_SECURITY: Final = 0x03
_NOT_SUPPORTED: Final = 0x0B
_KEY_BYTES: Final = 32
_EXTENDED_BYTES: Final = 64
_IDENTIFIER_BYTES: Final = 20
_MAX_LABEL: Final = 127
_SEED_KEYS: Final = {
    Curve.SECP256K1: b"Bitcoin seed",
    Curve.SECP256R1: b"Nist256p1 seed",
    Curve.ED25519: b"ed25519 seed",
    None: b"Symmetric key seed",
}
#: a path without a hardened level, asked for by an app that may not use the master key
_ROOT: Final = 0x4212
#: what `hdkey_derive` answers in place of an exception
_WORDS: Final = {_INVALID_PARAMETER: 0x420E, _SECURITY: 0x4215, _NOT_SUPPORTED: 0x4213, _ROOT: 0x420E}
#: what older calls throw where there are API levels, and apps tell one refusal from another; before, both were matters of security
_THROWN: Final = {_SECURITY: 0x4215, _NOT_SUPPORTED: 0x4213}
_PIN_NOT_VALIDATED: Final = 0x550B
_OVERFLOW: Final = 0x4212


@dataclass(frozen=True, slots=True)
class _Node:
    """What was derived: an empty chain code where the scheme has none."""

    private: bytes
    chain: bytes


def _derive(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """os_perso_derive_node_bip32(curve, path, levels, key, chain code)."""
    curve, path, levels, private, chain = arguments
    return (yield from _hand_out(machine, (_NORMAL, curve, path, levels, 0, 0), private=private, chain=chain))


def _derive_with_mode(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """os_perso_derive_node_with_seed_key(mode, curve, path, levels, key, chain code, seed key, its length)."""
    *what, private, chain, seed_key, size = arguments
    return (yield from _hand_out(machine, (*what, seed_key, size), private=private, chain=chain))


def _hand_out(machine: Machine, what: tuple[int, ...], *, private: int, chain: int) -> Asking:
    try:
        node = yield from _node(machine, what)
    except Throw as error:
        if machine.image.create.api_level is None:
            raise Throw(_SECURITY if error.number == _ROOT else error.number) from None
        raise Throw(_THROWN.get(error.number, error.number)) from None
    if private:
        machine.memory.write(private, node.private)
    if chain:
        machine.memory.write(chain, node.chain)
    return 0


def _hdkey(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """hdkey_derive(mode, curve, path, levels, key, its room, chain code, its room, seed key, its length)."""
    *what, private, private_room, chain, chain_room, seed_key, size = arguments
    try:
        of = _tree if what[0] & 0xFF in _TREES else _node
        node = yield from of(machine, (*what, seed_key, size))
    except Throw as error:
        return _WORDS.get(error.number, error.number)
    for pointer, room, value in ((private, private_room, node.private), (chain, chain_room, node.chain)):
        if pointer and room < len(value):
            return _OVERFLOW
    if private:
        machine.memory.write(private, node.private)
    if chain:
        machine.memory.write(chain, node.chain)
    return 0


def _node(machine: Machine, what: tuple[int, ...]) -> Generator[Request, Outcome, _Node]:
    """Ask the OS for (mode, curve, path, its length, seed key, its length); raise Throw where it refuses."""
    mode, number, pointer, length, seed_key, seed_key_length = what
    curve = None if mode & 0xFF == _SLIP21 else _CURVES.get(number & 0xFF)
    if mode & 0xFF not in {_NORMAL, _SLIP10, _SLIP21} or (curve is None and mode & 0xFF != _SLIP21):
        yield from _unsupported(machine, f"no mode {mode & 0xFF} for curve {number & 0xFF:#x} here")
    own_key = _seed_key(machine, curve, seed_key, seed_key_length)
    is_kholaw = curve is Curve.ED25519 and mode & 0xFF == _NORMAL
    if own_key and (curve is None or is_kholaw):
        yield from _unsupported(machine, "a seed key of the app's own is not derived from in this mode")
    if length > (_MAX_LABEL if curve is None else MAX_LEVELS):
        raise Throw(_INVALID_PARAMETER)
    if curve is None:
        return _Node((yield from _ask(DeriveSecret(Scheme.SLIP21, machine.memory.read(pointer, length)))), b"")
    levels = machine.memory.words(pointer, length)
    if not any(map(is_hardened, levels)) and AppFlag.DERIVE_MASTER not in machine.image.create.flags:
        raise Throw(_ROOT)
    if is_kholaw:
        raw = yield from _ask(DeriveSecret(Scheme.BIP32_ED25519, _big_endian(levels)))
        return _Node(raw[:_EXTENDED_BYTES], raw[_EXTENDED_BYTES:])
    raw = yield from _ask(DeriveNode(curve, levels, own_key))
    return _Node(raw[:_KEY_BYTES], raw[_KEY_BYTES:])


def _tree(machine: Machine, what: tuple[int, ...]) -> Generator[Request, Outcome, _Node]:
    """Ask the OS as `_node` does, for the trees of newer API levels."""
    mode, number, pointer, length, names, names_length = what
    scheme, curve, key_bytes = _TREES[mode & 0xFF]
    if curve is not None and curve != number & 0xFF:
        yield from _unsupported(machine, f"no mode {mode & 0xFF:#x} for curve {number & 0xFF:#x} here")
    if length > MAX_LEVELS:
        raise Throw(_INVALID_PARAMETER)
    path = _big_endian(machine.memory.words(pointer, length))
    if scheme is Scheme.ZIP32_REGISTERED:
        if names_length > _MAX_NAMES:
            raise Throw(_INVALID_PARAMETER)
        path = bytes((length,)) + path + _names(machine.memory.read(names, names_length), length)
    elif names_length:
        yield from _unsupported(machine, "a seed key of the app's own is not derived from in this mode")
    raw = yield from _ask(DeriveSecret(scheme, path))
    return _Node(raw[:key_bytes], raw[key_bytes:])


def _names(raw: bytes, levels: int) -> bytes:
    """Return the context of a registered tree and the tag of each level but the first, each with its length.

    An app gives them as (16, length, context) and (A0, length, tag) as often as tags differ: the last holds for all levels that are left.
    Nothing at all is no context and no tags. Raises Throw for anything else.
    """
    parts = []
    at, expected = 0, _CONTEXT
    while at < len(raw):
        end = at + 2 + raw[at + 1] if at + 2 <= len(raw) else at
        if raw[at] != expected or not at < end <= len(raw):
            raise Throw(_INVALID_PARAMETER)
        parts.append(raw[at + 1 : end])
        at, expected = end, _TAGS
    if len(parts) == 1:
        raise Throw(_INVALID_PARAMETER)
    context, *tags = parts or (b"\0", b"\0")
    wanted = max(levels - 1, 0)
    tags += tags[-1:] * (wanted - len(tags))
    return context + b"".join(tags[:wanted])


def _unsupported(machine: Machine, why: str) -> Generator[Request, Outcome, NoReturn]:
    """Say once what is not derived here, and throw it."""
    yield from machine.complain(machine.last_call, why)
    raise Throw(_NOT_SUPPORTED)


def _ask(request: Request) -> Generator[Request, Outcome, bytes]:
    outcome = yield request
    if outcome.status is CallStatus.LOCKED:
        raise Throw(_PIN_NOT_VALIDATED)
    if outcome.status is not CallStatus.OK:
        raise Throw(_SECURITY if outcome.status is CallStatus.NOT_PERMITTED else _INVALID_PARAMETER)
    return bytes(outcome.value)


def _seed_key(machine: Machine, curve: Curve | None, pointer: int, size: int) -> bytes:
    """Return the seed key of the app's own: nothing where it has none, or names that of the standard; raise Throw for a long one."""
    if size > MAX_SEED_KEY:
        raise Throw(_INVALID_PARAMETER)
    given = machine.memory.read(pointer, size)
    return b"" if given == _SEED_KEYS[curve] else given


def _big_endian(levels: tuple[int, ...]) -> bytes:
    return b"".join(level.to_bytes(4, "big") for level in levels)


def _derive_eip2333(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """os_perso_derive_eip2333(curve, path, levels, key): the curve is BLS12-381 whatever it is called."""
    _curve, pointer, levels, private = arguments
    if levels > MAX_LEVELS:
        raise Throw(_INVALID_PARAMETER)
    raw = yield from _ask(DeriveSecret(Scheme.EIP2333, _big_endian(machine.memory.words(pointer, levels))))
    if private:
        machine.memory.write(private, raw)
    return 0


def _identify(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """os_perso_get_master_key_identifier(buffer, its room)."""
    pointer, room = arguments
    if room < _IDENTIFIER_BYTES:
        return _WORDS[_INVALID_PARAMETER]
    try:
        machine.memory.write(pointer, (yield from _ask(MasterIdentifier())))
    except Throw as error:
        return _WORDS.get(error.number, error.number)
    return 0


HANDLERS: Final[Mapping[str, Handler]] = {
    "os_perso_derive_node_bip32": _derive,
    "os_perso_derive_node_with_seed_key": _derive_with_mode,
    "os_perso_derive_eip2333": _derive_eip2333,
    "hdkey_derive": _hdkey,
    "os_perso_get_master_key_identifier": _identify,
}
