"""FIDO's HID interface of apps that leave their IO to the OS (API level 25 and later): the OS keeps the messages, the app their meaning.

An app says in `os_io_init` that it wants the interface: mask of classes u16 at 24, then version of the protocol, three bytes of the
device's version, capabilities, u8 each (wire-protocol A.2). It hears of whole requests by their kind, and answers by the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from enum import IntEnum, unique
from typing import Final

from tallystick.errors import LocalProtocolError
from tallystick.wire.ctaphid import Capability, Command, KeepAlive
from tallystick.wire.ctaphid_device import (
    CancelReceived,
    CtapHidDevice,
    CtapHidState,
    Event,
    RequestReceived,
    SendReport,
)

__all__ = ["INIT_BYTES", "FidoPacket", "FidoPort", "fido_port_of"]

#: bytes of what `os_io_init` is given that are read here
INIT_BYTES: Final = 31
_MASK_AT, _VERSION_AT, _CAPABILITIES_AT = 24, 27, 30
_HID_FIDO: Final = 0x0004
#: the time from one tick to the next, which is the only clock here
_TICK_S: Final = 0.1


@unique
class FidoPacket(IntEnum):
    """Kinds of what an app receives and sends."""

    APDU = 0x23
    CBOR = 0x24
    CANCEL = 0x25
    RAW = 0x26


_KINDS: Final = {Command.MSG.value: FidoPacket.APDU, Command.CBOR.value: FidoPacket.CBOR}
_COMMANDS: Final = {FidoPacket.APDU.value: Command.MSG, FidoPacket.CBOR.value: Command.CBOR}


class FidoPort:
    """One app's interface: reports in, packets for the app out, and back; what goes to the client goes behind `reports`."""

    def __init__(self, device: CtapHidDevice, reports: deque[bytes]) -> None:
        self._device = device
        self._reports = reports
        self._ticks = 0

    @property
    def is_busy(self) -> bool:
        """Whether a client waits for something, so that time matters."""
        return self._device.state is not CtapHidState.IDLE

    def heard(self, report: bytes, *, room: int) -> bytes:
        """Take a report, for an app that has `room` bytes; return the packet for it, kind first, empty where there is none."""
        self._device.max_bytes = min(self._device.max_bytes, max(0, room - 1))
        return self._take(self._device.receive(report, now_s=self._ticks * _TICK_S))

    def ticked(self) -> None:
        """Tell that time went by."""
        self._ticks += 1
        self._take(self._device.advance(self._ticks * _TICK_S))

    def sent(self, kind: int, data: bytes) -> None:
        """Take what the app sends; an answer to nothing is forgotten."""
        try:
            if kind != FidoPacket.RAW:
                self._take(self._device.answer(data, command=_COMMANDS.get(kind)))
            elif data[:1] == bytes((Command.KEEPALIVE,)):
                why = KeepAlive.USER_PRESENCE_NEEDED if data[1:] == b"\x02" else KeepAlive.PROCESSING
                self._take(self._device.keep_alive(why))
            elif data:
                self._take(self._device.answer(data[1:], command=data[0]))
        except LocalProtocolError:
            return

    def _take(self, events: Iterable[Event]) -> bytes:
        packet = b""
        for event in events:
            match event:
                case SendReport(raw):
                    self._reports.append(raw)
                case RequestReceived(message):
                    packet = bytes((_KINDS[message.command],)) + message.data
                case CancelReceived():
                    packet = bytes((FidoPacket.CANCEL,))
        return packet


def fido_port_of(settings: bytes, reports: deque[bytes]) -> FidoPort | None:
    """Return the interface that an app asks for in what it gives to `os_io_init`, or None."""
    if not int.from_bytes(settings[_MASK_AT : _MASK_AT + 2], "little") & _HID_FIDO:
        return None
    major, minor, build = settings[_VERSION_AT:_CAPABILITIES_AT]
    capabilities = Capability(settings[_CAPABILITIES_AT]) & (Capability.CBOR | Capability.NO_MSG)
    return FidoPort(CtapHidDevice(version=(major, minor, build), capabilities=capabilities), reports)
