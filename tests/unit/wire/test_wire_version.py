"""The answer to E0 01, held to what real devices said."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.model import MODELS
from tallystick.wire.version import (
    BootloaderInfo,
    OnboardingStep,
    SecureElementInfo,
    SeedType,
    StateFlag,
    VersionFlags,
    parse_version,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "wire.json").read_text())
SECURE_ELEMENTS = {sample["name"]: sample for sample in VECTORS["version"]}
BOOTLOADERS = {sample["name"]: sample for sample in VECTORS["bootloader"]}


def as_hex(number):
    """Return a target id as the vectors write it."""
    return None if number is None else f"{number:08x}"


@pytest.mark.parametrize("name", SECURE_ELEMENTS)
def test_real_secure_element_answers_both_ways(name):
    """Every field of a real answer is found, and the same bytes are written."""
    sample = SECURE_ELEMENTS[name]
    info = parse_version(bytes.fromhex(sample["hex"]))
    assert isinstance(info, SecureElementInfo)
    assert as_hex(info.target_id) == sample["target_id"]
    assert (info.version, info.flags.raw.hex(), info.mcu_version) == (sample["version"], sample["flags"], sample["mcu"])
    assert info.mcu_bootloader_version == sample["bootloader"]
    numbers = [info.hardware_version, info.language, info.recover_state, info.recovery_key_state]
    assert numbers == sample["numbers"]
    assert info.extra == b""
    assert info.is_osu is ("osu" in sample["version"])
    assert info.to_bytes().hex() == sample["hex"]


@pytest.mark.parametrize("name", BOOTLOADERS)
def test_real_bootloader_answers_both_ways(name):
    """Every field of a real bootloader's answer is found, and the same bytes are written."""
    sample = BOOTLOADERS[name]
    info = parse_version(bytes.fromhex(sample["hex"]))
    assert isinstance(info, BootloaderInfo)
    flags = None if info.flags is None else info.flags.raw.hex()
    assert (as_hex(info.target_id), info.version, flags) == (sample["target_id"], sample["version"], sample["flags"])
    assert (info.se_version, as_hex(info.se_target_id)) == (sample["se_version"], sample["se_target_id"])
    assert info.to_bytes().hex() == sample["hex"]


def test_an_old_bootloader_announces_longer_flags_than_it_sends():
    """The real answer of Nano S bootloader 0.9 is read as far as it goes (wire-protocol C.2)."""
    info = parse_version(bytes.fromhex("0100000103302e3908003000"))
    assert isinstance(info, BootloaderInfo)
    assert (info.version, info.flags) == ("0.9", VersionFlags(bytes.fromhex("003000")))


def test_flags_by_name():
    """E6 of a real Nano X: unlocked, with serial and certificate, onboarded, signed; set-up bytes have names too."""
    flags = VersionFlags(bytes.fromhex("e6000000"))
    expected = StateFlag.PIN_VALIDATED | StateFlag.HAS_MCU_SERIAL | StateFlag.HAS_CERTIFICATE
    expected |= StateFlag.ONBOARDED | StateFlag.MCU_CODE_SIGNED
    assert flags.state == expected
    built = VersionFlags.of(
        StateFlag.RECOVERY_MODE,
        endorsement=3,
        seed_type=SeedType.WORDS_12,
        word_index=11,
        step=OnboardingStep.RESTORE_SEED,
    )
    assert built.raw == bytes.fromhex("01034b09")
    assert (built.endorsement, built.seed_type, built.word_index) == (3, SeedType.WORDS_12, 11)
    assert built.step is OnboardingStep.RESTORE_SEED


def test_unknown_flag_values_are_none_and_short_flags_read_as_zero():
    """A newer device's step or an older one's short field does not stop a client."""
    flags = VersionFlags(bytes.fromhex("00007fff"))
    assert (flags.seed_type, flags.step, flags.word_index) == (None, None, 31)
    assert VersionFlags(b"").state == 0


def full(model, version):
    """Return an answer with every value given."""
    return SecureElementInfo(
        target_id=MODELS[model].target_id, version=version, flags=VersionFlags(), mcu_version="1.0", mcu_hash=bytes(32),
        mcu_bootloader_version="0.1", hardware_version=1, language=2, recover_state=3, recovery_key_state=4,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("model", "version", "fields"),
    [
        ("nanos", "1.6.1", ["mcu_hash"]),
        ("nanos", "2.1.0", ["mcu_bootloader_version"]),
        ("nanox", "1.3.0", []),
        ("nanox", "2.0.2", ["mcu_bootloader_version", "hardware_version"]),
        ("nanox", "2.1.0", ["mcu_bootloader_version", "hardware_version", "language", "recover_state"]),
        ("nanosp", "1.0.4", ["mcu_bootloader_version"]),
        ("nanosp", "1.1.0", ["mcu_bootloader_version", "language", "recover_state"]),
        ("stax", "1.6.2", ["mcu_bootloader_version", "language", "recover_state"]),
        ("stax", "1.7.0", ["mcu_bootloader_version", "language", "recover_state", "recovery_key_state"]),
        ("flex", "1.4.0-rc1", ["mcu_bootloader_version", "language", "recover_state", "recovery_key_state"]),
        ("apex_p", "1.0.0", ["mcu_bootloader_version", "language"]),
        ("nanox", "2.2.3-osu", []),
    ],
)
def test_each_model_and_version_sends_its_own_fields(model, version, fields):
    """The thresholds of wire-protocol C.2 decide what is sent."""
    info = SecureElementInfo.from_bytes(full(model, version).to_bytes())
    names = [
        "mcu_hash",
        "mcu_bootloader_version",
        "hardware_version",
        "language",
        "recover_state",
        "recovery_key_state",
    ]
    assert [name for name in names if getattr(info, name) is not None] == fields
    assert info.extra == b""


TEXTS = st.text("0123456789.-osurc", max_size=12)


@given(st.sampled_from(sorted(MODELS)), TEXTS, st.binary(max_size=6), TEXTS, st.integers(0, 255))
def test_what_was_read_is_written_alike(model, version, flags, mcu, number):
    """Whatever a device of any version answers, reading and writing it again gives the same bytes."""
    info = SecureElementInfo(
        target_id=MODELS[model].target_id, version=version, flags=VersionFlags(flags), mcu_version=mcu,
        mcu_bootloader_version=mcu, hardware_version=number, language=number, recover_state=number,
    )  # fmt: skip
    raw = info.to_bytes()
    assert SecureElementInfo.from_bytes(raw).to_bytes() == raw


def test_truncation_at_each_length_is_refused_or_a_shorter_answer():
    """A cut inside a field is 6700; a cut between the later fields is the answer of an older device."""
    raw = bytes.fromhex(SECURE_ELEMENTS["Nano X 2.2.3"]["hex"])
    whole = {20, 25, 27, 29}
    for size in range(len(raw)):
        if size in whole:
            assert parse_version(raw[:size]).to_bytes() == raw[:size]
            continue
        with pytest.raises(RemoteProtocolError) as caught:
            parse_version(raw[:size])
        assert caught.value.status == 0x6700


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 20, 21, 22, 24])
def test_a_bootloaders_answer_cut_inside_a_field_is_refused(size):
    """The flags alone may be shorter than announced."""
    with pytest.raises(RemoteProtocolError):
        parse_version(bytes.fromhex(BOOTLOADERS["Nano X bootloader 1.16"]["hex"])[:size])


def test_what_a_newer_device_adds_is_kept():
    """Bytes behind the last known field do not stop a host, and are not lost."""
    raw = bytes.fromhex(SECURE_ELEMENTS["Nano X 2.2.3"]["hex"]) + b"\x01\x07"
    info = parse_version(raw)
    assert info.extra == b"\x01\x07"
    assert info.to_bytes() == raw


@pytest.mark.parametrize("se_version", ["", "2.20"])
def test_a_secure_element_version_that_looks_like_a_target_id_is_a_local_error(se_version):
    """Under five letters nobody could tell the two apart."""
    info = BootloaderInfo(target_id=0x01000001, flags=VersionFlags(), se_version=se_version, se_target_id=0x33000004)
    with pytest.raises(LocalProtocolError):
        info.to_bytes()
