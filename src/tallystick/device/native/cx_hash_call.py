"""Functions of the shared library that hash (`lcx_hash.h` and those of each algorithm), on contexts in the app's memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from tallystick.device.native.cx_algorithm import Md
from tallystick.device.native.cx_blake import Blake2bDigest
from tallystick.device.native.cx_digest import HASHES, digest_of, kind_of
from tallystick.device.native.cx_error import CxError, CxStatus
from tallystick.device.native.cx_groestl import GroestlDigest
from tallystick.device.native.cx_hash import (
    LAST,
    hash_final,
    hash_start,
    hash_update,
    load_hash,
    output_bytes,
    store_hash,
)
from tallystick.device.native.cx_sponge import SpongeDigest
from tallystick.device.native.machine import Handler, Machine
from tallystick.device.native.memory import BadPointer

__all__ = ["LIBRARY", "OLD_LIBRARY"]

#: the SDK's answer for an output that is too small, and for a BLAKE2b that was ended before: an exception's number, not of this set
_TOO_SMALL: Final = 0x02
_MASK: Final = 0xFFFF_FFFF


#: begins a hash; asks nobody
Initial = Callable[[Machine, tuple[int, ...]], int]


def _data(machine: Machine, pointer: int, size: int) -> bytes:
    return machine.memory.read(pointer, size)


def _init(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_hash_init(context, hash)."""
    hash_start(machine, arguments[0], arguments[1])
    return CxStatus.OK


def _init_ex(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_hash_init_ex(context, hash, size in bytes)."""
    context, md, size = arguments[:3]
    known, kind = kind_of(md)
    if kind.output_bytes:
        if kind.output_bytes != size:
            return CxStatus.INVALID_PARAMETER
        return _init(machine, arguments)
    return _SIZED[known](machine, (context, size << 3 & _MASK))


def _fixed(md: Md) -> Handler:
    """cx_..._init_no_throw(context) of a hash with one size."""

    def handler(machine: Machine, arguments: tuple[int, ...]) -> int:
        hash_start(machine, arguments[0], md)
        return CxStatus.OK

    return handler


def _sponge(md: Md) -> Initial:
    """cx_sha3_init_no_throw(context, size in bits), and Keccak."""

    def handler(machine: Machine, arguments: tuple[int, ...]) -> int:
        context, bits = arguments[:2]
        return store_hash(machine, context, md, SpongeDigest.start(md, size_bits=bits, output_bytes=bits >> 3))

    return handler


def _shake(md: Md, strength: int) -> Initial:
    """cx_shake..._init_no_throw(context, size in bits)."""

    def handler(machine: Machine, arguments: tuple[int, ...]) -> int:
        context, bits = arguments[:2]
        if bits % 8:
            return CxStatus.INVALID_PARAMETER
        return store_hash(machine, context, md, SpongeDigest.start(md, size_bits=strength, output_bytes=bits >> 3))

    return handler


def _xof_init(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_sha3_xof_init_no_throw(context, 128 or 256, size in bytes)."""
    context, strength, size = arguments[:3]
    md = {128: Md.SHAKE128, 256: Md.SHAKE256}.get(strength)
    if md is None:
        return CxStatus.INVALID_PARAMETER
    return store_hash(machine, context, md, SpongeDigest.start(md, size_bits=strength, output_bytes=size))


def _blake_init(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_blake2b_init_no_throw(context, size in bits)."""
    return _blake_init2(machine, (*arguments[:2], 0, 0, 0, 0))


def _blake_init2(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_blake2b_init2_no_throw(context, size in bits, salt, its length, personalization, its length)."""
    context, bits, salt, salt_size, person, person_size = arguments[:6]
    if salt_size > 16 or person_size > 16 or bits % 8 or not 8 <= bits <= 512:
        return CxStatus.INVALID_PARAMETER
    digest = Blake2bDigest.start(
        output_bytes=bits >> 3, salt=_data(machine, salt, salt_size), person=_data(machine, person, person_size)
    )
    return store_hash(machine, context, Md.BLAKE2B, digest)


def _groestl_init(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_groestl_init_no_throw(context, size in bits)."""
    return store_hash(machine, arguments[0], Md.GROESTL, GroestlDigest.start(size_bits=arguments[1]))


def _groestl(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_groestl(context, mode, data, length, digest, its room)."""
    context, mode, pointer, size, target, room = arguments[:6]
    hash_update(machine, context, _data(machine, pointer, size))
    if mode & LAST:
        if room < output_bytes(machine, context):
            return CxStatus.INVALID_PARAMETER
        hash_final(machine, context, target)
    return CxStatus.OK


def _update(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_hash_update(context, data, length), and that of every algorithm."""
    context, pointer, size = arguments[:3]
    hash_update(machine, context, _data(machine, pointer, size))
    return CxStatus.OK


def _final(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_hash_final(context, digest), and that of every algorithm."""
    hash_final(machine, arguments[0], arguments[1])
    return CxStatus.OK


def _hash(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_hash_no_throw(context, mode, data, length, digest, its room)."""
    context, mode, pointer, size, target, room = arguments[:6]
    hash_update(machine, context, _data(machine, pointer, size))
    if mode & LAST:
        if room < output_bytes(machine, context):
            return _TOO_SMALL
        hash_final(machine, context, target)
    return CxStatus.OK


def _blake(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_blake2b(context, mode, data, length, digest, its room): without a place for the digest, it stays in the context."""
    context, mode, pointer, size, target, room = arguments[:6]
    hash_update(machine, context, _data(machine, pointer, size))
    if mode & LAST:
        wanted = output_bytes(machine, context)
        if target and room < wanted:
            return _TOO_SMALL
        info, digest = load_hash(machine, context)
        output = digest.final()
        if not output:
            return _TOO_SMALL
        if target:
            machine.memory.write(target, output)
        machine.memory.write(context, digest.to_bytes(info))
    return CxStatus.OK


def _size(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_hash_get_size(context), and what an algorithm says of its own; 0 for what is no context."""
    try:
        return output_bytes(machine, arguments[0])
    except (BadPointer, CxError):
        return 0


def _info(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_hash_get_info(hash): an address, or 0."""
    try:
        return machine.cx_page.info(kind_of(arguments[0])[0])
    except CxError:
        return 0


def _at_once(md: Md) -> Handler:
    """cx_hash_...(data, length, digest, its room): the size of the digest, or 0."""
    size_bytes = HASHES[md].output_bytes

    def handler(machine: Machine, arguments: tuple[int, ...]) -> int:
        pointer, size, target, room = arguments[:4]
        if room < size_bytes:
            return 0
        try:
            machine.memory.write(target, digest_of(md, machine.memory.read(pointer, size)))
        except BadPointer:
            return 0
        return size_bytes

    return handler


_SIZED: Final[Mapping[Md, Initial]] = {
    Md.SHA3: _sponge(Md.SHA3),
    Md.KECCAK: _sponge(Md.KECCAK),
    Md.SHAKE128: _shake(Md.SHAKE128, 128),
    Md.SHAKE256: _shake(Md.SHAKE256, 256),
    Md.BLAKE2B: _blake_init,
    Md.GROESTL: _groestl_init,
}
_FAMILIES: Final = ("hash", "blake2b", "ripemd160", "sha256", "sha3", "sha512")
LIBRARY: Final[Mapping[str, Handler]] = {
    "cx_hash_init": _init,
    "cx_hash_init_ex": _init_ex,
    "cx_hash_no_throw": _hash,
    "cx_hash_get_info": _info,
    "cx_hash_get_size": _size,
    "cx_sha3_get_output_size": _size,
    "cx_blake2b_get_output_size": _size,
    "cx_blake2b": _blake,
    "cx_blake2b_init_no_throw": _blake_init,
    "cx_blake2b_init2_no_throw": _blake_init2,
    "cx_sha3_init_no_throw": _SIZED[Md.SHA3],
    "cx_keccak_init_no_throw": _SIZED[Md.KECCAK],
    "cx_shake128_init_no_throw": _SIZED[Md.SHAKE128],
    "cx_shake256_init_no_throw": _SIZED[Md.SHAKE256],
    "cx_sha3_xof_init_no_throw": _xof_init,
    "cx_ripemd160_init_no_throw": _fixed(Md.RIPEMD160),
    "cx_sha224_init_no_throw": _fixed(Md.SHA224),
    "cx_sha256_init_no_throw": _fixed(Md.SHA256),
    "cx_sha384_init_no_throw": _fixed(Md.SHA384),
    "cx_sha512_init_no_throw": _fixed(Md.SHA512),
    "cx_hash_ripemd160": _at_once(Md.RIPEMD160),
    "cx_hash_sha256": _at_once(Md.SHA256),
    "cx_hash_sha512": _at_once(Md.SHA512),
    **{f"cx_{family}_update": _update for family in _FAMILIES},
    **{f"cx_{family}_final": _final for family in _FAMILIES},
}
#: of firmware 2.x alone
OLD_LIBRARY: Final[Mapping[str, Handler]] = {
    "cx_groestl": _groestl,
    "cx_groestl_init_no_throw": _groestl_init,
    "cx_groestl_update": _update,
    "cx_groestl_final": _final,
    "cx_groestl_get_output_size": _size,
}
