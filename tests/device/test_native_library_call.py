"""One native app that calls another as its library, on a whole device with both in processes: code assembled by hand."""

import dataclasses
import struct

import pytest
from native_stage import NativeStage, lit_rows
from tests.unit.device.native.native_program import END, FLASH, RAM, call, image

from tallystick.wire.call_library import MAX_LIBRARY_DEPTH
from tallystick.wire.events import Button, press
from tallystick.wire.image import AppFlag
from tallystick.wire.install import Curve, Derivation, InstallParameters
from tallystick.wire.path import Bip32Path

LIB_CALL, LIB_END, RECEIVE, SEND, TAG, DERIVE = 0x01000067, 0x00000068, 0x03000089, 0x04000088, 0x03000074, 0x05000053
CODE_HASH, EXIT = 0x01000055, 0x0100009A
RECT, REFRESH = 0x01FA0000, 0x03FA0003
#: where the packet lies, which ends with the answer's status; before it what the library left
PACKET = RAM + 0x400
ARRAY = RAM + 0x100
APDU = bytes.fromhex("e0010000029000")
HARDENED = 0x80000000


def app(code, name, *, curves=Curve(0), flags=AppFlag(0), extra=b""):  # noqa: B008 -- a value
    """Return an app, which may derive under 44' on `curves`."""
    derivation = Derivation(curves=curves, paths=(Bip32Path((44 | HARDENED,)),)) if curves else None
    parameters = InstallParameters(name=name, version="1.0", derivation=derivation).to_bytes() + extra
    made = image(code, parameters=parameters)
    return dataclasses.replace(made, create=dataclasses.replace(made.create, flags=flags))


def caller(name, *, target="Lib"):
    """Return an app that answers an APDU with 64 bytes that its library leaves before the packet."""
    code = call(RECEIVE, PACKET, 300, 0) + call(TAG, 0x81, ARRAY, 8) + call(LIB_CALL, ARRAY)
    code += call(SEND, 0x20, PACKET - 64, 64 + 1 + len(APDU), 0)
    back = -(len(code) + 4) // 2
    code += struct.pack("<2H", 0xE000 | back & 0x7FF, 0xBF00)
    at = FLASH + len(code)
    code += target.encode() + bytes(8 - len(target))
    return app(code, name, extra=b"\x81\x08" + struct.pack("<2I", at, 7))


def library(*, flags=AppFlag.LIBRARY, name="Lib", end=LIB_END):
    """Return an app that leaves the key at 44'/1 of its own permission, or itself ends the app that called it."""
    size = len(call(DERIVE, *range(5)) + call(end, 0))
    code = call(DERIVE, 0x21, FLASH + size, 2, PACKET - 64, PACKET - 32) + call(end, 0)
    return app(code + struct.pack("<2I", 44 | HARDENED, 1), name, curves=Curve.SECP256K1, flags=flags)


@pytest.fixture
def start():
    """Return what opens the first of some apps on a device, which is closed at the end."""
    made = []

    def make(*images):
        made.append(NativeStage(images[0], name="Main"))
        for other in images[1:]:
            made[-1].install(other)
        return made[-1]

    yield make
    for one in made:
        one.close()


async def test_library_works_with_its_own_permissions_on_the_callers_memory(start):
    """What the library derives by its own permission, the caller finds in its RAM and answers; again and again."""
    device = start(caller("Main"), library())
    node = device.board.system.session.keychain.node(Curve.SECP256K1, (44 | HARDENED, 1)).reveal()
    for _ in range(2):
        answer = await device.client.exchange(APDU)
        assert answer == node + b"\x20" + APDU
    assert device.app == "Main"
    assert device.board.system.supervisor._run.caller is None


@pytest.mark.parametrize(
    "others",
    [(), (library(name="Other"),), (library(flags=AppFlag(0)),)],
    ids=["none", "another name", "not a library"],
)
async def test_library_that_may_not_be_called_is_an_exception(start, others):
    """An app that is not there, or that is no library, is not run; the caller goes on without it."""
    device = start(caller("Main"), *others)
    assert await device.client.exchange(APDU) == bytes(64) + b"\x20" + APDU
    assert device.app == "Main"


async def test_library_that_calls_itself_comes_to_an_end(start):
    """Calls within calls are bounded: the innermost is refused, each ends in its turn, and the caller answers."""
    code = call(TAG, 0x81, ARRAY, 8) + call(LIB_CALL, ARRAY) + call(LIB_END)
    code += b"Lib\0"
    again = app(code, "Lib", flags=AppFlag.LIBRARY, extra=b"\x81\x08" + struct.pack("<2I", FLASH + len(code) - 4, 7))
    device = start(caller("Main"), again)
    assert await device.client.exchange(APDU) == bytes(64) + b"\x20" + APDU
    assert len(device.host.launched) == 1 + MAX_LIBRARY_DEPTH
    assert device.app == "Main"


async def test_end_of_a_library_that_exits_is_the_end_of_all(start):
    """A library that ends the app, and not itself alone, ends its caller too."""
    device = start(caller("Main"), library(end=EXIT))
    assert await device.client.exchange(APDU) == b"\x6f\x00"
    assert device.app is None


async def test_fault_of_a_library_is_the_end_of_all(start, caplog):
    """A library that does harm ends with a report, and so does its caller."""
    device = start(caller("Main"), app(END, "Lib", flags=AppFlag.LIBRARY))
    assert await device.client.exchange(APDU) == b"\x6f\x00"
    assert device.app is None
    assert "the app Lib was ended: " in caplog.text
    device.open("Main")
    assert device.app == "Main"


async def test_library_speaks_for_its_caller(start):
    """The code hash that a library is told is that of the app that the person opened."""
    code = call(CODE_HASH, PACKET - 64, 32) + call(LIB_END)
    device = start(caller("Main"), app(code, "Lib", flags=AppFlag.LIBRARY))
    answer = await device.client.exchange(APDU)
    assert answer[:32] == device.board.system.session.registry.find("Main").full_hash


async def test_app_that_answers_and_ends_is_heard(start):
    """The answer of an app that quits as it answers reaches the client, and the dashboard is back."""
    code = call(RECEIVE, PACKET, 300, 0) + call(SEND, 0x20, PACKET, 1 + len(APDU), 0) + call(EXIT, 0)
    device = start(app(code, "Main"))
    assert await device.client.exchange(APDU) == b"\x20" + APDU
    await device.until(lambda: device.app is None)


async def test_calls_of_libraries_are_bounded(start, caplog):
    """An app that calls its library without end is ended: a library counts for many calls."""
    loop = call(LIB_CALL, ARRAY)
    code = call(RECEIVE, PACKET, 300, 0) + call(TAG, 0x81, ARRAY, 8) + loop
    code += struct.pack("<2H", 0xE000 | (-(len(loop) + 4) // 2) & 0x7FF, 0xBF00) + b"Lib\0"
    main = app(code, "Main", extra=b"\x81\x08" + struct.pack("<2I", FLASH + len(code) - 4, 7))
    device = start(main)  # where there is no such library, the refusal counts as much
    assert await device.client.exchange(APDU) == b"\x6f\x00"
    assert "it flooded the system with calls" in caplog.text


def drawing(rows, at):
    """Return code that clears the screen, lights some rows of it and shows them, and the areas for it that lie at `at`."""
    areas = struct.pack("<hhHHBB", 0, 0, 128, 64, 0, 0) + struct.pack("<hhHHBB", 0, 0, 128, rows, 3, 0)
    return call(RECT, at) + call(RECT, at + 10) + call(REFRESH, at, 0, 0), areas


def drawn(name, rows, before, after, *, flags=AppFlag(0), extra=b"", text=b""):  # noqa: B008 -- a value
    """Return an app that does what is `before`, draws, and does what is `after`; its areas and a text lie behind its code."""
    at = FLASH + len(before) + len(drawing(rows, 0)[0]) + len(after)
    code, areas = drawing(rows, at)
    return app(before + code + after + areas + text, name, flags=flags, extra=extra)


async def test_library_draws_in_the_place_of_its_caller(start):
    """A library's picture is on the screen, the button goes to the library, and its caller draws again afterwards."""
    heard = RAM + 0x600
    wait = call(RECEIVE, heard, 64, 0)
    lib = drawn("Lib", 5, b"", wait + wait + call(LIB_END, 0), flags=AppFlag.LIBRARY)
    before = call(RECEIVE, PACKET, 300, 0) + call(TAG, 0x81, ARRAY, 8) + call(LIB_CALL, ARRAY)
    after = call(SEND, 0x20, PACKET, 1 + len(APDU), 0) + wait
    size = len(before) + len(drawing(3, 0)[0]) + len(after) + 20
    name = b"\x81\x08" + struct.pack("<2I", FLASH + size, 0)
    main = drawn("Main", 3, before, after, extra=name, text=b"Lib\0")
    device = start(main, lib)
    device.client.send(APDU.hex())
    await device.until(lambda: lit_rows(device) == 5)
    assert device.board.system.supervisor.run.caller is not None
    assert device.client.answers == []
    for gesture in press(Button.RIGHT):
        device.board.event(gesture)
    await device.until(lambda: device.client.answers)
    assert device.client.answers == [b"\x20" + APDU]
    await device.until(lambda: lit_rows(device) == 3)
    assert device.app == "Main"
