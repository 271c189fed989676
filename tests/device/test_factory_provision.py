"""A device out of its box becomes a factory's own, and the factory's manager is known to it: real keys, real commands."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.manager.hsm_stage import PROGRAM, soft_hsm

from tallystick.crypto.scp import Suite
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.errors import StatusError, TrustError
from tallystick.host.actions.provisioning import Provisioned, provision
from tallystick.host.actions.step import result
from tallystick.host.session import Session
from tallystick.manager.hsm.keyring import Keyring
from tallystick.manager.hsm.role import Realm
from tallystick.manager.provisioning.certify import Provisioner
from tallystick.manager.provisioning.record import FileRecord
from tallystick.testing import VirtualDevice
from tallystick.wire.channel import HostHandshake, OpenChannel

TARGET = 0x33100004


class _Rng:
    def read(self, size_bytes: int) -> bytes:
        return os.urandom(size_bytes)


@pytest.fixture(params=["file", "token"])
def keyring(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Keyring]:
    """Make test keys, in files and in a token."""
    if request.param == "file":
        yield Keyring.create(f"file:{tmp_path / 'keys'}", Realm.TEST)
        return
    if PROGRAM is None and not os.environ.get("CI"):
        pytest.skip("SoftHSM2 is not installed: scripts/hsm_setup")
    with soft_hsm(tmp_path, monkeypatch) as hsm, Keyring.create(hsm.make_token(), Realm.TEST) as keys:
        yield keys


def _provision(device: VirtualDevice, keyring: Keyring, record: Path) -> Provisioned:
    provisioner = Provisioner(keyring=keyring, record=FileRecord(record), realm=Realm.TEST)
    session = Session(device.transport(), clock=device.clock.now_s, pause=device.turn)
    return result(provision(session, provisioner.certify, entropy=os.urandom))


def _shake_hands(device: VirtualDevice, keyring: Keyring) -> tuple[OpenChannel, tuple[str, ...]]:
    """Open a channel as the manager of `keyring`; return it, and what the person was asked."""
    handshake = HostHandshake(
        target_id=TARGET,
        signer=keyring.signer,
        suite=Suite(rng=_Rng()),
        issuers=[keyring.issuer.public_key],
        chain=[keyring.signer_certificate],
    )
    steps: Generator[Any, bytes, OpenChannel] = handshake.run()
    apdu, asked = next(steps), ()
    while True:
        pending = device.send(apdu.to_bytes())
        if not pending.done:
            asked = tuple(device.user.approve())
        assert pending.response.ok, pending.response
        try:
            apdu = steps.send(pending.response.data)
        except StopIteration as end:
            return end.value, asked


def test_provisioned_device_is_genuine_and_knows_its_manager(keyring: Keyring, tmp_path: Path) -> None:
    """Keys in files or in a token: the certificate holds, the manager is not shown as unknown, the record has the device."""
    device = VirtualDevice(provisioned=False)
    done = _provision(device, keyring, tmp_path / "devices.jsonl")
    assert done.started.serial == device.serial
    opened, asked = _shake_hands(device, keyring)
    assert opened.genuine
    assert opened.signer_serial == keyring.signer_serial
    assert opened.device.header == done.finished.header
    assert opened.device.public_key == done.started.device_public_key
    assert asked
    assert "nknown" not in repr(asked)
    assert device.serial in (tmp_path / "devices.jsonl").read_text()


def test_certificate_is_given_once_and_stays_through_reset_of_power(keyring: Keyring, tmp_path: Path) -> None:
    """A second time is a wrong state, also after the device was off; its certificate is the one it had."""
    flash = MemoryFlash()
    device = VirtualDevice(flash=flash, provisioned=False)
    done = _provision(device, keyring, tmp_path / "devices.jsonl")
    with pytest.raises(StatusError) as refused:
        _provision(device, keyring, tmp_path / "devices.jsonl")
    assert refused.value.code == "wrong_state"
    device.close()
    again = VirtualDevice(flash=flash, provisioned=False)
    with pytest.raises(StatusError):
        _provision(again, keyring, tmp_path / "devices.jsonl")
    opened, _ = _shake_hands(again, keyring)
    assert opened.device.signature == done.finished.issuer_signature


def test_certificate_that_was_changed_is_refused_and_the_right_one_taken_after(tmp_path: Path) -> None:
    """A factory that signs for another key gets 6982, nothing is stored, and the device can still be provisioned."""
    keyring = Keyring.create(f"file:{tmp_path / 'keys'}", Realm.TEST)
    stranger = Keyring.create(f"file:{tmp_path / 'other'}", Realm.TEST)
    device = VirtualDevice(provisioned=False)
    provisioner = Provisioner(keyring=keyring, record=FileRecord(tmp_path / "devices.jsonl"), realm=Realm.TEST)

    def mixed(start, started):
        good = provisioner.certify(start, started)
        return dataclasses.replace(good, issuer_public_key=stranger.issuer.public_key)

    session = Session(device.transport(), clock=device.clock.now_s, pause=device.turn)
    with pytest.raises(TrustError):
        result(provision(session, mixed, entropy=os.urandom))
    _provision(device, keyring, tmp_path / "devices.jsonl")
    assert _shake_hands(device, keyring)[0].genuine


def test_device_of_another_factory_refuses_the_manager_unasked(tmp_path: Path) -> None:
    """Test and production, or two factories: a certificate by the wrong issuer is refused, and the person is not bothered."""
    ours = Keyring.create(f"file:{tmp_path / 'ours'}", Realm.TEST)
    theirs = Keyring.create(f"file:{tmp_path / 'theirs'}", Realm.TEST)
    device = VirtualDevice(provisioned=False)
    _provision(device, theirs, tmp_path / "devices.jsonl")
    handshake = HostHandshake(
        target_id=TARGET,
        signer=ours.signer,
        suite=Suite(rng=_Rng()),
        issuers=[ours.issuer.public_key],
        chain=[ours.signer_certificate],
    )
    steps = handshake.run()
    answer = device.exchange(next(steps).to_bytes())
    for _ in range(2):
        answer = device.exchange(steps.send(answer.data).to_bytes())
    assert answer.status == 0x6982
