"""The USB device: answers control requests, and joins its endpoints to the relay (wire-protocol A.2; USB 2.0, chapter 9).

It knows nothing of how the host is reached: a controller hands it set-up packets and packets, and asks for packets. What a
host configures anew, it means to use anew: its sessions begin again.
"""

from __future__ import annotations

from collections.abc import Callable

from tallystick.device.normal.relay import Relay
from tallystick.device.normal.usb_pipe import UsbPipe
from tallystick.wire.usb import (
    BOS,
    CONFIGURATION,
    HID,
    INTERFACES,
    MS_OS_20,
    PACKET_BYTES,
    REPORT,
    Descriptor,
    HidRequest,
    Identity,
    Request,
    Setup,
    VendorRequest,
)

#: the bits of a request's type that say whose it is, and those that say whom it is for
_KIND, _RECIPIENT = 0x60, 0x1F
_OUTPUT_REPORT = 2
_MS_OS_20_DESCRIPTOR = 7
_HID_DESCRIPTORS: dict[int, bytes] = {Descriptor.REPORT: REPORT, Descriptor.HID: HID}


class UsbDevice:
    """A device that is plugged in, as `identity`. `on_change` is told that endpoints have something or have room again."""

    def __init__(
        self, relay: Relay, identity: Identity, *, on_change: Callable[[], None], on_unplug: Callable[[], None]
    ) -> None:
        self.identity = identity
        self._pipes = {
            interface.number: UsbPipe(relay, on_change=on_change, on_unplug=on_unplug) for interface in INTERFACES
        }
        self._inward = {one.endpoint_in & 0xF: self._pipes[one.number] for one in INTERFACES}
        self._outward = {one.endpoint_out: self._pipes[one.number] for one in INTERFACES}
        self._configuration = 0

    def has_in(self, endpoint: int) -> bool:
        """Tell whether the host can fetch from the endpoint of this number (0 to 15)."""
        return endpoint in self._inward

    def has_out(self, endpoint: int) -> bool:
        """Tell whether the host can send to the endpoint of this number (0 to 15)."""
        return endpoint in self._outward

    def has_room(self, endpoint: int) -> bool:
        """Tell whether the endpoint takes a packet now."""
        return self._outward[endpoint].has_room

    def write(self, endpoint: int, data: bytes) -> None:
        """Take a transfer of the host, cut into packets as the bus would cut it."""
        for at in range(0, len(data), PACKET_BYTES):
            self._outward[endpoint].write(data[at : at + PACKET_BYTES])

    def read(self, endpoint: int) -> bytes | None:
        """Return the next packet for the host, or None while there is none."""
        return self._inward[endpoint].read()

    def close(self) -> None:
        """Leave: the host let go of the device."""
        for pipe in self._pipes.values():
            pipe.leave()

    def control(self, setup: Setup, data: bytes = b"") -> bytes | None:
        """Answer a control transfer: what it brings in, nothing for one that goes out, None for a stall.

        An answer is cut to the length that the host gave; a host that asks again with a greater one gets more.
        """
        match setup.request_type & _KIND:
            case 0:
                answer = self._standard(setup)
            case 0x20:
                answer = self._class(setup, data)
            case 0x40:
                answer = _vendor(setup)
            case _:
                answer = None
        if answer is None:
            return None
        return answer[: setup.length] if setup.is_from_device else b""

    def _standard(self, setup: Setup) -> bytes | None:
        recipient = setup.request_type & _RECIPIENT
        match setup.is_from_device, setup.request, recipient:
            case True, Request.GET_DESCRIPTOR, 0 | 1:
                return self._descriptor(setup)
            case True, Request.GET_STATUS, 0:
                return b"\x01\x00"  # self powered
            case True, Request.GET_STATUS, 1 | 2:
                return b"\x00\x00"
            case True, Request.GET_CONFIGURATION, 0:
                return bytes((self._configuration,))
            case True, Request.GET_INTERFACE, 1 if setup.index in self._pipes:
                return b"\x00"
            case False, Request.SET_CONFIGURATION, 0 if setup.value in (0, 1):
                self._configuration = setup.value
                for pipe in self._pipes.values():
                    pipe.reset()
                return b""
            case False, Request.SET_INTERFACE, 1 if setup.index in self._pipes and setup.value == 0:
                self._pipes[setup.index].reset()
                return b""
            case False, Request.CLEAR_FEATURE | Request.SET_FEATURE, 0 | 1 | 2:
                return b""  # no endpoint is ever halted, and nothing wakes the host
        return None

    def _descriptor(self, setup: Setup) -> bytes | None:
        kind, index = setup.value >> 8, setup.value & 0xFF
        if setup.request_type & _RECIPIENT:  # of an interface
            return _HID_DESCRIPTORS.get(kind) if setup.index == 0 else None
        match kind, index:
            case Descriptor.DEVICE, 0:
                return self.identity.device_descriptor()
            case Descriptor.CONFIGURATION, 0:
                return CONFIGURATION
            case Descriptor.BOS, 0:
                return BOS
            case Descriptor.STRING, _:
                return self.identity.string_descriptor(index)
        return None

    def _class(self, setup: Setup, data: bytes) -> bytes | None:
        """HID requests to interface 0; a report may come by this way too."""
        if setup.request_type & _RECIPIENT != 1 or setup.index != 0:
            return None
        match setup.is_from_device, setup.request:
            case False, HidRequest.SET_IDLE:
                return b""
            case True, HidRequest.GET_IDLE:
                return b"\x00"
            case False, HidRequest.SET_REPORT if setup.value == _OUTPUT_REPORT << 8 and len(data) == PACKET_BYTES:
                pipe = self._pipes[0]
                if not pipe.has_room:
                    return None
                pipe.write(data)
                return b""
        return None


def _vendor(setup: Setup) -> bytes | None:
    is_set = setup.request == VendorRequest.MS_OS_20 and setup.index == _MS_OS_20_DESCRIPTOR
    return MS_OS_20 if is_set and setup.is_from_device else None
