"""The chip as the Secure World sees it: its key, its counters and its noise, by way of the bus.

`Call` is the seam: `Chip.receive` on the embedded board, `Bus.call` where the chip is another process.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import NoReturn

from tallystick.crypto.secret import Secret
from tallystick.device.hil import Flash, KeyRefused, Rng, WrongProof
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
    ProviderKind,
    RaiseMinimum,
    ReadCounter,
    ReadMinimum,
    Refusal,
    Refused,
    Tag,
    ToChip,
    Value,
)
from tallystick.wire.chip_codec import reply_from_bytes, request_to_bytes
from tallystick.wire.chip_key import Derive, Discard, Enroll, Failures, Handle

Call = Callable[[ToChip], FromChip]

#: a chip on the same board answers within microseconds, one whose disk is slow within a second, one with a TPM that hangs
#: says so within a few more
TIMEOUT_S = 20.0
_PURPOSE = b"kek-v1"
_REASONS = {
    Refusal.STATE: "the chip refuses: the boot was not checked",
    Refusal.REQUEST: "the chip does not know the request",
    Refusal.NOISE: "the chip's source of noise has failed",
    Refusal.MEMORY: "the chip's own memory has failed",
    Refusal.KEY: "the key this was sealed with is not there",
    Refusal.AWAY: "the TPM does not answer",
    Refusal.REGISTERS: "the TPM's registers are not as they were when the device was set up",
}
_REMEDIES = {
    Refusal.KEY: "use the TPM that the device was set up with, or restore from the recovery words",
    Refusal.AWAY: "see that the TPM is there, and start the device again",
    Refusal.REGISTERS: "start the machine as it was, or restore from the recovery words",
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
    """Key provider, counter and source of noise: all that the chip does for the Secure World.

    A simulated chip keeps nothing for each seal: its handle is the id of its key, and only its counters count. One with a TPM
    makes enrolments.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._kind: ProviderKind | None = None

    @property
    def kind(self) -> ProviderKind:
        """What holds the key, which never changes; raises KeyRefused when the chip does not say."""
        if self._kind is None:
            self._kind = self.describe().kind
        return self._kind

    def describe(self) -> Description:
        """Return what the chip says it is; raise KeyRefused."""
        answer = self._call(Describe())
        return answer if isinstance(answer, Description) else _refuse(answer)

    def enroll(self, proof: Secret, *, limit: int, beside: bytes = b"") -> bytes:
        """Return the handle of a new enrolment; raise KeyRefused."""
        if self.kind is ProviderKind.SIMULATED:
            return self.describe().key_id
        answer = self._call(Enroll(limit, proof.reveal(), beside))
        return answer.value if isinstance(answer, Handle) else _refuse(answer)

    def derive(self, handle: bytes, proof: Secret) -> Secret:
        """Return the keyed hash of the proof (secure-world 5.2: h); raise KeyRefused, and WrongProof where the chip can tell."""
        if self.kind is ProviderKind.SIMULATED:
            return self._hash(handle, proof)
        answer = self._call(Derive(handle, proof.reveal()))
        if answer == Refused(Refusal.PROOF):
            raise WrongProof("the TPM refuses the proof")
        return Secret(answer.value) if isinstance(answer, Tag) else _refuse(answer)

    def failures(self, handle: bytes) -> int:
        """Return how many wrong proofs were counted; 0 of a chip that cannot tell a wrong one from a right one.

        Raises KeyRefused when no proof can be tried now.
        """
        if self.kind is ProviderKind.SIMULATED:
            return 0
        return self._number(Failures(handle))

    def discard(self, handle: bytes) -> None:
        """Forget an enrolment; raise KeyRefused."""
        if self.kind is not ProviderKind.SIMULATED:
            answer = self._call(Discard(handle))
            if not isinstance(answer, Done):
                _refuse(answer)

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

    def _hash(self, handle: bytes, proof: Secret) -> Secret:
        if handle != self.describe().key_id or not any(handle) or len(handle) != KEY_ID_BYTES:
            raise KeyRefused("the key this was sealed with is not there")
        answer = self._call(Mac(KeySlot.SEAL, _PURPOSE + proof.reveal()))
        return Secret(answer.value) if isinstance(answer, Tag) else _refuse(answer)

    def _number(self, message: ToChip) -> int:
        answer = self._call(message)
        return answer.value if isinstance(answer, Value) else _refuse(answer)


def chip_in_flash(flash: Flash, rng: Rng) -> ChipProvider:
    """Return a chip for a board without one: an open one, whose memory lies in the device's own flash as ``chip.…``.

    Whoever copies that flash copies the chip: it keeps nothing from anybody, and counts nothing a copy does not take back.
    """
    return ChipProvider(Chip(store=Partition(flash, "chip."), noise=rng, state=ChipState.OPEN).receive)


def _refuse(answer: FromChip) -> NoReturn:
    if not isinstance(answer, Refused):
        raise KeyRefused("the chip answered something else", remedy="restart the device")
    reason = answer.reason
    words = _REASONS.get(reason, "the chip refuses")
    raise KeyRefused(words, remedy=_REMEDIES.get(reason, "start the device by its boot chain"))
