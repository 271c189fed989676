"""The two commands by which a device gets an attestation key and its owner's certificate (attestation 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tallystick.errors import RemoteProtocolError
from tallystick.host.gesture import Gesture
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.certificate import EndorsedKey
from tallystick.wire.dashboard import Ins, request
from tallystick.wire.status import Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeKey:
    """Have the device make a pair for slot 1 or 2; it counts only with its certificate."""

    slot: int
    layer: ClassVar[Layer] = Layer.OS
    gesture: ClassVar[Gesture | None] = None

    def to_apdu(self) -> CommandApdu:
        """``E0 C0 slot 00 00``."""
        return request(Ins.ENDORSEMENT_START, self.slot)

    def parse(self, data: bytes) -> EndorsedKey:
        """Return the key and the device's signature; whether that holds is for the caller to see."""
        return EndorsedKey.from_bytes(data)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCertificate:
    """Give the pair made last its certificate (1 to 72 bytes). Where a key was before, the person is asked."""

    certificate: bytes
    layer: ClassVar[Layer] = Layer.OS
    gesture: ClassVar[Gesture | None] = Gesture.REPLACE_KEY

    def to_apdu(self) -> CommandApdu:
        """``E0 C2 00 00 Lc certificate``."""
        return request(Ins.ENDORSEMENT_COMMIT, data=self.certificate)

    def parse(self, data: bytes) -> None:
        """Refuse an answer that holds anything."""
        if data:
            raise RemoteProtocolError("a stored certificate is answered with data")
