"""The two commands by which a factory makes a device its own (attestation 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tallystick.errors import RemoteProtocolError
from tallystick.host.gesture import Gesture
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.provisioning import FinishProvisioning, StartedProvisioning, StartProvisioning
from tallystick.wire.status import Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Ask a device for its key, its serial number and its proof."""

    message: StartProvisioning
    layer: ClassVar[Layer] = Layer.OS
    gesture: ClassVar[Gesture | None] = None

    def to_apdu(self) -> CommandApdu:
        """``E0 F0 00 00 20 challenge``."""
        return self.message.to_apdu()

    def parse(self, data: bytes) -> StartedProvisioning:
        """Return what the device says; whether its proof holds is for the issuer to see."""
        return StartedProvisioning.from_bytes(data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """Give a device its certificate and the keys it is to trust."""

    message: FinishProvisioning
    layer: ClassVar[Layer] = Layer.OS
    gesture: ClassVar[Gesture | None] = None

    def to_apdu(self) -> CommandApdu:
        """``E0 F2 00 00 Lc …``."""
        return self.message.to_apdu()

    def parse(self, data: bytes) -> None:
        """Refuse an answer that holds anything."""
        if data:
            raise RemoteProtocolError("the end of provisioning is answered with data")
