"""System calls on numbers held by handle: life, values, comparing, bits, plain arithmetic (native-apps 2).

Numbers cross the border big endian. What the calls answer is told by the SDK's public header ``ox_bn.h``.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Final

from tallystick.device.native.cx_bn import MAX_BYTES, Number
from tallystick.device.native.cx_error import CxError, CxStatus, read_buffer, word
from tallystick.device.native.machine import Asking, Handler, Machine
from tallystick.wire.syscall import Outcome, Random, Request

__all__ = ["HANDLERS", "entropy", "put_bool", "put_word", "wide_entropy"]

_OK: Final = CxStatus.OK
_RANDOM_STEP: Final = 1024


def put_word(machine: Machine, pointer: int, value: int) -> None:
    """Write 32 bits (little endian) where the app points to; raise BadPointer."""
    machine.memory.write(pointer, (value & 0xFFFF_FFFF).to_bytes(4, "little"))


def put_bool(machine: Machine, pointer: int, *, value: bool) -> None:
    """Write one byte, 1 or 0, where the app points to; raise BadPointer."""
    machine.memory.write(pointer, bytes((value,)))


def _lock(machine: Machine, arguments: tuple[int, ...]) -> int:
    machine.numbers.lock(arguments[0])
    return _OK


def _unlock(machine: Machine, _arguments: tuple[int, ...]) -> int:
    machine.numbers.check()
    machine.numbers.unlock()
    return _OK


def _is_locked(machine: Machine, _arguments: tuple[int, ...]) -> int:
    return int(machine.numbers.locked)


def _allocate(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_bn_alloc(handle *, size)."""
    pointer, size = arguments
    put_word(machine, pointer, 0xFFFF_FFFF)
    put_word(machine, pointer, machine.numbers.allocate(size))
    return _OK


def _allocate_value(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_bn_alloc_init(handle *, size, value, length)."""
    pointer, size, value, length = arguments
    _allocate(machine, (pointer, size))
    return _set(machine, (word(machine, pointer), value, length))


def _destroy(machine: Machine, arguments: tuple[int, ...]) -> int:
    if arguments[0]:
        machine.numbers.release(word(machine, arguments[0]))
    return _OK


def _size(machine: Machine, arguments: tuple[int, ...]) -> int:
    put_word(machine, arguments[1], machine.numbers[arguments[0]].size_bytes)
    return _OK


def _set(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_bn_init(handle, value, length): a value that does not fit is refused."""
    handle, value, length = arguments
    machine.numbers[handle].fit(int.from_bytes(read_buffer(machine, value, length), "big"))
    return _OK


def _set_u32(machine: Machine, arguments: tuple[int, ...]) -> int:
    machine.numbers[arguments[0]].value = arguments[1]
    return _OK


def _get_u32(machine: Machine, arguments: tuple[int, ...]) -> int:
    put_word(machine, arguments[1], machine.numbers[arguments[0]].value)
    return _OK


def _export(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_bn_export(handle, bytes, length): the lowest bytes, or with zeros before it."""
    handle, pointer, length = arguments
    number = machine.numbers[handle]
    if length > MAX_BYTES:
        raise CxError(CxStatus.INVALID_PARAMETER_SIZE)
    machine.memory.write(pointer, (number.value & ((1 << 8 * length) - 1)).to_bytes(length, "big"))
    return _OK


def _copy(machine: Machine, arguments: tuple[int, ...]) -> int:
    machine.numbers[arguments[0]].fit(machine.numbers[arguments[1]].value)
    return _OK


def _random(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """Fill a number with random bits."""
    number = machine.numbers[arguments[0]]
    number.value = yield from entropy(number.size_bytes)
    return _OK


def _random_below(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """cx_bn_rng(r, n): from 1 to n - 1; 64 bits more than n are drawn, so that none is likelier than another."""
    number, limit = machine.numbers[arguments[0]], machine.numbers[arguments[1]].value
    if limit < 2:
        raise CxError(CxStatus.INVALID_PARAMETER)
    drawn = yield from entropy((limit.bit_length() + 7) // 8 + 8)
    number.fit(1 + drawn % (limit - 1))
    return _OK


def entropy(size_bytes: int) -> Generator[Request, Outcome, int]:
    """Draw a number of so many random bytes, at most 1024 of them at once."""
    drawn = b""
    while len(drawn) < size_bytes:
        drawn += (yield Random(min(_RANDOM_STEP, size_bytes - len(drawn)))).unwrap()
    return int.from_bytes(drawn, "big")


def wide_entropy(size_bytes: int) -> Generator[Request, Outcome, int]:
    """Draw a number twice as long as a field of so many bytes, in whole words, as the SDK does to make one below an order."""
    word_bytes = -(-size_bytes // 16) * 16
    return (yield from entropy(-(-2 * size_bytes // word_bytes) * word_bytes))


def _compare(machine: Machine, arguments: tuple[int, ...]) -> int:
    one, other, pointer = arguments
    return _put_order(machine, pointer, machine.numbers[one].value, machine.numbers[other].value)


def _compare_u32(machine: Machine, arguments: tuple[int, ...]) -> int:
    one, other, pointer = arguments
    return _put_order(machine, pointer, machine.numbers[one].value, other)


def _put_order(machine: Machine, pointer: int, one: int, other: int) -> int:
    put_word(machine, pointer, (one > other) - (one < other))
    return _OK


def _is_odd(machine: Machine, arguments: tuple[int, ...]) -> int:
    put_bool(machine, arguments[1], value=bool(machine.numbers[arguments[0]].value & 1))
    return _OK


def _count_bits(machine: Machine, arguments: tuple[int, ...]) -> int:
    put_word(machine, arguments[1], machine.numbers[arguments[0]].value.bit_length())
    return _OK


def _bit(machine: Machine, handle: int, position: int) -> tuple[Number, int]:
    """Return a number and the value of one of its bits; raise CxError for a bit that it has no room for."""
    number = machine.numbers[handle]
    if position >= number.bits:
        raise CxError(CxStatus.INVALID_PARAMETER)
    return number, 1 << position


def _test_bit(machine: Machine, arguments: tuple[int, ...]) -> int:
    number, bit = _bit(machine, arguments[0], arguments[1])
    put_bool(machine, arguments[2], value=bool(number.value & bit))
    return _OK


def _set_bit(machine: Machine, arguments: tuple[int, ...]) -> int:
    number, bit = _bit(machine, arguments[0], arguments[1])
    number.value |= bit
    return _OK


def _clear_bit(machine: Machine, arguments: tuple[int, ...]) -> int:
    number, bit = _bit(machine, arguments[0], arguments[1])
    number.value &= ~bit
    return _OK


def _shift(machine: Machine, handle: int, count: int) -> Number:
    number = machine.numbers[handle]
    if count > number.bits:
        raise CxError(CxStatus.INVALID_PARAMETER)
    return number


def _shift_right(machine: Machine, arguments: tuple[int, ...]) -> int:
    number = _shift(machine, arguments[0], arguments[1])
    number.value >>= arguments[1]
    return _OK


def _shift_left(machine: Machine, arguments: tuple[int, ...]) -> int:
    number = _shift(machine, arguments[0], arguments[1])
    number.cut(number.value << arguments[1])
    return _OK


def _plain(operation: Callable[[int, int], int]) -> Handler:
    """Return the handler of r = a (operation) b, which tells a carry or a borrow."""

    def handler(machine: Machine, arguments: tuple[int, ...]) -> int:
        result, one, other = (machine.numbers[handle] for handle in arguments)
        return CxStatus.CARRY if result.cut(operation(one.value, other.value)) else _OK

    return handler


def _multiply(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_bn_mul(r, a, b): r has room for all of it."""
    result, one, other = (machine.numbers[handle] for handle in arguments)
    result.fit(one.value * other.value)
    return _OK


HANDLERS: Final[Mapping[str, Handler]] = {
    "cx_bn_lock": _lock,
    "cx_bn_unlock": _unlock,
    "cx_bn_is_locked": _is_locked,
    "cx_bn_alloc": _allocate,
    "cx_bn_alloc_init": _allocate_value,
    "cx_bn_destroy": _destroy,
    "cx_bn_nbytes": _size,
    "cx_bn_init": _set,
    "cx_bn_set_u32": _set_u32,
    "cx_bn_get_u32": _get_u32,
    "cx_bn_export": _export,
    "cx_bn_copy": _copy,
    "cx_bn_rand": _random,
    "cx_bn_rng": _random_below,
    "cx_bn_cmp": _compare,
    "cx_bn_cmp_u32": _compare_u32,
    "cx_bn_is_odd": _is_odd,
    "cx_bn_cnt_bits": _count_bits,
    "cx_bn_tst_bit": _test_bit,
    "cx_bn_set_bit": _set_bit,
    "cx_bn_clr_bit": _clear_bit,
    "cx_bn_shr": _shift_right,
    "cx_bn_shl": _shift_left,
    "cx_bn_xor": _plain(int.__xor__),
    "cx_bn_or": _plain(int.__or__),
    "cx_bn_and": _plain(int.__and__),
    "cx_bn_add": _plain(int.__add__),
    "cx_bn_sub": _plain(int.__sub__),
    "cx_bn_mul": _multiply,
}
