"""Fuzz targets of what crosses between apps, worlds and panel: bundles, system calls, world messages, frames, gestures.

As in `targets_wire`: a target returns when the bytes are accepted or refused with the declared error, and what is
accepted is written back to the same bytes wherever a format has one encoding.
"""

import contextlib
import json
from collections.abc import Callable

from tallystick.errors import RemoteProtocolError
from tallystick.wire import world
from tallystick.wire.bundle import Bundle, Manifest
from tallystick.wire.events import events_from_json
from tallystick.wire.panel import Frame
from tallystick.wire.syscall import (
    MAX_MESSAGE,
    REQUESTS,
    DeviceInfo,
    Exit,
    Log,
    Outcome,
    ReadRecord,
    ReadSetting,
    WriteSetting,
    request_from_bytes,
)

_refusal = contextlib.suppress(RemoteProtocolError)
#: texts of these are cleaned as they are read
_CLEANED = (Exit, Log, ReadSetting, WriteSetting, ReadRecord)


def bundle(data: bytes) -> None:
    """Read a bundle; what is accepted has an image, and packs to the same bytes."""
    with _refusal:
        made = Bundle.from_bytes(data)
        assert made.raw == data
        assert made.image().code.startswith(data)


def manifest(data: bytes) -> None:
    """Read a manifest."""
    with _refusal:
        assert Manifest.from_json(data).name


def request(data: bytes) -> None:
    """Read a system call; what is accepted is written back to the same bytes, or to the cleaned text for good."""
    with _refusal:
        made = request_from_bytes(data)
        if isinstance(made, _CLEANED):
            assert request_from_bytes(made.to_bytes()) == made
        else:
            assert made.to_bytes() == data


def outcome(data: bytes) -> None:
    """Read `data` as the outcome of every call there is."""
    for number in REQUESTS:
        with _refusal:
            asked = request_from_bytes(_SMALLEST.get(number, bytes((number,))))
            made = Outcome.from_bytes(data, asked)
            assert len(made.to_bytes(asked)) <= MAX_MESSAGE + 1


_SMALLEST = {
    0x04: bytes.fromhex("049000"),
    0x10: bytes.fromhex("100400000000 00"),
    0x11: bytes.fromhex("11 01 0000 0001 0000 0000 0000 0000"),
    0x20: bytes.fromhex("200100"),
    0x21: bytes.fromhex("210100"),
    0x23: bytes.fromhex("2301"),
    0x28: bytes.fromhex("280001"),
    0x31: bytes.fromhex("3100"),
    0x39: bytes.fromhex("390000"),
    0x41: bytes.fromhex("4101"),
    0x42: bytes.fromhex("4201"),
    0x43: bytes.fromhex("4301"),
    0x50: bytes.fromhex("50 00 00000000 00000000 00000000"),
    0x51: bytes.fromhex("51 00000000 00000000"),
}


def device_info(data: bytes) -> None:
    """Read what an app is told first."""
    with _refusal:
        info = DeviceInfo.from_bytes(data)
        assert DeviceInfo.from_bytes(info.to_bytes()) == info


def from_normal(data: bytes) -> None:
    """Read a message of the Normal World."""
    with _refusal:
        assert world.to_bytes(world.from_normal(data)) == data


def to_normal(data: bytes) -> None:
    """Read a message of the Secure World."""
    with _refusal:
        assert world.to_bytes(world.to_normal(data)) == data


def _document(data: bytes) -> object:
    """Return `data` as JSON, or None; the readers of both ends parse before they look."""
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(data)
    return None


def frame(data: bytes) -> None:
    """Read a frame; what is accepted is written, and read again the same."""
    with _refusal:
        made = Frame.from_json(_document(data))
        assert Frame.from_json(made.to_json()) == made


def gesture(data: bytes) -> None:
    """Read gestures; what is accepted is written back to the same document."""
    document = _document(data)
    with _refusal:
        written = [event.to_json() for event in events_from_json(document)]
        assert document in (written, *written)


targets: dict[str, Callable[[bytes], None]] = {
    "bundle": bundle,
    "manifest": manifest,
    "request": request,
    "outcome": outcome,
    "device_info": device_info,
    "from_normal": from_normal,
    "to_normal": to_normal,
    "frame": frame,
    "gesture": gesture,
}
