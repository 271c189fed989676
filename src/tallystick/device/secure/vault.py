"""The vault: the recovery phrase at rest, sealed under PIN and hardware (secure-world 5.2, 6).

Record ``vault`` in two slots (see `vault_record`); a change is written to the other slot, read back, and only then the old
slot goes. There is one way to try a PIN, `Backoff.attempt`, and `open` takes it.

Each right PIN seals the place of the hardware's counter in the item ``check``. The counters only rise, so an old copy of
the flash says a lower number than the hardware and is refused. Without hardware that counts nothing can tell.
"""

from __future__ import annotations

from dataclasses import replace

from tallystick.crypto.secret import Secret
from tallystick.device.hil import Clock, Counter, Flash, KeyProvider, KeyRefused, Rng
from tallystick.device.secure.backoff import LIMITS, Backoff, Rules, TooEarly, WrongPin
from tallystick.device.secure.enrolment import Enrolment, OpenVault, contents
from tallystick.device.secure.seal import COST, COST_TRIVIAL, KEY_BYTES, Cost, Header, PinPolicy, Sealing
from tallystick.device.secure.slot import SlotPair
from tallystick.device.secure.vault_record import VaultRecord, damaged
from tallystick.errors import StateCorrupt

__all__ = [
    "COST",
    "COST_TRIVIAL",
    "Cost",
    "OpenVault",
    "PinPolicy",
    "RolledBack",
    "Sealing",
    "TooEarly",
    "Vault",
    "WrongPin",
]

_RECORD = "vault"
#: the first format's record, which had no hardware in it
_FIRST_FORMAT = "vault"


class RolledBack(StateCorrupt):
    """The PIN was right, and the vault is an older copy than the hardware has counted."""

    def __init__(self) -> None:
        super().__init__(
            "the state was rolled back: the hardware counted further than this copy",
            remedy="restore the device from its recovery words, with another state directory",
        )


class Vault:
    """The sealed recovery phrase of one device. `policy` and `cost` are for vaults that are made from now on.

    `cost` is the most that a guess is made to cost: a person's vault costs less on a machine that is too slow for it.
    """

    def __init__(
        self,
        *,
        flash: Flash,
        rng: Rng,
        clock: Clock,
        keys: KeyProvider,
        counter: Counter | None,
        cost: Cost = COST,
        policy: PinPolicy = PinPolicy.LEDGER,
    ) -> None:
        self._flash = flash
        self._slots = SlotPair(flash, _RECORD)
        self._rng = rng
        self._keys = keys
        self._policy = policy
        self._enrolment = Enrolment(rng=rng, clock=clock, keys=keys, cost=cost, counts=counter is not None)
        self._backoff = Backoff(flash=flash, clock=clock, counter=counter)
        #: the record as it was read last, and its sequence: it is asked for with every command
        self._record: VaultRecord | None = None
        self._is_read = False

    @property
    def is_filled(self) -> bool:
        """Whether there is a phrase. Raises StateCorrupt when that cannot be told."""
        return self._read() is not None

    @property
    def is_exhausted(self) -> bool:
        """Whether no try is left: the device must be reset, or its reset was cut off.

        Hardware that is not there, or refuses, says nothing against what is recorded: a reset is no answer to that.
        """
        rules = self._backoff.recorded
        try:
            return rules is not None and self.tries_left == 0
        except KeyRefused:
            return self._backoff.is_exhausted

    @property
    def sealing(self) -> Sealing:
        """The kind of seal; NONE when there is none. Raises StateCorrupt when it cannot be read."""
        record = self._read()
        return Sealing.NONE if record is None else record.header.sealing

    @property
    def limit(self) -> int:
        """How many wrong PINs in a row there may be."""
        record, recorded = self._read(), self._backoff.recorded
        if record is not None:
            return record.header.limit
        return LIMITS[self._policy] if recorded is None else recorded.limit

    @property
    def tries_left(self) -> int:
        """How many PINs may still be tried. Raises StateCorrupt when the count cannot be read."""
        record, recorded = self._read(), self._backoff.recorded
        if record is None and recorded is None:
            return self.limit
        return max(0, self.limit - self._backoff.failures(self._failures_in_hardware(record)))

    @property
    def wait_s(self) -> float:
        """How long until a PIN may be tried; 0 is now."""
        record = self._read()
        if record is None or record.header.sealing & Sealing.NO_PIN:
            return 0.0
        return self._backoff.wait_s(_rules(record.header), self._failures_in_hardware(record))

    def seal(self, phrase: Secret, pin: Secret, *, sealing: Sealing = Sealing.NONE) -> None:
        """Store `phrase` under `pin` (empty with NO_PIN), in place of what was there.

        A vault where none was gets a key of the hardware that no copy of an older vault fits, and its tries; in place of
        another one the count of tries stays as it is.
        """
        is_new = self._read() is None
        rules = Rules.of(self._policy)
        if is_new:
            self._keys.destroy()
        key = Secret(self._rng.read(KEY_BYTES))
        header, wrapped = self._enrolment.enroll(pin, self._enrolment.new_header(sealing, rules), key)
        items = contents(phrase=phrase, place=self._backoff.attempts())
        record = VaultRecord(header=header, wrapped=wrapped).with_items(items, key, rng=self._rng)
        key.wipe()
        self._backoff.begin(rules)
        self._commit(record)
        if is_new:
            self._backoff.forgive(rules)

    def open(self, pin: Secret) -> OpenVault:
        """Open the vault.

        A vault without PIN costs no try: nobody guesses there.

        Raises:
            WrongPin: it is not the PIN, or no try is left, which is the time to reset the device.
            TooEarly: the wait after a wrong PIN is not over.
            KeyRefused: the hardware does not use its key.
            StateCorrupt: there is no vault, it is damaged, it belongs to other hardware, or it is an old copy.

        """
        record = self._read()
        if record is None:
            raise StateCorrupt("there is no vault", remedy="set the device up")
        self._enrolment.require_hardware(record.header)
        if record.header.sealing & Sealing.NO_PIN:
            opened = self._enrolment.open(record, pin)
            if opened is None:
                raise damaged()
            return opened[0]

        def attempt() -> OpenVault | None:
            found = self._enrolment.open(record, pin)
            if found is None:
                return None
            self._check_place(*found)
            return found[0]

        elsewhere = self._failures_in_hardware(record)
        return self._backoff.attempt(_rules(record.header), attempt, elsewhere=elsewhere)

    def change_pin(self, opened: OpenVault, pin: Secret) -> None:
        """Put `pin` in place of the one that opened the vault: the key is wrapped anew, the items stay as they are."""
        record = self._read()
        if record is None:
            raise StateCorrupt("there is no vault", remedy="set the device up")
        old = record.header
        header, wrapped = self._enrolment.enroll(pin, old, opened.key)
        self._commit(replace(record, header=header, wrapped=wrapped))
        if old.handle != header.handle:
            self._keys.discard(old.handle)

    def wipe(self) -> None:
        """Destroy the phrase, the key of the hardware first; until `renew` the vault counts as exhausted."""
        self._backoff.exhaust()
        self._keys.destroy()
        self._slots.remove()
        self._record, self._is_read = None, True

    def renew(self) -> None:
        """Give the tries back: everything else that belonged to the owner is gone too."""
        self._backoff.remove()

    def _check_place(self, opened: OpenVault, place: int) -> None:
        """Refuse an old copy, then seal the place where the hardware's counter stands now."""
        if not self._enrolment.counts:
            return
        if place < self._backoff.settled():
            opened.close()
            raise RolledBack
        record = self._read()
        if record is None:
            raise damaged()
        place_now = contents(place=self._backoff.attempts())
        self._commit(record.with_items(place_now, opened.key, rng=self._rng))

    def _failures_in_hardware(self, record: VaultRecord | None) -> int:
        if record is None or record.header.sealing & Sealing.NO_PIN:
            return 0
        return self._keys.failures(record.header.handle)

    def _read(self) -> VaultRecord | None:
        if not self._is_read:
            slot = self._slots.read()
            if slot is None and (self._slots.exists or self._flash.read(_FIRST_FORMAT) is not None):
                raise damaged()
            self._record = None if slot is None else VaultRecord.from_bytes(slot.body)
            self._slots.retire()  # a change that was cut off between its two steps
            self._is_read = True
        return self._record

    def _commit(self, record: VaultRecord) -> None:
        self._is_read = False
        self._slots.write(record.to_bytes())
        self._slots.retire()
        self._record, self._is_read = record, True


def _rules(header: Header) -> Rules:
    return Rules(policy=header.policy, limit=header.limit)
