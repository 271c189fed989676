"""System calls: the same numbers and bytes for every runtime, and nothing beside them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scene_strategy import answers, paths, records, requests

from tallystick.errors import RemoteProtocolError
from tallystick.wire.call_canvas import ButtonsInput, FingerInput, Inputs, Label, TickInput
from tallystick.wire.call_endorsement import ENDORSEMENT_CALLS
from tallystick.wire.install import Curve
from tallystick.wire.screen import Decided, Entry, Menu, Notice, Progress
from tallystick.wire.syscall import (
    MAX_LEVELS,
    MAX_LOG,
    MAX_MESSAGE,
    MAX_RANDOM,
    REQUESTS,
    Agree,
    Answer,
    ApduEvent,
    Ask,
    CallLibrary,
    CallStatus,
    Cipher,
    DeriveNode,
    DeriveSecret,
    DeviceInfo,
    EndorsementAppSecret,
    EndorsementCertificate,
    EndorsementCodeHash,
    EndorsementDeriveAndSign,
    EndorsementMetadata,
    EndorsementPublicKey,
    EndorsementSign,
    EndorsementSignWithoutCodeHash,
    Exchange,
    Exit,
    Idle,
    LeaveLibrary,
    LibraryResult,
    Log,
    MasterIdentifier,
    MenuEvent,
    Outcome,
    Paint,
    PublicKey,
    PublicOf,
    Random,
    ReadRecord,
    ReadSetting,
    ResetEvent,
    Response,
    Scheme,
    SendReports,
    Sign,
    SignWith,
    SyscallError,
    Verify,
    Wait,
    WriteRecord,
    WriteSetting,
    request_from_bytes,
)

COSMOS = (0x8000002C, 0x80000076)
# written by hand from the table of calls in the module
SAMPLES = [
    (Exchange(), "01"),
    (Exchange(Response(b"\xaa", 0x9000)), "01 9000 aa"),
    (Exchange(Response(b"", 0x6985)), "01 6985"),
    (Exit(), "02"),
    (Log("hé"), "03 68c3a9"),
    (SendReports((bytes(range(64)),)), "05" + bytes(range(64)).hex()),
    (SendReports((bytes(64), b"\xff" * 64)), "05" + "00" * 64 + "ff" * 64),
    (Ask(Notice(lines=(), button="")), "10 04 0000 0000 00"),
    (Idle(Menu(title="", entries=(Entry(""),))), "11 01 0000 0001 0000 0000 0000 0000"),
    (PublicKey(Curve.SECP256K1, COSMOS), "20 01 02 8000002c 80000076"),
    (PublicKey(Curve.ED25519, ()), "20 04 00"),
    (Exit("fault"), "02 6661756c74"),
    (DeriveNode(Curve.SECP256R1, COSMOS), "22 02 02 8000002c 80000076 00"),
    (DeriveNode(Curve.SECP256R1, COSMOS, b"mine"), "22 02 02 8000002c 80000076 04 6d696e65"),
    (Sign(Curve.SECP256R1, (1,), b"\x11" * 2), "21 02 01 00000001 1111"),
    (Random(1024), "28 0400"),
    (ReadSetting("expert"), "30 657870657274"),
    (WriteSetting("a", True), "31 01 61"),
    (WriteSetting("a", False), "31 00 61"),
    (ReadRecord("r"), "38 72"),
    (WriteRecord("r", b"\x01"), "39 01 72 01 01"),
    (WriteRecord("r", b""), "39 01 72 01"),
    (WriteRecord("r", None), "39 01 72 00"),
    (EndorsementCodeHash(), "40"),
    (EndorsementPublicKey(1), "41 01"),
    (EndorsementCertificate(2), "42 02"),
    (EndorsementMetadata(255), "43 ff"),
    (EndorsementAppSecret(), "44"),
    (EndorsementSign(b""), "45"),
    (EndorsementSign(b"\x0a\x0b"), "45 0a0b"),
    (EndorsementSignWithoutCodeHash(b"\x0a"), "46 0a"),
    (EndorsementDeriveAndSign(b"\x0a"), "47 0a"),
    (PublicOf(b"\x01" * 32), "60" + "01" * 32),
    (SignWith(b"\x01" * 32, b"\x02" * 32), "61" + "01" * 32 + "02" * 32),
    (Verify(b"\x04" * 65, b"\x02" * 32, b"\x30"), "62" + "04" * 65 + "02" * 32 + "30"),
    (Agree(b"\x01" * 32, b"\x04" * 65), "63" + "01" * 32 + "04" * 65),
    (Cipher(True, b"\x01" * 16, b"\x02" * 16, b"\x03" * 16), "64 01" + "01" * 16 + "02" * 16 + "03" * 16),
    (Cipher(False, b"\x01" * 16, b"\x02" * 16, b"\x03" * 16), "64 00" + "01" * 16 + "02" * 16 + "03" * 16),
    (Answer(Response(b"\x05", 0x9000)), "04 9000 05"),
    (DeriveSecret(Scheme.SLIP21, b"\0label"), "23 02 00 6c6162656c"),
    (DeriveSecret(Scheme.BIP32_ED25519, b"\x80\0\0\x2c"), "23 01 8000002c"),
    (MasterIdentifier(), "24"),
    (CallLibrary(name="Lib", argument=1, stack=2, ram=b"\x05\x06"), "50 03 4c6962 00000001 00000002 00000000 0506"),
    (
        CallLibrary(name="Lib", argument=1, stack=2, ram=b"\x05", response=Response(b"\x07", 0x9000)),
        "50 03 4c6962 00000001 00000002 00000003 9000 07 05",
    ),
    (LeaveLibrary(ram=b"\x05"), "51 00000000 00000000 05"),
    (LeaveLibrary(ram=b"\x05", thrown=3, response=Response(b"", 0x6985)), "51 00000003 00000002 6985 05"),
    (Wait(), "12 00"),
    (Wait(Response(b"\x05", 0x9000), True), "12 03 9000 00000001 05"),
    (
        Wait(painting=Paint(x=1, y=2, w=9, h=1, bits=1, data=b"\xff\x80")),
        "12 04 0001 0002 0009 0001 01 ff80 ff",
    ),
    (
        Wait(Response(b"\x05", 0x9000), True, Paint(x=0, y=0, w=0, h=0, bits=1, data=b"", labels=())),
        "12 07 9000 00000001 05 0000 0000 0000 0000 01 00",
    ),
    (Paint(x=1, y=2, w=9, h=1, bits=1, data=b"\xff\x80"), "13 0001 0002 0009 0001 01 ff80 ff"),
    (
        Paint(x=0, y=0, w=0, h=0, bits=4, data=b"", labels=(Label(x=1, y=2, w=3, h=4, text="é"),)),
        "13 0000 0000 0000 0000 04 01 0001 0002 0003 0004 01 0002 c3a9",
    ),
]
OUTCOMES = [
    (Exchange(), ApduEvent(b"\xb0\x01"), "00 01 b001"),
    (Exchange(), MenuEvent(258), "00 02 0102"),
    (Exchange(), ResetEvent(), "00 03"),
    (Ask(Progress(text="")), None, "00"),
    (Ask(Notice(lines=())), Decided(True), "00 02 01"),
    (PublicKey(Curve.SECP256K1, ()), b"\x04\x05", "00 0405"),
    (Random(1), b"\x07", "00 07"),
    (ReadSetting("x"), True, "00 01"),
    (ReadRecord("x"), None, "00 00"),
    (ReadRecord("x"), b"", "00 01"),
    (WriteSetting("x", True), None, "00"),
    (PublicOf(b"\x01" * 32), b"\x04", "00 04"),
    (Verify(b"\x04" * 65, b"\x02" * 32, b""), True, "00 01"),
    (Verify(b"\x04" * 65, b"\x02" * 32, b""), False, "00 00"),
    (Wait(), ApduEvent(b"\xb0\x01"), "00 01 b001"),
    (Wait(), MenuEvent(258), "00 02 0102"),
    (Wait(), ResetEvent(), "00 03"),
    (Wait(), ButtonsInput(3), "00 04 03"),
    (Wait(), FingerInput(x=258, y=3, pressed=True), "00 05 0102 0003 01"),
    (Wait(), TickInput(), "00 06"),
    (
        Wait(),
        Inputs((ButtonsInput(3), FingerInput(x=258, y=3, pressed=False))),
        "00 07 02 04 03 05 0102 0003 00",
    ),
    (CallLibrary(name="Lib", argument=1, stack=2, ram=b"\x05"), LibraryResult(3, b"\x06"), "00 00000003 06"),
    (Paint(x=0, y=0, w=0, h=0, bits=1, data=b""), None, "00"),
]
INFO = DeviceInfo(model="nanosp", target_id=0x33100004, os_version="1.1.1", mcu_version="4", touch=False, page_width=17)


@pytest.mark.parametrize(("request_", "sample"), SAMPLES)
def test_requests_both_ways(request_, sample):
    """A request has one form, the one written down here."""
    raw = bytes.fromhex(sample)
    assert (request_.to_bytes(), request_from_bytes(raw)) == (raw, request_)


def test_every_request_has_a_sample_and_a_number_of_its_own():
    """The table of numbers and the table of samples name the same calls."""
    assert {type(request) for request, _ in SAMPLES} == set(REQUESTS.values())
    assert all(number == kind.NUMBER for number, kind in REQUESTS.items())


# the table of attestation 4, by hand: no slot, no key, damaged, no result
WORDS = [
    (EndorsementCodeHash, 0, 0, 0, 0),
    (EndorsementPublicKey, 0x4209, 0x4103, 0x5218, 0),
    (EndorsementCertificate, 0x420A, 0x4104, 0x5219, 0),
    (EndorsementAppSecret, 0, 0x4105, 0x521A, 0x534A),
    (EndorsementSign, 0, 0x4106, 0x521B, 0),
    (EndorsementSignWithoutCodeHash, 0, 0x4117, 0x522E, 0),
    (EndorsementDeriveAndSign, 0, 0x4107, 0x521C, 0x5716),
    (EndorsementMetadata, 0x4225, 0, 0x5222, 0),
]


@pytest.mark.parametrize(("kind", *"abcd"), WORDS)
def test_endorsement_calls_have_the_words_of_real_devices(kind, a, b, c, d):
    """Each way such a call can fail has the error word that the SDKs document, and a lock is 5503 in all of them."""
    statuses = (CallStatus.BAD_ARGUMENT, CallStatus.EMPTY, CallStatus.DAMAGED, CallStatus.NO_RESULT)
    assert [kind.ERRORS.get(status, 0) for status in statuses] == [a, b, c, d]
    assert kind.ERRORS[CallStatus.LOCKED] == 0x5503
    assert len(WORDS) == len(ENDORSEMENT_CALLS)


def test_names_of_native_apps_are_told_apart():
    """No two calls share a name, and every call has an old and a current one."""
    names = [name for kind in ENDORSEMENT_CALLS for name in kind.NAMES]
    assert len(set(names)) == len(names)
    assert all(len(kind.NAMES) == 3 for kind in ENDORSEMENT_CALLS)


@given(requests)
def test_round_trip_of_requests(request_):
    """Any request an app can make comes back as it was."""
    assert request_from_bytes(request_.to_bytes()) == request_


#: requests whose body is open at its end: cut, they are another request of the same kind
OPEN_ENDED = (
    Exit,
    Exchange,
    Log,
    Sign,
    ReadSetting,
    WriteSetting,
    ReadRecord,
    WriteRecord,
    EndorsementSign,
    EndorsementSignWithoutCodeHash,
    EndorsementDeriveAndSign,
    Verify,
    CallLibrary,
    LeaveLibrary,
    DeriveSecret,
    Answer,
    SendReports,
)


@pytest.mark.parametrize(("request_", "sample"), SAMPLES)
def test_truncation_at_each_length_is_refused(request_, sample):
    """A request cut anywhere is refused, or, where the body is open at its end, is a shorter one and never the same."""
    raw = bytes.fromhex(sample)
    for size in range(len(raw)):
        if size and isinstance(request_, OPEN_ENDED):
            try:
                assert request_from_bytes(raw[:size]) != request_
            except RemoteProtocolError:
                continue
        else:
            with pytest.raises(RemoteProtocolError):
                request_from_bytes(raw[:size])


@pytest.mark.parametrize(("request_", "sample"), [entry for entry in SAMPLES if not isinstance(entry[0], OPEN_ENDED)])
def test_trailing_bytes_are_refused(request_, sample):
    """A request of a fixed form is not followed by anything."""
    del request_
    with pytest.raises(RemoteProtocolError):
        request_from_bytes(bytes.fromhex(sample) + b"\0")


@pytest.mark.parametrize(
    "sample",
    [
        "",
        "00",
        "04",
        "ff",
        "01 90",  # half a status word
        "11 05 0000 ff",  # an idle screen that is no menu
        "20 00 00",  # no curve
        "20 03 00",  # two curves at once
        "20 08 00",  # a curve apps cannot use
        f"20 01 {MAX_LEVELS + 1:02x}" + "00000000" * (MAX_LEVELS + 1),
        "21 01 0b",
        "22 01 00 81" + "00" * 129,  # a seed key longer than any
        "28 0000",
        "28 0401",
        "31 02 61",
        "39 01 72 02",
        "39 01 72 00 01",  # absent, with content
        "39 01 ff 00",  # a name that is not UTF-8
        "62" + "04" * 65 + "02" * 32 + "30" * 73,  # a signature longer than any
        "64 02" + "01" * 48,  # neither way
        "64 01" + "01" * 32,  # no data
        "64 01" + "01" * 33,  # half a block
        "64 01" + "01" * (32 + 4096 + 16),
    ],
)
def test_requests_out_of_bounds_are_refused(sample):
    """Numbers, curves, paths and sizes beyond their bounds end the conversation."""
    with pytest.raises(RemoteProtocolError):
        request_from_bytes(bytes.fromhex(sample))


def test_a_request_has_a_largest_size():
    """One byte above the limit is refused, whatever it says; the limit itself is not."""
    assert len(request_from_bytes(b"\x01\x90\x00" + bytes(MAX_MESSAGE - 3)).response.data) == MAX_MESSAGE - 3
    with pytest.raises(RemoteProtocolError):
        request_from_bytes(b"\x01\x90\x00" + bytes(MAX_MESSAGE - 2))


def test_a_log_line_is_short_and_printable():
    """Control characters become question marks, and a long line is cut, on both sides."""
    assert request_from_bytes(b"\x03a\x1b[2J\xff\n") == Log("a?[2J\ufffd?")
    assert request_from_bytes(b"\x03" + b"x" * 1000) == Log("x" * MAX_LOG)
    assert len(Log("x" * 1000).to_bytes()) == 1 + MAX_LOG


@pytest.mark.parametrize(("request_", "value", "sample"), OUTCOMES)
def test_outcomes_both_ways(request_, value, sample):
    """What the OS answers is read as it was meant, for the request it answers."""
    raw = bytes.fromhex(sample)
    assert Outcome(value=value).to_bytes(request_) == raw
    assert Outcome.from_bytes(raw, request_).unwrap() == value


@pytest.mark.parametrize("status", [status for status in CallStatus if status])
@pytest.mark.parametrize("request_", [request for request, _ in SAMPLES])
def test_a_refusal_has_no_body_and_is_raised(request_, status):
    """Every status but OK is one byte, and is raised as SyscallError where the app unwraps it."""
    raw = Outcome(status, value=b"secret").to_bytes(request_)
    assert raw == bytes((status,))
    with pytest.raises(SyscallError) as caught:
        Outcome.from_bytes(raw, request_).unwrap(request_)
    assert caught.value.status is status
    assert caught.value.word == request_.ERRORS.get(status, 0)
    with pytest.raises(RemoteProtocolError):
        Outcome.from_bytes(raw + b"\0", request_)


@pytest.mark.parametrize(
    ("request_", "sample"),
    [
        (Exit(), ""),
        (Exchange(), "0a"),  # a status nobody knows
        (Exchange(), "00"),
        (Exchange(), "00 00"),
        (Exchange(), "00 02 01"),
        (Exchange(), "00 02 010203"),
        (Exchange(), "00 03 00"),
        (Exchange(), "00 04"),
        (WriteSetting("x", True), "00 00"),
        (ReadSetting("x"), "00"),
        (ReadSetting("x"), "00 02"),
        (ReadRecord("x"), "00"),
        (ReadRecord("x"), "00 02"),
        (Ask(Progress(text="")), "00 09"),
    ],
)
def test_outcomes_that_do_not_fit_the_request_are_refused(request_, sample):
    """An app does not take one answer for another."""
    with pytest.raises(RemoteProtocolError):
        Outcome.from_bytes(bytes.fromhex(sample), request_)


@given(answers)
def test_round_trip_of_an_answer_as_outcome(answer):
    """What a person answered reaches the app."""
    request_ = Ask(Notice(lines=()))
    assert Outcome.from_bytes(Outcome(value=answer).to_bytes(request_), request_).value == answer


@given(records, paths)
def test_round_trip_of_records_and_keys(record, path):
    """Records and keys come back byte for byte, an absent record as None."""
    assert Outcome.from_bytes(Outcome(value=record).to_bytes(ReadRecord("a")), ReadRecord("a")).value == record
    request_ = PublicKey(Curve.SECP256K1, path)
    key = bytes(65)
    assert Outcome.from_bytes(Outcome(value=key).to_bytes(request_), request_).value == key


def test_device_info_both_ways_truncated_and_too_long():
    """The first message of an app's life is read exactly."""
    raw = bytes.fromhex("06 6e616e6f7370 33100004 05 312e312e31 01 34 00 0011 00 00 00")
    assert (INFO.to_bytes(), DeviceInfo.from_bytes(raw)) == (raw, INFO)
    for size in range(len(raw)):
        with pytest.raises(RemoteProtocolError):
            DeviceInfo.from_bytes(raw[:size])
    with pytest.raises(RemoteProtocolError):
        DeviceInfo.from_bytes(raw + b"\0")


@given(
    st.integers(0, 0xFFFFFFFF),
    st.booleans(),
    st.booleans(),
    st.integers(0, 0xFFFF),
    st.text(max_size=20),
    st.binary(max_size=65),
    st.binary(max_size=65),
)
def test_round_trip_of_device_info(target_id, touch, test_device, page_width, model, issuer, test_root):
    """Any device can be told."""
    info = DeviceInfo(
        model=model,
        target_id=target_id,
        os_version="1",
        mcu_version="",
        touch=touch,
        page_width=page_width,
        test_device=test_device,
        issuer=issuer,
        test_root=test_root,
    )
    assert DeviceInfo.from_bytes(info.to_bytes()) == info


def test_values_do_not_show_in_repr():
    """Keys, signatures and records do not reach a log by way of repr."""
    assert "5ec2e7" not in repr(Outcome(value="5ec2e7"))
    assert "5ec2e7" not in repr(WriteRecord("name", b"5ec2e7"))


@given(st.binary(max_size=80))
def test_noise_is_read_or_refused(data):
    """Whatever an app sends is a request, or ends the app by one declared error."""
    try:
        request_from_bytes(data)
    except RemoteProtocolError:
        return


@pytest.mark.parametrize("size_bytes", [1, MAX_RANDOM])
def test_random_within_its_bounds(size_bytes):
    """Both ends of the range are allowed."""
    assert request_from_bytes(Random(size_bytes).to_bytes()) == Random(size_bytes)
