"""A native app in a process of its own: what the example in C does, and what an app that does harm does not."""

import asyncio
import logging

import pytest
from native_stage import NativeStage, hello
from process_stage import demo, no_stray_process, stages

from tallystick.device.sandbox.inspect import own_filters, require_confined
from tallystick.wire.image import AppImage, CreateApp
from tallystick.wire.install import Curve
from tallystick.wire.syscall import CallStatus, DeriveNode

CRASHED = b"\x6f\x00"
HARDENED = 0x80000000


@pytest.fixture(autouse=True)
def _no_stray_process():
    """Whatever a test does to its apps, no child of ours is left, dead or alive."""
    with no_stray_process():
        yield


@pytest.fixture
def stage():
    """Return a maker of stages that are closed at the end."""
    with stages(NativeStage) as make:
        yield make


async def test_native_app_answers_and_shows_its_screen(stage):
    """The example answers APDUs through the calls of its SDK and shows a menu through ours."""
    device = stage(hello())
    assert await device.client.exchange("e001000000") == bytes.fromhex("0100009000")
    assert await device.client.exchange("e003000003616263") == bytes.fromhex("e0030000036162639000")
    assert await device.client.exchange("e0ff000000") == bytes.fromhex("6d00")
    assert any("Hello" in line for line in device.screen)


async def test_native_process_is_locked_like_any_app(stage):
    """The process of a native app has the same filter and limits as one of a Python app: no new code behind the lock."""
    device = stage(hello())
    await device.client.exchange("e001000000")
    require_confined(device.pid, device.host.offered, inherited=own_filters())


async def test_what_a_native_app_keeps_survives_and_goes_with_it(stage):
    """A counter in flash counts on after the app was closed, and begins anew when it was removed and put in again."""
    device = stage(hello())
    assert await device.client.exchange("e002000000") == bytes.fromhex("010000009000")
    assert await device.client.exchange("e002000000") == bytes.fromhex("020000009000")
    device.board.system.supervisor.close()
    device.open("Hello")
    assert await device.client.exchange("e002000000") == bytes.fromhex("030000009000")
    device.board.system.supervisor.close()
    device.board.system.session.registry.remove("Hello")
    device.install(hello())
    device.open("Hello")
    assert await device.client.exchange("e002000000") == bytes.fromhex("010000009000")


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (0, "read fault at app+0x"),
        (1, "write fault at app+0x"),
        (2, "execute fault at 0x2010"),
    ],
)
async def test_app_that_does_harm_is_ended_with_a_report(stage, caplog, harm, told):
    """Reading what is not mapped, writing flash and running RAM end the app with a report; it can be opened again."""
    device = stage(hello())
    with caplog.at_level(logging.WARNING, logger="tallystick"):
        assert await device.client.exchange(f"e00f{harm:02x}0000") == CRASHED
    assert device.app is None
    assert told in caplog.text
    assert "after os_io_rx_evt" in caplog.text
    device.open("Hello")
    assert await device.client.exchange("e001000000") == bytes.fromhex("0100009000")


@pytest.mark.parametrize("harm", [4, 5])
async def test_wild_pointer_and_unknown_call_are_errors_to_the_app(stage, harm):
    """A pointer that is not the app's, and a call that does not exist, are told to the app, which goes on."""
    device = stage(hello())
    assert await device.client.exchange(f"e00f{harm:02x}0000") == bytes.fromhex("9000")


async def test_app_that_computes_for_ever_is_ended(stage):
    """An app that does not come back is ended by the watchdog, and the device goes on."""
    device = stage(hello())
    await device.client.exchange("e001000000")
    pending = asyncio.ensure_future(device.client.exchange("e00f030000"))
    await asyncio.sleep(0)
    device.turn(20)
    assert await pending == CRASHED
    assert device.app is None


@pytest.mark.parametrize(
    ("curve", "path", "status"),
    [
        (Curve.SECP256K1, (44 | HARDENED, 1), CallStatus.OK),
        (Curve.SECP256K1, (45 | HARDENED,), CallStatus.NOT_PERMITTED),
        (Curve.SECP256K1, (), CallStatus.NOT_PERMITTED),
        (Curve.SECP256R1, (44 | HARDENED,), CallStatus.NOT_PERMITTED),
    ],
)
async def test_native_app_gets_private_keys_of_its_own_paths_alone(stage, curve, path, status):
    """Private keys go to a native app at and below its paths, on its curves, and never when the device is locked."""
    device = stage(hello())
    system = device.board.system
    call = DeriveNode(curve, path)
    assert system.supervisor._syscalls.handle(system.supervisor.app, call).status is status
    system.session.keychain.clear()
    locked = system.supervisor._syscalls.handle(system.supervisor.app, call).status
    assert locked is (CallStatus.LOCKED if status is CallStatus.OK else status)


async def test_python_app_never_gets_a_private_key(stage):
    """The same call by an app in Python is refused, whatever its manifest says."""
    device = stage(hello())
    bundle = demo("start = None\n", curves=["secp256k1"], paths=["44'"])
    app = device.board.system.session.registry.measure(bundle.image(), bundle=bundle)
    outcome = device.board.system.supervisor._syscalls.handle(app, DeriveNode(Curve.SECP256K1, (44 | HARDENED,)))
    assert outcome.status is CallStatus.NOT_PERMITTED


async def test_function_of_a_library_that_is_not_installed_ends_the_app_by_name(stage, caplog):
    """An app that calls the shared library where there is none is ended, and the log names the function."""
    # push {r0, r1}; movs r0, #0x91; ldr r1, [pc, #0]; bx r1; where the library lies on a Nano X
    code = bytes.fromhex("03b49120004908470100210000000000")
    parameters = hello().parameters
    create = CreateApp(api_level=26, code_length=len(code), data_length=0, parameters_length=len(parameters))
    image = AppImage(create=create, code=code, data=b"", parameters=parameters)
    with caplog.at_level(logging.WARNING, logger="tallystick"):
        device = stage(image)
        await device.until(lambda: device.app is None)
    assert "nbgl_refresh is in no library here" in caplog.text
