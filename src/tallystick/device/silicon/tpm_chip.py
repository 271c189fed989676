"""A chip whose key, counters and noise are those of a TPM, behind the same closed list; its fuses stay in its memory.

The descriptor of the TPM is opened here, before the process is locked in, and it is the only one: neither the Secure World
nor anybody else on the board has another.
"""

from __future__ import annotations

from tallystick.crypto.secret import Secret
from tallystick.device.hil import Flash, KeyRefused, Rng, WrongProof
from tallystick.device.silicon.chip import Chip
from tallystick.device.silicon.fuses import Fuses
from tallystick.device.silicon.tpm import TpmProvider
from tallystick.device.silicon.tpm_binding import TpmBinding
from tallystick.device.silicon.tpm_command import Tpm
from tallystick.device.silicon.tpm_link import TpmGone, open_link, place_of
from tallystick.device.silicon.tpm_nv import TpmCounter
from tallystick.device.silicon.tpm_refusal import RegistersChanged, refusals
from tallystick.wire.chip import (
    ChipState,
    Describe,
    DestroyKey,
    Done,
    Draw,
    FromChip,
    IncrementCounter,
    Mac,
    Noise,
    ReadCounter,
    Refusal,
    Refused,
    Tag,
    ToChip,
    Value,
)
from tallystick.wire.chip_key import Derive, Discard, Enroll, Failures, Handle


class TpmChip(Chip):
    """One power cycle of a chip with its key in the TPM of `binding`.

    Raises KeyRefused when the TPM is not there, and what `Chip` raises.
    """

    def __init__(self, *, store: Flash, rng: Rng, state: ChipState, binding: TpmBinding) -> None:
        super().__init__(store=store, noise=rng, state=state)
        self._link = open_link(binding.way)
        tpm = Tpm(self._link.exchange)
        if place_of(binding.way)[0] == "swtpm":
            with refusals():
                # what a killed device has left loaded: nobody else clears it, and there is little room
                tpm.flush_all()
        self._tpm = TpmProvider(
            tpm,
            rng=rng,
            owner=binding.owner,
            state=state,
            base=binding.base,
            signers=Fuses(store).state.key_table,
        )
        self._counters = TpmCounter(self._tpm.indexes, base=binding.base)
        self._tpm.describe()  # while there is still somebody to complain to

    def receive(self, message: ToChip) -> FromChip:
        """Answer one request."""
        try:
            return super().receive(message)
        except WrongProof:
            return Refused(Refusal.PROOF)

    def close(self) -> None:
        """Let go of the TPM."""
        self._link.close()

    def _answer(self, message: ToChip) -> FromChip:
        try:
            return self._by_tpm(message)
        except TpmGone:
            return Refused(Refusal.AWAY)
        except RegistersChanged:
            return Refused(Refusal.REGISTERS)
        except KeyRefused:
            return Refused(Refusal.KEY)

    def _by_tpm(self, message: ToChip) -> FromChip:
        match message:
            case Describe():
                return self._tpm.describe()
            case Mac():
                return Refused(Refusal.REQUEST)
            case ReadCounter(counter):
                return Value(self._counters.read(counter))
            case IncrementCounter(counter):
                return Value(self._counters.increment(counter))
            case Draw(size_bytes):
                return Noise(self._tpm.noise(size_bytes))
            case DestroyKey():
                self._tpm.destroy()
                return Done()
            case Enroll(limit, proof, beside):
                return Handle(self._tpm.enroll(Secret(proof), limit=limit, beside=beside))
            case Derive(handle, proof):
                return Tag(self._tpm.derive(handle, Secret(proof)).reveal())
            case Failures(handle):
                return Value(self._tpm.failures(handle))
            case Discard(handle):
                self._tpm.discard(handle)
                return Done()
            case _:
                return super()._answer(message)
