"""HMAC in steps as firmware 1.x has it (public SDK 1.6, ``cx.h``): the running hash first, then a length and the key.

The key's place has the padded key, which is as long as it: no app looks at it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tallystick.device.native.cx_algorithm import Md
from tallystick.device.native.cx_chain import CHAINS
from tallystick.device.native.cx_digest import HASHES, digest_of
from tallystick.device.native.cx_error import CxError, word
from tallystick.device.native.cx_hash import LAST, hash_final_bytes, hash_start, hash_update
from tallystick.device.native.cx_mac_call import NO_REINIT, inner_key, md_of, outer_key
from tallystick.device.native.machine import Handler, Machine, Throw

__all__ = ["HANDLERS"]

_INVALID_PARAMETER: Final = 0x02
#: a length, then the key
_KEY_AT: Final = 1
_MAX_BYTES: Final = 64 * 1024


def _start(machine: Machine, context: int, md: Md, inner: bytes) -> None:
    key = context + HASHES[md].context_bytes
    machine.memory.write(key, bytes((len(inner),)) + inner)
    hash_start(machine, context, md)
    hash_update(machine, context, inner)


def _inner(machine: Machine, context: int, md: Md) -> bytes:
    return machine.memory.read(context + HASHES[md].context_bytes + _KEY_AT, CHAINS[md].block_bytes)


def _init_of(md: Md) -> Handler:
    """cx_hmac_..._init(context, key, length): the hash's number; without a key it begins anew with the one it has."""

    def handler(machine: Machine, arguments: tuple[int, ...]) -> int:
        context, key, size = arguments
        if size > _MAX_BYTES or (size and not key):
            raise Throw(_INVALID_PARAMETER)
        given = inner_key(md, machine.memory.read(key, size)) if key else _inner(machine, context, md)
        _start(machine, context, md, given)
        return md

    return handler


def _hmac(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_hmac(context, mode, data, length, MAC, its room): the MAC's length with the last part, after which it begins anew, else 0."""
    context, mode, pointer, size, target, room = arguments
    if size > _MAX_BYTES:
        raise Throw(_INVALID_PARAMETER)
    try:
        md = md_of(machine.cx_page.hash_at(word(machine, context)))
        if mode & LAST and room < CHAINS[md].output_bytes:
            raise Throw(_INVALID_PARAMETER)
        hash_update(machine, context, machine.memory.read(pointer, size))
        if not mode & LAST:
            return 0
        inner = _inner(machine, context, md)
        mac = digest_of(md, outer_key(inner) + hash_final_bytes(machine, context))
    except CxError:
        raise Throw(_INVALID_PARAMETER) from None
    machine.memory.write(target, mac)
    if not mode & NO_REINIT:
        _start(machine, context, md, inner)
    return len(mac)


HANDLERS: Final[Mapping[str, Handler]] = {
    "cx_hmac_ripemd160_init": _init_of(Md.RIPEMD160),
    "cx_hmac_sha256_init": _init_of(Md.SHA256),
    "cx_hmac_sha512_init": _init_of(Md.SHA512),
    "cx_hmac": _hmac,
}
