"""The chip as the Secure World sees it: its key, its counters and its noise, by way of the bus.

`Call` is the seam: `Chip.receive` on the embedded board, `Bus.call` where the chip is another process.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import NoReturn

from tallystick.crypto.secret import Secret
from tallystick.device.hil import Flash, KeyRefused, ProviderKind, Rng
from tallystick.device.silicon.chip import Chip
from tallystick.device.silicon.partition import Partition
from tallystick.errors import RemoteProtocolError, StateError
from tallystick.wire.chip import (
    KEY_ID_BYTES,
    MAX_DRAW,
    MAX_MESSAGE,
    ChipRole,
    ChipState,
    CounterId,
    Describe,
    Description,
    DestroyKey,
    Done,
    Draw,
    FromChip,
    IncrementCounter,
    KeySlot,
    Mac,
    Noise,
    RaiseMinimum,
    ReadCounter,
    ReadMinimum,
    Refusal,
    Refused,
    Tag,
    ToChip,
    Value,
    reply_from_bytes,
    request_to_bytes,
)

Call = Callable[[ToChip], FromChip]

#: a chip on the same board answers within microseconds, one whose disk is slow within a second
TIMEOUT_S = 10.0
_PURPOSE = b"kek-v1"
_REASONS = {
    Refusal.STATE: "the chip refuses: the boot was not checked",
    Refusal.REQUEST: "the chip does not know the request",
    Refusal.NOISE: "the chip's source of noise has failed",
    Refusal.MEMORY: "the chip's own memory has failed",
}


class Bus:
    """The Secure World's end of a SEQPACKET socket to the chip; one request at a time."""

    def __init__(self, end: socket.socket, *, timeout_s: float = TIMEOUT_S) -> None:
        end.settimeout(timeout_s)
        self._end = end

    def call(self, message: ToChip) -> FromChip:
        """Send a request and return the reply; raise KeyRefused when the chip is gone, silent, or talks nonsense.

        A bus that failed once stays shut: a late answer must not pass for the next one.
        """
        try:
            self._end.send(request_to_bytes(message))
            return reply_from_bytes(self._end.recv(MAX_MESSAGE + 1))
        except (OSError, RemoteProtocolError):
            self._end.close()
            raise KeyRefused("the chip does not answer", remedy="restart the device") from None

    def close(self) -> None:
        """Let go of the chip."""
        self._end.close()


class ChipProvider:
    """Key provider, counter and source of noise: all that the chip does for the Secure World."""

    def __init__(self, call: Call) -> None:
        self._call = call

    @property
    def kind(self) -> ProviderKind:
        """The simulated chip."""
        return ProviderKind.SIMULATED

    def describe(self) -> Description:
        """Return what the chip says it is; raise KeyRefused."""
        answer = self._call(Describe())
        return answer if isinstance(answer, Description) else _refuse(answer)

    def enroll(self, proof: Secret, *, limit: int, beside: bytes = b"") -> bytes:
        """Return the id (8 bytes) of the key; this chip keeps nothing for each seal, and counts with `Counter` alone."""
        del proof, limit, beside
        return self.describe().key_id

    def derive(self, handle: bytes, proof: Secret) -> Secret:
        """Return the keyed hash of the proof (secure-world 5.2: h); raise KeyRefused."""
        if handle != self.describe().key_id or not any(handle) or len(handle) != KEY_ID_BYTES:
            raise KeyRefused("the key this was sealed with is not there")
        answer = self._call(Mac(KeySlot.SEAL, _PURPOSE + proof.reveal()))
        return Secret(answer.value) if isinstance(answer, Tag) else _refuse(answer)

    def failures(self, handle: bytes) -> int:
        """Return 0: the chip cannot tell a wrong proof from a right one, so only its counters count."""
        del handle
        return 0

    def discard(self, handle: bytes) -> None:
        """Do nothing: there is nothing of an enrolment in the chip."""

    def destroy(self) -> None:
        """Erase the erasable half of the key."""
        answer = self._call(DestroyKey())
        if not isinstance(answer, Done):
            _refuse(answer)

    def read(self, counter: CounterId) -> int:
        """Return where a counter stands; raise KeyRefused."""
        return self._number(ReadCounter(counter))

    def increment(self, counter: CounterId) -> int:
        """Raise a counter; raise KeyRefused."""
        return self._number(IncrementCounter(counter))

    def minimum(self, role: ChipRole) -> int:
        """Return the lowest security version of a role; raise KeyRefused."""
        return self._number(ReadMinimum(role))

    def raise_minimum(self, role: ChipRole, security_version: int) -> int:
        """Raise the lowest security version of a role and return it; raise KeyRefused outside a verified boot."""
        return self._number(RaiseMinimum(role, security_version))

    def noise(self, size_bytes: int) -> bytes:
        """Return raw noise of the chip; raise StateError when it gives none."""
        parts = []
        while size_bytes > 0:
            answer = self._call(Draw(min(size_bytes, MAX_DRAW)))
            if not isinstance(answer, Noise):
                _refuse(answer)
            parts.append(answer.data)
            size_bytes -= len(answer.data)
        if size_bytes:
            raise StateError("the chip gave more noise than was asked for")
        return b"".join(parts)

    def _number(self, message: ToChip) -> int:
        answer = self._call(message)
        return answer.value if isinstance(answer, Value) else _refuse(answer)


def chip_in_flash(flash: Flash, rng: Rng) -> ChipProvider:
    """Return a chip for a board without one: an open one, whose memory lies in the device's own flash as ``chip.…``.

    Whoever copies that flash copies the chip: it keeps nothing from anybody, and counts nothing a copy does not take back.
    """
    return ChipProvider(Chip(store=Partition(flash, "chip."), noise=rng, state=ChipState.OPEN).receive)


def _refuse(answer: FromChip) -> NoReturn:
    reason = _REASONS[answer.reason] if isinstance(answer, Refused) else "the chip answered something else"
    raise KeyRefused(reason, remedy="start the device by its boot chain")
