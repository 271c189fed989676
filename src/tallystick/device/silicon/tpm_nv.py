"""Indexes in the memory of a TPM: defined, written, read and removed with the owner's password; and counters in them."""

from __future__ import annotations

from tallystick.crypto.secret import Secret
from tallystick.device.hil import KeyRefused, Rng
from tallystick.device.silicon.tpm_command import OWNER, SHA256, Cc, Entity, Rc, Session, Tpm, TpmError, as_sized, sized
from tallystick.errors import RemoteProtocolError
from tallystick.wire.buffer import Writer
from tallystick.wire.chip import CounterId

#: TPMA_NV: PIN_FAIL or COUNTER, owner writes and reads, its own password reads, no part in the global lock-out
PIN_FAIL = 0x80 | 1 << 1 | 1 << 17 | 1 << 18 | 1 << 25
COUNTER = 0x10 | 1 << 1 | 1 << 17 | 1 << 25
#: two indexes for enrolments, used in turns; the counters follow them
BASE_INDEX = 0x01805440
_SIZE_BYTES = 8
_POLICY_BYTES = 32


class Indexes:
    """The indexes of the owner whose password is `owner`."""

    def __init__(self, tpm: Tpm, *, rng: Rng, owner: Secret) -> None:
        self._tpm = tpm
        self._rng = rng
        self.session = Session(key=owner)

    def define(self, index: int, attributes: int, *, key: Secret) -> None:
        """Define an index (8 bytes) anew. Its policy is random: nobody who has not seen it can make one of its name."""
        self.remove(index)
        policy = as_sized(self._rng.read(_POLICY_BYTES))
        public = Writer().u32(index).u16(SHA256).u32(attributes).take(policy).u16(_SIZE_BYTES)
        parameters = as_sized(key.reveal()) + as_sized(public.to_bytes())
        self._tpm.run(Cc.NV_DEFINE_SPACE, OWNER, parameters=parameters, sessions=[self.session])

    def remove(self, index: int) -> None:
        """Remove an index, if it is there."""
        if self.exists(index):
            self._tpm.run(Cc.NV_UNDEFINE_SPACE, OWNER, self.entity(index), sessions=[self.session])

    def exists(self, index: int) -> bool:
        """Return whether the index is defined."""
        try:
            self.entity(index)
        except TpmError as error:
            if error.response == Rc.HANDLE:
                return False
            raise
        return True

    def entity(self, index: int) -> Entity:
        """Return the index with the name it has now."""
        answer = self._tpm.run(Cc.NV_READ_PUBLIC, index).parameters
        sized(answer)
        return Entity(index, sized(answer))

    def write(self, index: int, data: bytes) -> None:
        """Write to an index."""
        parameters = as_sized(data) + bytes(2)
        self._tpm.run(Cc.NV_WRITE, OWNER, self.entity(index), parameters=parameters, sessions=[self.session])

    def read(self, index: int) -> bytes:
        """Return the 8 bytes of an index."""
        parameters = Writer().u16(_SIZE_BYTES).u16(0).to_bytes()
        answer = self._tpm.run(Cc.NV_READ, OWNER, self.entity(index), parameters=parameters, sessions=[self.session])
        return sized(answer.parameters)

    def increment(self, index: int) -> int:
        """Raise a counter by one and return where it stands."""
        self._tpm.run(Cc.NV_INCREMENT, OWNER, self.entity(index), sessions=[self.session])
        return int.from_bytes(self.read(index), "big")


class TpmCounter:
    """The two counters of the back-off in a TPM, made when they are not there.

    A TPM starts a new counter above every other it ever had, so that undefining one takes nothing back.
    """

    def __init__(self, indexes: Indexes, *, base: int = BASE_INDEX) -> None:
        self._indexes = indexes
        self._at = {CounterId.ATTEMPT: base + 2, CounterId.SETTLED: base + 3}
        try:
            for index in self._at.values():
                if not indexes.exists(index):
                    indexes.define(index, COUNTER, key=Secret(b""))
                    indexes.increment(index)
            while self.read(CounterId.ATTEMPT) < self.read(CounterId.SETTLED):
                self.increment(CounterId.ATTEMPT)
        except (TpmError, RemoteProtocolError) as error:
            raise _refused(error) from None

    def read(self, counter: CounterId) -> int:
        """Return where it stands; raise KeyRefused."""
        try:
            return int.from_bytes(self._indexes.read(self._at[counter]), "big")
        except (TpmError, RemoteProtocolError) as error:
            raise _refused(error) from None

    def increment(self, counter: CounterId) -> int:
        """Raise it by one; raise KeyRefused."""
        try:
            return self._indexes.increment(self._at[counter])
        except (TpmError, RemoteProtocolError) as error:
            raise _refused(error) from None


def _refused(error: TpmError | RemoteProtocolError) -> KeyRefused:
    return KeyRefused(error.message, remedy="look at the TPM of this machine")
