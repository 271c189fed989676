"""How a PIN becomes the key of a vault, and back: stretched, proved to the hardware, and wrapped (secure-world 5.2).

What is stored and when is `tallystick.device.secure.vault`'s; here is what one PIN, one hardware and one record make of each
other.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tallystick.crypto.secret import Secret
from tallystick.device.hil import Clock, KeyProvider, KeyRefused, Rng, WrongProof
from tallystick.device.secure.backoff import Rules
from tallystick.device.secure.calibration import affordable
from tallystick.device.secure.seal import (
    COST_TRIVIAL,
    SALT_BYTES,
    Cost,
    Header,
    SealBroken,
    Sealing,
    proof,
    stretch,
    unwrap,
    wrap,
    wrapping_key,
)
from tallystick.device.secure.vault_record import VaultRecord, damaged
from tallystick.errors import StateCorrupt

__all__ = ["Enrolment", "OpenVault", "contents"]

_PHRASE, _CHECK = "phrase", "check"
_PLACE_BYTES = 4
#: the counters of the hardware that a header may name
_COUNTERS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenVault:
    """The proof that a PIN opened the vault, and what was in it. Whoever has it closes it."""

    phrase: Secret = field(repr=False)
    key: Secret = field(repr=False)

    def close(self) -> None:
        """Wipe key and phrase."""
        self.key.wipe()
        self.phrase.wipe()


def contents(*, place: int, phrase: Secret | None = None) -> dict[str, Secret]:
    """Return the items of a vault: the place of the hardware's counter, and a phrase where there is a new one."""
    items = {_CHECK: Secret(place.to_bytes(_PLACE_BYTES, "big"))}
    return items if phrase is None else {_PHRASE: phrase, **items}


class Enrolment:
    """Makes and opens seals on one hardware. `cost` is the most that a guess is made to cost."""

    def __init__(self, *, rng: Rng, clock: Clock, keys: KeyProvider, cost: Cost, counts: bool) -> None:
        self._rng = rng
        self._clock = clock
        self._keys = keys
        self._cost = cost
        self._counter_id = _COUNTERS if counts else 0

    @property
    def counts(self) -> bool:
        """Whether the hardware counts, so that an old copy is known."""
        return bool(self._counter_id)

    def new_header(self, sealing: Sealing, rules: Rules) -> Header:
        """Return the header of a vault that is made now, without salt and without enrolment."""
        hardware = self._keys.describe()
        return Header(
            sealing=sealing,
            policy=rules.policy,
            limit=rules.limit,
            device_id=hardware.device_id,
            state=hardware.state,
            counter_id=self._counter_id,
            cost=self._new_cost(sealing),
            salt=bytes(SALT_BYTES),
            kind=self._keys.kind,
            handle=b"",
        )

    def _new_cost(self, sealing: Sealing) -> Cost:
        if sealing & Sealing.NO_PIN:
            return COST_TRIVIAL
        if sealing & Sealing.TEST:  # its words were on a command line: nothing is gained by measuring
            return self._cost
        trial, salt = Secret(bytes(4)), bytes(SALT_BYTES)
        return affordable(self._cost, clock=self._clock, stretch=lambda cost: stretch(trial, salt=salt, cost=cost))

    def enroll(self, pin: Secret, header: Header, key: Secret) -> tuple[Header, bytes]:
        """Return `header` with a new salt and enrolment, and `key` wrapped under them."""
        salt = self._rng.read(SALT_BYTES)
        stretched = stretch(pin, salt=salt, cost=header.cost)
        shown = proof(stretched)
        handle = self._keys.enroll(shown, limit=header.limit, beside=header.handle)
        header = replace(header, salt=salt, handle=handle)
        wrapping = wrapping_key(stretched, self._keys.derive(handle, shown), header)
        try:
            return header, wrap(key, wrapping, header=header, rng=self._rng)
        finally:
            for secret in (stretched, shown, wrapping):
                secret.wipe()

    def open(self, record: VaultRecord, pin: Secret) -> tuple[OpenVault, int] | None:
        """Return the open vault and the place its check names, or None for a wrong PIN."""
        header = record.header
        stretched = stretch(pin, salt=header.salt, cost=header.cost)
        shown = proof(stretched)
        try:
            wrapping = wrapping_key(stretched, self._keys.derive(header.handle, shown), header)
            try:
                key = unwrap(record.wrapped, wrapping, header=header)
            finally:
                wrapping.wipe()
        except (SealBroken, WrongProof):
            return None
        finally:
            stretched.wipe()
            shown.wipe()
        items = record.open(key)
        if items.keys() != {_PHRASE, _CHECK}:
            raise damaged()
        return OpenVault(phrase=items[_PHRASE], key=key), int.from_bytes(items[_CHECK].reveal(), "big")

    def require_hardware(self, header: Header) -> None:
        """Refuse, before it costs a try, what this hardware in this state cannot open."""
        hardware = self._keys.describe()
        if (header.kind, header.device_id) != (self._keys.kind, hardware.device_id):
            raise StateCorrupt(
                "the vault belongs to another device",
                remedy="use the state directory with its own chip, or restore from the recovery words",
            )
        if header.state is not hardware.state:
            raise KeyRefused(
                f"the vault was sealed in the state {header.state.name.lower()} of the boot, "
                f"and this one is {hardware.state.name.lower()}",
                remedy="start the device as it was started when it was set up",
            )
        if bool(header.counter_id) != bool(self._counter_id):
            raise StateCorrupt("the vault counts on other hardware", remedy="restore from the recovery words")
