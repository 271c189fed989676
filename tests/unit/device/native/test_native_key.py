"""Keys as apps of every era ask for them: modes and curves of the SDK, its errors, and no request that is none."""

import struct

import pytest
from native_program import END, FLASH, RAM, call
from test_native_program import Run

from tallystick.wire.install import Curve
from tallystick.wire.syscall import CallStatus, DeriveNode, DeriveSecret, Log, MasterIdentifier, Outcome, Scheme

# include/syscalls.h of API levels 22 and 26
BIP32, WITH_SEED_KEY, EIP2333, IDENTIFIER, HDKEY = 0x05000053, 0x080000A6, 0x040000A7, 0x02000055, 0x0A000002
NORMAL, SLIP10, SLIP21 = 0, 1, 2
# include/os_hdkey.h of API level 26
ALEO, SAPLING, ORCHARD, REGISTERED = 0x08, 0x10, 0x20, 0x40
JUBJUB, BLS12_377 = 0x74, 0x52
LEVELS = (0x8000002C, 1)
PATH = struct.pack("<2I", *LEVELS)
BIG = struct.pack(">2I", *LEVELS)


def run(number, *before, behind=(), data=PATH, answer=None, level=26):
    """Run one call whose path (or label) lies behind the code: arguments before and behind its pointer."""
    size = len(call(number, *before, 0, *behind)) + len(END)
    return Run(call(number, *before, FLASH + size, *behind) + END + data, *([answer] if answer else []), level=level)


@pytest.mark.parametrize(
    ("mode", "curve", "request_", "value", "private", "chain"),
    [
        (NORMAL, 0x21, DeriveNode(Curve.SECP256K1, LEVELS), bytes(range(64)), 32, 32),
        (NORMAL, 0x22, DeriveNode(Curve.SECP256R1, LEVELS), bytes(range(64)), 32, 32),
        (SLIP10, 0x21, DeriveNode(Curve.SECP256K1, LEVELS), bytes(range(64)), 32, 32),
        (SLIP10, 0x71, DeriveNode(Curve.ED25519, LEVELS), bytes(range(64)), 32, 32),
        (SLIP10, 0x41, DeriveNode(Curve.ED25519, LEVELS), bytes(range(64)), 32, 32),
        (NORMAL, 0x71, DeriveSecret(Scheme.BIP32_ED25519, BIG), bytes(range(96)), 64, 32),
    ],
)
def test_modes_and_curves_are_asked_of_the_os(mode, curve, request_, value, private, chain):
    """Each mode with its curve is one request, and key and chain code go where the app says, by the old call and by the new."""
    answer = Outcome(value=value)
    old = run(WITH_SEED_KEY, mode, curve, behind=(2, RAM, RAM + 128, 0, 0), answer=answer, level=25)
    new = run(HDKEY, mode, curve, behind=(2, RAM, private, RAM + 128, chain, 0, 0), answer=answer)
    for made in (old, new):
        assert made.requests == [request_]
        assert made.result == (0, 0)
        assert made.ram(0, 128) == value[:private] + bytes(128 - private)
        assert made.ram(128, chain) == value[private:]


def test_label_of_slip21_is_bytes():
    """A label goes over as it is, and its key comes back alone."""
    made = run(
        WITH_SEED_KEY,
        SLIP21,
        0,
        behind=(6, RAM, 0, 0, 0),
        data=b"\0label\0\0",
        answer=Outcome(value=bytes(32)),
    )
    assert made.requests == [DeriveSecret(Scheme.SLIP21, b"\0label")]
    assert made.result == (0, 0)


@pytest.mark.parametrize(
    ("mode", "curve", "seed_key", "asked"),
    [
        (SLIP10, 0x21, b"Bitcoin seed", DeriveNode(Curve.SECP256K1, LEVELS)),
        (SLIP10, 0x71, b"ed25519 seed", DeriveNode(Curve.ED25519, LEVELS)),
        (SLIP10, 0x71, b"ed25519 blake2b seed", DeriveNode(Curve.ED25519, LEVELS, b"ed25519 blake2b seed")),
        (NORMAL, 0x22, b"mine", DeriveNode(Curve.SECP256R1, LEVELS, b"mine")),
        (SLIP10, 0x21, bytes(128), DeriveNode(Curve.SECP256K1, LEVELS, bytes(128))),
    ],
)
def test_seed_key_of_the_apps_own_goes_over(mode, curve, seed_key, asked):
    """The seed key of the standard is what is derived from anyway; another one is part of what is asked for."""
    made = with_seed_key(mode, curve, seed_key)
    assert (made.requests, made.result) == ([asked], (0, 0))


@pytest.mark.parametrize(("mode", "curve"), [(NORMAL, 0x71), (SLIP21, 0)])
def test_seed_key_of_the_apps_own_is_refused_by_other_schemes(mode, curve):
    """BIP32-Ed25519 and SLIP-21 have one tree: a seed key of the app's own is an exception, and said once."""
    made = with_seed_key(mode, curve, b"mine")
    assert [type(request) for request in made.requests] == [Log]
    assert made.result == (0, 0x4213)


def test_seed_key_that_is_too_long_is_no_argument():
    """A key beyond a block of HMAC is refused, and nobody is asked."""
    made = with_seed_key(SLIP10, 0x21, bytes(129))
    assert (made.requests, made.result) == ([], (0, 2))


def with_seed_key(mode, curve, seed_key):
    """Run one derivation with a seed key."""
    size = len(call(WITH_SEED_KEY, *range(8))) + len(END)
    code = call(WITH_SEED_KEY, mode, curve, FLASH + size, 2, RAM, 0, FLASH + size + 8, len(seed_key))
    return Run(code + END + PATH + seed_key, Outcome(value=bytes(64)))


@pytest.mark.parametrize(
    ("path", "answer", "thrown", "word"),
    [
        (PATH, Outcome(CallStatus.NOT_PERMITTED), 0x4215, 0x4215),
        (struct.pack("<2I", 44, 1), None, 0x4212, 0x420E),
    ],
)
def test_refusals_of_a_path_have_their_words(path, answer, thrown, word):
    """A path that is not the app's, and one that leads to the master key, are told apart, and the latter is not even asked for."""
    old = run(WITH_SEED_KEY, NORMAL, 0x21, behind=(2, RAM, RAM + 128, 0, 0), data=path, answer=answer, level=25)
    assert (old.result, len(old.requests)) == ((0, thrown), 1 if answer else 0)
    new = run(HDKEY, NORMAL, 0x21, behind=(2, RAM, 32, 0, 0, 0, 0), data=path, answer=answer)
    assert (new.result, len(new.requests)) == ((word, 0), 1 if answer else 0)


@pytest.mark.parametrize(
    ("status", "word"),
    [(CallStatus.NOT_PERMITTED, 0x4215), (CallStatus.LOCKED, 0x550B), (CallStatus.BAD_ARGUMENT, 0x420E)],
)
def test_refusals_of_the_new_call_are_words(status, word):
    """`hdkey_derive` gives a word where the older call throws, and no byte."""
    made = run(HDKEY, NORMAL, 0x21, behind=(2, RAM, 32, 0, 0, 0, 0), answer=Outcome(status))
    assert made.result == (word, 0)
    assert made.ram(0, 32) == bytes(32)


@pytest.mark.parametrize(("private", "chain"), [(31, 32), (32, 31)])
def test_room_that_is_too_small_is_an_overflow(private, chain):
    """Key and chain code go into the room that there is, or neither does."""
    made = run(HDKEY, NORMAL, 0x21, behind=(2, RAM, private, RAM + 128, chain, 0, 0), answer=Outcome(value=b"x" * 64))
    assert made.result == (0x4212, 0)
    assert made.ram(0, 160) == bytes(160)


@pytest.mark.parametrize(
    ("mode", "curve", "length"),
    [
        (NORMAL, 0x99, 2),
        (3, 0x21, 2),
        (8, 0x21, 2),
        (NORMAL, 0x21, 11),
        (SLIP21, 0, 128),
        (4, 0x21, 2),
        (SAPLING, 0x21, 2),
        (SAPLING, 0x74, 11),
        (0x30, 0x74, 2),
        (REGISTERED, 0, 11),
    ],
)
def test_what_cannot_be_derived_is_never_asked(mode, curve, length):
    """Unknown modes and curves, and paths that are too long, stay in the app."""
    made = run(HDKEY, mode, curve, behind=(length, RAM, 64, 0, 0, 0, 0))
    assert not [request for request in made.requests if not isinstance(request, Log)]
    assert made.result[0] in {0x4213, 0x420E}


def test_keys_of_bls_and_the_roots_identifier_come_from_the_os():
    """EIP-2333 has a call of its own, and so has the question which seed this is."""
    made = run(EIP2333, 0x39, behind=(2, RAM), answer=Outcome(value=b"k" * 32))
    assert (made.requests, made.ram(0, 32)) == ([DeriveSecret(Scheme.EIP2333, BIG)], b"k" * 32)
    told = Run(call(IDENTIFIER, RAM, 20) + END, Outcome(value=b"i" * 20))
    assert (told.requests, told.ram(0, 20), told.result) == ([MasterIdentifier()], b"i" * 20, (0, 0))
    assert Run(call(IDENTIFIER, RAM, 19) + END).result == (0x420E, 0)
    assert Run(call(IDENTIFIER, RAM, 20) + END, Outcome(CallStatus.NOT_PERMITTED)).result == (0x4215, 0)


@pytest.mark.parametrize(
    ("mode", "curve", "scheme", "size"),
    [
        (SAPLING, JUBJUB, Scheme.ZIP32_SAPLING, 128),
        (ORCHARD, 0, Scheme.ZIP32_ORCHARD, 32),
        (ALEO, BLS12_377, Scheme.ALEO, 32),
    ],
)
def test_trees_of_newer_levels_are_asked_of_the_os(mode, curve, scheme, size):
    """Sapling, Orchard and Aleo are one request each; key and chain code go where the app says, or neither does."""
    value = bytes(range(1, 1 + size + 32))
    made = run(HDKEY, mode, curve, behind=(2, RAM, size, RAM + 128, 32, 0, 0), answer=Outcome(value=value))
    assert (made.requests, made.result) == ([DeriveSecret(scheme, BIG)], (0, 0))
    assert made.ram(0, size) + made.ram(128, 32) == value
    made = run(HDKEY, mode, curve, behind=(2, RAM, size - 1, RAM + 128, 32, 0, 0), answer=Outcome(value=value))
    assert (made.result, made.ram(0, 160)) == ((0x4212, 0), bytes(160))
    made = run(HDKEY, mode, curve, behind=(2, RAM, size, 0, 0, RAM, 1))
    assert made.result == (0x4213, 0)
    old = run(WITH_SEED_KEY, mode, curve, behind=(2, RAM, RAM + 128, 0, 0), level=25)
    assert old.result == (0, 0x4213)


def registered(names, levels=LEVELS, pointer=None):
    """Derive in a registered tree whose names lie behind its path."""
    size = len(call(HDKEY, *range(10))) + len(END)
    path = struct.pack(f"<{len(levels)}I", *levels)
    at = FLASH + size
    names_at = at + len(path) if pointer is None else pointer
    code = call(HDKEY, REGISTERED, 0, at, len(levels), RAM, 32, RAM + 128, 32, names_at, len(names))
    return Run(code + END + path + names, Outcome(value=bytes(range(64))))


@pytest.mark.parametrize(
    ("levels", "names", "asked"),
    [
        ((1,), b"", b"\0"),
        ((1, 2, 3), b"", b"\0\0\0"),
        ((1,), b"\x16\3abc\xa0\0", b"\3abc"),
        ((1, 2), b"\x16\3abc\xa0\1x", b"\3abc\1x"),
        ((1, 2, 3, 4), b"\x16\0\xa0\1x\xa0\2yz", b"\0\1x\2yz\2yz"),
        ((1, 2), b"\x16\0\xa0\1x\xa0\2yz", b"\0\1x"),
    ],
)
def test_names_of_a_registered_tree_go_with_its_levels(levels, names, asked):
    """The context and a tag for each level behind the first go over; the last tag stands for all levels that have none."""
    made = registered(names, levels)
    path = bytes((len(levels),)) + struct.pack(f">{len(levels)}I", *levels)
    assert made.requests == [DeriveSecret(Scheme.ZIP32_REGISTERED, path + asked)]
    assert (made.result, made.ram(0, 32), made.ram(128, 32)) == ((0, 0), bytes(range(32)), bytes(range(32, 64)))


NAMES = b"\x16\3abc\xa0\1x\xa0\0"


@pytest.mark.parametrize(
    "names",
    [
        *(NAMES[:end] for end in (*range(1, 8), 9)),
        b"\xa0\1x\x16\0",
        b"\x16\0\x16\0",
        NAMES + b"\0",
        b"\x16\0" + b"\xa0\0" * 2100,
    ],
)
def test_names_of_another_form_are_refused(names):
    """Names that are cut, in another order, without a tag, or endless are an answer, and the OS is never asked."""
    made = registered(names)
    assert (made.requests, made.result) == ([], (0x420E, 0))
