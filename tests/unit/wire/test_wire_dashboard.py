"""The dashboard's messages and the list of apps."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.dashboard import (
    AppAndVersion,
    AppListEntry,
    BatteryFlag,
    BatteryQuery,
    CommonIns,
    HostOnboarding,
    Ins,
    MemoryInfo,
    decode_app_list,
    decode_app_name,
    decode_battery,
    decode_device_name,
    encode_app_list,
    encode_app_name,
    encode_battery,
    encode_device_name,
    request,
)

SAMPLES = {
    sample["name"]: sample
    for sample in json.loads((Path(__file__).parents[2] / "vectors" / "wire.json").read_text())["app_and_version"]
}
U32 = st.integers(0, 0xFFFFFFFF)


def test_requests_carry_their_class():
    """Instructions know whether they are E0 or B0."""
    assert request(CommonIns.APP_AND_VERSION).to_bytes() == bytes.fromhex("b001000000")
    assert request(Ins.BATTERY, 0, 4).to_bytes() == bytes.fromhex("e010000400")
    assert request(Ins.OPEN_APP, data=b"Cosmos").to_bytes() == bytes.fromhex("e0d8000006") + b"Cosmos"


@pytest.mark.parametrize("name", SAMPLES)
def test_app_and_version_samples_both_ways(name):
    """The published answers to B0 01."""
    sample = SAMPLES[name]
    raw = bytes.fromhex(sample["hex"])
    message = AppAndVersion(name=sample["app"], version=sample["version"], flags=bytes.fromhex(sample["flags"]))
    assert AppAndVersion.from_bytes(raw) == message
    assert message.to_bytes() == raw
    assert message.is_dashboard is (sample["app"] == "BOLOS")


@given(st.text(max_size=20), st.text(max_size=20), st.none() | st.binary(max_size=4))
def test_app_and_version_round_trip(name, version, flags):
    """Any name and version survive, with and without flags."""
    message = AppAndVersion(name=name, version=version, flags=flags)
    assert AppAndVersion.from_bytes(message.to_bytes()) == message


def test_app_and_version_truncated_or_too_long_is_refused():
    """Only the flags may be absent as a whole."""
    raw = bytes.fromhex(SAMPLES["Bitcoin"]["hex"])
    for size in range(len(raw)):
        if size == len(raw) - 2:
            continue
        with pytest.raises(RemoteProtocolError):
            AppAndVersion.from_bytes(raw[:size])
    for bad in (raw + b"\x00", b"\x02" + raw[1:]):
        with pytest.raises(RemoteProtocolError):
            AppAndVersion.from_bytes(bad)


ENTRY = AppListEntry(blocks=0x13, flags=0xCA50, code_hash=b"\x01" * 32, full_hash=b"\x02" * 32, name="Bitcoin")
PAGE = bytes.fromhex("01 4d 0013 ca50") + b"\x01" * 32 + b"\x02" * 32 + bytes.fromhex("07") + b"Bitcoin"


def test_app_list_sample_both_ways():
    """The entry of wire-protocol C.4, whose length counts itself; empty is the end."""
    assert decode_app_list(PAGE) == (ENTRY,)
    assert encode_app_list([ENTRY]) == PAGE
    assert decode_app_list(b"") == ()
    assert encode_app_list([]) == b""
    assert ENTRY.is_app


def test_items_of_the_os_are_no_apps():
    """A zero code hash and an empty name is a language pack or a lock screen."""
    item = AppListEntry(blocks=1, flags=0, code_hash=bytes(32), full_hash=b"\x01" * 32, name="")
    assert decode_app_list(encode_app_list([item, ENTRY])) == (item, ENTRY)
    assert encode_app_list([item])[1] == 70
    assert not item.is_app


@given(
    st.lists(
        st.builds(
            AppListEntry,
            blocks=st.integers(0, 0xFFFF),
            flags=st.integers(0, 0xFFFF),
            code_hash=st.binary(min_size=32, max_size=32),
            full_hash=st.binary(min_size=32, max_size=32),
            name=st.text(max_size=10),
        ),
        max_size=3,
    )
)
def test_app_list_round_trip(entries):
    """Any list survives."""
    assert decode_app_list(encode_app_list(entries)) == tuple(entries)


def test_app_list_truncation_at_each_length_and_wrong_entry_length_are_refused():
    """A cut, another format, or the length some builders write (69) is refused, as strict clients do."""
    for size in range(2, len(PAGE)):
        with pytest.raises(RemoteProtocolError):
            decode_app_list(PAGE[:size])
    for bad in (PAGE + b"\x00", b"\x02" + PAGE[1:], b"\x01\x4c" + PAGE[2:]):
        with pytest.raises(RemoteProtocolError):
            decode_app_list(bad)


@pytest.mark.parametrize(
    ("query", "value", "raw"),
    [
        (BatteryQuery.PERCENT, 87, "57"),
        (BatteryQuery.MILLIVOLTS, 3700, "0e74"),
        (BatteryQuery.CELSIUS, -5, "fb"),
        (BatteryQuery.MILLIAMPERES, 100, "64"),
        (BatteryQuery.FLAGS, BatteryFlag.CHARGING | BatteryFlag.USB, "00000003"),
    ],
)
def test_battery_samples_both_ways(query, value, raw):
    """Sizes and signs as in wire-protocol C; any other size is refused."""
    assert encode_battery(query, value) == bytes.fromhex(raw)
    assert decode_battery(query, bytes.fromhex(raw)) == value
    for bad in (bytes.fromhex(raw)[:-1], bytes.fromhex(raw) + b"\x00"):
        with pytest.raises(RemoteProtocolError):
            decode_battery(query, bad)
    with pytest.raises(LocalProtocolError):
        encode_battery(query, 1 << 32)


def test_device_names():
    """UTF-8, at most 20 bytes, nothing a terminal would obey."""
    assert decode_device_name(encode_device_name("Zoë's stick")) == "Zoë's stick"
    assert len(encode_device_name("x" * 20)) == 20
    for bad in (b"x" * 21, b"\xff", b"\x1b[2J", b"a\x00"):
        with pytest.raises(RemoteProtocolError) as caught:
            decode_device_name(bad)
        assert caught.value.status == 0x6700
    for text in ("x" * 21, "a\nb"):
        with pytest.raises(LocalProtocolError):
            encode_device_name(text)


def test_app_names():
    """What is no name of an app is 670A."""
    assert decode_app_name(encode_app_name("Cosmos")) == "Cosmos"
    for bad in (b"", b"x" * 33, b"\xff", b"\x07"):
        with pytest.raises(RemoteProtocolError) as caught:
            decode_app_name(bad)
        assert caught.value.status == 0x670A
    for text in ("", "x" * 33):
        with pytest.raises(LocalProtocolError):
            encode_app_name(text)


@given(st.tuples(U32, U32, U32, U32, U32))
def test_memory_info_round_trip(numbers):
    """Five numbers of 32 bits, no more and no less."""
    names = ("system", "applications", "free", "used_slots", "total_slots")
    info = MemoryInfo(**dict(zip(names, numbers, strict=True)))
    raw = info.to_bytes()
    assert raw == b"".join(number.to_bytes(4, "big") for number in numbers)
    assert MemoryInfo.from_bytes(raw) == info
    for bad in (raw[:-1], raw + b"\x00", b""):
        with pytest.raises(RemoteProtocolError):
            MemoryInfo.from_bytes(bad)


def test_host_onboarding_hides_its_secrets():
    """Four length-value fields both ways; neither repr nor an error shows one."""
    message = HostOnboarding(pin=b"1234", words=b"abandon art")
    raw = bytes.fromhex("04 31323334 00 00 0b") + b"abandon art"
    assert message.to_bytes() == raw
    assert HostOnboarding.from_bytes(raw) == message
    assert "1234" not in repr(message)
    assert "abandon" not in repr(message)
    for bad in [raw[:size] for size in range(len(raw))] + [raw + b"\x00"]:
        with pytest.raises(RemoteProtocolError) as caught:
            HostOnboarding.from_bytes(bad)
        assert "1234" not in str(caught.value)
        assert "abandon" not in str(caught.value)
