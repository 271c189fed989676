"""What every way to a device looks like: give it an APDU, and wait for the answer as long as you like.

Sending and waiting are apart, so that whoever waits can say which gesture the device is owed, or stop waiting.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from tallystick.errors import LocalProtocolError, TransportTimeout

#: the longest single wait when nobody set a limit, in seconds; the wait is then simply repeated
_SLICE_S = 3600.0


class Transport(Protocol):
    """A way to one device. It opens itself at the first `send`, and again after `close`.

    All methods raise TransportError or one of its kinds when the way fails.
    """

    @property
    def url(self) -> str:
        """The address, in the form that `--device` takes."""

    def send(self, apdu: bytes) -> None:
        """Send one APDU; raise LocalProtocolError while an answer is still owed."""

    def receive(self, timeout_s: float) -> bytes | None:
        """Return the answer with its status word, or None when it is not there within `timeout_s` seconds."""

    def exchange(self, apdu: bytes, *, timeout_s: float | None = None) -> bytes:
        """Send an APDU and return its answer with the status word; raise TransportTimeout after `timeout_s` seconds."""

    def close(self) -> None:
        """Close the way. An answer that is still owed is given up: it will never be taken for another one's."""


def exchange(transport: Transport, apdu: bytes, *, timeout_s: float | None = None) -> bytes:
    """Send and wait: what a transport's `exchange` does with its own `send` and `receive`."""
    transport.send(apdu)
    while True:
        answer = transport.receive(_SLICE_S if timeout_s is None else timeout_s)
        if answer is not None:
            return answer
        if timeout_s is not None:
            transport.close()
            raise no_answer(transport.url, timeout_s)


def no_answer(url: str, timeout_s: float) -> TransportTimeout:
    """Return, not raise, the error of an answer that did not come within `timeout_s` seconds."""
    return TransportTimeout(
        f"no answer from {url} within {timeout_s:g} s",
        remedy="look at the device: answer what it asks, or unplug it, plug it in again and retry",
    )


class Direct:
    """A transport over a function that answers at once: a device in this process, a script, a decorator.

    `answer` takes an APDU and returns the answer with its status word.
    """

    def __init__(self, answer: Callable[[bytes], bytes], *, url: str = "direct:") -> None:
        self._answer = answer
        self._url = url
        self._owed: bytes | None = None

    @property
    def url(self) -> str:
        """The name it was given."""
        return self._url

    def send(self, apdu: bytes) -> None:
        """Call the function and keep its answer."""
        if self._owed is not None:
            raise LocalProtocolError("an answer is still owed: one APDU at a time")
        self._owed = self._answer(apdu)

    def receive(self, timeout_s: float) -> bytes | None:  # noqa: ARG002 - the answer is always there
        """Return the answer of the APDU sent last."""
        if self._owed is None:
            raise LocalProtocolError("nothing was sent")
        answer, self._owed = self._owed, None
        return answer

    def exchange(self, apdu: bytes, *, timeout_s: float | None = None) -> bytes:
        """Return the function's answer."""
        return exchange(self, apdu, timeout_s=timeout_s)

    def close(self) -> None:
        """Forget an answer that was not fetched."""
        self._owed = None
