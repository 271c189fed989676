"""The pytest plugin: a device for a test, in the test's own process.

======================  ====================================================================================
fixture                 what it is
======================  ====================================================================================
`device`                a `VirtualDevice`: seed "test … junk", no PIN, the app cosmos installed, a Nano S Plus
`user`                  the person at it
`session`               the host library's conversation with it
`apdu_log`              what passed
`device_factory`        makes more devices, by the arguments of `VirtualDevice`
`device_model`          the model's name
======================  ====================================================================================

`@pytest.mark.device(...)` changes the device of a test, a class or a module, the nearest marker winning for each argument:
seed, pin, apps, model, open, onboarded, provisioned, pin_policy, expert, deterministic_rng, approve, automation, as
`VirtualDevice` has them.
`@pytest.mark.models("nanosp", "stax")` (or ``"all"``) runs a test on each; `--device-model` does so for the whole run. A failed
test's report has the APDUs and the last screen.

This module is loaded by every run of pytest where the package is installed: it imports nothing until a fixture is used.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tallystick.host.session import Session
    from tallystick.testing.device import VirtualDevice
    from tallystick.testing.log import ApduLog
    from tallystick.testing.user import User

#: the names of the models, in the order of their age
MODELS = ("nanos", "nanox", "nanosp", "stax", "flex", "apex_p")
DEFAULT_MODEL = "nanosp"
_ALL = "all"
_ARGUMENTS = (
    "seed",
    "pin",
    "apps",
    "model",
    "open",
    "onboarded",
    "provisioned",
    "expert",
    "pin_policy",
    "deterministic_rng",
    "approve",
    "automation",
)
#: exchanges of each device in the report of a failed test: the last ones
_SHOWN = 100
_DEVICES = pytest.StashKey[list["VirtualDevice"]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--device-model`."""
    parser.getgroup("tallystick", "virtual hardware wallets").addoption(
        "--device-model",
        action="append",
        default=[],
        choices=[*MODELS, _ALL],
        metavar="MODEL",
        help=f"the model of devices whose test names none: {', '.join(MODELS)} or all; may be given several times",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers."""
    config.addinivalue_line("markers", f"device({', '.join(f'{name}=' for name in _ARGUMENTS)}): the device of a test")
    config.addinivalue_line("markers", 'models("nanosp", "stax", ... or "all"): run the test on each of these models')


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each model that it, or the command line, asks for."""
    if "device_model" not in metafunc.fixturenames:
        return
    wanted = _option_models(metafunc.config)
    marker = metafunc.definition.get_closest_marker("models")
    if marker is not None:
        named = _models(marker.args, where="the marker models")
        skip = pytest.mark.skip(reason=f"not among --device-model {', '.join(wanted)}")
        cases = [pytest.param(name, marks=() if not wanted or name in wanted else skip) for name in named]
    elif len(wanted) > 1 and "model" not in _marked(metafunc.definition):
        cases = [pytest.param(name) for name in wanted]
    else:
        return
    metafunc.parametrize("device_model", cases, indirect=True, ids=[str(case.values[0]) for case in cases])


@pytest.fixture
def device_model(request: pytest.FixtureRequest) -> str:
    """Return the name of the model: the test's, the command line's, or nanosp."""
    if hasattr(request, "param"):
        return str(request.param)
    marked = _marked(request.node).get("model")
    if marked is not None:
        return _models((marked,), where="the marker device")[0]
    return next(iter(_option_models(request.config)), DEFAULT_MODEL)


@pytest.fixture
def device_factory(
    request: pytest.FixtureRequest, device_model: str
) -> Generator[Callable[..., VirtualDevice], None, None]:
    """Make devices by the arguments of `VirtualDevice`; each has randomness, and so a serial number, of its own."""
    from tallystick.testing.device import VirtualDevice

    made: list[VirtualDevice] = request.node.stash.setdefault(_DEVICES, [])
    mine: list[VirtualDevice] = []

    def make(**arguments: Any) -> VirtualDevice:
        arguments = {"model": device_model, "deterministic_rng": len(made), **arguments}
        device = VirtualDevice(**arguments)
        made.append(device)
        mine.append(device)
        return device

    yield make
    for device in mine:
        device.close()


@pytest.fixture
def device(
    request: pytest.FixtureRequest, device_model: str, device_factory: Callable[..., VirtualDevice]
) -> VirtualDevice:
    """Return a fresh device for the test, made as its marker `device` says."""
    return device_factory(**{**_marked(request.node), "model": device_model})


@pytest.fixture
def user(device: VirtualDevice) -> User:
    """Return the person at the test's device."""
    return device.user


@pytest.fixture
def session(device: VirtualDevice) -> Session:
    """Return the host library's conversation with the test's device."""
    return device.session


@pytest.fixture
def apdu_log(device: VirtualDevice) -> ApduLog:
    """Return what passed between the test's device and its clients."""
    return device.apdu_log


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the APDUs and the last screen of each device into the report of a test that failed."""
    report = yield
    devices: list[VirtualDevice] = item.stash.get(_DEVICES, [])
    if report.failed:
        for number, device in enumerate(devices):
            name = f"device {number + 1} ({device.model})"
            report.sections.append((f"APDUs of {name}", device.apdu_log.to_text(last=_SHOWN) or "none\n"))
            report.sections.append((f"screen of {name}", "\n".join(device.screen) + "\n"))
    if report.when == "teardown":
        devices.clear()
    return report


def _marked(node: pytest.Item | pytest.Function) -> dict[str, Any]:
    """Return the arguments of all markers `device` on a test, the nearest winning."""
    arguments: dict[str, Any] = {}
    for marker in reversed(list(node.iter_markers("device"))):
        unknown = sorted(set(marker.kwargs) - set(_ARGUMENTS))
        if unknown or marker.args:
            what = f"no argument {unknown[0]}" if unknown else "named arguments only"
            raise pytest.UsageError(f"the marker device has {what}; it has {', '.join(_ARGUMENTS)}")
        arguments.update(marker.kwargs)
    return arguments


def _option_models(config: pytest.Config) -> tuple[str, ...]:
    return _models(tuple(config.getoption("device_model")), where="--device-model")


def _models(names: tuple[Any, ...], *, where: str) -> tuple[str, ...]:
    """Return the models named, each once."""
    unknown = next((name for name in names if name not in {*MODELS, _ALL}), None)
    if unknown is not None:
        raise pytest.UsageError(f"{where} names no model: {unknown}; choose of {', '.join(MODELS)} or {_ALL}")
    return MODELS if _ALL in names else tuple(dict.fromkeys(names))
