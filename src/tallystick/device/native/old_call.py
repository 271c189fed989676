"""Cryptography of firmware 1.x: system calls where later firmware has a shared library (native-apps 1).

Each is the library's function of today under its older name: a call that fails throws, and one that succeeds gives a length or a value. What
the order of arguments of the public SDK 1.6 (``cx.h``) says is followed. A running HMAC is in
`old_hmac_call`, RSA in `cx_rsa_call`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import GeneratorType
from typing import Any, Final

from tallystick.device.native import cx_call, cx_set
from tallystick.device.native.cpu import Register
from tallystick.device.native.cx_error import CxError, CxStatus
from tallystick.device.native.machine import Asking, Handler, Machine, Throw
from tallystick.wire.syscall import Random

__all__ = ["HANDLERS"]

_LIBRARY: Final[Mapping[str, Handler]] = {**cx_call.LIBRARY, **cx_set.LIBRARY, **cx_set.OLD_LIBRARY}
_INVALID_PARAMETER: Final = 0x02
_WORDS: Final = 12
#: curves that have other numbers today: Ed25519, Ed448, Curve25519, Curve448; and whose functions begin with the number of one
_CURVES: Final = {0x41: 0x71, 0x42: 0x72, 0x61: 0x81, 0x62: 0x82}
_OF_CURVES: Final = ("cx_ecfp_", "cx_edwards_")
#: below the stack, where the OS's own frame lies on real devices
_SCRATCH: Final = 64
_LAST: Final = 1
#: bytes at once, of random numbers and of numbers to compute with
_MAX_BYTES: Final = 1024
#: what `cx_ecdh` gives: the point, or its x alone
_X_ALONE: Final = 2 << 12
_POINT_BYTES, _X_BYTES = 65, 32

_Arguments = tuple[int, ...]


def _library(machine: Machine, name: str, arguments: _Arguments, *, has_value: bool = False) -> Asking:
    """Carry out a function of the library; raise Throw where it fails: one without a value gives 0 otherwise."""
    if name.startswith(_OF_CURVES):
        arguments = (_CURVES.get(arguments[0], arguments[0]), *arguments[1:])
    words = (*arguments, *(0,) * (_WORDS - len(arguments)))
    try:
        result: Any = _LIBRARY[name](machine, words)
        if isinstance(result, GeneratorType):
            result = yield from result
    except CxError as error:
        result = int(error.status)
    failed = int(result) & 0xFFFF_FFFF
    if failed >= CxStatus.CARRY or (failed and not has_value):
        raise Throw(_INVALID_PARAMETER)
    return failed


def _picked(arguments: _Arguments, order: tuple[int, ...] | None) -> _Arguments:
    return arguments if order is None else tuple(arguments[at] for at in order)


def _same(name: str, result: int = 0, *, order: tuple[int, ...] | None = None) -> Handler:
    """Return the handler of a call that gives `result`: `order` picks the arguments of the library's function."""

    def handler(machine: Machine, arguments: _Arguments) -> Asking:
        yield from _library(machine, name, _picked(arguments, order))
        return result

    return handler


def _sized(name: str, at: int) -> Handler:
    """Return the handler of a call that gives its argument `at`."""

    def handler(machine: Machine, arguments: _Arguments) -> Asking:
        yield from _library(machine, name, arguments)
        return arguments[at]

    return handler


def _told(name: str, *, order: tuple[int, ...] | None = None) -> Handler:
    """Return the handler of a call whose result is the function's: true or false, a length, or a sum."""

    def handler(machine: Machine, arguments: _Arguments) -> Asking:
        return (yield from _library(machine, name, _picked(arguments, order), has_value=True))

    return handler


def _sum(sign: int) -> Handler:
    """Return the handler of a sum or a difference (r, a, b, length): big endian, with the carry as its result."""

    def handler(machine: Machine, arguments: _Arguments) -> int:
        target, one, other, size = arguments
        if size > _MAX_BYTES:
            raise Throw(_INVALID_PARAMETER)
        first, second = (int.from_bytes(machine.memory.read(pointer, size), "big") for pointer in (one, other))
        total = first + sign * second
        machine.memory.write(target, (total % (1 << 8 * size)).to_bytes(size, "big"))
        return int(not 0 <= total < 1 << 8 * size)

    return handler


def _through_word(name: str, make: Callable[[_Arguments, int], _Arguments], *, before: int | None = None) -> Handler:
    """Return the handler of a function that writes its result where a word of scratch is; argument `before` stands there at first."""

    def handler(machine: Machine, arguments: _Arguments) -> Asking:
        scratch = machine.cpu.get(Register.SP) - _SCRATCH
        machine.memory.write(scratch, (0 if before is None else arguments[before]).to_bytes(4, "little"))
        yield from _library(machine, name, make(arguments, scratch))
        return machine.memory.words(scratch, 1)[0]

    return handler


def _hash(machine: Machine, arguments: _Arguments) -> Asking:
    """cx_hash(hash, mode, in, length, out, room): the length of the digest with the last part, else 0."""
    size = yield from _library(machine, "cx_hash_get_size", arguments[:1], has_value=True)
    yield from _library(machine, "cx_hash_no_throw", arguments)
    return size if arguments[1] & _LAST else 0


def _agree(machine: Machine, arguments: _Arguments) -> Asking:
    """cx_ecdh(key, mode, point, length, secret, room)."""
    yield from _library(machine, "cx_ecdh_no_throw", arguments)
    return _X_BYTES if arguments[1] & _X_ALONE else _POINT_BYTES


def _random(machine: Machine, arguments: _Arguments) -> Asking:
    """cx_rng(buffer, length): the buffer."""
    pointer, size = arguments
    if size > _MAX_BYTES:
        raise Throw(_INVALID_PARAMETER)
    if size:
        machine.memory.write(pointer, (yield Random(size)).unwrap())
    return pointer


def _random_of(size_bytes: int) -> Handler:
    def handler(_machine: Machine, _arguments: _Arguments) -> Asking:
        return int.from_bytes((yield Random(size_bytes)).unwrap(), "little")

    return handler


def _pbkdf2_sha512(machine: Machine, arguments: _Arguments) -> Asking:
    """cx_pbkdf2_sha512(password, length, salt, length, rounds, out, length)."""
    return (yield from _library(machine, "cx_pbkdf2_no_throw", (5, *arguments)))


def _is_zero(machine: Machine, arguments: _Arguments) -> int:
    """cx_math_is_zero(a, length)."""
    pointer, size = arguments
    if size > _MAX_BYTES:
        raise Throw(_INVALID_PARAMETER)
    return int(not any(machine.memory.read(pointer, size)))


#: number of each algorithm, which its initialization gives
_HASHES: Final = {
    "ripemd160": 1,
    "sha224": 2,
    "sha256": 3,
    "sha384": 4,
    "sha512": 5,
    "keccak": 6,
    "sha3": 7,
    "sha3_xof": 8,
    "groestl": 8,
    "blake2b": 9,
    "shake128": 10,
    "shake256": 11,
}
_SAME: Final = (
    "cx_pbkdf2",
    "cx_aes_init_key",
    "cx_ecfp_init_private_key",
    "cx_ecfp_init_public_key",
    "cx_ecfp_generate_pair",
    "cx_ecfp_generate_pair2",
    "cx_eddsa_get_public_key",
    "cx_math_addm",
    "cx_math_subm",
    "cx_math_multm",
    "cx_math_mult",
    "cx_math_powm",
    "cx_math_modm",
    "cx_math_invprimem",
    "cx_math_invintm",
    "cx_math_next_prime",
)

HANDLERS: Final[Mapping[str, Handler]] = {
    **{f"cx_{name}_init": _same(f"cx_{name}_init_no_throw", number) for name, number in _HASHES.items()},
    **{name: _same(f"{name}_no_throw") for name in _SAME},
    "cx_blake2b_init2": _same("cx_blake2b_init2_no_throw", 9),
    "cx_hash": _hash,
    "cx_hash_sha256": _told("cx_hash_sha256"),
    "cx_hash_sha512": _told("cx_hash_sha512"),
    "cx_hmac_sha256": _told("cx_hmac_sha256"),
    "cx_hmac_sha512": _told("cx_hmac_sha512"),
    "cx_pbkdf2_sha512": _pbkdf2_sha512,
    "cx_des_init_key": _sized("cx_des_init_key_no_throw", 1),
    "cx_des": _through_word("cx_des_no_throw", lambda given, at: (*given[:5], at), before=5),
    "cx_des_iv": _through_word("cx_des_iv_no_throw", lambda given, at: (*given[:7], at), before=7),
    "cx_aes": _through_word("cx_aes_no_throw", lambda given, at: (*given[:5], at), before=5),
    "cx_aes_iv": _through_word("cx_aes_iv_no_throw", lambda given, at: (*given[:7], at), before=7),
    "cx_crc16": _told("cx_crc16"),
    "cx_crc16_update": _told("cx_crc16_update"),
    "cx_rng": _random,
    "cx_rng_u8": _random_of(1),
    "cx_rng_u32": _random_of(4),
    "cx_ecfp_add_point": _same("cx_ecfp_add_point_no_throw", 65, order=(0, 1, 2, 3)),
    "cx_ecfp_scalar_mult": _same("cx_ecfp_scalar_mult_no_throw", 65, order=(0, 1, 3, 4)),
    "cx_ecdsa_sign": _through_word("cx_ecdsa_sign_no_throw", lambda given, at: (*given[:6], at, given[7]), before=6),
    "cx_ecdsa_verify": _told("cx_ecdsa_verify_no_throw", order=(0, 3, 4, 5, 6)),
    "cx_ecdh": _agree,
    "cx_eddsa_sign": _same("cx_eddsa_sign_no_throw", 64, order=(0, 2, 3, 4, 7, 8)),
    "cx_eddsa_verify": _told("cx_eddsa_verify_no_throw", order=(0, 2, 3, 4, 7, 8)),
    "cx_edward_compress_point": _same("cx_edwards_compress_point_no_throw"),
    "cx_edward_decompress_point": _same("cx_edwards_decompress_point_no_throw"),
    "cx_math_cmp": _through_word("cx_math_cmp_no_throw", lambda given, at: (*given, at)),
    "cx_math_add": _sum(1),
    "cx_math_sub": _sum(-1),
    "cx_math_is_zero": _is_zero,
    "cx_math_is_prime": _through_word("cx_math_is_prime_no_throw", lambda given, at: (*given, at)),
}
