"""The system calls about attestation keys, made by apps on a whole device."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from channel_stage import AUTHORITY, STRANGER, Manager, Refused, image_of
from endorsement_stage import (
    CERTIFICATE,
    FAILED,
    HASH,
    METADATA,
    PUBLIC,
    SECRET,
    SIGN,
    SIGN_APP,
    SIGN_BARE,
    SOFTWARE,
    caller,
    certificate,
    install,
    set_up,
)
from os_stage import PIN, app

from tallystick.crypto import endorsement
from tallystick.crypto.hash import sha256
from tallystick.crypto.secp256k1 import verify_ecdsa_der
from tallystick.crypto.secret import Secret
from tallystick.device.os.endorsement_call import EndorsementCaller
from tallystick.device.os.registry import InstalledApp
from tallystick.device.secure.endorsement import EndorsementKeys, _Contents, _Pair
from tallystick.testing.device import VirtualDevice
from tallystick.wire.image import AppFlag, AppImage, CreateApp
from tallystick.wire.install import InstallParameters
from tallystick.wire.loader import SetupCustomCertificate
from tallystick.wire.syscall import (
    MAX_ENDORSED,
    CallStatus,
    EndorsementAppSecret,
    EndorsementCertificate,
    EndorsementDeriveAndSign,
    EndorsementMetadata,
    EndorsementPublicKey,
    EndorsementSign,
    EndorsementSignWithoutCodeHash,
    Outcome,
)

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "attestation.json").read_text())
MESSAGE = b"hello attestation"
ASKING = "sign_without_code_hash"


def ask(device: VirtualDevice, number: int, data: bytes = b"") -> bytes:
    """Have the open app make a call that must succeed."""
    answer = device.exchange(bytes((number,)) + data)
    assert answer.ok, f"{answer.status:04X} {answer.data.hex()}"
    return answer.data


def failure(device: VirtualDevice, number: int, data: bytes = b"") -> tuple[CallStatus, int]:
    """Have the open app make a call that must fail; return how."""
    answer = device.exchange(bytes((number,)) + data)
    assert answer.status == FAILED
    return CallStatus(answer.data[0]), int.from_bytes(answer.data[1:], "big")


def installed(device: VirtualDevice, name: str = "Caller") -> InstalledApp:
    """Return the app as the device has it."""
    found = device.board.system.session.registry.find(name)
    assert found is not None
    return found


@pytest.fixture
def ready(device_factory: Callable[..., VirtualDevice]) -> VirtualDevice:
    """Return a device with both keys and the calling app open."""
    device = device_factory(apps=[caller()])
    set_up(device, 1, 2)
    device.open("Caller")
    return device


def test_schemes_hold_for_the_hash_of_the_app(ready: VirtualDevice) -> None:
    """An app learns keys, certificates and its own hash; what it has signed holds for that hash under those keys."""
    code_hash = ask(ready, HASH)
    assert code_hash == installed(ready).full_hash
    first, second = ask(ready, PUBLIC, b"\x01"), ask(ready, PUBLIC, b"\x02")
    assert ask(ready, CERTIFICATE, b"\x01") == certificate(first)
    assert ask(ready, CERTIFICATE, b"\x02") == certificate(second)
    one, two = ask(ready, SIGN, MESSAGE), ask(ready, SIGN_APP, MESSAGE)
    assert endorsement.verify_with_code_hash(first, MESSAGE, code_hash, signature=one)
    assert endorsement.verify_app_key(second, MESSAGE, code_hash, signature=two)
    assert not endorsement.verify_app_key(second, MESSAGE, sha256(b"another"), signature=two)


def test_empty_message_is_signed(ready: VirtualDevice) -> None:
    """A message may be empty: the hash behind it has a fixed length."""
    signature = ask(ready, SIGN)
    assert verify_ecdsa_der(ask(ready, PUBLIC, b"\x01"), sha256(ask(ready, HASH)), signature)


def test_old_and_current_names_are_the_same_calls(ready: VirtualDevice) -> None:
    """The names of newer SDKs give what the older ones give."""
    assert ask(ready, 0x12, b"\x01") == ask(ready, CERTIFICATE, b"\x01")
    assert ask(ready, 0x17, MESSAGE) == ask(ready, SIGN_APP, MESSAGE)


def test_secret_is_the_app_s_alone_and_changes_with_the_key(device_factory: Callable[..., VirtualDevice]) -> None:
    """Two apps have different secrets, an app has the same after a replug, and another key 1 makes it another."""
    device = device_factory(apps=[caller(), caller("Other")])
    set_up(device, 1)
    device.open("Caller")
    mine = ask(device, SECRET)
    device.open("Other")
    assert len(mine) == endorsement.APP_SECRET_BYTES
    assert ask(device, SECRET) != mine
    device.replug()
    device.open("Caller")
    assert ask(device, SECRET) == mine
    device.replug()
    set_up(device, 1)
    device.open("Caller")
    assert ask(device, SECRET) != mine


def test_metadata_counts_the_keys_of_a_slot(device_factory: Callable[..., VirtualDevice]) -> None:
    """The metadata of a slot is how many keys it has seen: none, one, two; the other slot has its own count."""
    device = device_factory(apps=[caller()])
    for seen in range(3):
        device.open("Caller")
        assert ask(device, METADATA, b"\x02") == seen.to_bytes(8, "big")
        assert ask(device, METADATA, b"\x01") == bytes(8)
        device.replug()
        set_up(device, 2)


def test_calls_without_keys_say_so(device_factory: Callable[..., VirtualDevice]) -> None:
    """Without keys only the hash is known; every other call is EMPTY with the word of its own."""
    device = device_factory(apps=[caller()])
    device.open("Caller")
    assert ask(device, HASH) == installed(device).full_hash
    words = {PUBLIC: 0x4103, CERTIFICATE: 0x4104, SECRET: 0x4105, SIGN: 0x4106, SIGN_APP: 0x4107}
    for number, word in words.items():
        assert failure(device, number, b"\x01") == (CallStatus.EMPTY, word)


def test_staged_key_is_of_no_use_to_an_app(device_factory: Callable[..., VirtualDevice]) -> None:
    """A pair without its certificate signs nothing, and its public key is not told."""
    device = device_factory(apps=[caller()])
    device.board.system.session.endorsement.stage(1)
    device.open("Caller")
    for number in (PUBLIC, CERTIFICATE, SECRET, SIGN):
        assert failure(device, number, b"\x01")[0] is CallStatus.EMPTY


@pytest.mark.parametrize("slot", [0, 3, 255])
def test_slots_there_are_not(ready: VirtualDevice, slot: int) -> None:
    """Another slot than 1 and 2 is a bad argument, with the word of each call."""
    for number, word in {PUBLIC: 0x4209, CERTIFICATE: 0x420A, METADATA: 0x4225}.items():
        assert failure(ready, number, bytes((slot,))) == (CallStatus.BAD_ARGUMENT, word)


def test_damaged_record_is_told(ready: VirtualDevice) -> None:
    """With a record that was changed every call about keys is DAMAGED, with the word of its own."""
    raw = bytearray(ready.flash.read("endorsement") or b"")
    raw[40] ^= 1
    ready.flash.write("endorsement", bytes(raw))
    words = {PUBLIC: 0x5218, CERTIFICATE: 0x5219, SECRET: 0x521A, SIGN: 0x521B, SIGN_APP: 0x521C, METADATA: 0x5222}
    for number, word in words.items():
        assert failure(ready, number, b"\x01") == (CallStatus.DAMAGED, word)


def test_message_has_a_largest_size(ready: VirtualDevice) -> None:
    """16 KiB are signed, one byte more is a bad argument, whatever way the app was started."""
    session, caller_ = ready.board.system.session, installed(ready)
    calls = EndorsementCaller(session.endorsement)
    for kind in (EndorsementSign, EndorsementDeriveAndSign):
        assert calls.handle(caller_, kind(bytes(MAX_ENDORSED))).status is CallStatus.OK
        assert calls.handle(caller_, kind(bytes(MAX_ENDORSED + 1))) == Outcome(CallStatus.BAD_ARGUMENT)


def test_locked_device_gives_nothing(device_factory: Callable[..., VirtualDevice]) -> None:
    """With the lock the keys are out of reach: each call is LOCKED, the code hash too."""
    device = device_factory(pin=PIN, apps=[caller()])
    device.user.enter_pin(PIN)
    set_up(device, 1, 2)
    session, found = device.board.system.session, installed(device)
    session.keychain.clear()
    calls = EndorsementCaller(session.endorsement)
    for request in (
        EndorsementPublicKey(1),
        EndorsementCertificate(1),
        EndorsementMetadata(1),
        EndorsementAppSecret(),
        EndorsementSign(b""),
        EndorsementDeriveAndSign(b""),
    ):
        assert calls.handle(found, request) == Outcome(CallStatus.LOCKED)


def test_app_that_lets_the_error_pass_answers_6985(device_factory: Callable[..., VirtualDevice]) -> None:
    """An app that does not look at the status answers as one whose conditions are not met."""
    device = device_factory(apps=[app("return await self.os.endorsement_key1_sign_data(raw)")])
    device.open("Probe")
    assert device.exchange(b"\x80\x00\x00\x00").status == 0x6985


def test_values_no_codec_has_seen_end_the_app_or_are_refused(device_factory: Callable[..., VirtualDevice]) -> None:
    """Text for a message, or a word for a slot, gives the app nothing, and the device lives."""
    for line in ("endorsement_key1_sign_data('text')", "endorsement_get_public_key('one')"):
        device = device_factory(apps=[app(f"return await self.os.{line}")])
        set_up(device, 1)
        device.open("Probe")
        assert not device.exchange(b"\x80\x00\x00\x00").ok
        device.replug()
        assert device.status["app"] is None


# signing without the code hash


def test_app_may_not_sign_without_its_hash(ready: VirtualDevice) -> None:
    """An app that nobody allowed it is NOT_PERMITTED, whatever it would sign."""
    assert failure(ready, SIGN_BARE, MESSAGE) == (CallStatus.NOT_PERMITTED, 0)


def test_app_of_a_start_option_is_never_allowed(device_factory: Callable[..., VirtualDevice]) -> None:
    """An app that asks for it in its manifest, and that no person installed, does not have it."""
    device = device_factory(apps=[caller("Caller", ASKING)])
    set_up(device, 1)
    device.open("Caller")
    assert not installed(device).flags & AppFlag.SIGN_WITHOUT_CODE_HASH
    assert failure(device, SIGN_BARE, MESSAGE)[0] is CallStatus.NOT_PERMITTED


def test_person_allows_it_at_install(device_factory: Callable[..., VirtualDevice]) -> None:
    """A manager of the issuer asks about this one app only; after a yes the app signs for anybody, replugged too."""
    device = device_factory(apps=())
    made = set_up(device, 1)
    manager = install(device, caller("Caller", ASKING))
    assert len(manager.asked) == 2  # the manager itself, and the app
    device.replug()
    device.open("Caller")
    signature = ask(device, SIGN_BARE, MESSAGE)
    assert verify_ecdsa_der(made[1], sha256(MESSAGE), signature)
    victim = sha256(b"another app")
    forged = ask(device, SIGN_BARE, MESSAGE + victim)
    assert endorsement.verify_with_code_hash(made[1], MESSAGE, victim, signature=forged)


def test_question_says_what_is_allowed(device_factory: Callable[..., VirtualDevice]) -> None:
    """The review of such an app says what it may do; a no installs nothing."""
    device = device_factory(apps=())
    manager = Manager(device)
    manager.open()
    image = image_of(caller("Caller", ASKING))
    shown: list[str] = []
    manager.decide = lambda pending, *, agree: _read(device, pending, shown)  # type: ignore[method-assign]
    with pytest.raises(Refused) as refused:
        manager.install(image, signed_by=SOFTWARE)
    assert refused.value.status == 0x6985
    assert "in the name of any app" in " ".join(shown)
    assert device.board.system.session.registry.find("Caller") is None


def _read(device: VirtualDevice, pending: object, shown: list[str]) -> None:
    if not pending.done:  # type: ignore[attr-defined]
        pages = device.user.reject()
        shown.extend(f"{page.title} {page.value}" for page in pages)


def test_ordinary_app_is_not_asked_about(device_factory: Callable[..., VirtualDevice]) -> None:
    """An app that does not ask for it is installed by the issuer's manager without a question, as ever."""
    device = device_factory(apps=())
    manager = install(device, caller())
    assert len(manager.asked) == 1
    assert not installed(device).flags & AppFlag.SIGN_WITHOUT_CODE_HASH


@pytest.mark.parametrize("signed", [True, False])
def test_stranger_s_app_does_not_get_it(device_factory: Callable[..., VirtualDevice], *, signed: bool) -> None:
    """What nobody signed, or only the stranger who brings it, is installed if the person likes, and without this."""
    device = device_factory(apps=())
    manager = Manager(device, signer=STRANGER)
    manager.open()
    manager.install(image_of(caller("Caller", ASKING)), signed_by=STRANGER if signed else None)
    assert not installed(device).flags & AppFlag.SIGN_WITHOUT_CODE_HASH


def test_owner_s_authority_may_give_it(device_factory: Callable[..., VirtualDevice]) -> None:
    """What the owner's own authority signed may have it, and is asked about."""
    device = device_factory(apps=())
    manager = Manager(device)
    manager.open()
    manager.send(SetupCustomCertificate(name="Me", public_key=AUTHORITY.public_key).to_bytes())
    second = Manager(device, signer=AUTHORITY)
    second.open()
    second.install(image_of(caller("Caller", ASKING)), signed_by=AUTHORITY)
    assert len(second.asked) == 2
    assert installed(device).flags & AppFlag.SIGN_WITHOUT_CODE_HASH


def test_flag_of_the_host_alone_is_nothing(device_factory: Callable[..., VirtualDevice]) -> None:
    """A host that sets the flag on an app that was signed without it breaks the signature."""
    device = device_factory(apps=())
    manager = Manager(device)
    manager.open()
    plain = image_of(caller())
    claimed = dataclasses.replace(
        plain, create=dataclasses.replace(plain.create, flags=plain.create.flags | AppFlag.SIGN_WITHOUT_CODE_HASH)
    )
    assert claimed.full_hash(0x33100004, "1.1.1") != plain.full_hash(0x33100004, "1.1.1")
    with pytest.raises(Refused) as refused:
        manager.install(claimed, signed_by=None)
    assert refused.value.status == 0x5720


# the published vectors


def test_calls_give_the_published_bytes(device: VirtualDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the keys and the app of the vectors every call gives the published bytes, and the full hash is the published one."""
    vectors, sample = VECTORS["keys"], VECTORS["app"]
    memory = bytes(range(256)) * 2
    create = CreateApp.from_bytes(bytes.fromhex(sample["create"]))
    code, rest = memory[: create.code_length], memory[create.code_length :]
    image = AppImage(create=create, code=code, data=rest[: create.data_length], parameters=rest[create.data_length :])
    assert image.full_hash(int(sample["target_id"], 16), sample["os_version"]).hex() == sample["code_hash"]
    session = device.board.system.session
    measured = session.registry.measure(_with_parameters(image), AppFlag(0))
    record = dataclasses.replace(measured.record, full_hash=bytes.fromhex(sample["code_hash"]))
    found = dataclasses.replace(measured, record=record)
    slots = tuple(
        _Pair(private=Secret(bytes.fromhex(vectors[f"attestation_{slot}_private"])), certificate=b"c")
        for slot in (1, 2)
    )
    monkeypatch.setattr(EndorsementKeys, "_read", lambda _self: _Contents(slots=slots, commits=(1, 1)))
    calls, message = EndorsementCaller(session.endorsement), bytes.fromhex(sample["message"])
    allowed = dataclasses.replace(
        found, record=dataclasses.replace(record, flags=record.flags | AppFlag.SIGN_WITHOUT_CODE_HASH)
    )
    for request, by, expected in (
        (EndorsementPublicKey(1), found, vectors["attestation_1_public"]),
        (EndorsementPublicKey(2), found, vectors["attestation_2_public"]),
        (EndorsementAppSecret(), found, sample["key1_app_secret"]),
        (EndorsementSign(message), found, sample["key1_sign_data"]),
        (EndorsementSignWithoutCodeHash(message), allowed, sample["key1_sign_without_code_hash"]),
        (EndorsementDeriveAndSign(message), found, sample["key2_derive_sign_data"]),
    ):
        assert calls.handle(by, request).value.hex() == expected


def _with_parameters(image: AppImage) -> AppImage:
    """Return an app with install parameters that can be read: those of the vectors are numbers in a row."""
    parameters = InstallParameters(name="Vector", version="1").to_bytes()
    create = dataclasses.replace(image.create, parameters_length=len(parameters))
    return dataclasses.replace(image, create=create, parameters=parameters)
