"""The calls about attestation keys as apps of every era make them: code assembled by hand, a test in the OS's place."""

import pytest
from native_program import END, RAM, call
from test_native_program import Run

from tallystick.wire.syscall import (
    MAX_ENDORSED,
    CallStatus,
    EndorsementAppSecret,
    EndorsementCertificate,
    EndorsementCodeHash,
    EndorsementDeriveAndSign,
    EndorsementMetadata,
    EndorsementPublicKey,
    EndorsementSign,
    EndorsementSignWithoutCodeHash,
    Outcome,
)

# include/syscalls.h of API levels 22, 23 and 26
CODE_HASH, PUBLIC, CERTIFICATE, SECRET, METADATA = 0x01000055, 0x03000056, 0x03000057, 0x01000058, 0x02000138
SIGN_22, DERIVE_22, BARE_22 = 0x03000059, 0x0300005A, 0x0300005B
SIGN, DERIVE, BARE = 0x04000059, 0x0400005A, 0x0400005B
#: where results and lengths go
OUT, LENGTH = RAM + 0x100, RAM + 0x80
#: what lies in RAM where nothing was written
NOTHING = bytes(4)


def outcome_of(request):
    """Return what the OS answers to a request in these tests."""
    size = {EndorsementCodeHash: 32, EndorsementPublicKey: 65, EndorsementMetadata: 8, EndorsementAppSecret: 64}
    return bytes(range(1, 1 + size.get(type(request), 70)))


CALLS = [
    # level, number, request, arguments, what is returned, what stands at the length
    (22, CODE_HASH, EndorsementCodeHash(), (OUT,), 32, NOTHING),
    (22, SECRET, EndorsementAppSecret(), (OUT,), 64, NOTHING),
    (22, PUBLIC, EndorsementPublicKey(1), (1, OUT, LENGTH), 0, b"\x41\0\0\0"),
    (22, CERTIFICATE, EndorsementCertificate(2), (2, OUT, LENGTH), 0, b"\x46\0\0\0"),
    (22, METADATA, EndorsementMetadata(2), (2, OUT), 8, NOTHING),
    (22, SIGN_22, EndorsementSign(b""), (RAM, 0, OUT), 70, NOTHING),
    (22, DERIVE_22, EndorsementDeriveAndSign(bytes(3)), (RAM, 3, OUT), 70, NOTHING),
    (22, BARE_22, EndorsementSignWithoutCodeHash(bytes(3)), (RAM, 3, OUT), 70, NOTHING),
    (23, CODE_HASH, EndorsementCodeHash(), (OUT,), 0, NOTHING),
    (23, SECRET, EndorsementAppSecret(), (OUT,), 0, NOTHING),
    (25, PUBLIC, EndorsementPublicKey(1), (1, OUT, LENGTH), 0, b"\x41\0\0\0"),
    (25, METADATA, EndorsementMetadata(1), (1, OUT, LENGTH), 0, b"\x08\0\0\0"),
    (25, SIGN, EndorsementSign(bytes(3)), (RAM, 3, OUT, LENGTH), 0, b"\x46\0\0\0"),
    (25, DERIVE, EndorsementDeriveAndSign(bytes(3)), (RAM, 3, OUT, LENGTH), 0, b"\x46\0\0\0"),
    (25, BARE, EndorsementSignWithoutCodeHash(bytes(3)), (RAM, 3, OUT, 0), 0, NOTHING),
    (26, CODE_HASH, EndorsementCodeHash(), (OUT, 32), 0, NOTHING),
    (27, SECRET, EndorsementAppSecret(), (OUT, 64), 0, NOTHING),
]


@pytest.mark.parametrize(("level", "number", "request_", "arguments", "returned", "length"), CALLS)
def test_calls_are_passed_and_returned_as_their_era_does(level, number, request_, arguments, returned, length):
    """Each call asks the OS for the same, writes the result, and tells its length the way of its API level."""
    value = outcome_of(request_)
    run = Run(call(number, *arguments) + END, Outcome(value=value), level=level)
    assert run.requests == [request_]
    assert run.result == (returned, 0)
    assert run.ram(0x100, 80) == value + bytes(80 - len(value))
    assert run.ram(0x80, 4) == length


@pytest.mark.parametrize(
    ("number", "first", "request_", "room"),
    [
        (PUBLIC, (1, OUT, LENGTH), EndorsementPublicKey(1), 65),
        (CERTIFICATE, (1, OUT, LENGTH), EndorsementCertificate(1), 72),
        (METADATA, (2, OUT, LENGTH), EndorsementMetadata(2), 8),
        (SIGN, (RAM, 3, OUT, LENGTH), EndorsementSign(None), 72),
        (DERIVE, (RAM, 3, OUT, LENGTH), EndorsementDeriveAndSign(None), 72),
        (BARE, (RAM, 3, OUT, LENGTH), EndorsementSignWithoutCodeHash(None), 72),
    ],
)
def test_room_is_looked_at_first_from_level_26_on(number, first, request_, room):
    """The length holds the room: with too little nothing is asked and nothing written, with enough it becomes the length."""
    value = outcome_of(request_)
    # the room is put there by a call that copies it out of the install parameters
    for given, asked in ((room - 1, False), (room, True)):
        code = call(0x03000074, 0x81, LENGTH, 4) + call(number, *first) + END
        parameters = b"\x01\x04Demo\x81\x04" + given.to_bytes(4, "little")
        run = Run(code, Outcome(value=value), level=26, parameters=parameters)
        assert bool(run.requests) is asked
        assert run.result == ((0, 0) if asked else (2, 0))
        assert run.ram(0x100, 4) == (value[:4] if asked else NOTHING)
        assert run.ram(0x80, 4) == (len(value) if asked else given).to_bytes(4, "little")


@pytest.mark.parametrize(("number", "size"), [(CODE_HASH, 32), (SECRET, 64)])
def test_buffer_that_is_too_small_is_refused(number, size):
    """From level 26 on a hash and a secret say how large their buffer is, and a smaller one is left alone."""
    run = Run(call(number, OUT, size - 1) + END, level=26)
    assert (run.requests, run.result) == ([], (2, 0))


@pytest.mark.parametrize(
    ("level", "number", "arguments", "status", "word", "thrown"),
    [
        (22, SIGN_22, (RAM, 3, OUT), CallStatus.EMPTY, 0x4106, True),
        (22, PUBLIC, (1, OUT, LENGTH), CallStatus.EMPTY, 0x4103, False),
        (22, SECRET, (OUT,), CallStatus.DAMAGED, 0x521A, True),
        (22, BARE_22, (RAM, 3, OUT), CallStatus.NOT_PERMITTED, 3, True),
        (25, SECRET, (OUT,), CallStatus.NO_RESULT, 0x534A, False),
        (25, CODE_HASH, (OUT,), CallStatus.LOCKED, 0x5503, False),
        (25, PUBLIC, (3, OUT, LENGTH), CallStatus.BAD_ARGUMENT, 0x4209, False),
        (25, METADATA, (9, OUT, LENGTH), CallStatus.BAD_ARGUMENT, 0x4225, False),
        (25, DERIVE, (RAM, 3, OUT, LENGTH), CallStatus.NO_RESULT, 0x5716, False),
        (25, BARE, (RAM, 3, OUT, LENGTH), CallStatus.NOT_PERMITTED, 3, False),
        (25, CERTIFICATE, (1, OUT, LENGTH), CallStatus.DAMAGED, 0x5219, False),
    ],
)
def test_refusals_are_thrown_or_returned(level, number, arguments, status, word, thrown):
    """Where the OS refuses, the app gets the word of attestation 4, thrown or returned as its era does, and no byte."""
    run = Run(call(number, *arguments) + END, Outcome(status), level=level)
    assert len(run.requests) == 1
    assert run.result == ((0, word) if thrown else (word, 0))
    assert (run.ram(0x80, 4), run.ram(0x100, 4)) == (NOTHING, NOTHING)


@pytest.mark.parametrize(
    ("number", "arguments"),
    [
        (PUBLIC, (1, 0x30000000, LENGTH)),
        (SIGN, (0x30000000, 3, OUT, LENGTH)),
        (SIGN, (RAM, 3, 0xFFFFFFF0, LENGTH)),
        (SIGN, (RAM + 28 * 1024 - 2, 3, OUT, LENGTH)),
        (CODE_HASH, (0x00400000, 32)),
    ],
)
def test_wild_pointers_ask_for_nothing(number, arguments):
    """A buffer that is not the app's is an exception before the OS is asked; code is no buffer either."""
    run = Run(call(number, *arguments) + END, level=25)
    assert [request for request in run.requests if not hasattr(request, "text")] == []
    assert run.result == (0, 2)


@pytest.mark.parametrize("size", [MAX_ENDORSED + 1, 0xFFFFFFFF])
def test_message_that_is_too_long_is_refused(size):
    """A message that the OS would not sign never leaves the app."""
    assert Run(call(SIGN, RAM, size, OUT, LENGTH) + END, level=25).result == (2, 0)
    assert Run(call(SIGN_22, RAM, size, OUT) + END, level=22).result == (0, 2)


def test_message_may_overlap_the_result():
    """The message is read before the signature is written over it."""
    run = Run(call(SIGN_22, RAM, 64, RAM) + END, Outcome(value=b"\x30" * 71), level=22)
    assert run.requests == [EndorsementSign(bytes(64))]
    assert run.ram(0, 72) == b"\x30" * 71 + b"\0"
