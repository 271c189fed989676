"""gdb's remote serial protocol: packets as gdb's manual has them, answers of the stub, and what makes no sense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.device.native.cpu import Register
from tallystick.device.native.gdb_packet import INTERRUPT, MAX_PACKET, PacketReader, packet
from tallystick.device.native.gdb_stub import GdbStub, Next

MOVED = (-0xC09E0000, -0xBA6A0000)


class FakeTarget:
    """Registers and 256 bytes of memory at 1000."""

    def __init__(self):
        self.registers = {register: int(register) for register in Register}
        self.memory = bytearray(range(256))

    def get(self, register):
        """Return a register."""
        return self.registers[register]

    def set(self, register, value):
        """Set a register."""
        self.registers[register] = value

    def peek(self, address, size_bytes):
        """Return memory."""
        if not address >= 0x1000 or address + size_bytes > 0x1100:
            return None
        return bytes(self.memory[address - 0x1000 : address - 0x1000 + size_bytes])

    def poke(self, address, data):
        """Change memory."""
        if self.peek(address, len(data)) is None:
            return False
        self.memory[address - 0x1000 : address - 0x1000 + len(data)] = data
        return True


@pytest.fixture
def stub():
    """Return a stub in front of the fake target, and the target."""
    target = FakeTarget()
    return GdbStub(target, moved=MOVED), target


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200))
def test_packets_are_read_as_they_were_made(data):
    """What `packet` makes is one packet to the reader, which acknowledges it; the same byte by byte."""
    reader = PacketReader()
    assert list(reader.feed(packet(data))) == [data]
    assert bytes(reader.replies) == b"+"
    assert [found for byte in packet(data) for found in reader.feed(bytes([byte]))] == [data]


def test_examples_of_the_manual():
    """The sum of OK is 9A; 03 is an interrupt wherever it stands; acknowledgements are none."""
    reader = PacketReader()
    assert packet("OK") == b"$OK#9a"
    assert packet("a#b") == b"$a}\x03b#" + b"%02x" % (sum(b"a}\x03b") & 0xFF)
    assert list(reader.feed(b"+\x03$g#67-")) == [INTERRUPT, "g"]


def test_damaged_packet_is_asked_for_again_and_a_huge_one_is_dropped():
    """Another sum gives a minus and no packet; what never ends is thrown away and the next packet is read."""
    reader = PacketReader()
    assert list(reader.feed(b"$g#68")) == []
    assert bytes(reader.replies) == b"-"
    assert list(reader.feed(b"$" + b"a" * (2 * MAX_PACKET))) == []
    assert list(reader.feed(b"$g#67")) == ["g"]


@given(st.binary(max_size=300))
def test_noise_is_no_packet_and_does_no_harm(data):
    """Whatever comes, the reader gives texts, and keeps no more than a packet."""
    reader = PacketReader()
    assert all(isinstance(one, str) for one in reader.feed(data))
    assert len(reader._buffer) <= MAX_PACKET + 3


def test_registers_are_read_and_written(stub):
    """All of them in one row, little endian; one by its number in the description, where xpsr is 25."""
    gdb, target = stub
    row, following = gdb.answer("g")
    assert following is Next.WAIT
    assert row[:16] == "0000000001000000"
    assert len(row) == 17 * 8
    assert gdb.answer("p19")[0] == "10000000"
    assert gdb.answer("P4=78563412")[0] == "OK"
    assert target.registers[Register.R4] == 0x12345678
    assert gdb.answer("G" + "01000000" * 17)[0] == "OK"
    assert target.registers[Register.XPSR] == 1


def test_memory_is_read_and_written(stub):
    """What is there is; what is not is an error, not a guess."""
    gdb, target = stub
    assert gdb.answer("m1004,4")[0] == "04050607"
    assert gdb.answer("M1004,2:aabb")[0] == "OK"
    assert target.memory[4:6] == b"\xaa\xbb"
    assert gdb.answer("m10fe,4")[0] == "E01"
    assert gdb.answer("M10ff,2:aabb")[0] == "E01"


def test_breakpoints_are_set_taken_back_and_limited(stub):
    """At addresses that are there, with and without the Thumb bit; 64 of them; watching memory is not offered."""
    gdb, _ = stub
    assert gdb.answer("Z0,1011,2")[0] == "OK"
    assert gdb.breakpoints == {0x1010}
    assert gdb.answer("z0,1010,2")[0] == "OK"
    assert gdb.breakpoints == set()
    assert gdb.answer("Z0,5000,2")[0] == "E01"
    assert gdb.answer("Z2,1010,4")[0] == ""
    answers = [gdb.answer(f"Z0,{0x1000 + 2 * number:x},2")[0] for number in range(65)]
    assert answers == ["OK"] * 64 + ["E01"]


@pytest.mark.parametrize(
    ("words", "following"),
    [
        ("c", Next.GO_ON),
        ("s", Next.STEP),
        ("vCont;c", Next.GO_ON),
        ("vCont;s:1;c", Next.STEP),
        ("vCont;C05:1", Next.GO_ON),
        ("k", Next.KILL),
    ],
)
def test_what_makes_the_app_run_is_not_answered_now(stub, words, following):
    """Running on, stepping and ending are answered when the app stops again, or never."""
    assert stub[0].answer(words) == (None, following)


def test_gdb_is_told_where_the_app_was_moved_to(stub):
    """The distance is of 64 bits, so that gdb's addition wraps to where the app lies."""
    reply = stub[0].answer("qOffsets")[0]
    text, data, bss = (int(part.partition("=")[2], 16) for part in reply.split(";"))
    assert (0xC0DE0000 + text) % (1 << 64) == 0x00400000
    assert (0xDA7A0000 + data) % (1 << 64) == 0x20100000
    assert bss == data


def test_description_is_given_in_pieces(stub):
    """The pieces make one document, whose last one is marked."""
    gdb, _ = stub
    document, at = "", 0
    while True:
        piece = gdb.answer(f"qXfer:features:read:target.xml:{at:x},64")[0]
        document += piece[1:]
        at += len(piece) - 1
        if piece[0] == "l":
            break
    assert document.startswith("<?xml")
    assert document.endswith("</target>")


@pytest.mark.parametrize(
    "words",
    ["", "vMustReplyEmpty", "X1000,0:", "R00", "qRcmd,00", "Qfoo", "~"],
)
def test_unknown_words_are_answered_empty(stub, words):
    """As the protocol asks of a stub that does not know a packet."""
    assert stub[0].answer(words) == ("", Next.WAIT)


@pytest.mark.parametrize(
    "words",
    [
        "m",
        "mx,4",
        "m1000",
        "M1000,2",
        "M1000,2:zz",
        "P4",
        "P63=00000000",
        "p63",
        "Pzz=1",
        "G00",
        "Z0",
        "Z0,zz,2",
        "czz",
    ],
)
def test_senseless_packets_are_errors(stub, words):
    """Numbers that are none, registers that are not there, and words that are cut."""
    assert stub[0].answer(words) == ("E01", Next.WAIT)


@given(st.text(st.characters(max_codepoint=255), max_size=60))
def test_any_packet_is_answered(words):
    """Nothing that gdb, or somebody in its place, says raises anything."""
    reply, following = GdbStub(FakeTarget(), moved=MOVED).answer(words)
    assert isinstance(following, Next)
    assert reply is None or reply.isascii()
