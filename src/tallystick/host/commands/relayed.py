"""APDUs that somebody else made: a manager, or a handshake (wire-protocol D, H.4)."""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.errors import RemoteProtocolError
from tallystick.host.gesture import Gesture
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.dashboard import CLA_OS, Ins
from tallystick.wire.status import Layer

_MAX_SHORT_BYTES = 0xFF
_EPHEMERAL = 0x80


@dataclass(frozen=True, slots=True, kw_only=True)
class Relayed:
    """An APDU to be passed on as it is; its answer is what stands before the status word."""

    apdu: CommandApdu
    gesture: Gesture | None = None
    layer: Layer = Layer.OS

    @classmethod
    def from_bytes(cls, raw: bytes, *, gesture: Gesture | None = None) -> Relayed:
        """Take an APDU that came as bytes; raise RemoteProtocolError when it is none that a device can be sent."""
        apdu = CommandApdu.from_bytes(raw)
        if len(apdu.data) > _MAX_SHORT_BYTES:
            raise RemoteProtocolError("the manager's APDU is longer than devices take")
        return cls.of(apdu, gesture=gesture)

    @classmethod
    def of(cls, apdu: CommandApdu, *, gesture: Gesture | None = None) -> Relayed:
        """Take an APDU and note what the person may be asked: managers are let in at ``E0 51``, keys replaced at ``E0 C2``."""
        if apdu.cla == CLA_OS and apdu.ins == Ins.CHANNEL_HOST_CERTIFICATE and apdu.p1 != _EPHEMERAL:
            gesture = gesture or Gesture.ALLOW_MANAGER
        if apdu.cla == CLA_OS and apdu.ins == Ins.ENDORSEMENT_COMMIT:
            gesture = gesture or Gesture.REPLACE_KEY
        is_loader = apdu.cla == CLA_OS and apdu.ins == Ins.CHANNEL
        return cls(apdu=apdu, gesture=gesture, layer=Layer.INSTALL if is_loader else Layer.OS)

    @property
    def is_host_certificate(self) -> bool:
        """Whether a manager shows one of its keys."""
        return self.apdu.cla == CLA_OS and self.apdu.ins == Ins.CHANNEL_HOST_CERTIFICATE

    def to_apdu(self) -> CommandApdu:
        """Return the APDU."""
        return self.apdu

    def parse(self, data: bytes) -> bytes:
        """Return the data as it came."""
        return data
