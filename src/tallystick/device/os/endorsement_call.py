"""System calls about attestation keys, carried out where the keys are: only results reach the app (attestation 4)."""

from __future__ import annotations

from tallystick.device.os.registry import InstalledApp
from tallystick.device.secure.endorsement import SLOTS, EndorsementKeys, NoEndorsementKey
from tallystick.device.secure.keychain import Locked
from tallystick.errors import StateCorrupt, UsageError
from tallystick.wire.image import AppFlag
from tallystick.wire.syscall import (
    MAX_ENDORSED,
    CallStatus,
    EndorsementAppSecret,
    EndorsementCall,
    EndorsementCertificate,
    EndorsementCodeHash,
    EndorsementDeriveAndSign,
    EndorsementMetadata,
    EndorsementPublicKey,
    EndorsementSign,
    EndorsementSignWithoutCodeHash,
    Outcome,
)


class EndorsementCaller:
    """Carries the calls out with `keys`; the code hash is that of the app that calls, whatever it says."""

    def __init__(self, keys: EndorsementKeys) -> None:
        self._keys = keys

    def handle(self, app: InstalledApp, request: EndorsementCall) -> Outcome:
        """Carry out `request` for `app`."""
        try:
            return self._carry_out(app, request)
        except Locked:
            return Outcome(CallStatus.LOCKED)
        except NoEndorsementKey:
            return Outcome(CallStatus.EMPTY)
        except StateCorrupt:
            return Outcome(CallStatus.DAMAGED)

    def _carry_out(self, app: InstalledApp, request: EndorsementCall) -> Outcome:
        keys = self._keys
        match request:
            case EndorsementCodeHash():
                return Outcome(CallStatus.LOCKED) if keys.is_locked else Outcome(value=app.full_hash)
            case EndorsementAppSecret():
                return Outcome(value=keys.app_secret(app.full_hash).reveal())
            case EndorsementPublicKey(slot) | EndorsementCertificate(slot) | EndorsementMetadata(slot):
                return self._of_slot(request, slot)
            case EndorsementSign(data) | EndorsementSignWithoutCodeHash(data) | EndorsementDeriveAndSign(data):
                return self._sign(app, request, data)
            case _:
                return Outcome(CallStatus.NOT_SUPPORTED)

    def _of_slot(self, request: EndorsementCall, slot: int) -> Outcome:
        if slot not in SLOTS:
            return Outcome(CallStatus.BAD_ARGUMENT)
        match request:
            case EndorsementPublicKey():
                return Outcome(value=self._keys.public_key(slot))
            case EndorsementCertificate():
                return Outcome(value=self._keys.certificate(slot))
            case _:
                return Outcome(value=self._keys.commits(slot).to_bytes(8, "big"))

    def _sign(self, app: InstalledApp, request: EndorsementCall, data: bytes) -> Outcome:
        if memoryview(data).nbytes > MAX_ENDORSED:
            return Outcome(CallStatus.BAD_ARGUMENT)
        match request:
            case EndorsementSign():
                return Outcome(value=self._keys.sign_with_code_hash(data, app.full_hash))
            case EndorsementDeriveAndSign():
                return self._sign_as_app_key(app, data)
            case _ if app.flags & AppFlag.SIGN_WITHOUT_CODE_HASH:
                return Outcome(value=self._keys.sign_bare(data))
            case _:
                return Outcome(CallStatus.NOT_PERMITTED)

    def _sign_as_app_key(self, app: InstalledApp, data: bytes) -> Outcome:
        try:
            return Outcome(value=self._keys.sign_as_app_key(data, app.full_hash))
        except UsageError:  # the sum of key and tweak is no key: nothing is ever signed with it
            return Outcome(CallStatus.NO_RESULT)
