"""The endpoints of a mounted FunctionFS, each with a thread that carries its packets to the device or from it.

Endpoint files block, and know no other way. Their numbers are the order in which the endpoints are described.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections.abc import Callable
from pathlib import Path

from tallystick.device.cable.host import UsbHost
from tallystick.errors import RemoteProtocolError, TransportError
from tallystick.wire.functionfs import EVENT_BYTES, Event, EventKind, endpoint_addresses, events
from tallystick.wire.usb import PACKET_BYTES

_EVENTS = 4
#: seconds a thread may take to end
_END_S = 5.0
#: seconds until an endpoint that failed is tried again
_AGAIN_S = 0.05
_IN = 0x80


class Pump:
    """Carries packets between the files below `mount` and the device behind `host`."""

    def __init__(self, host: UsbHost, mount: Path, configuration: bytes) -> None:
        self._host = host
        self._mount = mount
        self._addresses = endpoint_addresses(configuration)
        self._control = -1
        self._wake = os.eventfd(0)
        self._threads: list[threading.Thread] = []
        self._is_over = False
        self._enabled = threading.Condition()
        self._is_enabled = False

    def open(self, descriptors: bytes, strings: bytes) -> None:
        """Describe the function; raise OSError. Only then are there endpoint files, and can the gadget be bound."""
        self._control = os.open(self._mount / "ep0", os.O_RDWR | os.O_CLOEXEC)
        os.write(self._control, descriptors)
        os.write(self._control, strings)

    def start(self) -> None:
        """Begin to carry."""
        self._threads.append(threading.Thread(target=self._serve_control, daemon=True))
        for number, address in enumerate(self._addresses, start=1):
            step = self._carry_in if address & _IN else self._carry_out
            path = self._mount / f"ep{number}"
            self._threads.append(threading.Thread(target=self._carry, args=(path, address & 0xF, step), daemon=True))
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop, and let go of every file; the gadget must be off the bus and the device unplugged, so that no thread waits."""
        with self._enabled:
            self._is_over = True
            self._enabled.notify_all()
        os.eventfd_write(self._wake, 1)
        for thread in self._threads:
            thread.join(_END_S)
        for descriptor in (self._control, self._wake):
            if descriptor >= 0:
                os.close(descriptor)

    def _serve_control(self) -> None:
        waiting = select.poll()
        for descriptor in (self._control, self._wake):
            waiting.register(descriptor, select.POLLIN)
        while True:
            waiting.poll()
            if self._is_over:
                return
            try:
                happened = events(os.read(self._control, EVENT_BYTES * _EVENTS))
            except (OSError, RemoteProtocolError):
                return
            for event in happened:
                # the host gave up on the request, or the plug is out
                with contextlib.suppress(OSError, TransportError):
                    self._react(event)

    def _react(self, event: Event) -> None:
        match event.kind:
            case EventKind.SETUP:
                self._answer(event)
            case EventKind.ENABLE:
                self._host.configure()
                self._enable(is_enabled=True)
            case EventKind.DISABLE | EventKind.UNBIND:
                self._enable(is_enabled=False)

    def _answer(self, event: Event) -> None:
        """Have the device answer a control request; the direction that is not asked for is how a stall is said."""
        setup = event.setup
        if setup.is_from_device:
            answer = self._host.control(setup)
            if answer is None:
                os.read(self._control, 0)
            else:
                os.write(self._control, answer)
            return
        data = os.read(self._control, setup.length) if setup.length else b""
        if self._host.control(setup, data) is None and not setup.length:
            os.write(self._control, b"")
        elif not setup.length:
            os.read(self._control, 0)

    def _enable(self, *, is_enabled: bool) -> None:
        with self._enabled:
            self._is_enabled = is_enabled
            self._enabled.notify_all()

    def _carry(self, path: Path, number: int, step: Callable[[int, int], None]) -> None:
        try:
            # so that one without a host says so, and does not wait for one; transfers wait all the same
            file = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return
        try:
            while not self._is_over:
                try:
                    step(file, number)
                except OSError:  # no host for now
                    self._wait_for_host()
        except TransportError:
            pass  # the device was unplugged
        finally:
            os.close(file)

    def _wait_for_host(self) -> None:
        """Wait until the host is back; one that is said to be there is about to be said to have gone."""
        with self._enabled:
            if self._is_enabled and not self._is_over:
                self._enabled.wait(_AGAIN_S)
            else:
                self._enabled.wait_for(lambda: self._is_enabled or self._is_over, timeout=1.0)

    def _carry_in(self, file: int, number: int) -> None:
        os.write(file, self._host.fetch(number))

    def _carry_out(self, file: int, number: int) -> None:
        packet = os.read(file, PACKET_BYTES)
        if packet:
            self._host.send(number, packet)
