"""One USB/IP connection to the device, as a state machine over any byte stream.

A connection asks for the list of devices, or is lent the device and then speaks in URBs. One at a time has it: a device has
one plug. Every URB is answered at once, but for two kinds that wait: one that fetches when there is nothing yet, which is
every host's way to wait, and one that sends to a device that is busy.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from tallystick.device.normal.relay import Relay
from tallystick.device.normal.usb_device import UsbDevice
from tallystick.errors import RemoteProtocolError
from tallystick.wire.model import VENDOR_ID
from tallystick.wire.urb import Direction, Errno, Submit, Submitted, Unlink, Unlinked, UrbReader
from tallystick.wire.usb import DEVICE_VERSION, INTERFACES, PACKET_BYTES, Identity, Setup
from tallystick.wire.usbip import (
    DeviceEntry,
    DeviceListRequest,
    ImportStatus,
    RequestReader,
    device_list_reply,
    import_reply,
)

#: URBs that may wait; hosts have two for each endpoint
MAX_WAITING = 256


class UsbPort:
    """The device's one socket: `relay` knows what is behind it, and one connection at a time is plugged in."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self.is_taken = False

    @property
    def identity(self) -> Identity | None:
        """What can be plugged in; None while the device has no power."""
        told = self._relay.identity
        return None if told is None else Identity(product_id=told.product_id, serial=told.serial)

    def entry(self) -> DeviceEntry | None:
        """Return what USB/IP tells of the device."""
        identity = self.identity
        if identity is None:
            return None
        triples = tuple(interface.triple for interface in INTERFACES)
        return DeviceEntry(
            product_id=identity.product_id, vendor_id=VENDOR_ID, version=DEVICE_VERSION, interfaces=triples
        )

    def plug(self, identity: Identity, *, on_change: Callable[[], None], on_unplug: Callable[[], None]) -> UsbDevice:
        """Plug a connection in."""
        self.is_taken = True
        return UsbDevice(self._relay, identity, on_change=on_change, on_unplug=on_unplug)


class UsbipSession:
    """One connection, without its socket: `receive` takes what the host sent, `send` is given what it is to hear.

    `on_end` is told when nothing more will come: a list was given, a request refused, or the plug pulled.
    """

    def __init__(self, port: UsbPort, *, send: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        self._port = port
        self._send = send
        self._on_end = on_end
        self._request: RequestReader | None = RequestReader()
        self._urbs = UrbReader()
        self._device: UsbDevice | None = None
        #: URBs that fetch, and URBs that send, in the order in which they came
        self._fetching: deque[Submit] = deque()
        self._sending: deque[Submit] = deque()
        self._is_flushing = False

    @property
    def waiting(self) -> int:
        """How many URBs have no answer yet."""
        return len(self._fetching) + len(self._sending)

    def receive(self, data: bytes) -> None:
        """Take bytes of the host; raise RemoteProtocolError when they mean nothing: the connection is of no more use."""
        if self._request is not None:
            request = self._request.receive(data)
            if request is None:
                return
            data, self._request = self._request.rest, None
            self._begin(None if isinstance(request, DeviceListRequest) else request.bus_id)
        if self._device is None:
            return
        for message in self._urbs.receive(data):
            match message:
                case Submit():
                    self._submit(message)
                case Unlink():
                    self._unlink(message)

    def close(self) -> None:
        """Unplug: the host has gone."""
        device, self._device = self._device, None
        if device is not None:
            self._port.is_taken = False
            device.close()
        self._fetching.clear()
        self._sending.clear()

    def _begin(self, wanted: str | None) -> None:
        entry, identity = self._port.entry(), self._port.identity
        if wanted is None:
            self._send(device_list_reply(() if entry is None else (entry,)))
        elif entry is None or identity is None or entry.bus_id != wanted:
            self._send(import_reply(None, ImportStatus.NO_DEVICE))
        elif self._port.is_taken:
            self._send(import_reply(None, ImportStatus.BUSY))
        else:
            self._device = self._port.plug(identity, on_change=self._flush, on_unplug=self._unplugged)
            self._send(import_reply(entry))
            return
        self._on_end()

    def _submit(self, urb: Submit) -> None:
        device = self._device
        if device is None:
            return
        if urb.endpoint == 0:
            self._control(device, urb)
        elif not (device.has_in if urb.direction is Direction.IN else device.has_out)(urb.endpoint):
            self._answer(Submitted(urb.sequence, Errno.STALL))
        elif self.waiting >= MAX_WAITING:
            raise RemoteProtocolError(f"more than {MAX_WAITING} transfers wait")
        else:
            (self._fetching if urb.direction is Direction.IN else self._sending).append(urb)
            self._flush()

    def _control(self, device: UsbDevice, urb: Submit) -> None:
        setup = Setup.from_bytes(urb.setup)
        answer = None
        if setup.is_from_device == (urb.direction is Direction.IN) or not setup.length:
            answer = device.control(setup, urb.data)
        if answer is None:
            self._answer(Submitted(urb.sequence, Errno.STALL))
            return
        answer = answer[: urb.length]
        self._answer(Submitted(urb.sequence, Errno.OK, len(answer) or len(urb.data), answer))

    def _unlink(self, message: Unlink) -> None:
        for waiting in (self._fetching, self._sending):
            for urb in waiting:
                if urb.sequence == message.victim:
                    waiting.remove(urb)
                    self._answer(Unlinked(message.sequence, Errno.UNLINKED))
                    return
        self._answer(Unlinked(message.sequence, Errno.OK))

    def _flush(self) -> None:
        """Answer every URB that need not wait any more. What the device does meanwhile only lengthens the work here."""
        if self._is_flushing:
            return
        self._is_flushing = True
        try:
            while self._send_one() or self._fetch_one():
                pass
        finally:
            self._is_flushing = False

    def _send_one(self) -> bool:
        """Hand one transfer of the host to the device; return False when none can be."""
        device = self._device
        if device is None:
            return False
        for urb in self._sending:
            if device.has_room(urb.endpoint):
                self._sending.remove(urb)
                self._answer(Submitted(urb.sequence, Errno.OK, len(urb.data)))
                device.write(urb.endpoint, urb.data)
                return True
        return False

    def _fetch_one(self) -> bool:
        """Answer one transfer to the host, by one packet however long it may be; return False when there is none."""
        device = self._device
        if device is None:
            return False
        for urb in self._fetching:
            packet = device.read(urb.endpoint)
            if packet is not None:
                self._fetching.remove(urb)
                fits = len(packet) <= urb.length
                self._answer(
                    Submitted(urb.sequence, Errno.OK, PACKET_BYTES, packet)
                    if fits
                    else Submitted(urb.sequence, Errno.OVERFLOW)
                )
                return True
        return False

    def _answer(self, message: Submitted | Unlinked) -> None:
        self._send(message.to_bytes())

    def _unplugged(self) -> None:
        self.close()
        self._on_end()
