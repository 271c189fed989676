"""Messages of back-ups: both manners of clients, round trips, every cut (wire-protocol C)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import RemoteProtocolError
from tallystick.wire.app_storage import ReinstallRequest, RestoreRequest, StorageInfo, decode_storage_name, unframe

NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=32)
U32 = st.integers(0, 2**32 - 1)
INFOS = st.builds(
    StorageInfo,
    size_bytes=U32,
    version=U32,
    has_settings=st.booleans(),
    has_data=st.booleans(),
    content_hash=st.binary(min_size=32, max_size=32),
)


def test_samples_are_written_as_the_reference_lays_them_out() -> None:
    """Size u32, version 4 bytes, properties u16 (1 settings, 2 data), hash of 32 bytes."""
    info = StorageInfo(size_bytes=5, has_settings=True, has_data=True, content_hash=b"\xaa" * 32)
    assert info.to_bytes().hex() == "00000005" + "00000001" + "0003" + "aa" * 32
    request = RestoreRequest(size_bytes=5, name="Bitcoin")
    assert request.to_bytes() == b"\x00\x00\x00\x05Bitcoin"
    framed = RestoreRequest(size_bytes=5, name="Bitcoin", framed=True)
    assert framed.to_bytes() == b"\x0b\x00\x00\x00\x05Bitcoin"
    consent = ReinstallRequest(language=False, lock_image=True, apps=3, storages=2)
    assert consent.to_bytes().hex() == "00010302"


@given(info=INFOS)
def test_info_comes_back(info: StorageInfo) -> None:
    """Bytes and back; cut anywhere, or longer, it is refused, but for the size alone of an empty storage."""
    raw = info.to_bytes()
    assert StorageInfo.from_bytes(raw) == info
    for broken in [raw[:size] for size in range(len(raw))] + [raw + b"\x00"]:
        if broken == bytes(4):
            assert StorageInfo.from_bytes(broken).size_bytes == 0
            continue
        with pytest.raises(RemoteProtocolError):
            StorageInfo.from_bytes(broken)


def test_unknown_properties_are_refused() -> None:
    """A bit nobody defined is no property."""
    raw = bytearray(StorageInfo(size_bytes=1).to_bytes())
    raw[9] = 4
    with pytest.raises(RemoteProtocolError):
        StorageInfo.from_bytes(bytes(raw))


@given(size=st.integers(0, 2**24), name=NAMES, framed=st.booleans())
def test_restore_request_comes_back_in_its_manner(size: int, name: str, framed: bool) -> None:
    """With a length byte or without, and it is told which."""
    request = RestoreRequest(size_bytes=size, name=name, framed=framed)
    assert RestoreRequest.from_bytes(request.to_bytes()) == request


@given(name=NAMES)
def test_name_is_read_in_both_manners(name: str) -> None:
    """A length byte is told from a letter: no name is as long as a printable letter's number."""
    raw = name.encode()
    assert decode_storage_name(bytes([len(raw)]) + raw) == name
    if raw[0] != len(raw) - 1:
        assert decode_storage_name(raw) == name


@pytest.mark.parametrize("raw", [b"", b"\x00", b"x" * 34, b"\xff\xfe", b"\x02\x1b[", b"a\nb"])
def test_name_that_is_none_is_refused(raw: bytes) -> None:
    """Empty, long, not UTF-8 or not printable: 6700."""
    with pytest.raises(RemoteProtocolError) as refused:
        decode_storage_name(raw)
    assert refused.value.status == 0x6700


def test_unframing_needs_an_exact_length() -> None:
    """A first byte that is no count of the rest is part of the data."""
    assert unframe(b"\x02ab") == (b"ab", True)
    assert unframe(b"\x00") == (b"", True)
    for raw in (b"", b"\x03ab", b"\x01ab"):
        assert unframe(raw) == (raw, False)


@given(raw=st.binary(max_size=6))
def test_reinstall_request_has_four_bytes_and_two_flags(raw: bytes) -> None:
    """Four bytes whose first two are 0 or 1 come back; all else is refused."""
    if len(raw) == 4 and raw[0] <= 1 and raw[1] <= 1:
        assert ReinstallRequest.from_bytes(raw).to_bytes() == raw
        return
    with pytest.raises(RemoteProtocolError) as refused:
        ReinstallRequest.from_bytes(raw)
    assert refused.value.status == (0x6A80 if len(raw) == 4 else 0x6700)
