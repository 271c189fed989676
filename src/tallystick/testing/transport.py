"""Transports that wrap another one: what they share, and the one that tells what passes.

One that fails is in `fault`, one that records in `record`. All have the interface of what they wrap
(`host.transport.base.Transport`), so they stack in any order, over a device in the process, over TCP, over real USB.
"""

from __future__ import annotations

from collections.abc import Callable

from tallystick.host.traffic import describe
from tallystick.host.transport.base import Transport, exchange
from tallystick.wire.apdu import ResponseApdu
from tallystick.wire.status import explain


class Wrapper:
    """What wraps a transport and passes everything on."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def url(self) -> str:
        """The address of what is wrapped."""
        return self._transport.url

    def send(self, apdu: bytes) -> None:
        """Send one APDU."""
        self._transport.send(apdu)

    def receive(self, timeout_s: float) -> bytes | None:
        """Return the answer, or None when it is not there within `timeout_s` seconds."""
        return self._transport.receive(timeout_s)

    def exchange(self, apdu: bytes, *, timeout_s: float | None = None) -> bytes:
        """Send an APDU and return its answer; raise TransportTimeout after `timeout_s` seconds."""
        return exchange(self, apdu, timeout_s=timeout_s)

    def close(self) -> None:
        """Close the way."""
        self._transport.close()


class TraceTransport(Wrapper):
    """Tells `write` what passes, a line for each direction, with the meaning of status words other than 9000.

    Bytes that carry a secret are hidden.
    """

    def __init__(self, transport: Transport, *, write: Callable[[str], object]) -> None:
        super().__init__(transport)
        self._write = write

    def send(self, apdu: bytes) -> None:
        """Send one APDU, and tell."""
        self._write(f"=> {describe(apdu)}")
        self._transport.send(apdu)

    def receive(self, timeout_s: float) -> bytes | None:
        """Return the answer, and tell."""
        answer = self._transport.receive(timeout_s)
        if answer is not None:
            self._write(f"<= {answer.hex()}{_meaning(answer)}")
        return answer

    def close(self) -> None:
        """Close the way, and tell."""
        self._write("-- closed")
        super().close()


def _meaning(answer: bytes) -> str:
    if len(answer) < 2:
        return " (no status word)"
    response = ResponseApdu.from_bytes(answer)
    return "" if response.ok else f" ({explain(response.status).meaning})"
