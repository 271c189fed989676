"""The device's end of the secure channel and nothing else, for clients to judge: APDUs and answers as lines of hexadecimal.

The one file here that imports the package. It is a process, run by the Python that has the package. Its one argument is a JSON
object: `target_id`, `trusted` (keys by name). At the end of its input it says on stderr what it was asked and told.
"""

import json
import os
import sys

from tallystick.crypto.scp import KeySigner, Suite
from tallystick.errors import RemoteProtocolError
from tallystick.wire import loader
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.app_list import AppListEntry, encode_app_list
from tallystick.wire.certificate import DeviceCertificate, EndorsedKey, device_message, endorsement_message
from tallystick.wire.channel import DeviceCredentials, DeviceHandshake, TrustedKey
from tallystick.wire.dashboard import Ins, MemoryInfo
from tallystick.wire.version_flag import VersionFlags

HEADER = bytes.fromhex("10a1a2a3a4a5a6")


class Random:
    """The randomness of this machine."""

    def read(self, size_bytes):
        """Return random bytes."""
        return os.urandom(size_bytes)


class ChannelEnd:
    """One device."""

    def __init__(self, *, target_id, trusted):
        issuer, self.key = KeySigner(b"\x55" * 32), KeySigner(b"\x33" * 32)
        signature = issuer.sign(device_message(header=HEADER, public_key=self.key.public_key))
        certificate = DeviceCertificate(header=HEADER, public_key=self.key.public_key, signature=signature)
        self.handshake = DeviceHandshake(
            target_id=target_id,
            credentials=DeviceCredentials(key=self.key, certificate=certificate, signer_serial=bytes(4)),
            suite=Suite(rng=Random()),
            trusted=[TrustedKey(name=name, public_key=bytes.fromhex(key)) for name, key in trusted.items()],
        )
        self.target_id, self.channel = target_id, None
        self.asked, self.told, self.listed = [], [], []

    def version(self):
        """Return the answer to a question for the version."""
        flags = VersionFlags(bytes(4))
        version = loader.LoaderVersion(target_id=self.target_id, version="1.1.1", flags=flags, mcu_version="4.03")
        return version.to_bytes()

    def answer(self, raw):
        """Return the answer to one APDU, with its status word."""
        try:
            return self.dispatch(CommandApdu.from_bytes(raw)) + b"\x90\x00"
        except RemoteProtocolError as refusal:
            return refusal.status.to_bytes(2, "big")

    def dispatch(self, command):
        """Return the data that answers one command."""
        last = command.p1 == 0x80
        match command.ins:
            case Ins.GET_VERSION:
                return self.version()
            case Ins.VALIDATE_TARGET_ID:
                self.channel = self.handshake.select(command.data)
            case Ins.CHANNEL_NONCE:
                return self.handshake.challenge(command.data)
            case Ins.CHANNEL_HOST_CERTIFICATE:
                signer = self.handshake.validate(command.data, ephemeral=last)
                if signer is not None:
                    self.asked.append([signer.public_key.hex(), signer.authority])
                    self.handshake.accept()
            case Ins.CHANNEL_DEVICE_CERTIFICATE:
                return self.handshake.certificate(ephemeral=last)
            case Ins.CHANNEL_AUTHENTICATE:
                self.channel = self.handshake.open()
            case 0xC0 if self.handshake.identified:
                key = KeySigner(b"\x66" * 32).public_key
                return EndorsedKey(public_key=key, signature=self.key.sign(endorsement_message(key))).to_bytes()
            case Ins.CHANNEL if self.channel is not None:
                return self.channel.wrap(self.loaded(loader.decode_command(self.channel.unwrap(command.data))))
            case _:
                raise RemoteProtocolError("not known here", status=0x6D00)
        return b""

    def loaded(self, command):
        """Note one command of the loader; return the plain answer."""
        self.told.append(command.to_bytes().hex())
        entry = AppListEntry(blocks=1, flags=0x800, code_hash=b"\x01" * 32, full_hash=b"\x02" * 32, name="Demo")
        match command:
            case loader.ListApps():
                return encode_app_list([entry])
            case loader.VersionQuery():
                return self.version()
            case loader.MemoryQuery():
                return MemoryInfo(system=1, applications=2, free=3, used_slots=4, total_slots=5).to_bytes()
        return b""


def main():
    """Answer every line of the input."""
    end = ChannelEnd(**json.loads(sys.argv[1]))
    for line in sys.stdin:
        print(end.answer(bytes.fromhex(line)).hex(), flush=True)
    print(json.dumps({"asked": end.asked, "told": end.told}), file=sys.stderr)


if __name__ == "__main__":
    main()
