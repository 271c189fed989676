"""Moving a key from one device to another (attestation 6), and what else the transfer app can do.

The host carries what the devices say and believes neither: at the end it compares the key that arrived with the one that
left. Up to the one command that makes the sender let go, a failure leaves the key where it was. After it the key is at the
receiver or nowhere: it is never sent twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.crypto.secp256k1 import verify_ecdsa_der
from tallystick.errors import RemoteProtocolError, StatusError, TallyError, TransportError, TrustError, UsageError
from tallystick.host.actions.app import opened
from tallystick.host.actions.step import Action, Flow, Progress, ask, finish
from tallystick.host.commands.dashboard import OpenApp
from tallystick.host.commands.transfer import (
    APP_NAME,
    Create,
    ExportHello,
    ExportLetGo,
    ExportMeet,
    GetAttestation,
    GetPublicKey,
    GetStatus,
    ImportHello,
    ImportKeep,
    ImportMeet,
    ImportOpen,
    KeyState,
    SignDigest,
)
from tallystick.host.session import Session

#: steps of a transfer, for progress
STEPS = 5
_FINGERPRINT_BYTES = 8
_FAILURES = (StatusError, TransportError, RemoteProtocolError)


class KeyLost(TrustError):
    """The sender erased the key and the receiver does not have it: it exists nowhere any more."""

    code = "key_lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a device has; `public_key` (65 bytes) is None when it has no key."""

    state: KeyState
    public_key: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A verified signature (DER) of `public_key` (65 bytes) over the digest asked for."""

    signature: bytes
    public_key: bytes


def fingerprint(public_key: bytes) -> str:
    """Return what the devices show of a public key: the first 8 bytes of X, in digits."""
    return public_key[1 : 1 + _FINGERPRINT_BYTES].hex()


def status(session: Session) -> Action[Held]:
    """Return what a device has; the app is opened first."""
    return finish(_status(session))


def create(session: Session) -> Action[Held]:
    """Have a key made on a device that has none, and return it."""
    return finish(_create(session))


def sign(session: Session, digest: bytes) -> Action[Signed]:
    """Have 32 bytes signed, and check the signature; the first one unseals the key for ever."""
    return finish(_sign(session, SignDigest(digest)))


def transfer(sender: Session, receiver: Session) -> Action[Held]:
    """Move the key, and return what the receiver has then.

    Raises UsageError when there is nothing to move or no room for it, what `Session.send` raises while the key is still at
    the sender, and KeyLost afterwards.
    """
    return finish(_transfer(sender, receiver))


def _status(session: Session) -> Flow[Held]:
    yield from opened(session, OpenApp(name=APP_NAME))
    return _held(session)


def _held(session: Session) -> Held:
    state = session.send(GetStatus())
    return Held(state=state, public_key=None if state is KeyState.NONE else session.send(GetPublicKey()))


def _create(session: Session) -> Flow[Held]:
    before = yield from _status(session)
    if before.state is not KeyState.NONE:
        raise UsageError("there is a key on the device already", remedy="transfer it to another device first")
    session.send(Create())
    return _held(session)


def _sign(session: Session, command: SignDigest) -> Flow[Signed]:
    held = yield from _status(session)
    if held.public_key is None:
        raise UsageError("there is no key on the device", remedy="make one with: tally transfer create")
    signature = yield from ask(session, command, subject=fingerprint(held.public_key))
    if not verify_ecdsa_der(held.public_key, command.digest, signature, allow_high_s=True):
        raise TrustError("the signature is not one of the key over this hash", remedy="check the app on the device")
    return Signed(signature=signature, public_key=held.public_key)


def _transfer(sender: Session, receiver: Session) -> Flow[Held]:
    key = yield from _movable(sender)
    yield from _vacant(receiver)
    subject = fingerprint(key)
    yield Progress(step="introducing", done=1, total=STEPS, unit="steps")
    attestations = sender.send(GetAttestation()), receiver.send(GetAttestation())
    receiver_hello = yield from ask(receiver, ImportHello(), subject=f"{receiver.url}, {subject}")
    yield Progress(step="receiver", done=2, total=STEPS, unit="steps")
    sender_hello = yield from ask(sender, ExportHello(), subject=f"{sender.url}, {subject}")
    yield Progress(step="sender", done=3, total=STEPS, unit="steps")
    sender.send(ExportMeet(attestations[1]))
    receiver.send(ImportMeet(attestations[0]))
    # all that can be refused is refused before the key leaves: afterwards only one command is to come
    receiver.send(ImportOpen(sender_hello))
    yield Progress(step="moving", done=4, total=STEPS, unit="steps")
    blob = _let_go(sender, receiver_hello)
    held = _keep(receiver, blob, key)
    yield Progress(step="moved", done=STEPS, total=STEPS, unit="steps")
    return held


def _movable(sender: Session) -> Flow[bytes]:
    held = yield from _status(sender)
    if held.public_key is None:
        raise UsageError(f"there is no key on {sender.url}", remedy="make one with: tally transfer create")
    if held.state is KeyState.UNSEALED:
        raise UsageError(
            f"the key on {sender.url} has signed, so it stays there for ever",
            remedy="move what it guards to another key",
        )
    return held.public_key


def _vacant(receiver: Session) -> Flow[None]:
    held = yield from _status(receiver)
    if held.public_key is not None:
        raise UsageError(f"there is a key on {receiver.url} already", remedy="choose a device without one")


def _let_go(sender: Session, receiver_hello: bytes) -> bytes:
    """Have the sender erase and answer the key; without that answer, find out whether it did."""
    try:
        return sender.send(ExportLetGo(receiver_hello))
    except _FAILURES as error:
        if not isinstance(error, StatusError):
            sender.close()
        state = _state(sender)
        if state is KeyState.SEALED:
            raise
        why = f"the sender was to let the key go, and no key came: {error.message}"
        raise _lost(why, is_certain=state is not None) from error


def _keep(receiver: Session, blob: bytes, key: bytes) -> Held:
    """Bring the key, and compare what arrived with what left."""
    trouble: TallyError | None = None
    try:
        receiver.send(ImportKeep(blob))
    except _FAILURES as error:
        trouble = error
        if not isinstance(error, StatusError):
            receiver.close()
    try:
        held = _held(receiver)
    except _FAILURES as error:
        raise _lost(f"the receiver does not answer any more: {error.message}", is_certain=False) from error
    if held.public_key == key:
        return held
    if held.public_key is not None:
        raise _lost("what arrived is another key: the way between the devices changed it")
    raise _lost(f"the receiver did not take the key: {'' if trouble is None else trouble.message}") from trouble


def _state(session: Session) -> KeyState | None:
    try:
        return session.send(GetStatus())
    except _FAILURES:
        return None


def _lost(why: str, *, is_certain: bool = True) -> KeyLost:
    if is_certain:
        return KeyLost(why, remedy="the key is on neither device and cannot be brought back; use another one")
    return KeyLost(why, remedy="look at both devices with: tally transfer status")
