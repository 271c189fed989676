"""A TPM 2.0 as key provider: three constructions at once (secure-world 5.3).

A random secret is sealed in the TPM. To unseal it, all of this must hold:

* **PolicyPCR**: the registers that say who may sign what runs are as they were;
* **PolicySecret(PIN_FAIL)**: an index that counts wrong proofs by itself, and shuts at its limit;
* **PolicyAuthValue**: the proof is the secret's own password, so that whoever may define indexes anew gains nothing.

The proof comes from the stretched PIN. The TPM's answer is hashed with it once more, with the state of the boot and with who
may sign what boots (the hash of the fused key table: an update of the same signers opens the same seals). Whoever asks mixes
it with the stretched PIN, so that a broken TPM makes nothing weaker than the PIN.

`cap` shuts the secret for this power cycle of the *machine*. The reference would have that before the Normal World starts. A
device that locks itself unlocks after that, again and again, and on a computer starts many times between two starts of the
machine: capped, it would open once. What the cap is for, that foreign code finds no TPM that unseals, is had otherwise: this
object lives in the locked process of the chip, which alone has a descriptor of the TPM; Normal World and apps have none and
can open none.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from tallystick.crypto.secret import Secret
from tallystick.device.hil import KeyRefused, Rng, WrongProof
from tallystick.device.silicon.tpm_command import (
    OWNER,
    SHA256,
    Cc,
    Entity,
    Rc,
    Session,
    Tpm,
    TpmError,
    as_sized,
    sized,
)
from tallystick.device.silicon.tpm_nv import BASE_INDEX, PIN_FAIL, Indexes
from tallystick.device.silicon.tpm_policy import Policy, derived
from tallystick.device.silicon.tpm_refusal import RegistersChanged, refusals
from tallystick.errors import RemoteProtocolError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.chip import DEVICE_ID_BYTES, KEY_ID_BYTES, ChipState, Description, ProviderKind

_PURPOSE = b"kek-v1"
_SECRET_BYTES = 32
_DIGEST_BYTES = 32
#: fixed, restricted, decrypting, made by the TPM, no lock-out: the P-256 storage key of the owner's hierarchy
_PRIMARY = (
    Writer().u16(0x0023).u16(SHA256).u32(1 << 1 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 10 | 1 << 16 | 1 << 17).u16(0)
    .u16(0x0006).u16(128).u16(0x0043).u16(0x0010).u16(0x0003).u16(0x0010).u16(0).u16(0).to_bytes()
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Enrolment:
    index: int
    #: the policy of the registers alone, to be compared before a try is counted
    registers: bytes
    public: bytes
    private: bytes

    def to_bytes(self) -> bytes:
        return (
            Writer()
            .u32(self.index)
            .take(self.registers)
            .take(as_sized(self.public))
            .take(as_sized(self.private))
            .to_bytes()
        )

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        reader = Reader(raw)
        try:
            enrolment = cls(
                index=reader.u32(), registers=reader.take(_DIGEST_BYTES), public=sized(reader), private=sized(reader)
            )
            reader.finish()
        except RemoteProtocolError:
            raise KeyRefused("the handle is not one of this TPM") from None
        return enrolment


class TpmProvider:
    """The key of a TPM. `owner` is the owner's password; `state` is what the boot chain found; `pcrs` are its registers.

    `signers` (any bytes) says who may sign what boots; `base` is the first of the two indexes for enrolments.
    """

    def __init__(
        self,
        tpm: Tpm,
        *,
        rng: Rng,
        owner: Secret,
        state: ChipState,
        pcrs: Sequence[int] = (14,),
        base: int = BASE_INDEX,
        signers: bytes = b"",
    ) -> None:
        self._tpm = tpm
        self._rng = rng
        self.indexes = Indexes(tpm, rng=rng, owner=owner)
        self._state = state
        self._pcrs = tuple(pcrs)
        self._policy = Policy(tpm, rng=rng, indexes=self.indexes, pcrs=self._pcrs)
        self._base = base
        self._purpose = _PURPOSE + bytes((state,)) + hashlib.sha256(signers).digest()
        self._name = b""

    @property
    def kind(self) -> ProviderKind:
        """A TPM 2.0."""
        return ProviderKind.TPM2

    def describe(self) -> Description:
        """Return the state of the boot, and ids made of the name of the TPM's storage key; raise KeyRefused."""
        if not self._name:
            with refusals(), self._primary():
                pass
        digest = hashlib.sha256(b"tallystick device" + self._name).digest()
        return Description(self._state, digest[:DEVICE_ID_BYTES], digest[-KEY_ID_BYTES:], self.kind)

    def enroll(self, proof: Secret, *, limit: int, beside: bytes = b"") -> bytes:
        """Seal a new secret under `proof`; return index and sealed blob. The enrolment `beside` stays."""
        taken = _Enrolment.from_bytes(beside).index if beside else 0
        index = next(index for index in (self._base, self._base + 1) if index != taken)
        with refusals():
            self.indexes.define(index, PIN_FAIL, key=derived(proof, b"pin"))
            self.indexes.write(index, Writer().u32(0).u32(limit).to_bytes())
            sensitive = as_sized(derived(proof, b"seal").reveal()) + as_sized(self._rng.read(_SECRET_BYTES))
            public = Writer().u16(0x0008).u16(SHA256).u32(1 << 1 | 1 << 4 | 1 << 7)
            public.take(as_sized(self._policy.digest(index, proof))).u16(0x0010).u16(0)
            parameters = as_sized(sensitive) + as_sized(public.to_bytes()) + bytes(2) + bytes(4)
            with self._primary() as parent:
                answer = self._tpm.run(Cc.CREATE, parent, parameters=parameters, sessions=[Session()]).parameters
            private, made = sized(answer), sized(answer)
            registers = self._policy.registers()
        return _Enrolment(index=index, registers=registers, public=made, private=private).to_bytes()

    def derive(self, handle: bytes, proof: Secret) -> Secret:
        """Return the keyed hash of the proof under the sealed secret; raise WrongProof, KeyRefused."""
        if self._state is ChipState.RESET:
            raise KeyRefused("the boot was not checked", remedy="start the device by its boot chain")
        enrolment = _Enrolment.from_bytes(handle)
        try:
            with self._primary() as parent, self._loaded(enrolment, parent) as item, self._policy.session() as policy:
                self._policy.satisfy(policy, enrolment.index, proof)
                policy.key = derived(proof, b"seal")
                secret = Secret(sized(self._tpm.run(Cc.UNSEAL, item, sessions=[policy]).parameters))
        except TpmError as error:
            if error.response in {Rc.AUTH_FAIL, Rc.BAD_AUTH, Rc.AUTH_UNAVAILABLE}:
                raise WrongProof("the TPM refuses the proof") from None
            raise KeyRefused(error.message, remedy="start the device as it was when it was set up") from None
        except RemoteProtocolError as error:
            raise KeyRefused("the TPM does not answer as one") from error
        return Secret(hmac.new(secret.reveal(), self._purpose + proof.reveal(), hashlib.sha256).digest())

    def failures(self, handle: bytes) -> int:
        """Return how many wrong proofs the index has counted; its limit or more when it is shut.

        This is asked before a try is counted, so it raises RegistersChanged where none can succeed; else KeyRefused.
        """
        enrolment = _Enrolment.from_bytes(handle)
        with refusals():
            if self._policy.registers() != enrolment.registers:
                raise RegistersChanged
            return int.from_bytes(self.indexes.read(enrolment.index)[:4], "big")

    def discard(self, handle: bytes) -> None:
        """Remove the index of an enrolment: its policy can never hold again."""
        with refusals():
            self.indexes.remove(_Enrolment.from_bytes(handle).index)

    def destroy(self) -> None:
        """Remove the indexes of all enrolments."""
        with refusals():
            for index in (self._base, self._base + 1):
                self.indexes.remove(index)

    def cap(self) -> None:
        """Extend the registers, so that nothing is unsealed any more in this power cycle.

        For a board that unlocks before any foreign code runs and never again: one that locks itself must not.
        """
        with refusals():
            for pcr in self._pcrs:
                digest = hashlib.sha256(b"tallystick cap").digest()
                parameters = Writer().u32(1).u16(SHA256).take(digest).to_bytes()
                self._tpm.run(Cc.PCR_EXTEND, pcr, parameters=parameters, sessions=[Session()])

    def noise(self, size_bytes: int) -> bytes:
        """Return raw noise of the TPM; raise KeyRefused when it gives none."""
        data = b""
        while len(data) < size_bytes:
            asked = min(32, size_bytes - len(data)).to_bytes(2, "big")
            with refusals():
                part = sized(self._tpm.run(Cc.GET_RANDOM, parameters=asked).parameters)
            if not part:
                raise KeyRefused("the TPM gives no noise")
            data += part
        return data[:size_bytes]

    @contextlib.contextmanager
    def _primary(self) -> Iterator[Entity]:
        parameters = as_sized(bytes(4)) + as_sized(_PRIMARY) + bytes(2) + bytes(4)
        answer = self._tpm.run(
            Cc.CREATE_PRIMARY, OWNER, parameters=parameters, sessions=[self.indexes.session], gives_handle=True
        )
        public = sized(answer.parameters)
        self._name = SHA256.to_bytes(2, "big") + hashlib.sha256(public).digest()
        try:
            yield Entity(answer.handle, self._name)
        finally:
            self._tpm.flush(answer.handle)

    @contextlib.contextmanager
    def _loaded(self, enrolment: _Enrolment, parent: Entity) -> Iterator[Entity]:
        parameters = as_sized(enrolment.private) + as_sized(enrolment.public)
        answer = self._tpm.run(Cc.LOAD, parent, parameters=parameters, sessions=[Session()], gives_handle=True)
        try:
            yield Entity(answer.handle, sized(answer.parameters))
        finally:
            self._tpm.flush(answer.handle)
