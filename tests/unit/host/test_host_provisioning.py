"""Provisioning from the host's side: the order of things, and what each refusal means."""

from __future__ import annotations

import pytest
from factory_device import FactoryDevice

from tallystick.crypto import secp256k1
from tallystick.crypto.hash import sha256
from tallystick.errors import RemoteProtocolError, StatusError, TrustError
from tallystick.host.actions.provisioning import provision
from tallystick.host.actions.step import Progress, result
from tallystick.host.session import Session
from tallystick.host.transport.base import Direct
from tallystick.wire.provisioning import FinishProvisioning, StartedProvisioning, StartProvisioning, certificate_header

ISSUER = b"\x31" * 32
PUBLIC = secp256k1.public_key(ISSUER, compressed=False)


def _certify(_start: StartProvisioning, started: StartedProvisioning) -> FinishProvisioning:
    header = certificate_header(started.serial)
    return FinishProvisioning(
        header=header,
        issuer_signature=secp256k1.sign_ecdsa_der(ISSUER, sha256(b"\x02" + header + started.device_public_key)),
        signer_serial=bytes(4),
        issuer_public_key=PUBLIC,
        software_public_key=PUBLIC,
    )


def _session(device: FactoryDevice) -> Session:
    return Session(Direct(device.answer))


def test_device_is_provisioned_with_progress() -> None:
    """START with a challenge of 32 new bytes, the issuer, FINISH; every step is told."""
    device, steps = FactoryDevice(), []
    done = result(provision(_session(device), _certify, entropy=bytes), on_step=steps.append)
    assert done.started.serial == device.serial
    assert device.finish == done.finished.to_bytes()
    assert [apdu[:4].hex() for apdu in device.log] == ["e0f00000", "e0f20000"]
    assert device.log[0][5:] == bytes(32)
    assert [step.step for step in steps if isinstance(step, Progress)] == [
        "starting",
        "certifying",
        "finishing",
        "provisioned",
    ]


def test_second_time_is_a_wrong_state() -> None:
    """A device that knows the commands no more has a certificate, and is not asked for anything else."""
    device = FactoryDevice()
    result(provision(_session(device), _certify, entropy=bytes))
    with pytest.raises(StatusError, match="already") as refused:
        result(provision(_session(device), _certify, entropy=bytes))
    assert refused.value.code == "wrong_state"
    assert refused.value.status == 0x6D00


def test_certificate_that_does_not_hold_is_not_trusted() -> None:
    """6982 to FINISH means the signature, not the lock; the device can be provisioned again afterwards."""
    device = FactoryDevice()

    def wrong(start: StartProvisioning, started: StartedProvisioning) -> FinishProvisioning:
        good = _certify(start, started)
        return FinishProvisioning(
            header=bytes(7),
            issuer_signature=good.issuer_signature,
            signer_serial=good.signer_serial,
            issuer_public_key=PUBLIC,
            software_public_key=PUBLIC,
        )

    with pytest.raises(TrustError, match="does not accept"):
        result(provision(_session(device), wrong, entropy=bytes))
    result(provision(_session(device), _certify, entropy=bytes))


def test_refusal_of_the_issuer_ends_it_before_the_device_hears_of_it() -> None:
    """What the issuer raises comes out as it is, and no FINISH is sent."""
    device = FactoryDevice()

    def refuse(_start: StartProvisioning, _started: StartedProvisioning) -> FinishProvisioning:
        raise TrustError("no")

    with pytest.raises(TrustError, match="no"):
        result(provision(_session(device), refuse, entropy=bytes))
    assert len(device.log) == 1


@pytest.mark.parametrize(("ins", "status"), [(0xF0, "5515"), (0xF0, "6985"), (0xF2, "6985"), (0xF2, "6700")])
def test_other_status_words_keep_their_meaning(ins: int, status: str) -> None:
    """A lock is a lock, and anything else what it always is."""
    device = FactoryDevice()
    device.forced[ins] = bytes.fromhex(status)
    with pytest.raises(StatusError) as refused:
        result(provision(_session(device), _certify, entropy=bytes))
    assert f"{refused.value.status:04x}" == status


@pytest.mark.parametrize(("ins", "answer"), [(0xF0, "9000"), (0xF0, "0100419000"), (0xF2, "009000")])
def test_answer_that_makes_no_sense_is_refused(ins: int, answer: str) -> None:
    """A device that says something else than the protocol is not provisioned with it."""
    device = FactoryDevice()
    device.forced[ins] = bytes.fromhex(answer)
    with pytest.raises(RemoteProtocolError):
        result(provision(_session(device), _certify, entropy=bytes))
