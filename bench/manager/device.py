"""A device with nothing but its side of the secure channel: it answers whatever a manager asks during a check or an install."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Self

from tallystick.crypto.scp import KeySigner, Suite
from tallystick.manager.hsm.keyring import Keyring
from tallystick.wire.certificate import DeviceCertificate, device_message
from tallystick.wire.channel import Channel, DeviceCredentials, DeviceHandshake, TrustedKey
from tallystick.wire.dashboard import Ins

TARGET_ID = 0x33100004
_LAST = 0x80


class SystemRandom:
    """The kernel's randomness."""

    def read(self, size: int) -> bytes:
        """Return fresh bytes."""
        return os.urandom(size)


class SameRandom:
    """The same bytes each time: a device that has these says the same in every conversation."""

    def read(self, size: int) -> bytes:
        """Return `size` bytes that are always these."""
        return bytes(range(1, 1 + size))


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a factory gives a device, and who it trusts; the private key is worth nothing, and passed from process to process."""

    private: str
    certificate: str
    signer_serial: str
    issuer: str

    @classmethod
    def make(cls, keyring: Keyring) -> Self:
        """Have the issuer of `keyring` certify a new device."""
        private = os.urandom(32)
        public, header = KeySigner(private).public_key, b"\x10" + os.urandom(6)
        signature = keyring.issuer.sign(device_message(header=header, public_key=public))
        certificate = DeviceCertificate(header=header, public_key=public, signature=signature)
        return cls(
            private=private.hex(),
            certificate=certificate.to_bytes().hex(),
            signer_serial=keyring.signer_serial.hex(),
            issuer=keyring.issuer.public_key.hex(),
        )

    def credentials(self) -> DeviceCredentials:
        """Return what the channel wants of it."""
        return DeviceCredentials(
            key=KeySigner(bytes.fromhex(self.private)),
            certificate=DeviceCertificate.from_bytes(bytes.fromhex(self.certificate)),
            signer_serial=bytes.fromhex(self.signer_serial),
        )


class Device:
    """One device; `answer` is asked again and again. No app is on it. `repeats` gives it the same randomness each time."""

    def __init__(self, identity: Identity, *, repeats: bool = False) -> None:
        self._handshake = DeviceHandshake(
            target_id=TARGET_ID,
            credentials=identity.credentials(),
            suite=Suite(rng=SameRandom() if repeats else SystemRandom()),
            trusted=(TrustedKey(name="issuer", public_key=bytes.fromhex(identity.issuer)),),
        )
        self._channel = Channel()

    def answer(self, apdu: bytes) -> bytes:
        """Return the data of the answer; raise RemoteProtocolError for what does not hold."""
        ins, last, data = apdu[1], apdu[2] == _LAST, apdu[5:]
        match ins:
            case Ins.VALIDATE_TARGET_ID:
                self._handshake.select(data)
            case Ins.CHANNEL_NONCE:
                return self._handshake.challenge(data)
            case Ins.CHANNEL_HOST_CERTIFICATE:
                if self._handshake.validate(data, ephemeral=last) is not None:
                    self._handshake.accept()
            case Ins.CHANNEL_DEVICE_CERTIFICATE:
                return self._handshake.certificate(ephemeral=last)
            case Ins.CHANNEL_AUTHENTICATE:
                self._channel = self._handshake.open()
            case Ins.CHANNEL:
                self._channel.unwrap(data)
        return b""
