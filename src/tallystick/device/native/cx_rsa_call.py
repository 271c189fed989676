"""RSA of firmware 1.x, system calls (``lcx_rsa.h`` of the public SDK 1.6): they give lengths, or throw.

A public key in the app's memory is its size u32, exponent 4 bytes and modulus; a private one size u32, exponent and modulus, each as
long as the modulus. All numbers are big endian.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Final

from tallystick.device.native.cx_bn_call import entropy
from tallystick.device.native.cx_error import CxError, CxStatus
from tallystick.device.native.cx_number import inverse, next_prime
from tallystick.device.native.cx_rsa import (
    KEY_BYTES,
    RsaKey,
    decode_encryption,
    digest_bytes,
    encode_encryption,
    encode_signature,
    verify,
)
from tallystick.device.native.machine import Asking, Handler, Machine, Throw
from tallystick.wire.syscall import Outcome, Request

__all__ = ["HANDLERS"]

_INVALID_PARAMETER: Final = 0x02
_SIZE_BYTES, _EXPONENT_BYTES = 4, 4
_USUAL_EXPONENT: Final = 0x0001_0001
_PADDING: Final = 7 << 3
#: a private operation takes as long as so many calls, and a search for two primes
_WORK, _SEARCH = 1 << 11, 1 << 16


def _throwing(handler: Handler) -> Handler:
    """Return a handler that throws where `handler` raises CxError."""

    def guarded(machine: Machine, arguments: tuple[int, ...]) -> Asking:
        try:
            result = handler(machine, arguments)
            return result if isinstance(result, int) else (yield from result)
        except CxError:
            raise Throw(_INVALID_PARAMETER) from None

    return guarded


def _check_size(size: int) -> None:
    if size not in KEY_BYTES:
        raise CxError(CxStatus.INVALID_PARAMETER)


def _public(machine: Machine, pointer: int) -> RsaKey:
    (size,) = machine.memory.words(pointer, 1)
    _check_size(size)
    raw = machine.memory.read(pointer + _SIZE_BYTES, _EXPONENT_BYTES + size)
    exponent, modulus = raw[:_EXPONENT_BYTES], raw[_EXPONENT_BYTES:]
    return RsaKey(size=size, modulus=int.from_bytes(modulus, "big"), exponent=int.from_bytes(exponent, "big"))


def _private(machine: Machine, pointer: int) -> RsaKey:
    (size,) = machine.memory.words(pointer, 1)
    _check_size(size)
    raw = machine.memory.read(pointer + _SIZE_BYTES, 2 * size)
    machine.calls += _WORK
    return RsaKey(size=size, modulus=int.from_bytes(raw[size:], "big"), exponent=int.from_bytes(raw[:size], "big"))


def _put(machine: Machine, pointer: int, *, size: int, exponent: bytes, modulus: bytes) -> int:
    machine.memory.write(pointer, size.to_bytes(_SIZE_BYTES, "little") + exponent + modulus)
    return size


def _init_public(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_rsa_init_public_key(exponent, length, modulus, length, key): without exponent or modulus, a key of zeros."""
    exponent, exponent_size, modulus, size, key = arguments[:5]
    _check_size(size)
    if exponent_size > _EXPONENT_BYTES:
        raise CxError(CxStatus.INVALID_PARAMETER)
    if not exponent or not modulus:
        return _put(machine, key, size=size, exponent=bytes(_EXPONENT_BYTES), modulus=bytes(size))
    raw = machine.memory.read(exponent, exponent_size).rjust(_EXPONENT_BYTES, b"\0")
    return _put(machine, key, size=size, exponent=raw, modulus=machine.memory.read(modulus, size))


def _init_private(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_rsa_init_private_key(exponent, length, modulus, length, key): without exponent or modulus, a key of zeros."""
    exponent, exponent_size, modulus, size, key = arguments[:5]
    _check_size(size)
    if not exponent or not modulus:
        return _put(machine, key, size=size, exponent=bytes(size), modulus=bytes(size))
    if exponent_size != size:
        raise CxError(CxStatus.INVALID_PARAMETER)
    raw = machine.memory.read(exponent, size)
    return _put(machine, key, size=size, exponent=raw, modulus=machine.memory.read(modulus, size))


def _generate(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """cx_rsa_generate_pair(size, public key, private key, exponent, length, primes): those that are given, or new ones."""
    size, public, private, exponent, exponent_size, primes = arguments[:6]
    _check_size(size)
    if exponent_size > _EXPONENT_BYTES:
        raise CxError(CxStatus.INVALID_PARAMETER)
    number = int.from_bytes(machine.memory.read(exponent, exponent_size), "big") if exponent else 0
    number = number or _USUAL_EXPONENT
    half = size // 2
    if primes:
        raw = machine.memory.read(primes, size)
        first, second = int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")
    else:
        machine.calls += _SEARCH
        first = yield from _prime(half)
        second = yield from _prime(half)
    if first < 2 or second < 2:
        raise CxError(CxStatus.INVALID_PARAMETER)
    modulus = (first * second).to_bytes(size, "big")
    secret = inverse(number, (first - 1) * (second - 1))
    _put(machine, public, size=size, exponent=number.to_bytes(_EXPONENT_BYTES, "big"), modulus=modulus)
    return _put(machine, private, size=size, exponent=secret.to_bytes(size, "big"), modulus=modulus)


def _prime(size_bytes: int) -> Generator[Request, Outcome, int]:
    """Draw a prime whose two highest bits are set."""
    while True:
        found = next_prime((yield from entropy(size_bytes)) | 3 << 8 * size_bytes - 2)
        if found < 1 << 8 * size_bytes:
            return found


def _sign(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """cx_rsa_sign(private key, mode, hash, digest, length, signature, its room): PKCS #1 v1.5 or PSS."""
    pointer, mode, number, digest, length, target, room = arguments[:7]
    key = _private(machine, pointer)
    if room < key.size or length != digest_bytes(number & 0xFF):
        raise CxError(CxStatus.INVALID_PARAMETER)
    salt = (yield from entropy(length)).to_bytes(length, "big")
    raw = machine.memory.read(digest, length)
    machine.memory.write(target, key.apply(encode_signature(mode & _PADDING, number & 0xFF, raw, key=key, salt=salt)))
    return key.size


def _verify(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_rsa_verify(public key, mode, hash, digest, length, signature, length): 1 or 0."""
    pointer, mode, number, digest, length, signature, size = arguments[:7]
    key = _public(machine, pointer)
    if length != digest_bytes(number & 0xFF) or size != key.size:
        return 0
    raw, made = machine.memory.read(digest, length), machine.memory.read(signature, size)
    return int(verify(mode & _PADDING, number & 0xFF, raw, key=key, signature=made))


def _encrypt(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """cx_rsa_encrypt(public key, mode, hash, message, length, output, its room): PKCS #1 v1.5, OAEP or no padding."""
    pointer, mode, number, message, length, target, room = arguments[:7]
    key = _public(machine, pointer)
    if room < key.size or length > key.size:
        raise CxError(CxStatus.INVALID_PARAMETER)
    random = (yield from entropy(key.size)).to_bytes(key.size, "big")
    raw = machine.memory.read(message, length)
    encoded = encode_encryption(mode & _PADDING, number & 0xFF, raw, size=key.size, random=random)
    machine.memory.write(target, key.apply(encoded))
    return key.size


def _decrypt(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_rsa_decrypt(private key, mode, hash, message, length, output, its room): the length."""
    pointer, mode, number, message, length, target, room = arguments[:7]
    key = _private(machine, pointer)
    if length != key.size or room < key.size:
        raise CxError(CxStatus.INVALID_PARAMETER)
    output = decode_encryption(mode & _PADDING, number & 0xFF, key.apply(machine.memory.read(message, length)))
    machine.memory.write(target, output)
    return len(output)


HANDLERS: Final[Mapping[str, Handler]] = {
    name: _throwing(handler)
    for name, handler in (
        ("cx_rsa_init_public_key", _init_public),
        ("cx_rsa_init_private_key", _init_private),
        ("cx_rsa_generate_pair", _generate),
        ("cx_rsa_sign", _sign),
        ("cx_rsa_verify", _verify),
        ("cx_rsa_encrypt", _encrypt),
        ("cx_rsa_decrypt", _decrypt),
    )
}
