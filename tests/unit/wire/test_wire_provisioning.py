"""The two commands of the factory: layouts, limits, round trips, every truncation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.certificate import device_message
from tallystick.wire.dashboard import CLA_OS, Ins
from tallystick.wire.provisioning import (
    FinishProvisioning,
    ProvisioningIns,
    StartedProvisioning,
    StartProvisioning,
    certificate_header,
)

KEY_1 = b"\x04" + b"\x11" * 64
KEY_2 = b"\x04" + b"\x22" * 64
SIGNATURE = bytes.fromhex("3006020101020101")
STARTED = StartedProvisioning(serial="tallystick-0badcafe", device_public_key=KEY_1, proof=SIGNATURE)
FINISH = FinishProvisioning(
    header=bytes.fromhex("1000000badcafe"),
    issuer_signature=SIGNATURE,
    signer_serial=bytes.fromhex("00000002"),
    issuer_public_key=KEY_1,
    software_public_key=KEY_2,
)


def _points() -> st.SearchStrategy[bytes]:
    return st.binary(min_size=64, max_size=64).map(lambda rest: b"\x04" + rest)


def _signatures() -> st.SearchStrategy[bytes]:
    return st.binary(min_size=8, max_size=72)


def test_instructions_are_none_of_the_published_ones() -> None:
    """No client's instruction byte is taken for one of ours, which are even, as ISO 7816 wants them."""
    assert not {int(ins) for ins in ProvisioningIns} & {int(ins) for ins in Ins}
    assert all(ins % 2 == 0 for ins in ProvisioningIns)


def test_commands_are_laid_out_as_documented() -> None:
    """START carries the challenge alone; FINISH format, header, signature, serial and two keys."""
    start = StartProvisioning(challenge=bytes(range(32))).to_apdu()
    assert (start.cla, start.to_bytes()[:5].hex()) == (CLA_OS, "e0f0000020")
    assert start.data == bytes(range(32))
    raw = FINISH.to_apdu().to_bytes()
    assert raw[:4].hex() == "e0f20000"
    assert raw[5:] == bytes.fromhex("01 07 1000000badcafe 08") + SIGNATURE + bytes.fromhex("00000002") + KEY_1 + KEY_2


def test_answer_is_laid_out_as_documented() -> None:
    """Format, serial number, key and proof, each behind its length."""
    assert STARTED.to_bytes() == b"\x01\x13tallystick-0badcafe\x41" + KEY_1 + b"\x08" + SIGNATURE


def test_longest_messages_fit_a_short_apdu() -> None:
    """With the longest signature and serial number both stay under 256 bytes, so there are no chunks."""
    longest = b"\x30" * 72
    finish = FinishProvisioning(
        header=FINISH.header,
        issuer_signature=longest,
        signer_serial=FINISH.signer_serial,
        issuer_public_key=KEY_1,
        software_public_key=KEY_2,
    )
    assert len(finish.to_bytes()) == 216
    assert len(StartedProvisioning(serial="s" * 32, device_public_key=KEY_1, proof=longest).to_bytes()) <= 255


@given(challenge=st.binary(min_size=32, max_size=32))
def test_start_comes_back(challenge: bytes) -> None:
    """Bytes and back."""
    message = StartProvisioning(challenge=challenge)
    assert StartProvisioning.from_bytes(message.to_bytes()) == message


@given(serial=st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=32), data=st.data())
def test_answer_comes_back(serial: str, data: st.DataObject) -> None:
    """Bytes and back, for every printable serial number."""
    message = StartedProvisioning(serial=serial, device_public_key=data.draw(_points()), proof=data.draw(_signatures()))
    assert StartedProvisioning.from_bytes(message.to_bytes()) == message


@given(
    header=st.binary(min_size=7, max_size=7),
    signature=_signatures(),
    serial=st.binary(min_size=4, max_size=4),
    issuer=_points(),
    software=_points(),
)
def test_finish_comes_back(*, header: bytes, signature: bytes, serial: bytes, issuer: bytes, software: bytes) -> None:
    """Bytes and back."""
    message = FinishProvisioning(
        header=header,
        issuer_signature=signature,
        signer_serial=serial,
        issuer_public_key=issuer,
        software_public_key=software,
    )
    assert FinishProvisioning.from_bytes(message.to_bytes()) == message


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (StartProvisioning, bytes(32)),
        (StartedProvisioning, STARTED.to_bytes()),
        (FinishProvisioning, FINISH.to_bytes()),
    ],
    ids=["start", "answer", "finish"],
)
def test_message_cut_or_lengthened_is_refused(kind: type, raw: bytes) -> None:
    """Cut at every length, or with a byte too many: 6700."""
    for wrong in [*(raw[:size] for size in range(len(raw))), raw + b"\x00"]:
        with pytest.raises(RemoteProtocolError) as refused:
            kind.from_bytes(wrong)
        assert refused.value.status == 0x6700


@pytest.mark.parametrize(
    "wrong",
    [
        b"\x02" + STARTED.to_bytes()[1:],
        STARTED.to_bytes().replace(b"\x41\x04", b"\x41\x02"),
        STARTED.to_bytes().replace(b"tallystick", b"tally\x1bstik"),
        STARTED.to_bytes().replace(b"tallystick", b"tally\xc3\xa9tik"),
        b"\x01\x00\x41" + KEY_1 + b"\x08" + SIGNATURE,
        b"\x01\x21" + b"s" * 33 + b"\x41" + KEY_1 + b"\x08" + SIGNATURE,
        b"\x01\x01s\x41" + KEY_1 + b"\x49" + bytes(73),
    ],
    ids=["format", "point", "escape", "not ascii", "no serial", "long serial", "long proof"],
)
def test_answer_that_plays_tricks_is_refused(wrong: bytes) -> None:
    """Another format, a compressed key, a serial number that is not printable ASCII of 1 to 32 characters, a long proof."""
    with pytest.raises(RemoteProtocolError):
        StartedProvisioning.from_bytes(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        b"\x02" + FINISH.to_bytes()[1:],
        b"\x01\x06" + bytes(6) + FINISH.to_bytes()[9:],
        FINISH.to_bytes()[:-65] + b"\x02" + KEY_2[1:],
        FINISH.to_bytes()[:9] + b"\x49" + bytes(73) + FINISH.to_bytes()[18:],
    ],
    ids=["format", "header", "point", "long signature"],
)
def test_finish_with_a_field_of_another_kind_is_refused(wrong: bytes) -> None:
    """Another format, a short header, a key of another form, a signature longer than DER gets: 6700."""
    with pytest.raises(RemoteProtocolError) as refused:
        FinishProvisioning.from_bytes(wrong)
    assert refused.value.status == 0x6700


@given(noise=st.binary(max_size=255))
def test_noise_is_read_or_refused(noise: bytes) -> None:
    """Random bytes come back as they were, or are refused with 6700."""
    for kind in (StartProvisioning, StartedProvisioning, FinishProvisioning):
        message, status = None, 0
        try:
            message = kind.from_bytes(noise)
        except RemoteProtocolError as error:
            status = error.status
        assert status == 0x6700 if message is None else message.to_bytes() == noise


def test_messages_with_impossible_fields_are_our_own_bug() -> None:
    """What could not be sent is refused when it is made."""
    with pytest.raises(LocalProtocolError):
        StartProvisioning(challenge=bytes(31))
    with pytest.raises(LocalProtocolError):
        StartedProvisioning(serial="", device_public_key=KEY_1, proof=SIGNATURE)
    with pytest.raises(LocalProtocolError):
        StartedProvisioning(serial="s", device_public_key=KEY_1[:33], proof=SIGNATURE)


@pytest.mark.parametrize(
    ("serial", "header"),
    [
        ("tallystick-0badcafe", "1000000badcafe"),
        ("tallystick-0123456789ab", "100123456789ab"),
        ("a-b-7", "10000000000007"),
    ],
)
def test_header_is_ten_and_six_bytes_of_the_serial_number(serial: str, header: str) -> None:
    """The hexadecimal end of the serial number, to the right, behind 10."""
    assert certificate_header(serial).hex() == header


@pytest.mark.parametrize(
    "serial", ["", "0badcafe", "tallystick-", "tallystick-0BADCAFE", "tallystick-0123456789abc", "x-0x12", "x- 12"]
)
def test_serial_without_a_number_has_no_header(serial: str) -> None:
    """A serial number of another form is refused, so that no two share a header."""
    with pytest.raises(RemoteProtocolError):
        certificate_header(serial)


def test_signed_messages_begin_with_their_roles() -> None:
    """The certificate is 02, header, key without lengths; the proof begins with a byte that nothing else does."""
    assert device_message(header=FINISH.header, public_key=KEY_1) == b"\x02" + FINISH.header + KEY_1
    proof = StartedProvisioning.proof_message(challenge=bytes(32), serial="s-1", device_public_key=KEY_1)
    assert proof == b"\xf0" + bytes(32) + b"\x03s-1" + KEY_1
    assert proof[0] not in {0x01, 0x02, 0x04, 0x05, 0x11, 0x12, 0x14, 0x15, 0xFE, 0xFF}
