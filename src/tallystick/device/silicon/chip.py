"""The simulated chip as an object: fuses, master key, counters and noise behind one closed list of messages.

On the embedded board it is called directly; on the others it runs in a process of its own (`chip_server`).
"""

from __future__ import annotations

from tallystick.device.hil import Flash, Rng
from tallystick.device.silicon.fuses import Fuses
from tallystick.device.silicon.health import NoiseFailure
from tallystick.device.silicon.otpmk import Otpmk
from tallystick.errors import LocalProtocolError, RemoteProtocolError, StateCorrupt, StateError, UsageError
from tallystick.wire.chip import (
    KEY_ID_BYTES,
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
    Latch,
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
)
from tallystick.wire.chip_codec import reply_to_bytes, request_from_bytes
from tallystick.wire.chip_key import Derive, Discard, Enroll, Failures
from tallystick.wire.firmware import ImageRole

_ROLES = {
    ChipRole.BOOTLOADER: ImageRole.BOOTLOADER,
    ChipRole.SECURE_WORLD: ImageRole.SECURE_WORLD,
    ChipRole.NORMAL_WORLD: ImageRole.NORMAL_WORLD,
}
_COUNTER_BYTES = 4
_COUNTER_LAST = (1 << 32) - 1


class Chip:
    """One power cycle of a chip that keeps its memory in `store`.

    `state` is what the boot ROM found; RESET leaves it to the ROM to say so, once, with `Latch`. `noise` is the raw source.
    Raises StateCorrupt when its fuses cannot be read, UsageError for a verified boot of a chip that is not closed.
    """

    def __init__(self, *, store: Flash, noise: Rng, state: ChipState = ChipState.RESET) -> None:
        self._store = store
        self._noise = noise
        self._fuses = Fuses(store)
        self._key = Otpmk(store, noise)
        self._state = ChipState.RESET
        if not self._latch(state):
            raise UsageError("a chip that is not closed has no verified boot", remedy="close its fuses first")

    def handle(self, datagram: bytes) -> bytes:
        """Answer one datagram with one; whatever is no request is refused."""
        try:
            message = request_from_bytes(datagram)
        except RemoteProtocolError:
            return reply_to_bytes(Refused(Refusal.REQUEST))
        return reply_to_bytes(self.receive(message))

    def receive(self, message: ToChip) -> FromChip:
        """Answer one request."""
        try:
            return self._answer(message)
        except NoiseFailure:
            return Refused(Refusal.NOISE)
        except StateError:
            return Refused(Refusal.MEMORY)

    def _answer(self, message: ToChip) -> FromChip:
        match message:
            case Latch(state):
                fits = self._state is ChipState.RESET and state is not ChipState.RESET and self._latch(state)
                return Done() if fits else Refused(Refusal.STATE)
            case Describe():
                return self._describe()
            case Mac(slot, data):
                if self._state is ChipState.RESET:
                    return Refused(Refusal.STATE)
                return Tag(self._key.mac(self._state, slot, data))
            case ReadCounter(counter):
                return Value(self._counter(counter))
            case IncrementCounter(counter):
                return Value(self._increment(counter))
            case ReadMinimum(role):
                return Value(self._fuses.state.minimum[_ROLES[role]])
            case RaiseMinimum(role, security_version):
                return self._raise(_ROLES[role], security_version)
            case Draw(size_bytes):
                return Noise(self._noise.read(size_bytes))
            case DestroyKey():
                self._key.destroy()
                return Done()
            case Enroll() | Derive() | Failures() | Discard():
                return Refused(Refusal.REQUEST)  # those are for a TPM

    def _latch(self, state: ChipState) -> bool:
        """Take the state of the boot; an open chip was never verified, whoever says so."""
        if state is ChipState.VERIFIED and not self._fuses.state.is_closed:
            return False
        self._state = state
        return True

    def _describe(self) -> Description:
        device_id = self._fuses.state.device_id or self._key.device_id()
        none = self._state is ChipState.RESET
        return Description(self._state, device_id, bytes(KEY_ID_BYTES) if none else self._key.key_id(self._state))

    def _counter(self, counter: CounterId) -> int:
        raw = self._store.read(_name(counter))
        if raw is None:
            return 0
        if len(raw) != _COUNTER_BYTES:
            raise StateCorrupt("a counter of the chip is damaged")
        return int.from_bytes(raw, "big")

    def _increment(self, counter: CounterId) -> int:
        value = self._counter(counter) + 1
        if value > _COUNTER_LAST:
            raise StateCorrupt("a counter of the chip has ended")
        self._store.write(_name(counter), value.to_bytes(_COUNTER_BYTES, "big"))
        return self._counter(counter)

    def _raise(self, role: ImageRole, security_version: int) -> FromChip:
        if self._state is not ChipState.VERIFIED:
            return Refused(Refusal.STATE)
        try:
            self._fuses.raise_minimum(role, security_version)
        except (UsageError, LocalProtocolError):
            return Refused(Refusal.REQUEST)
        return Value(self._fuses.state.minimum[role])


def _name(counter: CounterId) -> str:
    return f"counter-{counter.value}"
