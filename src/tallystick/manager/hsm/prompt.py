"""Signatures of a token for an event loop: made at once while the token is quick, in its thread otherwise (secure-world 7).

Only a signature is ever made at once. Whatever else may be needed, finding the key, opening a lost session, waiting for somebody
else who uses the library, is left to the thread, which then makes the signature too and says what went wrong.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from tallystick.manager.hsm.key_thread import KeyThread
from tallystick.manager.hsm.pace import Pace

__all__ = ["PromptSigner", "WaitingSigner"]


class WaitingSigner(Protocol):
    """A key that may have to be waited for."""

    def sign(self, message: bytes) -> bytes:
        """Return a DER signature with low s over the SHA-256 of `message`, whatever it takes."""

    def sign_at_once(self, message: bytes) -> bytes | None:
        """Return the same if nothing but the signature is to be made, None otherwise."""


class PromptSigner:
    """Asks `signer` on the running loop or in `thread`, as its pace by `clock` (seconds) says."""

    __slots__ = ("_clock", "_pace", "_signer", "_thread")

    def __init__(
        self, signer: WaitingSigner, thread: KeyThread, *, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._signer = signer
        self._thread = thread
        self._clock = clock
        self._pace = Pace()

    def sign(self, message: bytes) -> bytes | asyncio.Future[bytes]:
        """Return a signature, or a future of the running loop with it or what went wrong; StateError after the thread's end."""
        began = self._clock()
        # never before those who came first
        if self._pace.is_quick(began) and self._thread.is_idle:
            signature = self._signer.sign_at_once(message)
            self._pace.on_loop(began, self._clock())
            if signature is not None:
                return signature
        return self._thread.call(self._wait, message)

    def _wait(self, message: bytes) -> bytes:
        began = self._clock()
        try:
            signature = self._signer.sign(message)
        except BaseException:
            self._pace.lost()
            raise
        self._pace.beside(began, self._clock())
        return signature
