"""Functions of the shared library that sign and verify by EdDSA, at once or in steps: ``lcx_eddsa.h`` (native-apps 1, way two)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tallystick.crypto import ed25519
from tallystick.device.native import cx_eddsa
from tallystick.device.native.cx_algorithm import Md
from tallystick.device.native.cx_error import MAX_BUFFER, CxError, CxStatus, read_buffer
from tallystick.device.native.cx_guard import EXCEPTION, alone, answering_zero
from tallystick.device.native.cx_hash import hash_final, hash_update, output_bytes
from tallystick.device.native.cx_hash_call import LIBRARY as HASHES
from tallystick.device.native.cx_key import Key, coordinates, point_bytes, put_key, read_key
from tallystick.device.native.machine import Handler, Machine

__all__ = ["LIBRARY"]

_OK: Final = CxStatus.OK
_ED25519: Final = 0x71
_SHORT_FIELD: Final = 32
_LONG: Final = 0x04
_MAX_DIGEST: Final = 114
_HASH_INIT_EX: Final = "cx_hash_init_ex"
_ONLY_64: Final = frozenset({Md.SHA512, Md.KECCAK, Md.SHA3})
_ANY_SIZE: Final = frozenset({Md.SHAKE256, Md.BLAKE2B})


def _is_fit(size: int, md: int) -> bool:
    """Tell whether a hash is one that signs on a field of `size` bytes."""
    return md in _ANY_SIZE or (md in _ONLY_64 and size == _SHORT_FIELD)


def _public_key(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_eddsa_get_public_key_no_throw(key, hash, public, a, its room, h, its room): the scalar (big endian) and prefix if asked for."""
    private, md, public, a, a_room, h, h_room = arguments[:7]
    key = read_key(machine, private)
    size = cx_eddsa.check_curve(key.curve)
    for pointer, room in ((a, a_room), (h, h_room)):
        if not (room >= size or (not pointer and not room)):
            raise CxError(CxStatus.INVALID_PARAMETER)
    secret = cx_eddsa.expand(key.curve, md & 0xFF, key.value)
    if a:
        machine.memory.write(a, secret.scalar.to_bytes(size, "big"))
    if h:
        machine.memory.write(h, secret.prefix)
    if public:
        point = key.curve.multiply(key.curve.base, secret.scalar)
        put_key(machine, public, key.curve.domain.number, point_bytes(point, size))
    return _OK


def _message(machine: Machine, pointer: int, size: int) -> bytes:
    if size > MAX_BUFFER:
        raise CxError(CxStatus.INVALID_PARAMETER)
    return machine.memory.read(pointer, size)


def _sign(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_eddsa_sign_no_throw(key, hash, message, length, signature, its room)."""
    private, md, pointer, length, target, room = arguments[:6]
    key = read_key(machine, private)
    size = cx_eddsa.check_curve(key.curve)
    if not _is_fit(size, md & 0xFF):
        return EXCEPTION
    if room < 2 * size or len(key.value) not in {size, 2 * size}:
        raise CxError(CxStatus.INVALID_PARAMETER)
    message = _message(machine, pointer, length)
    if key.curve.domain.number == _ED25519 and md & 0xFF == Md.SHA512 and len(key.value) == size:
        machine.memory.write(target, ed25519.sign(key.value, message))
    else:
        machine.memory.write(target, cx_eddsa.sign(key.curve, md & 0xFF, key.value, message))
    return _OK


def _start(machine: Machine, context: int, md: int, *, size: int, head: bytes) -> None:
    """Begin a hash in the app's memory over `head`; raise CxError or BadPointer."""
    status = HASHES[_HASH_INIT_EX](machine, (context, md, 2 * size))
    if status != _OK:
        raise CxError(CxStatus.INVALID_PARAMETER)
    hash_update(machine, context, head)


def _sign_first(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_eddsa_sign_init_first_hash(context, key, hash): the hash that makes the nonce, before the message."""
    context, private, md = arguments[:3]
    key = read_key(machine, private)
    size = cx_eddsa.check_curve(key.curve)
    if not _is_fit(size, md & 0xFF):
        return EXCEPTION
    secret = cx_eddsa.expand(key.curve, md & 0xFF, key.value)
    _start(machine, context, md & 0xFF, size=size, head=cx_eddsa.nonce_head(key.curve, secret))
    return _OK


def _sign_second(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_eddsa_sign_init_second_hash(context, key, hash, digest, length, signature, its room).

    The digest makes the nonce; R and, until the end, the nonce (big endian) are left in the signature. As the SDK does, it turns
    the app's digest around.
    """
    context, private, md, pointer, length, target, room = arguments[:7]
    key = read_key(machine, private)
    size = cx_eddsa.check_curve(key.curve)
    if room < 2 * size or length > _MAX_DIGEST:
        raise CxError(CxStatus.INVALID_PARAMETER)
    secret = cx_eddsa.expand(key.curve, md & 0xFF, key.value)
    turned = bytes(reversed(machine.memory.read(pointer, length)))
    machine.memory.write(pointer, turned)
    curve = key.curve
    nonce = int.from_bytes(turned, "big") % curve.domain.order
    commitment = cx_eddsa.encode_point(curve, curve.multiply(curve.base, nonce))
    public = cx_eddsa.encode_point(curve, curve.multiply(curve.base, secret.scalar))
    _start(machine, context, md & 0xFF, size=size, head=cx_eddsa.challenge_head(curve, commitment, public))
    machine.memory.write(target, commitment + nonce.to_bytes(size, "big"))
    return _OK


def _sign_last(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_eddsa_sign_hash(key, hash, digest, length, signature, its room): the challenge's digest ends the signature."""
    private, md, pointer, length, target, room = arguments[:6]
    key = read_key(machine, private)
    size = cx_eddsa.check_curve(key.curve)
    if room < 2 * size or length > _MAX_DIGEST:
        raise CxError(CxStatus.INVALID_PARAMETER)
    challenge = machine.memory.read(pointer, length)
    secret = cx_eddsa.expand(key.curve, md & 0xFF, key.value)
    nonce = int.from_bytes(machine.memory.read(target + size, size), "big")
    machine.memory.write(target + size, cx_eddsa.finish(key.curve, nonce, challenge, secret.scalar))
    return _OK


def _update(machine: Machine, arguments: tuple[int, ...]) -> int:
    context, pointer, length = arguments[:3]
    hash_update(machine, context, read_buffer(machine, pointer, length))
    return _OK


def _final(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_eddsa_final_hash(context, digest, length)."""
    context, target, length = arguments[:3]
    if length != output_bytes(machine, context):
        raise CxError(CxStatus.INVALID_PARAMETER)
    hash_final(machine, context, target)
    return _OK


def _encoded(key: Key) -> bytes:
    """Return a public key as it is hashed; raise CxError, INVALID_PARAMETER, for a length that none has."""
    size = cx_eddsa.check_curve(key.curve)
    if len(key.value) not in {1 + size, 1 + 2 * size}:
        raise CxError(CxStatus.INVALID_PARAMETER)
    if key.value[0] != _LONG:
        return key.value[1 : 1 + size]
    return cx_eddsa.encode_point(key.curve, coordinates(key.value, size))


def _verify_first(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_eddsa_verify_init_hash(context, key, hash, R, its length)."""
    context, public, md, pointer, length = arguments[:5]
    key = read_key(machine, public)
    size = cx_eddsa.check_curve(key.curve)
    if not _is_fit(size, md & 0xFF):
        return EXCEPTION
    encoded = _encoded(key)
    if length != size:
        raise CxError(CxStatus.INVALID_PARAMETER)
    head = cx_eddsa.challenge_head(key.curve, machine.memory.read(pointer, length), encoded)
    _start(machine, context, md & 0xFF, size=size, head=head)
    return _OK


def _verify_last(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_eddsa_verify_hash(key, digest, its length, signature, its length): as the SDK does, it turns the app's digest around."""
    public, pointer, length, source, source_length = arguments[:5]
    key = read_key(machine, public)
    size = cx_eddsa.check_curve(key.curve)
    if source_length != 2 * size or length > _MAX_DIGEST:
        return 0
    challenge = machine.memory.read(pointer, length)
    machine.memory.write(pointer, bytes(reversed(challenge)))
    signature = machine.memory.read(source, source_length)
    return int(cx_eddsa.is_good(key.curve, coordinates(key.value, size), challenge, signature))


def _verify(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_eddsa_verify_no_throw(key, hash, message, its length, signature, its length): 1 for a good one."""
    public, md, pointer, length, source, source_length = arguments[:6]
    key = read_key(machine, public)
    size = cx_eddsa.check_curve(key.curve)
    if not _is_fit(size, md & 0xFF):
        return 0
    encoded = _encoded(key)
    if source_length != 2 * size:
        return 0
    signature = machine.memory.read(source, source_length)
    head = cx_eddsa.challenge_head(key.curve, signature[:size], encoded)
    challenge = cx_eddsa.digest(md & 0xFF, head + _message(machine, pointer, length), 2 * size)
    return int(cx_eddsa.is_good(key.curve, coordinates(key.value, size), challenge, signature))


LIBRARY: Final[Mapping[str, Handler]] = {
    "cx_eddsa_get_public_key_no_throw": alone(_public_key),
    "cx_eddsa_get_public_key_internal": _public_key,
    "cx_eddsa_sign_no_throw": alone(_sign),
    "cx_eddsa_sign_init_first_hash": _sign_first,
    "cx_eddsa_sign_init_second_hash": alone(_sign_second),
    "cx_eddsa_sign_hash": alone(_sign_last),
    "cx_eddsa_update_hash": _update,
    "cx_eddsa_final_hash": _final,
    "cx_eddsa_verify_init_hash": alone(_verify_first),
    "cx_eddsa_verify_hash": answering_zero(alone(_verify_last)),
    "cx_eddsa_verify_no_throw": answering_zero(alone(_verify)),
}
