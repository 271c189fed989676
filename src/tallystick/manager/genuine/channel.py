"""The handshake of the secure channel as the beginning of a flow (wire-protocol D.1)."""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass, field

from tallystick.crypto.scp import Suite
from tallystick.errors import TrustError
from tallystick.manager.flow import Ask, FlowError, Sign
from tallystick.manager.hsm.signer import Signer
from tallystick.wire.certificate import HostCertificate
from tallystick.wire.channel import Channel, HostHandshake, OpenChannel, Unsigned
from tallystick.wire.model import by_target_id


class _SystemRandom:
    """The kernel's randomness."""

    def read(self, size: int) -> bytes:
        """Return `size` fresh bytes."""
        return os.urandom(size)


_SUITE = Suite(rng=_SystemRandom())


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelKeys:
    """Who this manager is to devices: its static key, the issuer's certificate of it, and the issuer's key (65 bytes)."""

    signer: Signer = field(repr=False)
    certificate: HostCertificate
    issuer: bytes
    #: the signer is a token's: flows ask for its signatures (`Sign`), and whoever runs them knows where to wait
    is_waited_for: bool = False
    #: by target, since a handshake may be run for any number of devices
    _handshakes: dict[int, HostHandshake] = field(default_factory=dict, repr=False, compare=False)

    def handshake(self, target_id: int) -> HostHandshake:
        """Return a handshake with devices of this target; raise FlowError when no model has it."""
        known = self._handshakes.get(target_id)
        if known is not None:
            return known
        if by_target_id(target_id) is None:
            raise FlowError(f"no model has the target id {target_id}", remedy="give the target id that E0 01 answers")
        made = HostHandshake(
            target_id=target_id,
            signer=self.signer,
            suite=_SUITE,
            issuers=(self.issuer,),
            chain=(self.certificate,),
        )
        return self._handshakes.setdefault(target_id, made)


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether `signature` (DER) is one of `public_key` (65 bytes) over a message."""
    return _SUITE.verify(public_key, message, signature)


def open_channel(
    keys: ChannelKeys, target_id: int, *, authenticate: bool = True
) -> Generator[Ask | Sign, bytes, OpenChannel]:
    """Open a channel to a device that the issuer certified; raise TrustError for any other device."""
    steps = keys.handshake(target_id).steps(authenticate=authenticate)
    answer: bytes | None = None
    while True:
        try:
            step = next(steps) if answer is None else steps.send(answer)
        except StopIteration as end:
            opened: OpenChannel = end.value
            break
        if not isinstance(step, Unsigned):
            answer = yield Ask(step)
        elif keys.is_waited_for:
            answer = yield Sign(step.message)
        else:
            answer = keys.signer.sign(step.message)
    if not opened.genuine:
        raise TrustError("the device is not genuine: its certificate is not by this manager's issuer")
    return opened


def ask(channel: Channel, plain: bytes) -> Generator[Ask, bytes, bytes]:
    """Send one command through the channel and return the content of the answer."""
    return channel.unwrap((yield Ask(channel.command(plain))))
