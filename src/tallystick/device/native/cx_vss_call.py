"""System calls for shares of a secret that can be verified (``ox_vss.h``).

In an app's memory a share is value and blinding (48 bytes each, big endian) and its index u32 little endian; a commitment is a point of
P-384, x and y (48 bytes each, big endian).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tallystick.device.native.cx_bn_call import put_bool
from tallystick.device.native.cx_curve import Point
from tallystick.device.native.cx_error import CxError, CxStatus, read_buffer
from tallystick.device.native.cx_fast import curve_of
from tallystick.device.native.cx_vss import NUMBER_BYTES, Share, combine, commit, matches, polynomials, split
from tallystick.device.native.machine import Handler, Machine

__all__ = ["HANDLERS"]

_OK: Final = CxStatus.OK
_CURVE: Final = curve_of(0x23)
_POINT_BYTES: Final = 2 * NUMBER_BYTES
_INDEX_BYTES: Final = 4
_SHARE_BYTES: Final = _POINT_BYTES + _INDEX_BYTES
#: a commitment takes as long as so many calls
_WORK: Final = 1 << 8


def _write_point(point: Point) -> bytes:
    if point is None:
        raise CxError(CxStatus.EC_INFINITE_POINT)
    return b"".join(coordinate.to_bytes(NUMBER_BYTES, "big") for coordinate in point)


def _read_point(raw: bytes) -> Point:
    point = (int.from_bytes(raw[:NUMBER_BYTES], "big"), int.from_bytes(raw[NUMBER_BYTES:], "big"))
    if not _CURVE.contains(point):
        raise CxError(CxStatus.EC_INVALID_POINT)
    return point


def _read_points(machine: Machine, pointer: int, count: int) -> list[Point]:
    raw = machine.memory.read(pointer, count * _POINT_BYTES)
    return [_read_point(raw[at : at + _POINT_BYTES]) for at in range(0, len(raw), _POINT_BYTES)]


def _write_share(share: Share) -> bytes:
    numbers = (share.value.to_bytes(NUMBER_BYTES, "big"), share.blinding.to_bytes(NUMBER_BYTES, "big"))
    return b"".join(numbers) + share.index.to_bytes(_INDEX_BYTES, "little")


def _read_share(raw: bytes) -> Share:
    value, blinding = (int.from_bytes(raw[at : at + NUMBER_BYTES], "big") for at in (0, NUMBER_BYTES))
    if max(value, blinding) >= _CURVE.domain.order:
        raise CxError(CxStatus.INVALID_PARAMETER_VALUE)
    return Share(index=int.from_bytes(raw[_POINT_BYTES:], "little"), value=value, blinding=blinding)


def _generate(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_vss_generate_shares(shares, commitments, point, length, seed, length, secret, length, how many shares u8, threshold u8)."""
    shares, commits, point, point_length, seed, seed_length, secret, length, *counts = arguments
    count, threshold = (number & 0xFF for number in counts)
    if point_length != _POINT_BYTES or not 0 < length < NUMBER_BYTES or not seed_length:
        raise CxError(CxStatus.INVALID_PARAMETER_SIZE)
    if not 0 < threshold <= count:
        raise CxError(CxStatus.INVALID_PARAMETER)
    other = _read_point(machine.memory.read(point, point_length))
    made = polynomials(
        read_buffer(machine, seed, seed_length), machine.memory.read(secret, length), threshold=threshold
    )
    machine.calls += _WORK * threshold
    commitments = b"".join(_write_point(commitment) for commitment in commit(made, other))
    machine.memory.write(shares, b"".join(_write_share(share) for share in split(made, count)))
    machine.memory.write(commits, commitments)
    return _OK


def _combine(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_vss_combine_shares(secret, its length, shares, threshold u8): shares that do not fit make no secret of that length."""
    target, length, shares, threshold = arguments
    threshold &= 0xFF
    if not 0 < length <= NUMBER_BYTES:
        raise CxError(CxStatus.INVALID_PARAMETER_SIZE)
    if not threshold:
        raise CxError(CxStatus.INVALID_PARAMETER)
    raw = machine.memory.read(shares, threshold * _SHARE_BYTES)
    secret = combine([_read_share(raw[at : at + _SHARE_BYTES]) for at in range(0, len(raw), _SHARE_BYTES)])
    if secret.bit_length() > 8 * length:
        raise CxError(CxStatus.INVALID_PARAMETER_VALUE)
    machine.memory.write(target, secret.to_bytes(length, "big"))
    return _OK


def _verify(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_vss_verify_commits(commitments, threshold u8, commitment to the share, index, whether they match)."""
    commits, threshold, share, index, verified = arguments
    threshold &= 0xFF
    put_bool(machine, verified, value=False)
    if not threshold or not index:
        raise CxError(CxStatus.INVALID_PARAMETER)
    machine.calls += _WORK * threshold
    commitments = _read_points(machine, commits, threshold)
    (commitment,) = _read_points(machine, share, 1)
    put_bool(machine, verified, value=matches(commitments, commitment, index))
    return _OK


HANDLERS: Final[Mapping[str, Handler]] = {
    "cx_vss_generate_shares": _generate,
    "cx_vss_combine_shares": _combine,
    "cx_vss_verify_commits": _verify,
}
