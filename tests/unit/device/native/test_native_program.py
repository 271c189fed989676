"""The loop that runs an app: code assembled by hand, on the real processor, with a test in the OS's place."""

import struct

import pytest
from native_program import END, FLASH, INFO, PARAMETERS, RAM, call, native

from tallystick.crypto import p256, secp256k1
from tallystick.device.native.cpu import Register
from tallystick.device.native.handler import HANDLERS
from tallystick.device.native.library_table import FUNCTIONS
from tallystick.device.native.machine import Crash
from tallystick.device.native.program import program
from tallystick.device.native.worker import UnicornCpu
from tallystick.errors import UsageError
from tallystick.wire.install import Curve
from tallystick.wire.syscall import (
    Answer,
    ApduEvent,
    CallStatus,
    DeriveNode,
    Idle,
    Log,
    Outcome,
    Random,
    ReadRecord,
    ReadSetting,
    ResetEvent,
    Response,
    Wait,
    WriteRecord,
)

EXIT, RECEIVE, SEND, NVM_WRITE, REQUEST = 0x0100009A, 0x03000089, 0x04000088, 0x03000003, 0x04F00001
DERIVE, VERSION, TAG, RANDOM, LENGTH = 0x05000053, 0x0200006B, 0x03000074, 0x02000107, 0x0200012F
KEY = bytes(31) + b"\x05"


class Run:
    """One app, driven until it ends; `requests` are what it asked beside its first menu."""

    def __init__(self, code, *answers, info=INFO, **options):
        self.cpu = UnicornCpu()
        self.requests = []
        self.crash = ""
        left = list(answers)
        running = program(self.cpu, native(code, **options), info, budget=10_000, calls=2_000)
        outcome = None
        try:
            while True:
                request = running.send(outcome)
                outcome = Outcome()
                if isinstance(request, Idle):
                    continue
                self.requests.append(request)
                if isinstance(request, Wait) and not left:  # nothing more comes
                    self.ended = False
                    return
                if left and not isinstance(request, Log):
                    outcome = left.pop(0)
        except StopIteration:
            self.ended = True
        except Crash as crash:
            self.ended = False
            self.crash = crash.message

    def ram(self, offset, size):
        """Return what stands in the app's RAM."""
        return self.cpu.read(0x20100000 + offset, size)

    @property
    def result(self):
        """What the last call gave: r0 and r1."""
        return self.cpu.get(Register.R0), self.cpu.get(Register.R1)


def test_app_that_exits_is_done():
    """Exit ends the loop without a word."""
    run = Run(call(EXIT, 0))
    assert (run.ended, run.requests) == (True, [])


def test_app_that_answered_and_ends_has_answered():
    """What an app sent before it ends reaches the client: `B0 A7` is answered before the app quits."""
    code = call(RECEIVE, RAM, 300, 0) + call(SEND, 0x20, RAM + 1, 5, 0) + call(EXIT, 0)
    run = Run(code, Outcome(value=ApduEvent(b"abcde")))
    assert run.requests[-1] == Answer(Response(b"abc", 0x6465))
    assert run.ended


def test_apdu_comes_in_and_its_answer_goes_out():
    """What is sent is answered with the next wait; a client that went away is no packet."""
    code = call(RECEIVE, RAM, 300, 0) + call(SEND, 0x20, RAM + 1, 5, 0) + call(RECEIVE, RAM, 300, 0) + END
    run = Run(code, Outcome(value=ApduEvent(b"abcde")), Outcome(value=ResetEvent()), Outcome(value=ApduEvent(b"xyz")))
    assert run.requests == [Wait(), Wait(Response(b"abc", 0x6465)), Wait()]
    assert run.ram(0, 4) == b"\x20xyz"
    assert run.result == (4, 0)


def test_packet_that_does_not_fit_is_an_exception():
    """An APDU larger than the app's room is told as such, and nothing is written."""
    run = Run(call(RECEIVE, RAM, 3, 0) + END, Outcome(value=ApduEvent(b"abcde")))
    assert run.result == (0, 0x0F)
    assert run.ram(0, 3) == bytes(3)


@pytest.mark.parametrize("size", [0, 1])
def test_answer_without_status_is_an_exception(size):
    """An answer has a status of two bytes."""
    assert Run(call(SEND, 0x20, RAM, size, 0) + END).result == (0, 0x02)


def test_unknown_call_is_named_and_told_to_the_app():
    """A number that is no call is an error to the app and one line to the developer, however often it comes."""
    run = Run(call(0x00001234) + call(0x00001234) + END)
    assert run.requests == [Log("0x00001234: no such system call here")]
    assert run.result == (0, 0x0B)


@pytest.mark.parametrize("pointer", [0, 0x30000000, RAM + 28 * 1024 - 1, 0xFFFFFFFF, FLASH, 0x00210000, 0x20100000 - 1])
def test_wild_pointer_reaches_nothing(pointer):
    """A pointer to nothing, across an end, into code or the library's place is an exception; no byte is written."""
    run = Run(call(VERSION, pointer, 2) + END)
    assert run.result == (0, 0x02)
    assert run.cpu.read(0x00400000, 4) == call(VERSION, pointer, 2)[:4]


def test_version_and_own_parameters_are_told():
    """The OS's version is the device's, and a tag of the install parameters what they say."""
    run = Run(call(VERSION, RAM, 3) + call(TAG, 1, RAM + 8, 32) + END)
    assert run.ram(0, 4) == b"2.4\0"
    assert run.ram(8, 4) == b"Demo"
    assert run.result == (4, 0)


def test_derived_key_is_asked_of_the_os():
    """A path and a curve go to the OS; key and chain code come into the app."""
    path = struct.pack("<2I", 0x8000002C, 1)
    at = FLASH + len(call(DERIVE, *range(5))) + len(END)
    run = Run(call(DERIVE, 0x21, at, 2, RAM, RAM + 32) + END + path, Outcome(value=bytes(range(64))))
    assert run.requests == [DeriveNode(Curve.SECP256K1, (0x8000002C, 1))]
    assert run.ram(0, 64) == bytes(range(64))
    assert run.result == (0, 0)


@pytest.mark.parametrize(
    ("status", "thrown"),
    [(CallStatus.NOT_PERMITTED, 0x4215), (CallStatus.LOCKED, 0x550B), (CallStatus.BAD_ARGUMENT, 2)],
)
def test_key_that_is_refused_is_an_exception(status, thrown):
    """Where the OS refuses, the app gets an exception and no byte."""
    at = FLASH + len(call(DERIVE, *range(5))) + len(END)
    run = Run(call(DERIVE, 0x21, at, 1, RAM, RAM) + END + struct.pack("<I", 0x8000002C), Outcome(status))
    assert run.result == (0, thrown)
    assert run.ram(0, 32) == bytes(32)


@pytest.mark.parametrize(("curve", "levels", "thrown"), [(0x99, 0, 0x4213), (0x21, 0, 0x4212), (0x21, 11, 0x02)])
def test_key_that_cannot_be_is_an_exception(curve, levels, thrown):
    """An unknown curve, a path without a hardened level and one too long never get to the OS."""
    run = Run(call(DERIVE, curve, RAM, levels, RAM, RAM) + END)
    assert not [request for request in run.requests if not isinstance(request, Log)]
    assert run.result == (0, thrown)


def test_random_bytes_come_from_the_os():
    """Random bytes are asked of the OS in parts that it gives."""
    run = Run(call(RANDOM, RAM, 1500) + END, Outcome(value=b"a" * 1024), Outcome(value=b"b" * 476))
    assert run.requests == [Random(1024), Random(476)]
    assert run.ram(0, 1500) == b"a" * 1024 + b"b" * 476


def test_curve_that_is_not_here_is_an_error_of_cryptography():
    """Cryptography tells by its result, and never throws."""
    assert Run(call(LENGTH, 0x99, RAM) + END).result == (0xFFFFFFA3, 0)
    assert Run(call(LENGTH, 0x21, 0) + END).result == (0xFFFFFF88, 0)


def test_call_of_cryptography_that_is_not_here_is_an_error_of_cryptography(monkeypatch):
    """A number that nobody answers tells by its result too: an internal error."""
    monkeypatch.setattr("tallystick.device.native.program.HANDLERS", {"os_sched_exit": HANDLERS["os_sched_exit"]})
    assert Run(call(LENGTH, 0x21, RAM) + END).result == (0xFFFFFF85, 0)


def test_own_request_goes_through_as_it_is():
    """A call in our own form is passed on, and its outcome comes back as bytes, if there is room."""
    asked = ReadSetting("expert")
    raw = asked.to_bytes()
    at = FLASH + len(call(REQUEST, *range(4))) + len(END)
    run = Run(call(REQUEST, at, len(raw), RAM, 8) + END + raw, Outcome(value=True))
    assert run.requests == [asked]
    assert run.ram(0, 2) == b"\x00\x01"
    assert run.result == (2, 0)
    assert Run(call(REQUEST, at, len(raw), RAM, 1) + END + raw, Outcome(value=True)).result == (0, 0)


@pytest.mark.parametrize("raw", [b"\x01", b"\x02", b"\xee", b""])
def test_own_request_that_is_none_is_an_exception(raw):
    """Waiting and ending have their own calls; what is no request is none."""
    at = FLASH + len(call(REQUEST, *range(4))) + len(END)
    run = Run(call(REQUEST, at, len(raw), RAM, 8) + END + raw)
    assert (run.requests, run.result) == ([], (0, 2))


def test_what_an_app_writes_into_its_flash_is_kept():
    """Writing data is kept by page with an index; the page is put back at the next start of the same image."""
    code = call(NVM_WRITE, FLASH + 1024, RAM, 4) + END
    code += bytes(1024 - len(code))
    first = Run(code, Outcome(), data=bytes(8))
    index, page, listed = first.requests
    assert (index, page) == (ReadRecord("flash"), WriteRecord("flash/0", bytes(8)))
    assert first.result == (0, 0)
    again = Run(END + code[4:], data=bytes(8))
    assert again.requests == [ReadRecord("flash")]
    back = Run(code, Outcome(value=listed.data), Outcome(value=b"restored"), data=bytes(8))
    assert back.requests[:2] == [ReadRecord("flash"), ReadRecord("flash/0")]
    other = Run(code, Outcome(value=bytes(32) + b"\0"), data=bytes(8))
    assert other.requests[1] == page


@pytest.mark.parametrize(("at", "size"), [(0, 4), (1020, 8), (1028, 8), (1024, 9)])
def test_flash_that_is_not_the_apps_data_is_not_written(at, size):
    """Code, what lies across the border, behind the data, or more than there is, is an exception."""
    code = call(NVM_WRITE, FLASH + at, RAM, size) + END
    run = Run(code + bytes(1024 - len(code)), data=bytes(8))
    assert run.requests[0] == ReadRecord("flash")
    assert run.result[1] == 2
    assert not any(isinstance(request, WriteRecord) for request in run.requests)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("fee7", "computed without end at app+0x0"),
        ("0020 40 1c 01df fbe7".replace(" ", ""), "computed without end at app+0x"),
        ("00be", "exception fault"),
        ("05df", "exception fault"),
        ("0020 0068 0000", "read fault at app+0x2, address 0x00000000"),
        ("7846 0060 0000", "write fault at app+0x2"),
        ("6846 0047", "fault at"),
        ("ffde", "fault at app+0x0"),
    ],
)
def test_code_that_may_not_go_on_ends_with_a_report(code, told):
    """Endless loops, breakpoints, other traps, bad reads, writes to flash and running the stack are told with their place."""
    run = Run(bytes.fromhex(code) + END)
    assert not run.ended
    assert told in run.crash
    assert ", after " in run.crash


def test_function_of_a_library_that_is_not_here_is_named():
    """Without a library, a call of one ends the app and names the function."""
    # push {r0, r1}; movs r0, #0x91; ldr r1, [pc, #0]; bx r1; trampoline
    run = Run(bytes.fromhex("03b4 9120 0049 0847") + struct.pack("<I", 0x210001))
    assert run.crash.startswith("nbgl_refresh is in no library here")


def _library(number, *arguments):
    """Return code of 40 bytes that calls a function of the library with four arguments, as an app's stub does."""
    first = struct.pack("<4H", 0x4804, 0x4905, 0x4A05, 0x4B06)  # ldr r0 to r3 from the words behind
    stub = struct.pack("<4H", 0xB403, 0x2000 | number, 0x4905, 0x4788)  # push {r0, r1}; movs r0; ldr r1; blx r1
    behind = struct.pack("<2H", 0xE00A, 0xBF00)  # b behind the words; nop
    return first + stub + behind + struct.pack("<5I", *arguments, 0x210001)


INIT, PAIR = FUNCTIONS.index("cx_ecfp_init_private_key_no_throw"), FUNCTIONS.index("cx_ecfp_generate_pair_no_throw")


@pytest.mark.parametrize(("curve", "module"), [(0x21, secp256k1), (0x22, p256)])
def test_keys_are_made_on_real_curves(curve, module):
    """A private key that was laid out gives the public key of the real implementation, in the SDK's layout."""
    code = _library(INIT, curve, FLASH + 84, 32, RAM) + _library(PAIR, curve, RAM + 0x100, RAM, 1) + END + KEY
    run = Run(code)
    assert run.result[0] == 0
    assert run.ram(0, 40) == struct.pack("<II", curve, 32) + KEY
    assert run.ram(0x100, 73) == struct.pack("<II", curve, 65) + module.public_key(KEY, compressed=False)


def test_key_of_zeros_is_none():
    """A private key that is none gives an error of cryptography."""
    assert Run(_library(PAIR, 0x21, RAM + 0x100, RAM, 1) + END).result[0] == 0xFFFFFF88


def test_new_key_is_made_of_the_oss_randomness():
    """Where no private key is to be kept, a new one is made of random bytes."""
    run = Run(_library(PAIR, 0x21, RAM + 0x100, RAM, 0) + END, Outcome(value=bytes(32) + KEY))
    assert run.requests == [Random(64)]
    assert run.ram(0x108, 65) == secp256k1.public_key(KEY, compressed=False)


@pytest.mark.parametrize("level", [0, 28])
def test_level_that_does_not_run_is_refused(level):
    """An app of another API level is refused with what can be run."""
    with pytest.raises(UsageError):
        next(program(UnicornCpu(), native(END, level=level), INFO))


def test_parameters_stand_behind_the_code():
    """Install parameters lie in the app's flash behind its data, as it was linked."""
    run = Run(END + bytes(4))
    assert run.cpu.read(0x00400008, len(PARAMETERS)) == PARAMETERS
