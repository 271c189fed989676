"""The measuring client: blocking, standard library only, the same for every peer (framing: wire-protocol A.5)."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable

_LENGTH = struct.Struct(">I")
_TIMEOUT_S = 60.0
_POLL_S = 0.002


class Refused(RuntimeError):
    """A peer did not answer as the probe needs; a figure from it would be wrong."""


class Link:
    """One TCP connection to a device; a length, then the APDU; back a length without the status word, then both."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def exchange(self, apdu: bytes) -> tuple[bytes, int]:
        """Send `apdu`; return the answer's data and status word."""
        self._socket.sendall(_LENGTH.pack(len(apdu)) + apdu)
        received = self._socket.recv(4096)
        while len(received) < 4 or len(received) < 6 + _LENGTH.unpack_from(received)[0]:
            more = self._socket.recv(4096)
            if not more:
                raise Refused("the device closed the connection")
            received += more
        return received[4:-2], int.from_bytes(received[-2:], "big")

    def ask(self, apdu: bytes) -> bytes:
        """Send `apdu`; return the data; raise Refused unless the status word is 9000."""
        data, status = self.exchange(apdu)
        if status != 0x9000:
            raise Refused(f"{apdu[:5].hex()}… was answered {status:04x}")
        return data

    def close(self) -> None:
        """Disconnect."""
        self._socket.close()


def connect_when_open(port: int, *, deadline: float, is_alive: Callable[[], bool] = lambda: True) -> Link:
    """Try again until somebody listens on `port`; raise TimeoutError after `deadline` (perf_counter seconds).

    Raises ConnectionRefusedError at once when whoever should listen is not alive any more.
    """
    while True:
        try:
            return Link(port)
        except ConnectionRefusedError:
            if not is_alive():
                raise
            if time.perf_counter() > deadline:
                raise TimeoutError(f"nobody listens on port {port}") from None
            time.sleep(_POLL_S)


def free_port() -> int:
    """Return a TCP port of the loopback address that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
