"""System calls of native apps about input and output at API levels 25 to 27: whole APDUs cross the border (native-apps 1).

`os_io_rx_evt` waits for what comes next and gives a kind and its bytes; `os_io_tx_cmd` sends one. What goes to an MCU that is
not there is taken and forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, unique
from typing import Final

from tallystick.device.native.machine import Asking, Handler, Machine, Throw
from tallystick.wire.syscall import MAX_REPLY, ApduEvent, Exchange, Response

__all__ = ["HANDLERS", "Packet"]

_INVALID_PARAMETER: Final = 0x02
_OVERFLOW: Final = 0x0F
_STATUS_BYTES: Final = 2


@unique
class Packet(IntEnum):
    """Kinds of what is received and sent."""

    SEPH = 0x01
    SYSTEM_EVENT = 0x02
    RAW_APDU = 0x10
    USB_HID_APDU = 0x20
    BLE_APDU = 0x30


_APDUS: Final = range(Packet.RAW_APDU, 0x42)


def _nothing(_machine: Machine, _arguments: tuple[int, ...]) -> int:
    return 0


def _receive(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """Wait for an APDU; what the person or the host does beside it is not for this call."""
    pointer, room = arguments[:2]
    while True:
        response, machine.response = machine.response, None
        outcome = yield Exchange(response)
        event = outcome.unwrap()
        if isinstance(event, ApduEvent):
            machine.calls = 0
            packet = bytes([Packet.USB_HID_APDU]) + event.raw
            if len(packet) > room & 0xFFFF:
                raise Throw(_OVERFLOW)
            machine.memory.write(pointer, packet)
            return len(packet)


def _send(machine: Machine, arguments: tuple[int, ...]) -> int:
    """Keep an APDU's answer until the app waits again; other packets have nobody to go to."""
    kind, pointer, size = arguments[0] & 0xFF, arguments[1], arguments[2] & 0xFFFF
    data = machine.memory.read(pointer, size)
    if kind not in _APDUS:
        return size
    if not _STATUS_BYTES <= size <= MAX_REPLY + _STATUS_BYTES:
        raise Throw(_INVALID_PARAMETER)
    machine.response = Response(data[:-_STATUS_BYTES], int.from_bytes(data[-_STATUS_BYTES:], "big"))
    return size


HANDLERS: Final[Mapping[str, Handler]] = {
    "os_io_init": _nothing,
    "os_io_start": _nothing,
    "os_io_stop": _nothing,
    "os_io_seph_tx": _nothing,
    "os_io_rx_evt": _receive,
    "os_io_tx_cmd": _send,
}
