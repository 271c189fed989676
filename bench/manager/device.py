"""A device with nothing but its side of the secure channel: it answers whatever a manager asks during a check or an install."""

from __future__ import annotations

import os

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


def credentials(keyring: Keyring) -> DeviceCredentials:
    """Return what a factory with these keys gives a device."""
    key = KeySigner(os.urandom(32))
    header = b"\x10" + os.urandom(6)
    signature = keyring.issuer.sign(device_message(header=header, public_key=key.public_key))
    certificate = DeviceCertificate(header=header, public_key=key.public_key, signature=signature)
    return DeviceCredentials(key=key, certificate=certificate, signer_serial=keyring.signer_serial)


class Device:
    """One device; `answer` is asked again and again. No app is on it."""

    def __init__(self, device: DeviceCredentials, *, issuer: bytes) -> None:
        self._handshake = DeviceHandshake(
            target_id=TARGET_ID,
            credentials=device,
            suite=Suite(rng=SystemRandom()),
            trusted=(TrustedKey(name="issuer", public_key=issuer),),
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
