"""A scripted device for the manager's tests: the real handshake and loader messages, no OS, no screen."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from tallystick.crypto.scp import Suite
from tallystick.errors import RemoteProtocolError
from tallystick.manager.hsm.key_file import KeyFile
from tallystick.manager.hsm.keyring import Keyring
from tallystick.manager.hsm.role import Realm, Role
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.app_list import AppListEntry, encode_app_list
from tallystick.wire.certificate import DeviceCertificate, EndorsedKey, device_message, endorsement_message
from tallystick.wire.channel import Channel, DeviceCredentials, DeviceHandshake, TrustedKey
from tallystick.wire.dashboard import Ins
from tallystick.wire.loader import (
    Commit,
    Create,
    DeleteApp,
    ListApps,
    ListMoreApps,
    Load,
    LoaderCommand,
    LoaderVersion,
    SetLoadOffset,
    VersionQuery,
    decode_command,
)
from tallystick.wire.version_flag import StateFlag, VersionFlags

NANOSP = 0x33100004


class SystemRandom:
    """The kernel's randomness."""

    def read(self, size: int) -> bytes:
        """Return fresh bytes."""
        return os.urandom(size)


def credentials(keyring: Keyring) -> DeviceCredentials:
    """Return what a factory with these keys gives a device."""
    key = KeyFile.generate(Role.OWNER, Realm.TEST)
    header = b"\x10serial"
    signature = keyring.issuer.sign(device_message(header=header, public_key=key.public_key))
    certificate = DeviceCertificate(header=header, public_key=key.public_key, signature=signature)
    return DeviceCredentials(key=key, certificate=certificate, signer_serial=keyring.signer_serial)


@dataclass
class ScriptedDevice:
    """Answers what a manager sends as the dashboard of a device would, and writes down what reaches its loader."""

    keyring: Keyring
    target_id: int = NANOSP
    trusts: Keyring | None = None
    apps: list[AppListEntry] = field(default_factory=list)
    refuses: bool = False
    version: str = "1.1.1"

    def __post_init__(self):
        trusted = self.trusts or self.keyring
        self.credentials = credentials(self.keyring)
        self.handshake = DeviceHandshake(
            target_id=self.target_id,
            credentials=self.credentials,
            suite=Suite(rng=SystemRandom()),
            trusted=[TrustedKey(name="issuer", public_key=trusted.issuer.public_key)],
        )
        self.channel = Channel()
        self.loaded: list[LoaderCommand] = []
        self.asked: list[str | None] = []
        self.owner_certificate = b""

    def exchange(self, raw: bytes) -> tuple[bytes, int]:
        """Return data and status word."""
        command = CommandApdu.from_bytes(raw)
        try:
            return self._answer(command), 0x9000
        except RemoteProtocolError as error:
            return b"", error.status

    def _answer(self, command: CommandApdu) -> bytes:
        last = command.p1 == 0x80
        match command.ins:
            case Ins.VALIDATE_TARGET_ID:
                self.handshake.select(command.data)
            case Ins.CHANNEL_NONCE:
                return self.handshake.challenge(command.data)
            case Ins.CHANNEL_HOST_CERTIFICATE:
                who = self.handshake.validate(command.data, ephemeral=last)
                if who is not None:
                    self.asked.append(who.authority)
                    if self.refuses:
                        self.handshake.refuse()
                        raise RemoteProtocolError("no", status=0x6985)
                    self.handshake.accept()
            case Ins.CHANNEL_DEVICE_CERTIFICATE:
                return self.handshake.certificate(ephemeral=last)
            case Ins.CHANNEL_AUTHENTICATE:
                self.channel = self.handshake.open()
            case Ins.CHANNEL:
                return self.channel.wrap(self._load(self.channel.unwrap(command.data)))
            case Ins.ENDORSEMENT_START:
                made = KeyFile.generate(Role.OWNER, Realm.TEST).public_key
                signature = self.credentials.key.sign(endorsement_message(made))
                self.endorsed = made
                return EndorsedKey(public_key=made, signature=signature).to_bytes()
            case Ins.ENDORSEMENT_COMMIT:
                self.owner_certificate = command.data
            case _:
                raise RemoteProtocolError("unknown", status=0x6D00)
        return b""

    def _load(self, plain: bytes) -> bytes:
        command = decode_command(plain)
        match command:
            case ListApps():
                self.rest = list(self.apps)
                return self._page()
            case ListMoreApps():
                return self._page()
            case VersionQuery():
                flags = VersionFlags(bytes(4))
                return LoaderVersion(
                    target_id=self.target_id, version=self.version, flags=flags, mcu_version="4.03"
                ).to_bytes()
            case VersionQuery():
                flags = VersionFlags.of(StateFlag.ONBOARDED)
                version = LoaderVersion(target_id=self.target_id, version="1.1.1", flags=flags, mcu_version="4.03")
                return version.to_bytes()
            case _:
                self.loaded.append(command)
                return b""

    def _page(self) -> bytes:
        page, self.rest = self.rest[:2], self.rest[2:]
        return encode_app_list(page)

    @property
    def areas(self) -> bytes:
        """What was loaded since the last CREATE APP, by the addresses it was loaded at."""
        memory, base = bytearray(), 0
        for command in self.loaded:
            match command:
                case SetLoadOffset():
                    base = command.address
                case Load():
                    at = base + command.offset
                    memory[len(memory) :] = bytes(max(0, at - len(memory)))
                    memory[at : at + len(command.data)] = command.data
        return bytes(memory)

    def of_kind(self, kind: type) -> list:
        """Return what reached the loader of one kind: Create, Commit, DeleteApp."""
        return [one for one in self.loaded if isinstance(one, kind)]


__all__ = ["Commit", "Create", "DeleteApp", "ScriptedDevice"]
