"""Firmware from before API levels: found by an app's code, and its own ways of answering and throwing."""

import dataclasses
import struct

import pytest
from native_program import END, INFO, PARAMETERS, image

from tallystick.device.native import table_nanos_15, table_nanos_16
from tallystick.device.native.call_table import ReturnStyle
from tallystick.device.native.cpu import Register
from tallystick.device.native.era import ERAS, era_of
from tallystick.device.native.generation import generation_of
from tallystick.device.native.machine import Crash
from tallystick.device.native.program import program
from tallystick.device.native.worker import UnicornCpu
from tallystick.wire.native import NativeImage
from tallystick.wire.syscall import Idle, Log, Outcome, Random


def call(number, *arguments, room=0):
    """Return Thumb code that makes one call with its arguments on the stack, as wrappers of the SDK do, by ldr from its end."""
    # sub sp, #32; then each argument through r0; mov r1, sp; ldr r0; svc 1; b behind
    words = [value & 0xFFFFFFFF for value in (*arguments, number)]
    code = b"\x88\xb0"
    body = 2 + 4 * len(arguments) + 8
    at = body + (-body % 4)
    for index in range(len(arguments)):
        here = 2 + 4 * index
        load = (at + 4 * index - ((here + 4) & ~3)) // 4
        code += struct.pack("<2H", 0x4800 | load, 0x9000 | index)
    here = 2 + 4 * len(arguments)
    load = (at + 4 * len(arguments) - ((here + 2 + 4) & ~3)) // 4
    code += struct.pack("<4H", 0x4669, 0x4800 | load, 0xDF01, 0xE000 | (at + 4 * len(words) - here - 6 - 4) // 2)
    return code + b"\x00\xbf" * ((at - body) // 2) + struct.pack(f"<{len(words)}I", *words)


def marks(name, model="nanos"):
    """Return words that stand in the code of an app of an era."""
    era = next(era for era in ERAS if (era.model, era.name) == (model, name))
    others = [other.marks for other in ERAS if other.model == model and other is not era]
    return struct.pack("<3I", *sorted(era.marks.difference(*others))[:3])


@pytest.mark.parametrize("name", ["1.5", "1.6", "2.1"])
def test_nano_s_firmware_is_found_by_the_numbers_of_calls(name):
    """The firmware that knows most of the words is taken, and the newest of those that know as many."""
    assert era_of("nanos", END * 5 + marks(name) + b"\xff").name == name
    # check_api_level, os_lib_call and os_sched_exit: 1.5 knows one of them, 1.6 all, 2.x two
    assert era_of("nanos", struct.pack("<3I", 0x60000137, 0x6000670D, 0x60009ABE)).name == "1.6"
    assert era_of("nanos", struct.pack("<2I", 0x6000670D, 0x60009ABE)).name == "2.1"
    assert era_of("nanos", struct.pack("<I", 0x60000137)).name == "2.1"


@pytest.mark.parametrize(
    ("model", "last", "name"),
    [
        ("nanox", 108, "2.0.2"),
        ("nanox", 113, "2.0"),
        ("nanosp", 123, "1.0.3"),
        ("nanosp", 118, "1.0"),
        ("nanox", 3, "2.0.2"),
    ],
)
def test_firmware_with_a_library_is_found_by_its_last_function(model, last, name):
    """Stubs tell how many functions the library has; where they do not, the newest firmware is taken."""
    stubs = b"".join(b"\x03\xb4" + bytes((number, 0x20)) for number in (5, last))
    assert era_of(model, stubs).name == name
    assert era_of(model, b"\x03\xb4\x4f\xf0" + bytes((last, 0))).name == name


def test_nano_x_12_is_found_by_the_numbers_of_calls():
    """Firmware 1.2 of Nano X has calls where later firmware has a library."""
    assert era_of("nanox", marks("1.2", "nanox")).name == "1.2"


@pytest.mark.parametrize("model", ["stax", "flex", "apex_p"])
def test_models_without_such_firmware_have_none(model):
    """Later models had API levels from the beginning."""
    assert era_of(model, END) is None


def test_ram_of_a_nano_s_lies_where_its_apps_name_it():
    """RAM is where it was linked for on a Nano S, and behind a register elsewhere; 1.x has no library to call."""
    one, two, plus = (
        generation_of("nanos", None, code=marks("1.6")),
        generation_of("nanos", None, code=marks("2.1")),
        generation_of("nanosp", None),
    )
    assert (one.ram, one.ram_link, one.stack, one.trampoline) == (0x20001800, 0x20001800, 0x20002800, 0)
    assert (two.ram, two.stack, two.trampoline, two.function_name(113)) == (0x20000200, 0x20001400, 0x120000, "cx_x448")
    assert (plus.ram_link, plus.ram_bytes, plus.function_name(123)) == (0xDA7A0000, 30 * 1024, "cx_x448")
    assert [generation_of("nanos", None, code=marks(name)).calls.style for name in ("1.5", "1.6", "2.1")] == [
        ReturnStyle.WORD_FIRST,
        ReturnStyle.IN_ARRAY,
        ReturnStyle.EXCEPTION,
    ]


@pytest.mark.parametrize("era", ERAS, ids=lambda era: f"{era.model}-{era.name}")
def test_every_call_of_an_era_has_a_number_a_name_and_a_count(era):
    """Numbers that are none are named by themselves."""
    assert era.calls.find(0x12345678).name == "0x12345678"
    assert len(era.functions) in {0, 109, 114, 119, 124}
    assert len(PARAMETERS) > 0


class Old:
    """One app of firmware 1.x or 2.x, driven until it ends, with arguments on its stack as the SDK's wrappers put them."""

    def __init__(self, name, code, *answers):
        era = next(era for era in ERAS if (era.model, era.name) == ("nanos", name))
        code += bytes(-len(code) % 4)
        made = image(code + END + marks(name), level=None)
        self.cpu, self.crash, self.requests = UnicornCpu(), "", []
        left = list(answers)
        info = dataclasses.replace(INFO, model="nanos")
        running = program(self.cpu, NativeImage(image=made), info, budget=10_000, calls=100)
        self.ram = era.ram
        try:
            request = next(running)
            while True:
                if not isinstance(request, Idle | Log):
                    self.requests.append(request)
                asked = not isinstance(request, Idle | Log)
                request = running.send(left.pop(0) if left and asked else Outcome())
        except StopIteration:
            pass
        except Crash as crash:
            self.crash = crash.message

    def words(self, address, count):
        """Return words of the app's memory."""
        return struct.unpack(f"<{count}I", self.cpu.read(address, 4 * count))

    @property
    def array(self):
        """Where the last call's arguments lie: on the stack, as it was left."""
        return self.cpu.get(Register.SP)


# numbers of SDK 1.5 and 1.6: cx_rng, and what answers it
RNG, RNG_ANSWERED = 0x6000052C, 0x90000567
TRY_SET, UNKNOWN = 0x60008875, 0x60009999
# and of SDK 2.0
RANDOM = 0x60010775


def test_firmware_15_answers_in_registers():
    """The word that answers comes in r0 and the result in r1."""
    made = Old("1.5", call(RNG, 0x20001900, 4), Outcome(value=b"rand"))
    assert made.requests == [Random(4)]
    assert (made.cpu.get(Register.R0), made.cpu.get(Register.R1)) == (RNG_ANSWERED, 0x20001900)
    assert made.cpu.read(0x20001900, 4) == b"rand"


def test_firmware_16_answers_in_the_array():
    """The word that answers and the result are written over the first two arguments."""
    made = Old("1.6", call(RNG, 0x20001900, 4), Outcome(value=b"rand"))
    assert made.words(made.array, 2) == (RNG_ANSWERED, 0x20001900)


def test_firmware_2_answers_as_all_later_ones():
    """Result in r0, exception in r1."""
    made = Old("2.1", call(RANDOM, 0x20000300, 4), Outcome(value=b"rand"))
    assert (made.cpu.get(Register.R0), made.cpu.get(Register.R1)) == (0, 0)
    assert made.cpu.read(0x20000300, 4) == b"rand"
    assert Old("2.1", call(UNKNOWN)).cpu.get(Register.R1) == 0x0B


@pytest.mark.parametrize("name", ["os_perso_isonboarded", "os_global_pin_is_validated"])
def test_all_is_well_in_the_words_of_the_firmware(name):
    """That the device is set up and its PIN was entered is a long word in firmware 1.5, and a short one from 1.6 on (os.h)."""
    older, newer = (
        next(number for number, each in table.CALLS.items() if each.name == name)
        for table in (table_nanos_15, table_nanos_16)
    )
    assert Old("1.5", call(older)).cpu.get(Register.R1) == 0xB0105011
    made = Old("1.6", call(newer, 0, 0))
    assert made.words(made.array, 2)[1] == 0xAA


@pytest.mark.parametrize("name", ["1.5", "1.6"])
def test_exception_that_nobody_catches_ends_an_old_app(name):
    """Firmware 1.x goes to the app's try context; without one the app is over, and the report names the call."""
    made = Old(name, call(UNKNOWN))
    assert made.crash == "0x60009999 ended with exception 0x8, and the app does not catch any"


@pytest.mark.parametrize("name", ["1.5", "1.6"])
def test_exception_goes_to_the_try_context(name):
    """Registers are those that setjmp kept, the exception is in r0, and the app goes on where it had called setjmp."""
    catch = 0x00400000 + 0x100
    kept = struct.pack("<10I", *range(4, 12), 0x20002700, catch | 1)
    code = call(TRY_SET, 0xC0D00200) + call(UNKNOWN)
    code += b"\x00\xbf" * ((0x100 - len(code)) // 2) + END
    code += b"\x00\xbf" * ((0x200 - len(code)) // 2) + kept
    made = Old(name, code)
    assert "fault at app+0x100" in made.crash
    assert made.cpu.get(Register.R0) == 8
    assert [made.cpu.get(register) for register in (Register.R4, Register.R11, Register.SP)] == [4, 11, 0x20002700]
