"""What the tests of the secure channel share: managers of three kinds, and what they send."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tallystick.crypto import secp256k1
from tallystick.crypto.scp import KeySigner, Suite
from tallystick.device.silicon.entropy import RepeatableRng
from tallystick.testing.client import DeviceClient, Pending
from tallystick.testing.device import VirtualDevice
from tallystick.testing.factory import known_key, manager_chain
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.bundle import Bundle
from tallystick.wire.certificate import HostCertificate, signer_message
from tallystick.wire.channel import HostHandshake, OpenChannel
from tallystick.wire.image import AppFlag, AppImage, CreateApp
from tallystick.wire.install import InstallParameters
from tallystick.wire.loader import load_script
from tallystick.wire.model import MODELS

ISSUER = known_key("issuer")
MANAGER = known_key("signer")
STRANGER = known_key("stranger")
AUTHORITY = known_key("authority")
CODE = bytes(range(64)) * 3


class Refused(Exception):
    """A step was answered with another status than 9000."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status:04X}")
        self.status = status


class Manager:
    """One manager at one client of a device: by default the one that the device's issuer vouches for."""

    def __init__(
        self,
        device: VirtualDevice,
        *,
        signer: KeySigner = MANAGER,
        chain: Sequence[HostCertificate] | None = None,
        client: DeviceClient | None = None,
        number: int = 1,
    ) -> None:
        self.device = device
        self.client = client or device.client()
        if chain is None:
            chain = manager_chain() if signer is MANAGER else ()
        self.target_id = MODELS[device.model].target_id
        self._handshake = HostHandshake(
            target_id=self.target_id,
            signer=signer,
            suite=Suite(rng=RepeatableRng(number)),
            issuers=[ISSUER.public_key],
            chain=chain,
        )
        self.opened: OpenChannel | None = None
        self.asked: list[tuple[str, ...]] = []

    def steps(self, *, authenticate: bool = True) -> Iterator[tuple[CommandApdu, Pending]]:
        """Send the handshake's commands one by one; the caller answers for the person before it asks for the next."""
        run = self._handshake.run(authenticate=authenticate)
        command = next(run)
        while True:
            pending = self.client.send(command.to_bytes())
            yield command, pending
            answer = pending.response
            if not answer.ok:
                raise Refused(answer.status)
            try:
                command = run.send(answer.data)
            except StopIteration as end:
                self.opened = end.value
                return

    def open(self, *, authenticate: bool = True, agree: bool = True) -> OpenChannel:
        """Open a channel; the person agrees when asked, or does not. Raises Refused."""
        for _, pending in self.steps(authenticate=authenticate):
            self.decide(pending, agree=agree)
        assert self.opened is not None
        return self.opened

    def decide(self, pending: Pending, *, agree: bool) -> None:
        """Answer as the person if there is a question, and note what was on the screen."""
        if not pending.done:
            self.asked.append(self.device.screen)
            if agree:
                self.device.user.approve()
            else:
                self.device.user.reject()

    def start(self, plain: bytes) -> Pending:
        """Send one sub-command."""
        assert self.opened is not None
        return self.client.send(self.opened.channel.command(plain).to_bytes())

    def send(self, plain: bytes, *, agree: bool = True) -> bytes:
        """Send one sub-command, and return the content of its answer. Raises Refused."""
        assert self.opened is not None
        pending = self.start(plain)
        self.decide(pending, agree=agree)
        if not pending.response.ok:
            assert not pending.response.data, "a refusal carries no record"
            raise Refused(pending.response.status)
        return self.opened.channel.unwrap(pending.response.data)

    def send_all(self, plains: Iterable[bytes], *, agree: bool = True) -> None:
        """Send sub-commands that are answered with nothing."""
        for plain in plains:
            assert self.send(plain, agree=agree) == b""

    def install(self, image: AppImage, *, signed_by: KeySigner | None = None, agree: bool = True) -> None:
        """Load an app, with a signature over its full hash if somebody is to sign it. Raises Refused."""
        signature = None if signed_by is None else sign(image, signed_by, self.device)
        self.send_all(load_script(image, signature=signature), agree=agree)


def sign(image: AppImage, key: KeySigner, device: VirtualDevice) -> bytes:
    """Return the signature of an app for a device."""
    digest = image.full_hash(MODELS[device.model].target_id, device.status["version"])
    return secp256k1.sign_ecdsa_der(key._private, digest)  # a signer hashes once more, and this is a digest


def status_of(manager: Manager, plain: bytes, *, agree: bool = True) -> int:
    """Return the status word of a sub-command."""
    try:
        manager.send(plain, agree=agree)
    except Refused as refused:
        return refused.status
    return 0x9000


def certified_by(authority: KeySigner, key: KeySigner) -> tuple[HostCertificate, ...]:
    """Return the chain of a manager that `authority` vouches for."""
    message = signer_message(key.public_key)
    return (HostCertificate(public_key=key.public_key, signature=authority.sign(message)),)


def native(
    name: str = "Demo",
    *,
    code: bytes = CODE,
    data: bytes = b"",
    flags: AppFlag = AppFlag.MAIN,
    version: str = "1.0",
    dependency: bytes | None = None,
) -> AppImage:
    """Return a small app of native code."""
    parameters = InstallParameters(name=name, version=version, dependency=dependency).to_bytes()
    create = CreateApp(
        code_length=len(code),
        data_length=len(data),
        parameters_length=len(parameters),
        flags=flags,
        boot_offset=1,
    )
    return AppImage(create=create, code=code, data=data, parameters=parameters)


def names(device: VirtualDevice) -> list[str]:
    """Return the names of the installed apps."""
    return [app.name for app in device.board.system.session.registry.apps()]


def image_of(bundle: Bundle) -> AppImage:
    """Return a Python app as the loader takes it."""
    return bundle.image()
