"""APDUs over Bluetooth LE (wire-protocol A.4)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tallystick.errors import LocalProtocolError, RemoteProtocolError, TallyError, TransportError, TransportTimeout
from tallystick.host.transport.base import exchange
from tallystick.wire.ble import BleFraming
from tallystick.wire.packet import ControlReceived, ResponseReceived
from tallystick.wire.role import Role

__all__ = ["BleInfo", "BleLink", "BleRadio", "BleTransport", "system_radio"]

#: seconds in which a device says its frame size; the first time it may ask for a passkey meanwhile
_NEGOTIATE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BleInfo:
    """One device that was heard; `service` is the third group of its service UUID, which tells the model."""

    address: str
    name: str
    service: str


class BleLink(Protocol):
    """A link to a device whose answers we have subscribed to. Its methods raise TransportError when it is lost."""

    def write(self, frame: bytes) -> None:
        """Write one frame."""

    def read(self, timeout_s: float) -> bytes | None:
        """Return the next notification, or None when none came in time."""

    def close(self) -> None:
        """Disconnect."""


class BleRadio(Protocol):
    """The machine's Bluetooth."""

    def scan(self, timeout_s: float) -> list[BleInfo]:
        """Return the devices that are heard within `timeout_s` seconds, by their addresses."""

    def connect(self, info: BleInfo) -> BleLink:
        """Return a link to a device that was heard."""

    def close(self) -> None:
        """Let go of it, without a link; it can be used again."""


def system_radio() -> BleRadio:
    """Return the machine's own Bluetooth; raise TransportError without the extra."""
    try:
        from tallystick.host.transport.ble_link import BleakRadio
    except ImportError as error:
        raise TransportError(
            "Bluetooth needs bleak, which is not installed", remedy="run: pip install 'tallystick[ble]'"
        ) from error
    return BleakRadio()


class BleTransport:
    """The device described by `info`, over `radio`."""

    def __init__(self, info: BleInfo, *, radio: BleRadio, clock: Callable[[], float] = time.monotonic) -> None:
        self._info = info
        self._radio = radio
        self._clock = clock
        self._link: BleLink | None = None
        self._framing = BleFraming(Role.HOST)
        self._owed = False

    @property
    def url(self) -> str:
        """``ble:ADDRESS``."""
        return f"ble:{self._info.address}"

    def send(self, apdu: bytes) -> None:
        """Send one APDU, connecting first; raise DeviceNotFound, PermissionDenied or TransportError."""
        if self._owed:
            raise LocalProtocolError("an answer is still owed: one APDU at a time")
        link = self._open() if self._link is None else self._link
        self._owed = True
        try:
            for frame in self._framing.send(apdu):
                link.write(frame)
        except TransportError:
            self.close()
            raise

    def receive(self, timeout_s: float) -> bytes | None:
        """Return the answer, or None after `timeout_s` seconds; raise TransportError when the link is lost."""
        if self._link is None or not self._owed:
            raise LocalProtocolError("nothing was sent")
        deadline = self._clock() + timeout_s
        while True:
            try:
                frame = self._link.read(max(deadline - self._clock(), 0.0))
                events = [] if frame is None else self._framing.receive(frame)
            except (TransportError, RemoteProtocolError):
                self.close()
                raise
            for event in events:
                if isinstance(event, ResponseReceived):
                    self._owed = False
                    return event.response.to_bytes()
            if frame is None:
                return None

    def exchange(self, apdu: bytes, *, timeout_s: float | None = None) -> bytes:
        """Send an APDU and return its answer; raise TransportTimeout after `timeout_s` seconds."""
        return exchange(self, apdu, timeout_s=timeout_s)

    def close(self) -> None:
        """Disconnect: an answer that is owed is nobody's then. The next `send` connects again."""
        link, self._link = self._link, None
        self._framing = BleFraming(Role.HOST)
        self._owed = False
        try:
            if link is not None:
                link.close()
        except TransportError:
            pass  # it is lost already
        finally:
            self._radio.close()

    def _open(self) -> BleLink:
        try:
            link = self._radio.connect(self._info)
        except TransportError:
            self._radio.close()
            raise
        try:
            self._negotiate(link)
        except TallyError:
            self._link = link
            self.close()
            raise
        self._link = link
        return link

    def _negotiate(self, link: BleLink) -> None:
        """Ask for the frame size; what else comes before the answer is of another time."""
        link.write(self._framing.negotiate())
        deadline = self._clock() + _NEGOTIATE_S
        while (frame := link.read(max(deadline - self._clock(), 0.0))) is not None:
            if frame[:1] != b"\x05" and any(isinstance(one, ControlReceived) for one in self._framing.receive(frame)):
                return
        raise TransportTimeout(
            f"{self.url} does not say how large its frames are", remedy="pair it again, or switch it off and on"
        )
