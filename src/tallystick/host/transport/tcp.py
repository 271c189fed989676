"""APDUs over TCP, as emulators and `ledgerctl` speak it (wire-protocol A.5).

Half answers are kept until the rest comes. A connection whose answer was given up is closed, never used again: what might
still arrive on it belongs to nobody.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from tallystick.errors import DeviceNotFound, LocalProtocolError, RemoteProtocolError, TransportError, TransportTimeout
from tallystick.host.transport.base import exchange
from tallystick.wire.apdu import ResponseApdu
from tallystick.wire.role import Role
from tallystick.wire.tcp import TcpFraming

_CONNECT_TIMEOUT_S = 5.0
_CHUNK_BYTES = 65_536

#: given (host, port) and a time limit in seconds, return a connected socket
Connect = Callable[[tuple[str, int], float], socket.socket]


class TcpTransport:
    """A device behind `host`:`port`; `connect` makes the socket and can be replaced in tests."""

    def __init__(self, host: str, port: int, *, connect: Connect = socket.create_connection) -> None:
        self._address = (host, port)
        self._connect = connect
        self._socket: socket.socket | None = None
        self._framing = TcpFraming(Role.HOST)
        self._owed = False

    @property
    def url(self) -> str:
        """``tcp:HOST:PORT``."""
        host, port = self._address
        return f"tcp:[{host}]:{port}" if ":" in host else f"tcp:{host}:{port}"

    def send(self, apdu: bytes) -> None:
        """Send one APDU, connecting first when there is no connection.

        Raises DeviceNotFound when nobody listens, TransportTimeout when nobody answers the call, TransportError otherwise.
        """
        if self._owed:
            raise LocalProtocolError("an answer is still owed: one APDU at a time")
        frame = self._framing.send(apdu)
        link = self._open() if self._socket is None else self._socket
        self._owed = True
        try:
            link.sendall(frame)
        except OSError as error:
            self.close()
            raise self._lost(error) from error

    def receive(self, timeout_s: float) -> bytes | None:
        """Return the answer, or None after `timeout_s` seconds; raise TransportError when the device hangs up."""
        if self._socket is None or not self._owed:
            raise LocalProtocolError("nothing was sent")
        try:
            # 0 would make the socket non-blocking; the shortest wait that is still a wait says the same
            self._socket.settimeout(max(timeout_s, 0.000_001))
            while not (answers := self._read(self._socket)):
                pass
        except TimeoutError:
            return None
        except OSError as error:
            self.close()
            raise self._lost(error) from error
        self._owed = False
        if len(answers) > 1:
            self.close()
            raise RemoteProtocolError(f"{self.url} sent {len(answers)} answers to one request")
        return answers[0].to_bytes()

    def exchange(self, apdu: bytes, *, timeout_s: float | None = None) -> bytes:
        """Send an APDU and return its answer; raise TransportTimeout after `timeout_s` seconds."""
        return exchange(self, apdu, timeout_s=timeout_s)

    def close(self) -> None:
        """Hang up; the next `send` calls again."""
        link, self._socket = self._socket, None
        self._framing = TcpFraming(Role.HOST)
        self._owed = False
        if link is not None:
            link.close()

    def _open(self) -> socket.socket:
        try:
            link = self._connect(self._address, _CONNECT_TIMEOUT_S)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except TimeoutError as error:
            raise TransportTimeout(f"{self.url} does not answer the call", remedy="check host and port") from error
        except OSError as error:
            raise DeviceNotFound(
                f"nothing listens at {self.url}: {error.strerror or error}",
                remedy="start a device with `tally up`, or correct the address",
            ) from error
        self._socket = link
        return link

    def _read(self, link: socket.socket) -> list[ResponseApdu]:
        chunk = link.recv(_CHUNK_BYTES)
        if not chunk:
            raise ConnectionResetError("it closed the connection before its answer was complete")
        try:
            return self._framing.receive(chunk)
        except RemoteProtocolError:
            self.close()
            raise

    def _lost(self, error: OSError) -> TransportError:
        return TransportError(
            f"the connection to {self.url} broke: {error.strerror or error}",
            remedy="see whether the device is still running, then try again",
        )
