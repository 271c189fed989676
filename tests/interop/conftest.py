"""Fixtures for the tests in which a client that this project did not write drives the device.

Nothing here imports the package: device and clients are processes, and the judge is a third party's library.
"""

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import client
import device_process
import pytest
import recorder
import service_process

VECTORS = Path(__file__).parent.parent / "vectors" / "interop_cosmos.json"
RECORDED = Path(__file__).parent / "recorded"


def pytest_addoption(parser):
    """Add what only these tests need."""
    group = parser.getgroup("interop")
    group.addoption("--record-connect", action="store_true", help="write what each client sends, instead of comparing")
    group.addoption("--device-command", default="", help="the `tally` to judge (default: the one beside this Python)")


@pytest.fixture(scope="session")
def vectors():
    """Give the accounts, documents and signatures all clients are held to."""
    return json.loads(VECTORS.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def device_command(pytestconfig):
    """Give the command that starts a device, as a list."""
    named = pytestconfig.getoption("--device-command") or str(Path(sys.executable).parent / "tally")
    assert shutil.which(named), f"no device to judge: {named} is not there"
    return [named]


@pytest.fixture
def start_device(device_command, vectors, tmp_path):
    """Give a function that starts a device with the test seed and the given flags; all end with the test."""
    running = []

    def start(*flags, apps=("--app", "Cosmos")):
        flags = ["--seed", vectors["seed"], *apps, *flags]
        running.append(device_process.start(command=device_command, flags=flags, directory=tmp_path))
        return running[-1]

    yield start
    for device in running:
        device.end()


@pytest.fixture
def start_manager(device_command, tmp_path):
    """Give a function that starts a manager with the workshop's keys and the given flags; all end with the test."""
    running = []

    def start(*flags, database="manager.db"):
        flags = ["--database", f"sqlite:///{tmp_path / database}", *flags]
        running.append(service_process.start(command=device_command, flags=flags, directory=tmp_path))
        return running[-1]

    yield start
    for manager in running:
        manager.end()


def require(reason):
    """Skip for `reason` where a client is missing; in CI that is a failure."""
    if reason and os.environ.get("CI") == "true":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@dataclass(frozen=True, kw_only=True)
class Client:
    """The drivers of one language, for one test."""

    kind: str
    home: Path
    vectors: dict

    def request(self, device, **changes):
        """Give a driver's request: the first account of the test seed, all documents."""
        path = self.vectors["path"]
        asked = {key: self.vectors[key] for key in ("hrp", "documents", "recipient", "textual")}
        asked |= {"apdu_port": device.apdu_port, "api_port": device.api_port, "open_app": False, "path": path}
        asked |= changes
        if self.kind == "python":
            asked["path"] = [int(word.rstrip("'")) + (word.endswith("'") << 31) for word in asked["path"].split("/")]
        return asked

    def env(self, port):
        """Give the environment in which this client finds a device at `port`."""
        return client.environment(home=self.home, apdu_port=port)

    def drive(self, name, device, **changes):
        """Run a driver against a device; give its answer."""
        asked = self.request(device, **changes)
        return client.run_driver(self.kind, name, asked, env=self.env(asked["apdu_port"]))

    def driving(self, name, device, **changes):
        """Have a driver running while a `with` body runs; it is killed at the end of it."""
        asked = self.request(device, **changes)
        return client.running_driver(self.kind, name, asked, env=self.env(asked["apdu_port"]))

    def command(self, device, *arguments, expect_success=True):
        """Run a command of the Python clients' environment; give the finished process."""
        program, *rest = arguments
        path = str(client.VENV / "bin" / program)
        return client.run_command([path, *rest], env=self.env(device.apdu_port), expect_success=expect_success)


@pytest.fixture
def python_client(tmp_path, vectors):
    """Give the drivers of the Python clients, or skip with the reason."""
    require(client.why_no_python())
    return Client(kind="python", home=tmp_path, vectors=vectors)


@pytest.fixture
def node_client(tmp_path, vectors):
    """Give the drivers of the node clients, or skip with the reason."""
    require(client.why_no_node())
    return Client(kind="node", home=tmp_path, vectors=vectors)


@pytest.fixture
def check_recorded(pytestconfig, start_device):
    """Give a function that runs a driver through the recorders and compares what it sent with the recording.

    `connect` is what the client sends to reach the open app from the dashboard; `session` adds an address and the
    worked document. With --record-connect the recording is written instead.
    """

    def sent_by(drivers, driver, *, steps, **changes):
        device = start_device("--approve")
        with recorder.recording_tcp(device.apdu_port) as tcp, recorder.recording_http(device.api_port) as http:
            ports = {"apdu_port": tcp[0], "api_port": http[0]}
            worked = {"worked": drivers.vectors["documents"]["worked"]}
            drivers.drive(driver, device, **ports, steps=steps, documents=worked, quiet=True, **changes)
            return [*tcp[1], *http[1]]

    def check(name, drivers, driver, *, packages, **changes):
        found = {
            "packages": {package: client.version_of(package) for package in packages},
            "connect": sent_by(drivers, driver, steps=[], **changes),
            "session": sent_by(drivers, driver, steps=["address", "sign"], **changes),
        }
        file = RECORDED / f"{name}.json"
        if pytestconfig.getoption("--record-connect"):
            file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        assert json.loads(file.read_text(encoding="utf-8")) == found

    return check
