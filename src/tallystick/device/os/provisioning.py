"""Commands ``E0 F0`` and ``E0 F2``: how a factory makes the device one of its own (wire-protocol, attestation 1).

They exist until that has been done, and are unknown from then on. A device without a certificate belongs to nobody yet, so
they are taken locked and with an app open too: whoever provisions has the device in hand.
"""

from __future__ import annotations

from tallystick.device.os.consent import Handler, require_no_parameters
from tallystick.device.os.session import Session
from tallystick.errors import TrustError
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.dashboard import CLA_OS
from tallystick.wire.provisioning import FinishProvisioning, ProvisioningIns, StartProvisioning
from tallystick.wire.status import Reject, StatusWord

_INSTRUCTIONS = frozenset(ProvisioningIns)


class Provisioning:
    """Takes what the factory gives."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.handlers: dict[int, Handler] = {ProvisioningIns.START: self._start, ProvisioningIns.FINISH: self._finish}

    def wants(self, raw: bytes) -> bool:
        """Return whether these bytes of an APDU are for a device that has no certificate, whatever else it is doing."""
        return (
            len(raw) > 1
            and raw[0] == CLA_OS
            and raw[1] in _INSTRUCTIONS
            and not self._session.attestation.is_provisioned
        )

    def drop(self, channel: int | None) -> None:
        """Forget nothing: what was begun is the factory's and not a client's."""

    async def _start(self, apdu: CommandApdu, _channel: int) -> bytes:
        self._require(apdu)
        session = self._session
        challenge = StartProvisioning.from_bytes(apdu.data).challenge
        return session.attestation.start(challenge=challenge, serial=session.identity.serial).to_bytes()

    async def _finish(self, apdu: CommandApdu, _channel: int) -> bytes:
        self._require(apdu)
        session = self._session
        message = FinishProvisioning.from_bytes(apdu.data)
        if not session.attestation.has_key:
            raise Reject(StatusWord.CONDITIONS_NOT_SATISFIED)
        try:
            session.attestation.finish(message, serial=session.identity.serial)
        except TrustError:
            raise Reject(StatusWord.SECURITY_STATUS_NOT_SATISFIED) from None
        session.on_change()
        return b""

    def _require(self, apdu: CommandApdu) -> None:
        if self._session.attestation.is_provisioned:
            raise Reject(StatusWord.INS_NOT_SUPPORTED)
        require_no_parameters(apdu)
