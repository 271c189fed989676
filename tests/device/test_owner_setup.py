"""Attestation keys set up by the host: in one run, in two with an owner elsewhere, refused, on the wrong device."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from endorsement_stage import OWNER, PUBLIC, SIGN, SIGN_APP, caller

from tallystick.errors import StatusError, TrustError, UserRefused
from tallystick.host.actions import attestation
from tallystick.host.actions.step import Action, Done, NeedsUser, Progress, result
from tallystick.host.evidence import (
    Scheme,
    Statement,
    endorsement_links,
    handshake_links,
    owner_link,
    require_all,
    statement_link,
)
from tallystick.host.gesture import Gesture
from tallystick.host.session import Session
from tallystick.host.trust import VENDOR_ISSUER, Issuer
from tallystick.testing.client import DirectTransport
from tallystick.testing.device import VirtualDevice
from tallystick.testing.factory import known_key
from tallystick.wire.attestation import Endorsement
from tallystick.wire.certificate import owner_message

ISSUERS = [Issuer(name="factory", public_key=known_key("issuer").public_key)]


def certify(asked: Endorsement) -> tuple[bytes, bytes]:
    """Sign as the owner."""
    return OWNER.public_key, OWNER.sign(owner_message(asked.key.public_key))


def session(device: VirtualDevice) -> Session:
    """Return a host's session with a device."""
    return Session(DirectTransport(device.client()))


def gestures(device: VirtualDevice, action: Action[object], *, refuses: Gesture | None = None) -> list[Gesture]:
    """Run an action as a person who agrees to everything but what is refused; return what was owed."""
    owed = []
    for step in action:
        if isinstance(step, NeedsUser):
            owed.append(step.gesture)
            if step.gesture is refuses:
                device.user.reject()
            else:
                device.user.approve()
        assert isinstance(step, NeedsUser | Progress | Done)
    return owed


def made(device: VirtualDevice, slot: int) -> Endorsement:
    """Set a key up on a device that approves everything."""
    return result(attestation.set_up(session(device), certify, slot=slot, issuers=ISSUERS))


@pytest.mark.device(approve=True, apps=[caller()])
@pytest.mark.parametrize(("scheme", "call"), [(Scheme.CODE_HASH, SIGN), (Scheme.APP_KEY, SIGN_APP)])
def test_app_of_a_device_speaks_to_a_third_party(device: VirtualDevice, scheme: Scheme, call: int) -> None:
    """Set up in one run, what an app signs verifies with the whole chain, from issuer and from owner."""
    endorsement = made(device, int(scheme))
    device.open("caller")
    key = device.exchange(bytes([PUBLIC, int(scheme)])).data
    assert key == endorsement.key.public_key
    (app,) = device.board.system.session.registry.apps()
    signature = device.exchange(bytes([call]) + b"the count is 7").data
    said = Statement(scheme=scheme, code_hash=app.full_hash, message=b"the count is 7", signature=signature)
    require_all(
        [
            *endorsement_links(endorsement, ISSUERS),
            owner_link(key, endorsement.owner_certificate, OWNER.public_key),
            statement_link(key, said),
        ]
    )
    assert not statement_link(key, replace(said, message=b"the count is 8")).holds


@pytest.mark.device(approve=True)
def test_device_proves_who_it_is_to_a_challenge(device: VirtualDevice) -> None:
    """The handshake is of the challenge of whoever is to believe it, and of the device's issuer."""
    proof = result(attestation.attest(session(device), challenge=b"whatever"))
    require_all(handshake_links(proof, ISSUERS, challenge=b"whatever"))
    assert not handshake_links(proof, [VENDOR_ISSUER])[0].holds
    again = result(attestation.attest(session(device)))
    assert again.host_nonce != proof.host_nonce
    assert again.device == proof.device


def test_person_who_refuses_the_manager_shows_nothing(device: VirtualDevice) -> None:
    """Without the person's yes there is no certificate, and no key is made."""
    for action in (
        attestation.attest(session(device)),
        attestation.make_key(session(device), slot=1, issuers=ISSUERS),
    ):
        with pytest.raises(UserRefused):
            gestures(device, action, refuses=Gesture.ALLOW_MANAGER)
    assert not device.board.system.session.endorsement.has(1)


def test_replacement_is_the_persons(device: VirtualDevice) -> None:
    """A first key needs the manager's consent alone; a second one in its place is asked for, and a no keeps the first."""
    first = gestures(device, attestation.set_up(session(device), certify, slot=1, issuers=ISSUERS))
    assert first == [Gesture.ALLOW_MANAGER]
    keys = device.board.system.session.endorsement
    key = keys.public_key(1)
    with pytest.raises(UserRefused):
        gestures(
            device, attestation.set_up(session(device), certify, slot=1, issuers=ISSUERS), refuses=Gesture.REPLACE_KEY
        )
    assert keys.public_key(1) == key
    again = gestures(device, attestation.set_up(session(device), certify, slot=1, issuers=ISSUERS))
    assert again == [Gesture.ALLOW_MANAGER, Gesture.REPLACE_KEY]
    assert keys.public_key(1) != key


@pytest.mark.device(approve=True)
def test_two_runs_with_an_owner_elsewhere(device: VirtualDevice) -> None:
    """A key waits over a replug for the certificate of an owner who checked its chain; stored once, no key waits."""
    asked = result(attestation.make_key(session(device), slot=2, issuers=ISSUERS))
    assert not device.board.system.session.endorsement.has(2)
    device.replug()
    owner, certificate = certify(Endorsement.from_json(_json(asked)))
    certified = replace(asked, owner_public_key=owner, owner_certificate=certificate)
    result(attestation.store_certificate(session(device), certificate, endorsement=certified))
    assert device.board.system.session.endorsement.certificate(2) == certificate
    with pytest.raises(StatusError, match="no attestation key waits") as none:
        result(attestation.store_certificate(session(device), certificate, endorsement=certified))
    assert none.value.code == "wrong_state"


@pytest.mark.device(approve=True)
def test_certificate_that_does_not_hold_is_not_stored(device: VirtualDevice) -> None:
    """One by another owner than the document names is found out before the device is asked for anything."""
    asked = result(attestation.make_key(session(device), slot=1, issuers=ISSUERS))
    for wrong in (known_key("stranger").sign(owner_message(asked.key.public_key)), OWNER.sign(asked.message)):
        certified = replace(asked, owner_public_key=OWNER.public_key, owner_certificate=wrong)
        with pytest.raises(TrustError, match="owner_certificate"):
            result(attestation.store_certificate(session(device), wrong, endorsement=certified))
    assert not device.board.system.session.endorsement.has(1)


def test_certificate_for_another_device_is_not_stored(device_factory: Callable[..., VirtualDevice]) -> None:
    """A key was made on one device: its certificate does not get to the key that waits on another."""
    first, second = device_factory(approve=True), device_factory(approve=True)
    asked = result(attestation.make_key(session(first), slot=1, issuers=ISSUERS))
    result(attestation.make_key(session(second), slot=1, issuers=ISSUERS))
    owner, certificate = certify(asked)
    certified = replace(asked, owner_public_key=owner, owner_certificate=certificate)
    with pytest.raises(TrustError, match="another device"):
        result(attestation.store_certificate(session(second), certificate, endorsement=certified))
    assert not second.board.system.session.endorsement.has(1)


@pytest.mark.device(approve=True)
def test_device_of_an_unknown_issuer_gets_no_certificate(device: VirtualDevice) -> None:
    """The owner's part is never reached when no issuer that counts certified the device."""

    def never(asked: Endorsement) -> tuple[bytes, bytes]:
        raise AssertionError(asked)

    with pytest.raises(TrustError, match="unknown issuer"):
        result(attestation.set_up(session(device), never, slot=1, issuers=[VENDOR_ISSUER]))
    assert not device.board.system.session.endorsement.has(1)


def test_locked_device_says_so(device_factory: Callable[..., VirtualDevice]) -> None:
    """A locked device makes no key and proves nothing."""
    locked = device_factory(pin="4711")
    with pytest.raises(StatusError) as refused:
        result(attestation.attest(session(locked)))
    assert refused.value.code == "device_locked"


def _json(endorsement: Endorsement) -> bytes:
    return json.dumps(endorsement.to_document()).encode()
