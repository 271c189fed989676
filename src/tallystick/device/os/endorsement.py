"""Commands ``E0 C0`` and ``E0 C2``: attestation keys made here, and certified by their owner (wire-protocol F, attestation 3).

Both want a client that has shaken hands as far as the two certificates, so the person agreed to it; ``E0 53`` may be missing.
C0 stages a pair and tells its public key, signed by the device; C2 makes it count, in this session or any later one. The
certificate is not read: set-up tools store other things there too. Where a pair was in force before, the person is asked,
since what apps made with it is gone: until then, and after a no, everything is as it was.
"""

from __future__ import annotations

from collections.abc import Callable

from tallystick.device.os.consent import Handler, ask_review, require_no_parameters, require_own_use
from tallystick.device.os.session import Session
from tallystick.device.secure.endorsement import MAX_CERTIFICATE_BYTES, SLOTS, NoEndorsementKey
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.certificate import EndorsedKey, endorsement_message
from tallystick.wire.dashboard import Ins
from tallystick.wire.screen import Item
from tallystick.wire.status import Reject, StatusWord

#: what a person loses with the pair that was there
_LOSS = {
    1: "apps lose the secrets they have from the old key",
    2: "apps sign with another key from now on",
}


class Endorsement:
    """Takes both commands of any client that `is_identified` knows."""

    def __init__(self, session: Session, *, is_identified: Callable[[int], bool]) -> None:
        self._session = session
        self._is_identified = is_identified
        self.handlers: dict[int, Handler] = {
            Ins.ENDORSEMENT_START: self._start,
            Ins.ENDORSEMENT_COMMIT: self._commit,
        }

    def drop(self, channel: int | None) -> None:
        """Forget nothing: a staged pair waits for its certificate, whoever brings it."""

    async def _start(self, apdu: CommandApdu, channel: int) -> bytes:
        require_own_use(self._session)
        if apdu.p1 not in SLOTS or apdu.p2:
            raise Reject(StatusWord.WRONG_P1P2)
        if apdu.data:
            raise Reject(StatusWord.WRONG_LENGTH)
        self._require_handshake(channel)
        session = self._session
        public = session.endorsement.stage(apdu.p1)
        signature = session.attestation.signer.sign(endorsement_message(public))
        return EndorsedKey(public_key=public, signature=signature).to_bytes()

    async def _commit(self, apdu: CommandApdu, channel: int) -> bytes:
        require_own_use(self._session)
        require_no_parameters(apdu)
        if not 1 <= len(apdu.data) <= MAX_CERTIFICATE_BYTES:
            raise Reject(StatusWord.WRONG_LENGTH)
        self._require_handshake(channel)
        keys = self._session.endorsement
        try:
            slot = keys.staged()
            if keys.has(slot):
                await self._ask_to_replace(slot)
            keys.commit(apdu.data)
        except NoEndorsementKey:
            raise Reject(StatusWord.CONDITIONS_NOT_SATISFIED) from None
        return b""

    async def _ask_to_replace(self, slot: int) -> None:
        items = (Item("Key", (f"number {slot}",)), Item("Then", (_LOSS[slot],)))
        intro, refusal = ("Replace", "attestation key?"), StatusWord.CONDITIONS_NOT_SATISFIED
        await ask_review(self._session, *items, intro=intro, approve="REPLACE", refusal=refusal)

    def _require_handshake(self, channel: int) -> None:
        if not self._is_identified(channel):
            raise Reject(StatusWord.CONDITIONS_NOT_SATISFIED)
