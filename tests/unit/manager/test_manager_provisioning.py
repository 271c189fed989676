"""The factory's side: what is checked before the issuer signs, and that a device is recorded once and before."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from factory_device import FactoryDevice

from tallystick.crypto import secp256k1
from tallystick.errors import StateCorrupt, StateError, TrustError, UsageError
from tallystick.manager.hsm.keyring import Keyring
from tallystick.manager.hsm.role import Realm
from tallystick.manager.provisioning.certify import Provisioner
from tallystick.manager.provisioning.record import FileRecord, ProvisionedDevice
from tallystick.wire.provisioning import StartedProvisioning, StartProvisioning

START = StartProvisioning(challenge=bytes(range(32)))


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    """Make test keys in files."""
    return Keyring.create(f"file:{tmp_path / 'keys'}", Realm.TEST)


@pytest.fixture
def record(tmp_path: Path) -> FileRecord:
    """Give a new record, with a clock that stands still."""
    return FileRecord(tmp_path / "devices.jsonl", clock=lambda: datetime(2026, 1, 2, tzinfo=UTC))


def _started(device: FactoryDevice, start: StartProvisioning = START) -> StartedProvisioning:
    return StartedProvisioning.from_bytes(device.answer(start.to_apdu().to_bytes())[:-2])


def _device(number: int = 0, *, issuer: int = 9) -> ProvisionedDevice:
    keys = [secp256k1.public_key(bytes((one,)) * 32, compressed=False) for one in (number + 1, issuer)]
    return ProvisionedDevice(serial=f"tallystick-{number:08x}", device_public_key=keys[0], issuer_public_key=keys[1])


def test_certificate_is_what_the_reference_says(keyring: Keyring, record: FileRecord) -> None:
    """The issuer signs 02, the header of ten and six bytes of serial, and the device's key; the device gets both keys."""
    device = FactoryDevice()
    provisioner = Provisioner(keyring=keyring, record=record, realm=Realm.TEST)
    finished = provisioner.certify(START, _started(device))
    assert finished.header == bytes.fromhex("1000000badcafe")
    digest = hashlib.sha256(b"\x02" + finished.header + device.public).digest()
    assert secp256k1.verify_ecdsa_der(keyring.issuer.public_key, digest, finished.issuer_signature)
    assert finished.issuer_public_key == keyring.issuer.public_key
    assert finished.software_public_key == keyring.software.public_key
    assert finished.signer_serial == keyring.signer_serial
    assert device.answer(finished.to_apdu().to_bytes()) == b"\x90\x00"


def test_device_is_recorded_before_it_is_signed_for(keyring: Keyring, record: FileRecord, tmp_path: Path) -> None:
    """A certificate that is not on record does not exist, and that the device took it is noted after."""
    provisioner = Provisioner(keyring=keyring, record=record, realm=Realm.TEST)
    device = FactoryDevice()
    provisioner.certify(START, _started(device))
    provisioner.certify(START, _started(device))
    provisioner.confirm(device.serial)
    lines = [json.loads(line) for line in (tmp_path / "devices.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["reserved", "confirmed"]
    assert {line["serial"] for line in lines} == {device.serial}
    assert {line["device"] for line in lines} == {device.public.hex()}
    assert {line["at"] for line in lines} == {"2026-01-02T00:00:00+00:00"}
    assert (tmp_path / "devices.jsonl").stat().st_mode & 0o777 == 0o600


def test_device_without_its_private_key_gets_nothing(keyring: Keyring, record: FileRecord, tmp_path: Path) -> None:
    """A key copied from elsewhere, and an answer to another challenge, are refused before anything is recorded."""
    provisioner = Provisioner(keyring=keyring, record=record, realm=Realm.TEST)
    impostor = FactoryDevice()
    impostor.proof_key = b"\x01" * 32
    with pytest.raises(TrustError, match="did not prove"):
        provisioner.certify(START, _started(impostor))
    replayed = _started(FactoryDevice(), StartProvisioning(challenge=bytes(32)))
    with pytest.raises(TrustError, match="did not prove"):
        provisioner.certify(START, replayed)
    assert (tmp_path / "devices.jsonl").read_bytes() == b""


def test_device_with_impossible_key_or_serial_number_gets_nothing(keyring: Keyring, record: FileRecord) -> None:
    """A point off the curve, and a serial number without six bytes in it, are refused."""
    provisioner = Provisioner(keyring=keyring, record=record, realm=Realm.TEST)
    good = _started(FactoryDevice())
    off_curve = StartedProvisioning(serial=good.serial, device_public_key=b"\x04" + b"\x01" * 64, proof=good.proof)
    with pytest.raises(TrustError, match="not a point"):
        provisioner.certify(START, off_curve)
    with pytest.raises(TrustError, match="no serial number"):
        provisioner.certify(START, _started(FactoryDevice(serial="tallystick")))


def test_serial_number_and_key_belong_together_for_ever(keyring: Keyring, record: FileRecord) -> None:
    """A second device with the same serial number, and the same device with another one, are refused."""
    provisioner = Provisioner(keyring=keyring, record=record, realm=Realm.TEST)
    provisioner.certify(START, _started(FactoryDevice()))
    with pytest.raises(UsageError, match="another key"):
        provisioner.certify(START, _started(FactoryDevice(key=b"\x2b" * 32)))
    with pytest.raises(UsageError, match="another serial number"):
        provisioner.certify(START, _started(FactoryDevice(serial="tallystick-0000beef")))
    provisioner.certify(START, _started(FactoryDevice(serial="tallystick-0000beef", key=b"\x2b" * 32)))


def test_realms_do_not_mix(keyring: Keyring, record: FileRecord, tmp_path: Path) -> None:
    """Neither keys of another realm than meant, nor a record of one realm with keys of the other."""
    with pytest.raises(TrustError, match="belong to the test realm"):
        Provisioner(keyring=keyring, record=record, realm=Realm.PRODUCTION)
    Provisioner(keyring=keyring, record=record, realm=Realm.TEST).certify(START, _started(FactoryDevice()))
    other = Keyring.create(f"file:{tmp_path / 'other'}", Realm.PRODUCTION, allow_production_file=True)
    with pytest.raises(TrustError, match="recorded"):
        Provisioner(keyring=other, record=record, realm=Realm.PRODUCTION)


# --------------------------------------------------------------------------------------------------------------- record


def test_record_whose_last_line_was_cut_off_goes_on(tmp_path: Path) -> None:
    """What a power cut left of a line is taken away, wherever it was cut; what was whole stays."""
    path = tmp_path / "devices.jsonl"
    record = FileRecord(path)
    record.require_realm(Realm.TEST)
    record.reserve(_device(0))
    first = path.read_bytes()
    record.reserve(_device(1))
    both = path.read_bytes()
    for size in range(len(first), len(both), 11):
        path.write_bytes(both[:size])
        record.reserve(_device(2))
        lines = path.read_bytes().splitlines()
        assert lines[0] + b"\n" == first
        assert [json.loads(line)["serial"] for line in lines] == ["tallystick-00000000", "tallystick-00000002"]


@pytest.mark.parametrize(
    "damage", [b"{}\n", b"nonsense\n", b'{"event":"reserved"}\n', b"[" * 200_000 + b"\n", b"\xff\n"], ids=range(5)
)
def test_damaged_record_is_refused(tmp_path: Path, damage: bytes) -> None:
    """A line that is not one of ours is not skipped: it might be the device that is asked about."""
    path = tmp_path / "devices.jsonl"
    path.write_bytes(damage)
    with pytest.raises(StateCorrupt):
        FileRecord(path).require_realm(Realm.TEST)


def test_record_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    """A folder in its place, and no folder at all, are errors with the path in them."""
    for path in (tmp_path, tmp_path / "none" / "devices.jsonl"):
        with pytest.raises(StateError):
            FileRecord(path).require_realm(Realm.TEST)


def test_record_is_used_in_order(tmp_path: Path) -> None:
    """The realm comes first, and only what was reserved is confirmed."""
    record = FileRecord(tmp_path / "devices.jsonl")
    with pytest.raises(UsageError, match="realm"):
        record.reserve(_device())
    record.require_realm(Realm.TEST)
    with pytest.raises(UsageError, match="not on record"):
        record.confirm("tallystick-00000000")


def test_two_stations_do_not_give_one_serial_number_twice(tmp_path: Path) -> None:
    """Many at once on one file: every device is there once, and of two with one serial number one wins."""
    path = tmp_path / "devices.jsonl"

    def reserve(number: int) -> bool:
        record = FileRecord(path)
        record.require_realm(Realm.TEST)
        twin = _device(number // 2)
        key = secp256k1.public_key(bytes((100 + number,)) * 32, compressed=False)
        device = ProvisionedDevice(serial=twin.serial, device_public_key=key, issuer_public_key=twin.issuer_public_key)
        try:
            record.reserve(device)
        except UsageError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(reserve, range(40)))
    assert [won[at] + won[at + 1] for at in range(0, 40, 2)] == [1] * 20
    assert len(path.read_text().splitlines()) == 20


def test_device_certified_by_a_second_issuer_is_on_record_for_both(tmp_path: Path) -> None:
    """The same device, not finished by the first issuer, may be signed for by another, and both are seen."""
    path = tmp_path / "devices.jsonl"
    record = FileRecord(path)
    record.require_realm(Realm.TEST)
    record.reserve(_device(0, issuer=9))
    record.reserve(_device(0, issuer=10))
    record.reserve(_device(0, issuer=9))
    assert len(path.read_text().splitlines()) == 2
