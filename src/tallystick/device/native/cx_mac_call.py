"""Functions of the shared library for HMAC and what is made of it: HKDF and PBKDF2 (`lcx_hmac.h`, `lcx_pbkdf2.h`).

A running HMAC is the key (128 bytes, with the inner padding added) and behind it a running hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from tallystick.device.native.cx_algorithm import Md
from tallystick.device.native.cx_chain import CHAINS
from tallystick.device.native.cx_digest import digest_of, kind_of
from tallystick.device.native.cx_error import CxError, CxStatus, word
from tallystick.device.native.cx_hash import LAST, hash_final_bytes, hash_start, hash_update
from tallystick.device.native.machine import Handler, Machine
from tallystick.device.native.memory import BadPointer

__all__ = ["LIBRARY", "NO_REINIT", "hmac", "inner_key", "md_of", "outer_key"]

_KEY_BYTES: Final = 128
_HEAD_BYTES: Final = 8
_INNER, _OUTER = 0x36, 0x5C
#: in a mode: do not begin anew after the end
NO_REINIT: Final = 1 << 15
#: HKDF counts its blocks in one byte
_MAX_HKDF_BLOCKS: Final = 255
#: about a second of work, so that no app holds its device for hours; BIP-39 takes 2048
_MAX_PBKDF2_ROUNDS: Final = 1_000_000
_MAX_RIPEMD_ROUNDS: Final = 100_000
#: so many rounds are as much work as a call, a power of two
_ROUNDS_SHIFT: Final = 4


def md_of(number: int) -> Md:
    """Return the algorithm of a number, one that HMAC is made of; raise CxError for another."""
    md, _ = kind_of(number)
    if md not in CHAINS:
        raise CxError(CxStatus.INVALID_PARAMETER)
    return md


def _xor(data: bytes, value: int) -> bytes:
    return bytes(byte ^ value for byte in data)


def inner_key(md: Md, key: bytes | None) -> bytes:
    """Return a block: the key with the inner padding; no key at all is no padding either, as in the SDK."""
    size = CHAINS[md].block_bytes
    if key is None:
        return bytes(size)
    return _xor((digest_of(md, key) if len(key) > size else key).ljust(size, b"\0"), _INNER)


def outer_key(inner: bytes) -> bytes:
    """Return the block that the end begins with, for the one that the beginning has begun with."""
    return _xor(inner, _INNER ^ _OUTER)


def hmac(md: Md, key: bytes | None, data: bytes) -> bytes:
    """Return the HMAC of `data` (RFC 2104); without a key, what the SDK takes for it."""
    inner = inner_key(md, key)
    return digest_of(md, outer_key(inner) + digest_of(md, inner + data))


def _key(machine: Machine, pointer: int, size: int) -> bytes | None:
    if not pointer:
        if size:
            raise CxError(CxStatus.INVALID_PARAMETER)
        return None
    return machine.memory.read(pointer, size)


def _start(machine: Machine, context: int, md: Md, key: bytes | None) -> None:
    inner = inner_key(md, key)
    machine.memory.write(context, inner.ljust(_KEY_BYTES + _HEAD_BYTES, b"\0"))
    hash_start(machine, context + _KEY_BYTES, md)
    hash_update(machine, context + _KEY_BYTES, inner)


def _end(machine: Machine, context: int, room: int) -> bytes:
    """Return as much of the MAC as there is room for."""
    md = md_of(machine.cx_page.hash_at(word(machine, context + _KEY_BYTES)))
    inner = machine.memory.read(context, CHAINS[md].block_bytes)
    outer = outer_key(inner)
    return digest_of(md, outer + hash_final_bytes(machine, context + _KEY_BYTES))[:room]


def _init(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_hmac_init(context, hash, key, length)."""
    context, md, key, size = arguments[:4]
    _start(machine, context, md_of(md), _key(machine, key, size))
    return CxStatus.OK


def _init_of(md: Md) -> Handler:
    """cx_hmac_..._init(context, key, length)."""

    def handler(machine: Machine, arguments: tuple[int, ...]) -> int:
        return _init(machine, (arguments[0], md, *arguments[1:3]))

    return handler


def _update(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_hmac_update(context, data, length)."""
    context, pointer, size = arguments[:3]
    if size:
        hash_update(machine, context + _KEY_BYTES, machine.memory.read(pointer, size))
    return CxStatus.OK


def _final(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_hmac_final(context, MAC, length): the length is its room before and its size after."""
    context, target, length = arguments[:3]
    mac = _end(machine, context, word(machine, length))
    machine.memory.write(length, len(mac).to_bytes(4, "little"))
    machine.memory.write(target, mac)
    return CxStatus.OK


def _hmac(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_hmac_no_throw(context, mode, data, length, MAC, its room): after the end it begins anew, without a key."""
    context, mode, pointer, size, target, room = arguments[:6]
    if (not pointer and size) or (not target and room):
        return CxStatus.INVALID_PARAMETER
    _update(machine, (context, pointer, size))
    if mode & LAST:
        machine.memory.write(target, _end(machine, context, room))
        if not mode & NO_REINIT:
            md = machine.cx_page.hash_at(word(machine, context + _KEY_BYTES))
            _start(machine, context, md_of(md), None)
    return CxStatus.OK


def _at_once(md: Md) -> Handler:
    """cx_hmac_sha...(key, length, data, length, MAC, its room): the size of the MAC, or 0."""

    def handler(machine: Machine, arguments: tuple[int, ...]) -> int:
        key, key_size, pointer, size, target, room = arguments[:6]
        try:
            mac = hmac(md, _key(machine, key, key_size), machine.memory.read(pointer, size))[:room]
            machine.memory.write(target, mac)
        except (BadPointer, CxError):
            return 0
        return len(mac)

    return handler


def _hkdf_extract(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_hkdf_extract(hash, key material, length, salt, length, key) (RFC 5869, 2.2)."""
    number, pointer, size, salt, salt_size, target = arguments[:6]
    md = md_of(number)
    key = machine.memory.read(salt, salt_size) if salt else bytes(CHAINS[md].output_bytes)
    machine.memory.write(target, hmac(md, key, machine.memory.read(pointer, size)))
    return CxStatus.OK


def _hkdf_expand(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_hkdf_expand(hash, key, length, info, length, output, length) (RFC 5869, 2.3)."""
    number, key, key_size, info, info_size, target, size = arguments[:7]
    md = md_of(number)
    if size > _MAX_HKDF_BLOCKS * CHAINS[md].output_bytes:
        return CxStatus.INVALID_PARAMETER_SIZE
    prk, told = _key(machine, key, key_size), machine.memory.read(info, info_size)
    output, block, count = b"", b"", 0
    while len(output) < size:
        count += 1
        block = hmac(md, prk, block + told + bytes((count,)))
        output += block
    machine.memory.write(target, output[:size])
    return CxStatus.OK


def _pbkdf2_block(md: Md, password: bytes, salt: bytes, *, rounds: int, number: int) -> bytes:
    """Return one block of PBKDF2 (RFC 8018, 5.2), for a hash that the library may not have."""
    block = hmac(md, password, salt + number.to_bytes(4, "big"))
    total = int.from_bytes(block, "big")
    for _ in range(1, rounds):
        block = hmac(md, password, block)
        total ^= int.from_bytes(block, "big")
    return total.to_bytes(len(block), "big")


def _pbkdf2(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_pbkdf2_hmac(hash, password, length, salt, length, iterations, key, length)."""
    number, password, password_size, salt, salt_size, rounds, target, size = arguments[:8]
    if not (password and salt and target):
        return CxStatus.INVALID_PARAMETER
    md = md_of(number)
    blocks = -(-size // CHAINS[md].output_bytes)
    rounds = max(rounds, 1)
    if blocks * rounds > (_MAX_RIPEMD_ROUNDS if md is Md.RIPEMD160 else _MAX_PBKDF2_ROUNDS):
        return CxStatus.INVALID_PARAMETER_VALUE
    machine.calls += blocks * rounds >> _ROUNDS_SHIFT
    secret, salted = machine.memory.read(password, password_size), machine.memory.read(salt, salt_size)
    if not size:
        return CxStatus.OK
    if md is Md.RIPEMD160:
        parts = (_pbkdf2_block(md, secret, salted, rounds=rounds, number=1 + block) for block in range(blocks))
        key = b"".join(parts)[:size]
    else:
        key = hashlib.pbkdf2_hmac(md.name.lower(), secret, salted, rounds, size)
    machine.memory.write(target, key)
    return CxStatus.OK


LIBRARY: Final[Mapping[str, Handler]] = {
    "cx_hmac_init": _init,
    "cx_hmac_ripemd160_init_no_throw": _init_of(Md.RIPEMD160),
    "cx_hmac_sha224_init": _init_of(Md.SHA224),
    "cx_hmac_sha256_init_no_throw": _init_of(Md.SHA256),
    "cx_hmac_sha384_init": _init_of(Md.SHA384),
    "cx_hmac_sha512_init_no_throw": _init_of(Md.SHA512),
    "cx_hmac_update": _update,
    "cx_hmac_final": _final,
    "cx_hmac_no_throw": _hmac,
    "cx_hmac_sha256": _at_once(Md.SHA256),
    "cx_hmac_sha512": _at_once(Md.SHA512),
    "cx_hkdf_extract": _hkdf_extract,
    "cx_hkdf_expand": _hkdf_expand,
    "cx_pbkdf2_hmac": _pbkdf2,
    "cx_pbkdf2_no_throw": _pbkdf2,
}
