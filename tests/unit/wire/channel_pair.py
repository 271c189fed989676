"""Two ends of a secure channel joined back to back, with fixed or seeded randomness."""

import hashlib
import json
from pathlib import Path

from tallystick.crypto.scp import Ephemeral, KeySigner, Suite
from tallystick.crypto.secret import Secret
from tallystick.wire.certificate import DeviceCertificate, device_message
from tallystick.wire.channel import DeviceCredentials, DeviceHandshake, HostHandshake
from tallystick.wire.dashboard import Ins

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "channel.json").read_text())
SAMPLES = {name: VECTORS[name] for name in ("reference", "attestation")}
TARGET = 0x33100004


class SeededRng:
    """Bytes that depend on a label only."""

    def __init__(self, label):
        self._label = label
        self._counter = 0

    def read(self, size_bytes):
        """Return `size_bytes` bytes, others each time."""
        self._counter += 1
        return hashlib.shake_256(f"{self._label} {self._counter}".encode()).digest(size_bytes)


class FixedSuite(Suite):
    """The real thing, but for the nonce and the ephemeral key, which are given."""

    def __init__(self, *, nonce, private):
        super().__init__(rng=SeededRng("unused"))
        self._fixed = nonce, private

    def nonce(self):
        """Return the given nonce."""
        return self._fixed[0]

    def ephemeral(self):
        """Return the given key."""
        return Ephemeral(Secret(self._fixed[1]))


def signer(label):
    """Return a key that depends on a label only."""
    return KeySigner(hashlib.sha256(f"channel test: {label}".encode()).digest())


def credentials(*, issuer, key, header=b"\x10abcdef", serial=b"\x00\x00\x00\x07"):
    """Return what the factory gives a device."""
    signature = issuer.sign(device_message(header=header, public_key=key.public_key))
    certificate = DeviceCertificate(header=header, public_key=key.public_key, signature=signature)
    return DeviceCredentials(key=key, certificate=certificate, signer_serial=serial)


def device(*, trusted=(), target_id=TARGET, suite=None):
    """Return a device certified by the issuer `issuer`."""
    return DeviceHandshake(
        target_id=target_id,
        credentials=credentials(issuer=signer("issuer"), key=signer("device")),
        suite=suite or Suite(rng=SeededRng("device")),
        trusted=trusted,
    )


def host(*, target_id=TARGET, suite=None, key=None, **more):
    """Return a host that trusts the issuer `issuer`."""
    more.setdefault("issuers", [signer("issuer").public_key])
    key = key or signer("manager")
    return HostHandshake(target_id=target_id, signer=key, suite=suite or Suite(rng=SeededRng("host")), **more)


def answer(end, command, *, asked=None):
    """Give a device one command of the handshake; return the answer's data, and the channel if it opened one."""
    match command.ins:
        case Ins.VALIDATE_TARGET_ID:
            return end.select(command.data) or b"", None
        case Ins.CHANNEL_NONCE:
            return end.challenge(command.data), None
        case Ins.CHANNEL_HOST_CERTIFICATE:
            question = end.validate(command.data, ephemeral=command.p1 == 0x80)
            if question is not None:
                if asked is not None:
                    asked.append(question)
                end.accept()
            return b"", None
        case Ins.CHANNEL_DEVICE_CERTIFICATE:
            return end.certificate(ephemeral=command.p1 == 0x80), None
        case Ins.CHANNEL_AUTHENTICATE:
            return b"", end.open()
    raise ValueError(command)


def join(host_end, device_end, *, asked=None, log=None, authenticate=True, change=lambda _, data: data):
    """Run a handshake; return what the host got and the device's channel. `change` may alter an answer on its way."""
    steps = host_end.run(authenticate=authenticate)
    command = next(steps)
    channel = None
    while True:
        data, opened = answer(device_end, command, asked=asked)
        channel = opened or channel
        if log is not None:
            log.append([command.to_bytes().hex(), data.hex()])
        try:
            command = steps.send(change(command, data))
        except StopIteration as end:
            return end.value, channel
