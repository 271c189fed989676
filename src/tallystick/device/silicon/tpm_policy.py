"""The policy of an enrolment: registers, an index that counts wrong proofs, and the proof as password, all at once.

Why these three: `tpm` (secure-world 5.3). What the TPM refuses is raised as TpmError.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from enum import IntEnum, unique

from tallystick.crypto.secret import Secret
from tallystick.device.hil import Rng
from tallystick.device.silicon.tpm_command import NULL, SHA256, Cc, Session, Tpm, as_sized, sized
from tallystick.device.silicon.tpm_nv import Indexes
from tallystick.wire.buffer import Writer


@unique
class SessionKind(IntEnum):
    """What a session of a TPM is for (TPM_SE)."""

    HMAC = 0
    POLICY = 1
    TRIAL = 3


class Policy:
    """The policy of the enrolments in `indexes`, bound to the registers `pcrs`."""

    def __init__(self, tpm: Tpm, *, rng: Rng, indexes: Indexes, pcrs: Sequence[int]) -> None:
        self._tpm = tpm
        self._rng = rng
        self._indexes = indexes
        self._pcrs = tuple(pcrs)

    def digest(self, index: int, proof: Secret) -> bytes:
        """Return the digest (32 bytes) of the policy with the registers as they are now, from a trial session."""
        with self.session(SessionKind.TRIAL) as trial:
            self.satisfy(trial, index, proof)
            return sized(self._tpm.run(Cc.POLICY_GET_DIGEST, trial.handle).parameters)

    def registers(self) -> bytes:
        """Return the digest (32 bytes) of a policy of nothing but the registers as they are now."""
        with self.session(SessionKind.TRIAL) as trial:
            self._bind_registers(trial)
            return sized(self._tpm.run(Cc.POLICY_GET_DIGEST, trial.handle).parameters)

    def _bind_registers(self, policy: Session) -> None:
        selected = sum(1 << pcr for pcr in self._pcrs).to_bytes(3, "little")
        registers = Writer().u16(0).u32(1).u16(SHA256).u8(3).take(selected).to_bytes()
        self._tpm.run(Cc.POLICY_PCR, policy.handle, parameters=registers)

    def satisfy(self, policy: Session, index: int, proof: Secret) -> None:
        """Fulfil the three conditions for `index` in the session `policy`; a wrong proof counts."""
        self._bind_registers(policy)
        with self.session(SessionKind.HMAC) as session:
            session.key = derived(proof, b"pin")
            self._tpm.run(
                Cc.POLICY_SECRET, self._indexes.entity(index), policy.handle, parameters=bytes(10), sessions=[session]
            )
        self._tpm.run(Cc.POLICY_AUTH_VALUE, policy.handle)

    @contextlib.contextmanager
    def session(self, kind: SessionKind = SessionKind.POLICY) -> Iterator[Session]:
        """Begin a session of the TPM, and end it with the block."""
        nonce = as_sized(self._rng.read(16))
        parameters = Writer().take(nonce).u16(0).u8(kind).u16(0x0010).u16(SHA256).to_bytes()
        answer = self._tpm.run(Cc.START_AUTH_SESSION, NULL, NULL, parameters=parameters, gives_handle=True)
        session = Session(answer.handle, rng=self._rng)
        session.began(sized(answer.parameters))
        try:
            yield session
        finally:
            self._tpm.flush(session.handle)


def derived(proof: Secret, purpose: bytes) -> Secret:
    """Return what stands for the proof in the TPM for one purpose, ``pin`` or ``seal``: 32 bytes."""
    return Secret(hmac.new(proof.reveal(), b"tpm " + purpose, hashlib.sha256).digest())
