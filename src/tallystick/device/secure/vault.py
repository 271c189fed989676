"""The vault: the recovery phrase at rest, sealed under the PIN.

Record ``vault``: ``TALV`` version u8, flags u8, Argon2id parameters (iterations u8, memory u32 KiB, lanes u8), salt (16),
nonce (12), ChaCha20-Poly1305 ciphertext; everything before the ciphertext is authenticated. Record ``tries``: wrong PINs
since the last right one (u8), committed and read back before a PIN is tried (secure-world 6), so that cutting the power
gives no guess for free.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from tallystick.crypto.secret import Secret
from tallystick.device.hil import Flash, Rng
from tallystick.errors import RemoteProtocolError, StateCorrupt, TallyError
from tallystick.wire.buffer import Reader, Writer

MAX_TRIES = 3
_MAGIC = b"TALV"
_VERSION = 1
_VAULT = "vault"
_TRIES = "tries"
#: 24 words of at most 8 letters, and the tag
_MAX_CIPHERTEXT = 24 * 9 + 16


class Sealing(IntFlag):
    """What kind of seal it is."""

    NONE = 0
    #: made from a seed given at start: a marked test device
    TEST = 1
    #: there is no PIN: the seal keeps nobody out, and says so
    NO_PIN = 2


class WrongPin(TallyError):
    """The PIN does not open the vault; `left` tries remain, 0 when the vault was wiped."""

    code = "wrong_pin"

    def __init__(self, left: int) -> None:
        super().__init__(f"wrong PIN, {left} tries left")
        self.left = left


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a guess costs: Argon2id iterations, memory in KiB, lanes."""

    iterations: int
    memory_kib: int
    lanes: int


#: 120 ms on a desktop machine (secure-world 5.2)
COST = Cost(iterations=3, memory_kib=64 * 1024, lanes=4)
#: for tests, and for a vault that no PIN protects anyway
COST_TRIVIAL = Cost(iterations=1, memory_kib=8, lanes=1)


class Vault:
    """The sealed recovery phrase of one device."""

    def __init__(self, *, flash: Flash, rng: Rng, cost: Cost = COST) -> None:
        self._flash = flash
        self._rng = rng
        self._cost = cost
        #: the kind of seal, once it was read: it is asked for with every command
        self._sealing: Sealing | None = None

    @property
    def is_filled(self) -> bool:
        """Whether there is a phrase."""
        return self._flash.read(_VAULT) is not None

    @property
    def is_exhausted(self) -> bool:
        """Whether no try is left: the device must be reset, or its reset was cut off."""
        return self.tries_left == 0

    @property
    def sealing(self) -> Sealing:
        """The kind of seal; NONE when there is none. Raises StateCorrupt when it cannot be read."""
        if self._sealing is None:
            blob = self._flash.read(_VAULT)
            self._sealing = Sealing.NONE if blob is None else _Header.read(Reader(blob)).sealing
        return self._sealing

    @property
    def tries_left(self) -> int:
        """How many PINs may still be tried. Raises StateCorrupt when the counter cannot be read."""
        record = self._flash.read(_TRIES)
        if record is None:
            return MAX_TRIES
        if len(record) != 1:
            raise StateCorrupt("the counter of tries is damaged", remedy="no PIN is tried until it is mended")
        return max(0, MAX_TRIES - record[0])

    def seal(self, phrase: Secret, pin: Secret, *, sealing: Sealing = Sealing.NONE) -> None:
        """Store `phrase` under `pin` (empty with NO_PIN), in place of what was there."""
        cost = COST_TRIVIAL if sealing & Sealing.NO_PIN else self._cost
        header = _Header(sealing=sealing, cost=cost, salt=self._rng.read(16), nonce=self._rng.read(12))
        raw = header.to_bytes()
        ciphertext = ChaCha20Poly1305(header.key(pin)).encrypt(header.nonce, phrase.reveal(), raw)
        self._flash.write(_TRIES, b"\x00")
        self._flash.write(_VAULT, raw + ciphertext)
        self._sealing = sealing

    def open(self, pin: Secret) -> Secret:
        """Return the phrase.

        A vault without PIN costs no try: nobody guesses there.

        Raises:
            WrongPin: it is not the PIN, or no try is left, which is the time to reset the device.
            StateCorrupt: there is no vault, or it is damaged.

        """
        blob = self._flash.read(_VAULT)
        if blob is None:
            raise StateCorrupt("there is no vault", remedy="set the device up")
        reader = Reader(blob)
        header = _Header.read(reader)
        if header.sealing & Sealing.NO_PIN:
            try:
                return header.decrypt(reader.rest(), pin)
            except InvalidTag:
                raise _damaged() from None
        left = self.tries_left
        if left == 0:
            raise WrongPin(0)
        self._count(MAX_TRIES - left + 1)
        try:
            phrase = header.decrypt(reader.rest(), pin)
        except InvalidTag:
            raise WrongPin(left - 1) from None
        self._count(0)
        return phrase

    def wipe(self) -> None:
        """Destroy the phrase; until `renew` the vault counts as exhausted."""
        self._count(MAX_TRIES)
        self._flash.remove(_VAULT)
        self._sealing = None

    def renew(self) -> None:
        """Give the tries back: everything else that belonged to the owner is gone too."""
        self._flash.remove(_TRIES)

    def _count(self, tries: int) -> None:
        record = bytes([tries])
        self._flash.write(_TRIES, record)
        if self._flash.read(_TRIES) != record:
            raise StateCorrupt("the counter of tries cannot be written", remedy="no PIN is tried until it can")


def _damaged() -> StateCorrupt:
    return StateCorrupt("the vault is damaged", remedy="restore the device from its recovery phrase")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    sealing: Sealing
    cost: Cost
    salt: bytes
    nonce: bytes

    def to_bytes(self) -> bytes:
        cost = self.cost
        writer = Writer().take(_MAGIC).u8(_VERSION).u8(self.sealing)
        writer.u8(cost.iterations).u32(cost.memory_kib).u8(cost.lanes)
        return writer.take(self.salt).take(self.nonce).to_bytes()

    @classmethod
    def read(cls, reader: Reader) -> _Header:
        try:
            magic, version = reader.take(4), reader.u8()
            if magic != _MAGIC or version != _VERSION:
                raise RemoteProtocolError("not a vault")
            number = reader.u8()
            if number > Sealing.TEST | Sealing.NO_PIN:
                raise RemoteProtocolError("unknown seal")
            sealing = Sealing(number)
            cost = Cost(iterations=reader.u8(), memory_kib=reader.u32(), lanes=reader.u8())
            if not (1 <= cost.iterations <= 16 and 8 * cost.lanes <= cost.memory_kib <= 1 << 20 and cost.lanes):
                raise RemoteProtocolError("cost out of bounds")
            return cls(sealing=sealing, cost=cost, salt=reader.take(16), nonce=reader.take(12))
        except RemoteProtocolError as error:
            raise _damaged() from error

    def decrypt(self, ciphertext: bytes, pin: Secret) -> Secret:
        """Return the phrase; raise InvalidTag when `pin` is wrong or anything was changed."""
        if len(ciphertext) > _MAX_CIPHERTEXT:
            raise _damaged()
        return Secret(ChaCha20Poly1305(self.key(pin)).decrypt(self.nonce, ciphertext, self.to_bytes()))

    def key(self, pin: Secret) -> bytes:
        cost = self.cost
        return Argon2id(
            salt=self.salt,
            length=32,
            iterations=cost.iterations,
            lanes=cost.lanes,
            memory_cost=cost.memory_kib,
        ).derive(pin.reveal() or b"\x00")
