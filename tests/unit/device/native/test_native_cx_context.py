"""Contexts in an app's memory: pieces, copies, descriptions, and what a hostile app makes of them."""

import hashlib
import struct

import pytest
from cx_machine import RAM, WILD, Cx
from hypothesis import given, settings
from hypothesis import strategies as st
from native_program import INFO, native

from tallystick.device.native.cpu import Register
from tallystick.device.native.cx_algorithm import Md
from tallystick.device.native.cx_digest import HASHES
from tallystick.device.native.cx_error import CxStatus
from tallystick.device.native.cx_set import HANDLERS, LIBRARY
from tallystick.device.native.library_table import FUNCTIONS
from tallystick.device.native.machine import Crash
from tallystick.device.native.program import program
from tallystick.device.native.table import NAMES
from tallystick.device.native.worker import UnicornCpu
from tallystick.wire.syscall import Outcome

STARTED = {
    Md.RIPEMD160: ("cx_ripemd160_init_no_throw", ()),
    Md.SHA224: ("cx_sha224_init_no_throw", ()),
    Md.SHA256: ("cx_sha256_init_no_throw", ()),
    Md.SHA384: ("cx_sha384_init_no_throw", ()),
    Md.SHA512: ("cx_sha512_init_no_throw", ()),
    Md.SHA3: ("cx_sha3_init_no_throw", (256,)),
    Md.KECCAK: ("cx_keccak_init_no_throw", (256,)),
    Md.SHAKE128: ("cx_shake128_init_no_throw", (256,)),
    Md.SHAKE256: ("cx_shake256_init_no_throw", (256,)),
    Md.BLAKE2B: ("cx_blake2b_init_no_throw", (256,)),
}
#: by a library that is not ours; Keccak's padding is in none
INDEPENDENT = {
    Md.SHA224: hashlib.sha224,
    Md.SHA256: hashlib.sha256,
    Md.SHA384: hashlib.sha384,
    Md.SHA512: hashlib.sha512,
    Md.SHA3: hashlib.sha3_256,
    Md.BLAKE2B: lambda data: hashlib.blake2b(data, digest_size=32),
}
#: anything that an app may leave in a register
WORDS = st.one_of(
    st.sampled_from((*WILD, 1, 2, 3, 4, 16, 32, 64, 128, 255, 256, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0)),
    st.integers(RAM, RAM + 28 * 1024),
    st.integers(0, 0xFFFFFFFF),
)


def started(cx, md):
    """Return the address of a running hash."""
    name, arguments = STARTED[md]
    context = cx.room(424)
    assert cx.call(name, context, *arguments) == 0
    return context


def ended(cx, context):
    """Return the digest of a running hash."""
    size = cx.call("cx_hash_get_size", context)
    out = cx.room(size)
    assert cx.call("cx_hash_final", context, out) == 0
    return cx.read(out, size)


@pytest.mark.parametrize("md", STARTED)
@settings(max_examples=20, deadline=None)
@given(pieces=st.lists(st.binary(max_size=300), max_size=5))
def test_pieces_are_the_whole(md, pieces):
    """However data is cut, the digest is that of the whole, and that of an independent implementation."""
    cx = Cx()
    cut, whole = started(cx, md), started(cx, md)
    for piece in pieces:
        assert cx.call("cx_hash_update", cut, cx.put(piece), len(piece)) == 0
    data = b"".join(pieces)
    assert cx.call("cx_hash_update", whole, cx.put(data), len(data)) == 0
    digest = ended(cx, whole)
    assert ended(cx, cut) == digest
    if md in INDEPENDENT:
        assert digest == INDEPENDENT[md](data).digest()


@pytest.mark.parametrize("md", STARTED)
@settings(max_examples=10, deadline=None)
@given(before=st.binary(max_size=300), one=st.binary(max_size=300), other=st.binary(max_size=300))
def test_copies_go_on_alone(md, before, one, other):
    """A context that an app copied byte by byte and its copy are two hashes."""
    cx = Cx()
    first = started(cx, md)
    cx.call("cx_hash_update", first, cx.put(before), len(before))
    size = HASHES[md].context_bytes
    second = cx.put(cx.read(first, size))
    cx.call("cx_hash_update", first, cx.put(one), len(one))
    cx.call("cx_hash_update", second, cx.put(other), len(other))
    for context, data in ((first, before + one), (second, before + other)):
        alone = started(cx, md)
        cx.call("cx_hash_update", alone, cx.put(data), len(data))
        assert ended(cx, context) == ended(cx, alone)


def test_fields_of_a_context_are_the_sdks():
    """What apps read from a running SHA-256: description, blocks done, bytes waiting, and the digest at the end."""
    cx = Cx()
    context = started(cx, Md.SHA256)
    cx.call("cx_sha256_update", context, cx.put(bytes(70)), 70)
    info, blocks, waiting = struct.unpack("<3I", cx.read(context, 12))
    assert info == cx.call("cx_hash_get_info", Md.SHA256)
    assert (blocks, waiting) == (1, 6)
    digest = ended(cx, context)
    assert cx.read(context + 76, 32) == digest == hashlib.sha256(bytes(70)).digest()


def test_a_blake2b_that_ended_stays_as_it_is():
    """Apps end a BLAKE2b again: that is no error, the digest stays in the context, and the place for it as it was."""
    cx = Cx()
    context = started(cx, Md.BLAKE2B)
    cx.call("cx_hash_update", context, cx.put(b"abc"), 3)
    digest = ended(cx, context)
    before = cx.read(context, HASHES[Md.BLAKE2B].context_bytes)
    assert before[112:144] == digest
    out = cx.put(b"\x5a" * 32)
    assert cx.call("cx_hash_no_throw", context, 1, 0, 0, out, 32) == 0
    assert cx.call("cx_hash_final", context, out) == 0
    assert cx.read(out, 32) == b"\x5a" * 32
    assert cx.read(context, len(before)) == before


def test_a_blake2b_that_ended_is_refused_by_the_function_that_does_it_all():
    """cx_blake2b alone tells an app that the hash was ended before, by the number of an exception."""
    cx = Cx()
    context = started(cx, Md.BLAKE2B)
    out = cx.room(32)
    assert cx.call("cx_blake2b", context, 1, cx.put(b"abc"), 3, out, 32) == 0
    assert cx.read(out, 32) == hashlib.blake2b(b"abc", digest_size=32).digest()
    assert cx.call("cx_blake2b", context, 1, 0, 0, out, 32) == 2


@pytest.mark.parametrize("md", sorted(set(HASHES) - {Md.GROESTL}))
def test_description_says_sizes(md):
    """The description of a hash says its number and its sizes, and names a function for each step that it has."""
    cx = Cx()
    words = struct.unpack("<9I", cx.read(cx.call("cx_hash_get_info", md), 36))
    kind = HASHES[md]
    assert words[:4] == (md, kind.output_bytes, kind.block_bytes, kind.context_bytes)
    fixed = bool(kind.output_bytes)
    assert [bool(word) for word in words[4:]] == [fixed, True, True, not fixed, not fixed]


def test_descriptions_functions_can_be_called():
    """Code that calls through a description, as the SDK's own does, reaches the function; a real processor runs it."""
    # push {lr}; ldr r3, [r0, #20]; blx r3; pop {pc}: what is called with a description calls its update
    cx = Cx(cpu=UnicornCpu())
    context, data = started(cx, Md.SHA256), cx.put(b"abc")
    cpu, generation = cx.cpu, cx.machine.generation
    cpu.set(Register.R0, context)
    cpu.set(Register.R1, data)
    cpu.set(Register.R2, 3)
    cpu.set(Register.SP, generation.stack - 64)
    cpu.set(Register.LR, generation.flash | 1)
    cpu.set(Register.PC, cx.number(cx.number(context) + 20))
    assert cpu.run(budget=100).number == 2
    assert FUNCTIONS[cpu.get(Register.R0)] == "cx_sha256_update"
    assert struct.unpack("<2I", cx.read(cpu.get(Register.SP), 8)) == (context, data)
    assert cpu.run(budget=100).number == 3


@pytest.mark.parametrize("name", LIBRARY)
@pytest.mark.parametrize("pointer", WILD)
def test_wild_pointer_is_answered(name, pointer):
    """A pointer to nothing in every place: an answer, and no exception of ours; no byte outside is touched."""
    cx = Cx()
    cx.call(name, *(pointer,) * 10)
    cx.call(name, *(pointer, 0xFFFFFFFF) * 5)
    cx.call(name, cx.put(bytes(512)), *(pointer, 0xFFFFFFF0) * 4)


@pytest.mark.parametrize("name", LIBRARY)
@settings(max_examples=25, deadline=None)
@given(words=st.lists(WORDS, min_size=10, max_size=10), memory=st.binary(min_size=256, max_size=512))
def test_arbitrary_words_are_answered(name, words, memory):
    """Whatever an app passes, over whatever it wrote before, is answered."""
    cx = Cx()
    cx.cpu.write(RAM, memory)
    cx.call(name, *words)
    cx.call(name, RAM, *words[1:])


@pytest.mark.parametrize("md", sorted(set(HASHES) - {Md.GROESTL}))
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_spoiled_context_is_answered(md, data):
    """A context that an app wrote over is refused or gone on with; a size in it is not believed."""
    cx = Cx()
    context = started(cx, md)
    size = HASHES[md].context_bytes
    for _ in range(data.draw(st.integers(1, 4))):
        at = 4 * data.draw(st.integers(1, size // 4 - 1))
        cx.cpu.write(context + at, struct.pack("<I", data.draw(WORDS)))
    cx.call("cx_hash_update", context, cx.put(bytes(100)), 100)
    cx.call("cx_hash_final", context, cx.room(64))
    cx.call("cx_hash_no_throw", context, 1, cx.put(bytes(100)), 100, cx.room(64), 0xFFFFFFFF)


@pytest.mark.parametrize("name", sorted(set(HANDLERS) & set(NAMES.values())))
@settings(max_examples=25, deadline=None)
@given(words=st.lists(WORDS, min_size=4, max_size=4))
def test_units_answer_arbitrary_words(name, words):
    """The chip's units, too, answer whatever an app passes, and throw nothing."""
    cx = Cx()
    cx.system(name, *words)
    assert cx.thrown == 0
    cx.system("cx_aes_block_hw", RAM, RAM)
    assert cx.thrown == 0


@pytest.mark.parametrize(
    ("name", "arguments", "answer"),
    [
        ("cx_hash_init", (RAM, 99), CxStatus.INVALID_PARAMETER),
        ("cx_hash_init", (RAM, Md.SHA3), CxStatus.INVALID_PARAMETER),
        ("cx_hash_init_ex", (RAM, Md.SHA256, 31), CxStatus.INVALID_PARAMETER),
        ("cx_sha3_init_no_throw", (RAM, 255), CxStatus.INVALID_PARAMETER),
        ("cx_hash_get_info", (8,), 0),
        ("cx_hash_sha256", (RAM, 1, RAM, 31), 0),
        ("cx_hash_sha256", (RAM, 0xFFFFFFFF, RAM, 32), 0),
        ("cx_hmac_init", (RAM, Md.BLAKE2B, RAM, 1), CxStatus.INVALID_PARAMETER),
        ("cx_hmac_init", (RAM, Md.SHA256, 0, 1), CxStatus.INVALID_PARAMETER),
        ("cx_pbkdf2_hmac", (Md.SHA512, RAM, 1, RAM, 1, 0xFFFFFFFF, RAM, 64), CxStatus.INVALID_PARAMETER_VALUE),
        ("cx_hkdf_expand", (Md.SHA256, RAM, 32, 0, 0, RAM, 256 * 32), CxStatus.INVALID_PARAMETER_SIZE),
        ("cx_aes_init_key_no_throw", (RAM, 17, RAM), CxStatus.INVALID_PARAMETER),
        ("cx_aes_enc_block", (RAM, RAM, RAM), CxStatus.INVALID_PARAMETER),
        ("cx_cipher_update", (RAM, RAM, 16, RAM, RAM), CxStatus.INVALID_PARAMETER),
        ("cx_cipher_setup", (RAM, 1, 0), CxStatus.INVALID_PARAMETER),
        ("cx_cmac", (4, RAM, 128, RAM, 1, RAM), CxStatus.INVALID_PARAMETER),
        ("cx_aes_gcm_finish", (RAM, RAM, 17), CxStatus.INVALID_PARAMETER_SIZE),
        ("cx_aes_siv_set_key", (RAM, RAM, 520), CxStatus.INVALID_PARAMETER_SIZE),
        ("cx_rng_no_throw", (RAM, 0xFFFFFFFF), CxStatus.INVALID_PARAMETER),
        ("cx_rng_rfc6979", (Md.SHA256, RAM, 32, RAM, 32, RAM, 0, RAM, 32), CxStatus.INVALID_PARAMETER),
        ("cx_rng_rfc6979", (Md.SHA256, RAM, 32, RAM, 32, RAM, 32, RAM, 32), CxStatus.INVALID_PARAMETER),
    ],
)
def test_refusals_are_the_sdks(name, arguments, answer):
    """What cannot be done has the SDK's own answer."""
    assert Cx().call(name, *arguments) == answer


def test_endless_output_is_not_made():
    """A SHAKE of four gigabytes is refused before a byte of it is made."""
    cx = Cx()
    context = cx.room(424)
    assert cx.call("cx_sha3_xof_init_no_throw", context, 128, 0xFFFFFFFF) == 0
    assert cx.call("cx_sha3_final", context, cx.room(64)) == CxStatus.INVALID_PARAMETER


@pytest.mark.parametrize(("low", "high"), [(0, 10), (5, 6), (100, 356), (0, 0xFFFFFFFF), (7, 3)])
def test_random_number_lies_in_its_range(low, high):
    """A number of a range is one of it, also where the range goes round the end of the words."""
    cx = Cx(random=bytes(range(7, 256)))
    for _ in range(20):
        found = cx.call("cx_rng_u32_range_func", low, high, 0)
        assert (found - low) % (1 << 32) < (high - low) % (1 << 32)


def to_its_end(running):
    """Drive an app that asks for nothing."""
    running.send(None)
    while True:
        running.send(Outcome())


def test_app_hashes_without_a_library():
    """An app's stub reaches the hash through the place of the library, on a real processor; the digest is in its memory."""
    # four arguments; then, as the SDK's stubs do: push r0 and r1, load the number, jump
    number = FUNCTIONS.index("cx_hash_sha256")
    code = struct.pack(
        "<12H",
        0x4805,  # ldr r0, [pc, #20]: data, which lies in RAM
        0x2100,  # movs r1, #0
        0x4602,  # mov r2, r0
        0x2320,  # movs r3, #32
        0xB403,  # push {r0, r1}
        0x2000 | number,  # movs r0, #number
        0x4C03,  # ldr r4, [pc, #12]
        0x47A0,  # blx r4
        0xDEFF,  # udf
        0xBF00,
        0xBF00,
        0xBF00,
    ) + struct.pack("<2I", 0xDA7A0000, 0x00210001)
    cpu = UnicornCpu()
    with pytest.raises(Crash, match="fault"):
        to_its_end(program(cpu, native(code), INFO, budget=1000))
    assert cpu.read(RAM, 32) == hashlib.sha256(b"").digest()
    assert cpu.get(Register.R0) == 32


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("cx_hash_update", (RAM, RAM, 16 * 1024)),
        ("cx_pbkdf2_hmac", (Md.SHA256, RAM, 1, RAM, 1, 4096, RAM + 1024, 32)),
        ("cx_aes_gcm_update", (RAM, RAM, RAM, 16 * 1024)),
    ],
)
def test_work_is_counted(name, arguments):
    """What takes long counts as many calls, so that an app cannot compute without end in calls of ours."""
    cx = Cx()
    assert cx.call("cx_sha256_init_no_throw", RAM) == 0
    if name == "cx_aes_gcm_update":
        cx.call("cx_aes_gcm_init", RAM)
        assert cx.call("cx_aes_gcm_set_key", RAM, RAM + 512, 16) == 0
        assert cx.call("cx_aes_gcm_start", RAM, 4, RAM + 512, 12) == 0
    before = cx.machine.calls
    assert cx.call(name, *arguments) == 0
    assert cx.machine.calls > before + 100


def test_cipher_takes_its_key_last():
    """Padding and vector may be given before the key, as with the real library; data may not."""
    cx = Cx()
    context, out, length = cx.room(88), cx.room(64), cx.word(64)
    cx.cpu.write(context + 80, cx.room(36).to_bytes(4, "little"))
    assert cx.call("cx_cipher_setup", context, 1, 64) == 0
    assert cx.call("cx_cipher_set_padding", context, 16) == 0
    vector, data = cx.put(bytes(range(16))), cx.put(bytes(16))
    assert cx.call("cx_cipher_update", context, data, 16, out, length) == CxStatus.INVALID_PARAMETER
    assert cx.call("cx_cipher_setkey", context, cx.put(bytes(16)), 128, 4) == 0
    cx.cpu.write(length, struct.pack("<I", 64))
    assert cx.call("cx_cipher_enc_dec", context, vector, 16, data, 16, out, length) == 0
    assert cx.number(length) == 32


@pytest.mark.parametrize("key", [0, RAM + 8192, 0x30000000])
def test_cipher_without_a_key_is_refused(key):
    """A cipher whose key an app took away, or never gave, is no way to an error of ours."""
    cx = Cx()
    context, out, length = cx.room(88), cx.room(64), cx.word(64)
    cx.cpu.write(context + 80, cx.room(36).to_bytes(4, "little"))
    assert cx.call("cx_cipher_setup", context, 1, 0) == 0
    assert cx.call("cx_cmac_start", context, cx.put(bytes(16)), 128) == 0
    cx.cpu.write(context + 80, key.to_bytes(4, "little"))
    data = cx.put(bytes(32))
    for name, arguments in (
        ("cx_cipher_update", (data, 32, out, length)),
        ("cx_cmac_update", (data, 32)),
        ("cx_cmac_finish", (out,)),
    ):
        assert cx.call(name, context, *arguments) == CxStatus.INVALID_PARAMETER
