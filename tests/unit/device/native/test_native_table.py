"""The tables of calls and generations."""

import pytest

from tallystick.device.native import table_nanos_15, table_nanos_16, table_nanox_12, table_two
from tallystick.device.native.generation import generation_of
from tallystick.device.native.handler import HANDLERS, LIBRARY
from tallystick.device.native.library_cx import FUNCTIONS_TWO
from tallystick.device.native.library_table import FUNCTIONS, function_name
from tallystick.device.native.table import NAMES, argument_count, name_of
from tallystick.errors import UsageError


@pytest.mark.parametrize(
    ("number", "name", "count"),
    [
        # include/syscalls.h of API level 26
        (0x00000001, "get_api_level", 0),
        (0x03000003, "nvm_write", 3),
        (0x080000A6, "os_perso_derive_node_with_seed_key", 8),
        (0x04000088, "os_io_tx_cmd", 4),
        (0x03FA0003, "nbgl_front_refresh_area", 3),
    ],
)
def test_numbers_are_those_of_the_sdk(number, name, count):
    """A number gives the name and the count of arguments of the SDK's header."""
    assert (name_of(number), argument_count(number)) == (name, count)


def test_unknown_number_is_named_by_itself():
    """A number that is no call, and a function that is in no library, are told as they are."""
    assert name_of(0x0FFFFFFF) == "0x0fffffff"
    assert "0x1000" in function_name(0x1000)


def test_handlers_are_for_calls_there_are():
    """Every handler answers a call of the table or stands for a function of the library."""
    old = {
        call.name
        for table in (table_nanos_15, table_nanos_16, table_nanox_12, table_two)
        for call in table.CALLS.values()
    }
    assert set(HANDLERS) <= set(NAMES.values()) | old
    assert set(LIBRARY) <= set(FUNCTIONS) | set(FUNCTIONS_TWO)
    # include/cx_stubs.h and nbgl_stubs.h of API level 26
    assert (FUNCTIONS[0x33], FUNCTIONS[0x91], len(FUNCTIONS)) == (
        "cx_ecfp_init_private_key_no_throw",
        "nbgl_refresh",
        0xC5,
    )


@pytest.mark.parametrize(("model", "level"), [("stax", None), ("nanox", 0), ("nanox", 28), ("nanos", 22)])
def test_generation_that_does_not_run_is_said(model, level):
    """Other levels, none, and models without any are refused with what can be run."""
    with pytest.raises(UsageError) as refused:
        generation_of(model, level)
    assert "1 to 27" in refused.value.remedy


def test_generation_has_what_the_model_has():
    """RAM and the place of the shared library are the model's and the level's."""
    assert (generation_of("nanox", 26).ram_bytes, generation_of("nanox", 26).trampoline) == (28 * 1024, 0x210000)
    assert (generation_of("stax", 24).ram_bytes, generation_of("stax", 24).trampoline) == (36 * 1024, 0x808000)
    # the libraries of level 22 lie elsewhere: where Ethereum 1.18 calls them
    found = [generation_of(model, 22).trampoline for model in ("nanox", "nanosp", "stax", "flex")]
    assert found == [0x210000, 0x810000, 0x818000, 0x818000]
