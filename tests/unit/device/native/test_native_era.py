"""Firmware from before API levels: found by an app's code, and its own ways of answering and throwing."""

import struct

import pytest
from native_program import END, INFO, PARAMETERS, image

from tallystick.device.native.call_table import ReturnStyle
from tallystick.device.native.cpu import Register
from tallystick.device.native.era import ERAS, era_of
from tallystick.device.native.generation import generation_of
from tallystick.device.native.machine import Crash
from tallystick.device.native.program import program
from tallystick.device.native.worker import UnicornCpu
from tallystick.wire.native import NativeImage
from tallystick.wire.syscall import Exchange, Idle, Outcome

# bolos_syscalls_1.5.h, 1.6.h and 2.0.h of Speculos 0.9.0, and the SDK's own headers of 2.0 and 2.1
CHECK_LEVEL, TRY_SET, EXIT_15, EXIT_16, EXIT_2 = 0x60000137, 0x6000AC7A, 0x600062E1, 0x60009ABE, 0x60009ABE


def old(code):
    """Return an app without an API level."""
    made = image(code, level=None)
    return NativeImage(image=made)


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


def run(code, *, model="nanos"):
    """Run code to its end; return processor and crash."""
    import dataclasses

    cpu = UnicornCpu()
    running = program(cpu, old(code), dataclasses.replace(INFO, model=model), budget=10_000, calls=100)
    try:
        request = next(running)
        while True:
            assert isinstance(request, Idle | Exchange) or hasattr(request, "text")
            request = running.send(Outcome())
    except StopIteration:
        return cpu, ""
    except Crash as crash:
        return cpu, crash.message


def marks(name, model="nanos"):
    """Return words that stand in the code of an app of an era."""
    era = next(era for era in ERAS if (era.model, era.name) == (model, name))
    return struct.pack("<3I", *sorted(era.marks)[:3])


@pytest.mark.parametrize("name", ["1.5", "1.6", "2.1"])
def test_nano_s_firmware_is_found_by_the_numbers_of_calls(name):
    """The words that only one firmware has decide, whatever stands around them."""
    assert era_of("nanos", END * 5 + marks(name) + b"\xff").name == name


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
