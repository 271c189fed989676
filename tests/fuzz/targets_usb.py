"""Fuzz targets of the USB device: a connection's bytes, and each parser on its way.

As in `targets_wire`: a target returns when the bytes are accepted or refused with the declared error.
"""

import contextlib

from tallystick.device.cable.uhid import output, refusal
from tallystick.device.normal.relay import Relay
from tallystick.device.normal.usb_pipe import HIGH_WATER
from tallystick.device.normal.usbip_session import MAX_WAITING, UsbipSession, UsbPort
from tallystick.errors import RemoteProtocolError
from tallystick.wire.functionfs import descriptors, endpoint_addresses, events
from tallystick.wire.urb import MAX_TRANSFER, ReturnReader, UrbReader
from tallystick.wire.usbip import DeviceEntry, ImportRequest, RequestReader
from tallystick.wire.world import Apdu, Introduce, Link, LinkState, Reply

_refusal = contextlib.suppress(RemoteProtocolError)


class EchoWorld:
    """A Secure World that answers each request with its own bytes at once, but one that begins with FF never."""

    def __init__(self):
        self.relay = Relay(self._receive)
        self.relay.send(Introduce(0x5011, "tallystick-fuzz"))
        self._owed = []

    def _receive(self, message):
        match message:
            case Apdu(channel, raw) if raw[:1] == b"\xff":
                self._owed.append(channel)
            case Apdu(channel, raw):
                self.relay.send(Reply(channel, raw + b"\x90\x00"))
            case Link(channel, LinkState.DOWN) if channel in self._owed:
                self._owed.remove(channel)
                self.relay.send(Reply(channel, b"\x6f\x00"))


def attach():
    """Return a port, a session that has the device, and what it said, in pieces."""
    port, said = UsbPort(EchoWorld().relay), []
    session = UsbipSession(port, send=said.append, on_end=lambda: None)
    session.receive(ImportRequest().to_bytes())
    said.clear()
    return port, session, said


def session(data: bytes) -> None:
    """Take a host's URBs; the device can be lent again whatever they were."""
    port, one, said = attach()
    with _refusal:
        one.receive(data)
    assert one.waiting <= MAX_WAITING
    assert sum(map(len, said)) <= 48 * (len(data) // 48 + 1) + MAX_TRANSFER * (len(data) // 48 + HIGH_WATER)
    one.close()
    assert not port.is_taken
    again = []
    UsbipSession(port, send=again.append, on_end=lambda: None).receive(ImportRequest().to_bytes())
    assert again[0][4:8] == bytes(4)


def connection(data: bytes) -> None:
    """Take a connection from its beginning."""
    one = UsbipSession(UsbPort(EchoWorld().relay), send=lambda _data: None, on_end=lambda: None)
    with _refusal:
        for at in range(0, len(data), 7):
            one.receive(data[at : at + 7])
    one.close()


def readers(data: bytes) -> None:
    """Read messages of both sides, and requests."""
    for reader in (UrbReader(), ReturnReader(), RequestReader()):
        with _refusal:
            reader.receive(data)
    with _refusal:
        assert DeviceEntry.from_bytes(data).device_id >= 0


def gadget(data: bytes) -> None:
    """Read what a cable reads: a configuration descriptor, events of FunctionFS, and of uhid."""
    with _refusal:
        assert descriptors(data)[:4] == b"\x03\0\0\0"
    with _refusal:
        events(data)
    with _refusal:
        assert all(0 <= address <= 0xFF for address in endpoint_addresses(data))
    if len(data) >= 8:
        output(data)
        refusal(data)


targets = {target.__name__: target for target in (session, connection, readers, gadget)}
