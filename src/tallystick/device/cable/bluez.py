"""The cable without a wire: makes the device a Bluetooth LE peripheral of this machine's adapter, by BlueZ (Linux; extra ``ble``).

Run as ``python -I -m tallystick.device.cable.bluez ADDRESS [ADAPTER]``; it needs no rights of root. It advertises the device,
shows the passkey of who wants to pair, and carries frames between the link and the device.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tallystick.device.cable.line import say, serve
from tallystick.device.cable.radio import PATIENCE_S, Radio
from tallystick.errors import TransportError

__all__ = ["BluezCable"]

_T = TypeVar("_T")


class BluezCable:
    """A `line.Cable`: runs a radio in a thread of its own. `tell` is given what is said unasked: the passkey of who wants to pair."""

    def __init__(self, address: str, *, adapter: str = "", tell: Callable[..., None]) -> None:
        self._address = address
        self._tell = tell
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._radio = Radio(
            adapter=adapter,
            show=lambda code: tell(pairing={"code": code}),
            fail=lambda error: tell(error=_words(error)),
        )

    def prepare(self) -> None:
        """Find the adapter; raise TransportError."""
        self._thread.start()
        self._run(self._radio.open())

    def plug(self) -> dict[str, Any]:
        """Put the device on the air; raise TransportError."""
        return self._run(self._radio.plug(self._address))

    def close(self) -> None:
        """Take it off the air, and end the thread."""
        if not self._thread.is_alive():
            return
        with contextlib.suppress(TransportError):
            self._run(self._radio.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(PATIENCE_S)
        except TimeoutError:
            future.cancel()
            raise TransportError(
                "BlueZ does not answer", remedy="start it again: systemctl restart bluetooth"
            ) from None


def _words(error: TransportError) -> dict[str, str]:
    return {"code": error.code, "message": error.message, "remedy": error.remedy}


if __name__ == "__main__":
    sys.exit(
        serve(
            BluezCable(sys.argv[1], adapter="".join(sys.argv[2:3]), tell=lambda **message: say(sys.stdout, **message))
        )
    )
