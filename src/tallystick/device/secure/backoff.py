"""Wrong PINs: counted before they are tried, made to wait, and limited (secure-world 6).

Record ``tries`` in two slots: failures u8, limit u8, policy u8; its sequence is the epoch. A try is committed and read back
*before* it is made, so that cutting the power gives no guess for free, and taken back only when everything opened. Waits
run on a clock that nobody can set and begin anew with each power-on. Where hardware counts, the worse of both counts holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, TypeVar

from tallystick.device.hil import Clock, Counter, Flash
from tallystick.device.secure.seal import PinPolicy
from tallystick.device.secure.slot import SlotPair
from tallystick.errors import StateCorrupt, TallyError
from tallystick.wire.chip import CounterId

Value = TypeVar("Value")

_RECORD = "tries"
_RECORD_BYTES = 3
#: tries of each policy
LIMITS = {PinPolicy.LEDGER: 3, PinPolicy.BACKOFF: 16}


class WrongPin(TallyError):
    """The PIN does not open the vault; `left` tries remain, 0 when the device must be reset."""

    code = "wrong_pin"

    def __init__(self, left: int) -> None:
        super().__init__(f"wrong PIN, {left} tries left")
        self.left = left


class TooEarly(TallyError):
    """No PIN is tried yet: `wait_s` seconds are left. It did not count."""

    code = "too_early"

    def __init__(self, wait_s: float) -> None:
        super().__init__("the wait after a wrong PIN is not over", remedy="wait, with the device switched on")
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How many wrong PINs there may be, and by which policy they wait."""

    policy: PinPolicy
    limit: int

    @classmethod
    def of(cls, policy: PinPolicy) -> Self:
        """Return the rules of a policy."""
        return cls(policy=policy, limit=LIMITS[policy])

    def wait_s(self, failures: int) -> int:
        """Return the seconds to wait before a try after `failures` wrong ones: 0 1 3 7 15 …, or none at all."""
        return (1 << min(failures, self.limit)) - 1 if self.policy is PinPolicy.BACKOFF else 0


class Backoff:
    """The one way to try a PIN: `attempt`. `counter` is the hardware's, or None."""

    def __init__(self, *, flash: Flash, clock: Clock, counter: Counter | None) -> None:
        self._slots = SlotPair(flash, _RECORD)
        self._clock = clock
        self._counter = counter
        self._since_s = clock.now_s()

    @property
    def recorded(self) -> Rules | None:
        """The rules in the record, or None without one. Raises StateCorrupt when there is one and it cannot be read."""
        record = self._read()
        return None if record is None else record[1]

    @property
    def is_exhausted(self) -> bool:
        """Whether the record alone, without the hardware, leaves no try. Raises StateCorrupt when it cannot be read."""
        record = self._read()
        return record is not None and record[0] >= record[1].limit

    def failures(self, elsewhere: int = 0) -> int:
        """Return wrong PINs since the last right one: the worst of the record, the counters, and `elsewhere`.

        Raises StateCorrupt when the record is missing or cannot be read: then no PIN is tried any more.
        """
        record = self._read()
        if record is None:
            raise _unreadable()
        return max(record[0], self._counted(), elsewhere)

    def wait_s(self, rules: Rules, elsewhere: int = 0) -> float:
        """Return how long until a PIN may be tried; 0 is now."""
        until_s = self._since_s + rules.wait_s(self.failures(elsewhere))
        return max(0.0, until_s - self._clock.now_s())

    def begin(self, rules: Rules) -> None:
        """Start counting for a new vault, if nothing counts yet."""
        if self._read() is None:
            self._commit(0, rules)

    def attempt(self, rules: Rules, try_it: Callable[[], Value | None], *, elsewhere: int = 0) -> Value:
        """Count a try, make it, and take it back if it gave something. `try_it` returns None for a wrong PIN.

        Whatever else goes wrong in there leaves the try counted.

        Raises:
            WrongPin: it is not the PIN, or no try was left.
            TooEarly: the wait is not over; nothing was tried.
            StateCorrupt: the count cannot be read or written; nothing was tried.

        """
        failures = self.failures(elsewhere)
        if failures >= rules.limit:
            raise WrongPin(0)
        wait_s = self.wait_s(rules, elsewhere)
        if wait_s > 0:
            raise TooEarly(wait_s)
        self._commit(failures + 1, rules)
        if self._counter is not None:
            self._counter.increment(CounterId.ATTEMPT)
        try:
            value = try_it()
        finally:
            self._since_s = self._clock.now_s()
        if value is None:
            raise WrongPin(rules.limit - failures - 1)
        self.forgive(rules)
        return value

    def exhaust(self) -> None:
        """Leave no try: the mark of a reset that has begun."""
        rules = self.recorded or Rules.of(PinPolicy.LEDGER)
        self._commit(rules.limit, rules)

    def forgive(self, rules: Rules) -> None:
        """Count from zero again."""
        self._settle()
        if self._read() != (0, rules):
            self._commit(0, rules)

    def remove(self) -> None:
        """Forget the record and count from zero: everything that could be guessed at is gone."""
        self._settle()
        self._slots.remove()

    def attempts(self) -> int:
        """Return where the hardware's counter of tries stands; 0 without one."""
        return 0 if self._counter is None else self._counter.read(CounterId.ATTEMPT)

    def settled(self) -> int:
        """Return where that counter stood at the last right PIN; 0 without one."""
        return 0 if self._counter is None else self._counter.read(CounterId.SETTLED)

    def _counted(self) -> int:
        return max(0, self.attempts() - self.settled())

    def _settle(self) -> None:
        if self._counter is not None:
            for _ in range(self._counted()):
                self._counter.increment(CounterId.SETTLED)

    def _read(self) -> tuple[int, Rules] | None:
        slot = self._slots.read()
        if slot is None:
            if self._slots.exists:
                raise _unreadable()
            return None
        if len(slot.body) != _RECORD_BYTES:
            raise _unreadable()
        failures, limit, policy = slot.body
        try:
            return failures, Rules(policy=PinPolicy(policy), limit=limit)
        except ValueError:
            raise _unreadable() from None

    def _commit(self, failures: int, rules: Rules) -> None:
        """Write the count and read it back: only then may anything follow."""
        self._slots.write(bytes((failures, rules.limit, rules.policy)))
        if self._read() != (failures, rules):
            raise StateCorrupt("the counter of tries cannot be written", remedy="no PIN is tried until it can")


def _unreadable() -> StateCorrupt:
    return StateCorrupt(
        "the counter of tries is damaged, so no PIN is tried any more",
        remedy="restore from the recovery words, with another state directory",
    )
