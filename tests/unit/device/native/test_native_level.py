"""API levels: where the shared library lies, what its numbers mean, RAM, calls that are no more.

The numbers are those of the public SDK's branches: `cx_stubs.h`, `shared_trampoline.h`, `script.ld`, `syscalls.h`.
"""

import dataclasses
import struct

import pytest
from native_program import END, INFO, native

from tallystick.device.native.cpu import Register
from tallystick.device.native.generation import generation_of
from tallystick.device.native.handler import HANDLERS
from tallystick.device.native.level import LEVELS, MODELS, calls_of, functions_of, ram_bytes_of, trampoline_of
from tallystick.device.native.library_table import FUNCTIONS
from tallystick.device.native.machine import Crash, Machine
from tallystick.device.native.program import program
from tallystick.device.native.window import FONT_PLACE
from tallystick.device.native.worker import UnicornCpu
from tallystick.wire.native import join_fonts

NANO_X = 0x210000
STAX = dataclasses.replace(INFO, model="stax", target_id=0x33200004, touch=True)
AREA = 0x20100000
POINTERS = tuple(FONT_PLACE + 0x100 * number for number in range(1, 8))
#: a list of pointers, and at each of them a font of one letter: 16 bytes, where its characters are, where its pixels are
FONTS = (
    struct.pack("<7I", *POINTERS).ljust(0x100, b"\0")
    + (bytes(16) + struct.pack("<2I", *POINTERS[:2])).ljust(0x100, b"\0") * 7
)


@pytest.mark.parametrize(
    ("model", "places"),
    [
        ("nanox", {level: NANO_X for level in LEVELS}),
        ("nanosp", {1: 0x808000, 13: 0x808000, 14: 0x810000, 22: 0x810000, 23: 0x808000, 27: 0x808000}),
        ("stax", {6: 0x810000, 7: 0x818000, 14: 0x818000, 22: 0x818000, 23: 0x810000, 24: 0x808000}),
        ("flex", {18: 0x818000, 22: 0x818000, 23: 0x810000, 24: 0x808000, 27: 0x808000}),
        ("apex_p", {25: 0x808000, 27: 0x808000}),
    ],
)
def test_shared_library_is_where_apps_of_the_level_call_it(model, places):
    """The place moved from level to level, in another way for each model."""
    assert {level: trampoline_of(model, level) for level in places} == places


@pytest.mark.parametrize(
    ("model", "sizes"),
    [
        ("nanox", {1: 30, 12: 30, 22: 28, 27: 28}),
        ("nanosp", {1: 30, 4: 30, 5: 44, 22: 44, 23: 44, 24: 40}),
        ("stax", {5: 30, 13: 30, 14: 44, 22: 44, 23: 40, 24: 36}),
        ("flex", {18: 44, 22: 44, 23: 40, 24: 36}),
        ("apex_p", {25: 40}),
    ],
)
def test_ram_is_what_apps_of_the_level_are_linked_for(model, sizes):
    """An app has as much RAM as its level's link script promises, in KiB, never less."""
    assert {level: ram_bytes_of(model, level) // 1024 for level in sizes} == sizes


@pytest.mark.parametrize(
    ("level", "count", "numbers"),
    [
        (1, 135, {0x25: "cx_crc16", 0x2F: "cx_ecdsa_sign_no_throw", 0x86: "cx_x448"}),
        (5, 136, {0x25: "cx_constant_time_eq", 0x29: "cx_decode_coord", 0x2A: "cx_des_dec_block", 0x87: "cx_x448"}),
        (6, 125, {0x1D: "cx_cipher_update", 0x7C: "cx_x448"}),
        (14, 136, {0x30: "cx_ecdsa_sign_no_throw", 0x87: "cx_x448"}),
        (18, len(FUNCTIONS), {0x29: "cx_crc32_update", 0x2C: "cx_ecdsa_sign_no_throw", 0x83: "cx_x448"}),
        (27, len(FUNCTIONS), {0x90: "cx_aes_siv_reset", 0x91: "nbgl_refresh"}),
    ],
)
def test_functions_have_the_numbers_of_the_level(level, count, numbers):
    """What came and went shifted the numbers of everything behind it."""
    functions = functions_of(level)
    assert len(functions) == count
    assert {number: functions[number] for number in numbers} == numbers


@pytest.mark.parametrize(
    ("number", "last", "name"),
    [
        (0x02FA0003, 9, "nbgl_front_refresh_area"),
        (0x01000065, 12, "os_ux_result"),
        (0x02000102, 17, "cx_crc32_hw"),
        (0x01FA000A, 21, "delete_background_img"),
    ],
)
def test_calls_that_are_no_more_are_known_where_they_were(number, last, name):
    """A number that no newer level has is named up to the last level that had it, and is told as it is from then on."""
    assert calls_of(last).find(number).name == name
    assert calls_of(last + 1).find(number).name == f"{number:#010x}"


@pytest.mark.parametrize("level", LEVELS)
def test_every_model_has_a_generation_of_every_level(level):
    """A device takes the app of any level, with its library's code inside what can be mapped."""
    for model in MODELS:
        generation = generation_of(model, level)
        assert (generation.level, generation.functions) == (level, functions_of(level))
        assert generation.calls.find(0x03000003).name == "nvm_write"


def test_app_of_an_early_level_calls_the_library_by_that_level_s_numbers():
    """At API level 5 function 0x26 is a checksum of 16 bits, which later levels have under another number."""
    # adr r0, text; movs r1, #9; push {r0, r1}; movs r0, #0x26; ldr r4, [pc, #4]; blx r4; b behind; .word trampoline
    code = struct.pack("<7H", 0xA005, 0x2109, 0xB403, 0x2026, 0x4C01, 0x47A0, 0xE002) + b"\x00\xbf"
    cpu = UnicornCpu()
    with pytest.raises(Crash):
        list(program(cpu, native(code + struct.pack("<I", NANO_X | 1) + END + b"123456789", level=5), INFO))
    assert cpu.get(Register.R0) == 0x29B1


@pytest.mark.parametrize(("level", "count"), [(5, 4), (14, 7), (15, 6), (21, 6)])
def test_fonts_of_an_early_level_are_there_without_a_library(level, count):
    """Stax had another number of fonts in the OS; a file of fonts is enough, and what is behind its list is no font."""
    machine = Machine(UnicornCpu(), native(END, library=join_fonts(b"", FONTS), level=level), STAX)
    found = [HANDLERS["nbgl_get_font"](machine, (number,)) for number in range(8)]
    assert found == [*POINTERS[:count], *(0,) * (8 - count)]
    with pytest.raises(Crash, match="cannot be read"):
        Machine(UnicornCpu(), native(END, library=b"no library", level=level), STAX)


def test_font_that_is_none_is_given_all_the_same():
    """What a file of fonts says is not believed: text is not known then, and the app goes on."""
    fonts = FONTS[:0x100] + b"\xff" * 0x700
    machine = Machine(UnicornCpu(), native(END, library=join_fonts(b"", fonts), level=14), STAX)
    assert HANDLERS["nbgl_get_font"](machine, (0,)) == POINTERS[0]


@pytest.mark.parametrize(("level", "arguments"), [(10, 4), (22, 5)])
def test_compressed_picture_is_drawn_at_every_level_that_has_them(level, arguments):
    """The call came with four arguments, and has had five since level 12."""
    machine = Machine(UnicornCpu(), native(END, level=level), STAX)
    found = machine.generation.calls.find(arguments << 24 | 0xFA0010)
    assert (found.name, found.arguments) == ("nbgl_front_draw_img_rle", arguments)
    machine.memory.write(AREA, struct.pack("<HHHHBB", 0, 0, 8, 4, 0, 0))
    assert HANDLERS[found.name](machine, (AREA, AREA + 16, 0, 0, 0)[:arguments]) == 0
