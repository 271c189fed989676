"""Commands ``E0 50`` to ``E0 53`` and ``E0 00``: the secure channel, one for each client (wire-protocol D, attestation 2).

The handshake itself is `tallystick.wire.channel`; what belongs to the device is here: whom it trusts, whom the person was
asked about, and what may pass once the channel is open. The device's key is a cookie that nobody can delete, so nothing made
with it leaves before the person agreed to the signer. The agreement is the client's, for that one signer, until the client
goes, the device locks or restarts, or an app opens.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tallystick.crypto.hash import sha256
from tallystick.crypto.scp import Suite
from tallystick.device.os.consent import Handler, ask_consent, ask_review, require_no_parameters
from tallystick.device.os.custom_ca import CustomCa, quoted, stored_ca
from tallystick.device.os.peer import Authority, Peer
from tallystick.device.os.session import BootMode, Session
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.certificate import DeviceCertificate
from tallystick.wire.channel_device import DeviceCredentials, DeviceHandshake, HostSigner, TrustedKey
from tallystick.wire.channel_seam import Channel
from tallystick.wire.dashboard import Ins, OnboardingStep, StateFlag
from tallystick.wire.screen import Item
from tallystick.wire.status import Reject, StatusWord

#: clients that may be in a handshake or a channel at once; the one that began first makes room for one more
MAX_SESSIONS = 32
#: P1 of the last certificate of a side
_EPHEMERAL = 0x80
#: characters of the fingerprint of an unknown manager's key: 128 bits
_FINGERPRINT = 32
#: how the handshake calls the issuer: no CA of an owner has an empty name
_ISSUER = ""
#: what the person reads in its place
ISSUER_TEXT = "of the issuer"

#: carries out what came through a channel: (content of the record, client, who is at the other end) to the answer's content
Inner = Callable[[bytes, int, Peer], Awaitable[bytes]]


@dataclass(slots=True, kw_only=True)
class _Link:
    """One client's session: a handshake on its way, and the channel it ended in."""

    handshake: DeviceHandshake
    #: the owner's CA that was there when it began
    ca: CustomCa | None = None
    signer: HostSigner | None = None
    channel: Channel | None = None


class Channels:
    """The secure channels of one device. `on_end` hears of each client whose session ended.

    `is_agreed` tells of a signer the person agreed to before this start: the one whose firmware is on its way.
    """

    def __init__(
        self,
        session: Session,
        *,
        inner: Inner,
        on_end: Callable[[int], None],
        is_agreed: Callable[[HostSigner], bool] = lambda _signer: False,
    ) -> None:
        self._session = session
        self._inner = inner
        self._on_end = on_end
        self._is_agreed = is_agreed
        self._suite = Suite(rng=session.rng)
        self._links: dict[int, _Link] = {}
        #: by client: the signer the person agreed to
        self._agreed: dict[int, HostSigner] = {}
        self.handlers: dict[int, Handler] = {
            Ins.CHANNEL_NONCE: self._challenge,
            Ins.CHANNEL_HOST_CERTIFICATE: self._host_certificate,
            Ins.CHANNEL_DEVICE_CERTIFICATE: self._device_certificate,
            Ins.CHANNEL_AUTHENTICATE: self._authenticate,
            Ins.CHANNEL: self._command,
        }

    def drop(self, channel: int | None) -> None:
        """Forget session and agreement of the client of `channel`; None is all clients."""
        for one in [*self._links] if channel is None else [channel]:
            self.end(one)
        if channel is None:
            self._agreed.clear()
        else:
            self._agreed.pop(channel, None)

    def flags(self, channel: int) -> StateFlag:
        """Return what ``E0 01`` tells the client of `channel` about the managers it may use."""
        agreed = self._agreed.get(channel)
        if agreed is None:
            return StateFlag(0)
        return StateFlag.CUSTOM_CA_ALLOWED if agreed.authority else StateFlag.MANAGER_ALLOWED

    def is_identified(self, channel: int) -> bool:
        """Return whether the client of `channel` has both certificates: what endorsement asks for (attestation 3)."""
        link = self._links.get(channel)
        return link is not None and link.handshake.identified

    def select(self, data: bytes, channel: int) -> None:
        """Take the data of ``E0 04``, which ends any session; raise RemoteProtocolError (6700, 6484)."""
        self.end(channel)
        if not self._session.attestation.is_provisioned:
            return
        while len(self._links) >= MAX_SESSIONS:
            self.end(next(iter(self._links)))
        ca = stored_ca(self._session.storage)
        link = _Link(handshake=self._handshake(ca), ca=ca)
        link.handshake.select(data)
        self._links[channel] = link

    async def _challenge(self, apdu: CommandApdu, channel: int) -> bytes:
        require_no_parameters(apdu)
        return self._link(channel).handshake.challenge(apdu.data)

    async def _host_certificate(self, apdu: CommandApdu, channel: int) -> bytes:
        link = self._link(channel)
        self._require_no_setup(channel)
        signer = link.handshake.validate(apdu.data, ephemeral=_is_ephemeral(apdu))
        if signer is None:
            return b""
        if self._agreed.get(channel) != signer:
            self._agreed.pop(channel, None)
            try:
                if not self._is_agreed(signer):
                    await self._ask(signer)
            except Reject:
                self.end(channel)
                raise
            self._agreed[channel] = signer
        link.signer = signer
        link.handshake.accept()
        return b""

    async def _device_certificate(self, apdu: CommandApdu, channel: int) -> bytes:
        if apdu.data:
            raise Reject(StatusWord.WRONG_LENGTH)
        return self._link(channel).handshake.certificate(ephemeral=_is_ephemeral(apdu))

    async def _authenticate(self, apdu: CommandApdu, channel: int) -> bytes:
        require_no_parameters(apdu)
        if apdu.data:
            raise Reject(StatusWord.WRONG_LENGTH)
        link = self._link(channel)
        link.channel = link.handshake.open()
        return b""

    async def _command(self, apdu: CommandApdu, channel: int) -> bytes:
        """Unwrap, carry out, wrap: a refusal goes without a record, after the chain has moved by the command's."""
        require_no_parameters(apdu)
        link = self._link(channel)
        if link.channel is None or link.signer is None:
            raise Reject(StatusWord.CONDITIONS_NOT_SATISFIED)
        if not apdu.data and not link.channel.closed:
            raise Reject(StatusWord.WRONG_LENGTH)
        try:
            plain = link.channel.unwrap(apdu.data)
        finally:
            if link.channel.closed:  # whoever speaks now is not who shook hands: what was begun is nobody's
                self._on_end(channel)
        answer = await self._inner(plain, channel, self._peer(link.signer, link.ca))
        return link.channel.wrap(answer)

    async def _ask(self, signer: HostSigner) -> None:
        """Ask the person whether this signer may speak to the device; raise Reject (5501) when not."""
        if signer.authority is not None:
            whose = quoted(signer.authority) if signer.authority else ISSUER_TEXT
            await ask_consent(self._session, "Allow manager", whose, option="Allow")
            return
        fingerprint = sha256(signer.public_key).hex()[:_FINGERPRINT]
        items = (Item("Unknown key", (fingerprint,)),)
        await ask_review(self._session, *items, intro=("Allow unknown", "manager?"), approve="ALLOW")

    def _require_no_setup(self, channel: int) -> None:
        """Raise Reject (6D07) while the person enters PIN or words: no question of a host's comes between."""
        session = self._session
        is_early = (
            session.step <= OnboardingStep.WELCOME_REMINDER or session.step is OnboardingStep.EARLY_SECURITY_CHECK
        )
        if session.mode is BootMode.NORMAL and not session.is_onboarded and not is_early:
            self.end(channel)
            raise Reject(StatusWord.NOT_ONBOARDED)

    def _link(self, channel: int) -> _Link:
        if not self._session.attestation.is_provisioned:
            raise Reject(StatusWord.CUSTOM_CHANNEL_UNAVAILABLE)
        link = self._links.get(channel)
        if link is None:
            raise Reject(StatusWord.CONDITIONS_NOT_SATISFIED)
        return link

    def end(self, channel: int) -> None:
        """End the session of the client of `channel`; what the person agreed to stays."""
        if self._links.pop(channel, None) is not None:
            self._on_end(channel)

    def _peer(self, signer: HostSigner, vouching: CustomCa | None) -> Peer:
        """Return who is at the other end now: an authority that was taken out meanwhile vouches for nobody, whatever took its name."""
        if signer.authority == _ISSUER:
            return Peer(public_key=signer.public_key, authority=Authority.ISSUER)
        ca = stored_ca(self._session.storage)
        if signer.authority is None or ca is None or ca != vouching:
            return Peer(public_key=signer.public_key, authority=Authority.NOBODY)
        return Peer(public_key=signer.public_key, authority=Authority.CUSTOM_CA, name=ca.name)

    def _handshake(self, ca: CustomCa | None) -> DeviceHandshake:
        session, factory = self._session, self._session.attestation.factory
        key = session.attestation.signer
        certificate = DeviceCertificate(
            header=factory.header, public_key=key.public_key, signature=factory.issuer_signature
        )
        trusted = [TrustedKey(name=_ISSUER, public_key=factory.issuer_public_key)]
        if ca is not None:
            trusted.append(TrustedKey(name=ca.name, public_key=ca.public_key))
        return DeviceHandshake(
            target_id=session.identity.model.target_id,
            credentials=DeviceCredentials(key=key, certificate=certificate, signer_serial=factory.signer_serial),
            suite=self._suite,
            trusted=trusted,
        )


def _is_ephemeral(apdu: CommandApdu) -> bool:
    """Return whether P1 says so; raise Reject (6B00) when it says something else."""
    if apdu.p1 not in {0, _EPHEMERAL} or apdu.p2:
        raise Reject(StatusWord.WRONG_P1P2)
    return apdu.p1 == _EPHEMERAL
