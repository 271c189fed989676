"""A hostile Normal World on the isolated board, rightly signed: it is ended or refused, and the Secure World lives on."""

import json
import select
import shutil
import socket
import subprocess
from pathlib import Path

import hostile_world
import pytest
from isolated_stage import Held, cut_family, tally, worlds
from process_stage import PATIENCE_S, free_port
from up_stage import TEST_SENTENCE, Up, command, run, wait_for_end

import tallystick
from tallystick.manager.factory.build import ENTRIES, Release, image, sign
from tallystick.manager.factory.key import FactoryKeys
from tallystick.wire.firmware import CONFIG_KEY, NORMAL_KEY, ImageRole

_ENTRY = (
    "from tallystick.device.board import hostile_world\ndef main(_handover):\n    return hostile_world.main({!r})\n"
)


class Foundry:
    """Signs Normal Worlds of any deed, beside the Secure World of this checkout."""

    def __init__(self, folder):
        self._folder = folder
        shutil.copytree(Path(tallystick.__file__).parent, folder / "source" / "tallystick")
        self._board = folder / "source" / "tallystick" / "device" / "board"
        shutil.copy(hostile_world.__file__, self._board)
        self._keys = FactoryKeys.generate()
        release = self._release("tallystick.device.board.normal_entry")
        names = {
            ImageRole.BOOTLOADER: (CONFIG_KEY, self._keys.config),
            ImageRole.SECURE_WORLD: (NORMAL_KEY, self._keys.normal),
        }
        self._images = {
            role: image(role, release, extra={name: key.public_key.to_text().encode()})
            for role, (name, key) in names.items()
        }

    def _release(self, entry):
        entries = {**ENTRIES, ImageRole.NORMAL_WORLD: entry}
        return Release(version="1.0.0", security_version=1, source=self._folder / "source", entries=entries)

    def device(self, deed, env):
        """Make a device whose Normal World does the deed, once; return its folder."""
        folder = self._folder / f"device-{deed}"
        if folder.exists():
            return folder
        (self._board / f"entry_{deed}.py").write_text(_ENTRY.format(deed))
        release = self._release(f"tallystick.device.board.entry_{deed}")
        files = sign(
            self._keys,
            release,
            bootloader=self._images[ImageRole.BOOTLOADER],
            secure_world=self._images[ImageRole.SECURE_WORLD],
            normal_world=image(ImageRole.NORMAL_WORLD, release),
        )
        images = self._folder / f"images-{deed}"
        images.mkdir()
        for name, data in files.items():
            (images / name).write_bytes(data)
        tally("device", "create", str(folder), "--images", str(images), env=env)
        return folder


@pytest.fixture(scope="module")
def foundry(tmp_path_factory):
    """Build the honest images once."""
    return Foundry(tmp_path_factory.mktemp("foundry"))


def next_worlds(device, *, old=None):
    """Return the processes of the device as a Normal World other than `old` is among them; one starts within half a second."""
    poll = socket.socketpair()
    with poll[0], poll[1]:
        for _ in range(int(PATIENCE_S * 50)):
            found = worlds(device)
            if "world" in found and found.get("normal") not in (None, old):
                return found
            poll[0].settimeout(0.02)
            try:
                poll[0].recv(1)
            except TimeoutError:
                continue
    raise AssertionError("no other Normal World came")


def next_normal(device, *, old=None):
    """Return the process of a Normal World other than `old`."""
    return next_worlds(device, old=old)["normal"]


def is_alive(device):
    """Tell whether the Secure World does what the person at the panel wants."""
    before = device.frame
    device.user.next()
    return device.frame.drawing != before.drawing and device.rest("GET", "/status")["unlocked"]


@pytest.mark.parametrize("deed", ["oversized", "unknown", "backwards"])
def test_one_that_breaks_the_rules_is_ended_and_replaced(home, foundry, deed):
    """It greets, is let in, and then breaks out: it is killed, another one is started, and the Secure World stays."""
    with Held("--state", str(foundry.device(deed, home)), env=home) as device:
        secure = worlds(device)["world"]
        first = next_normal(device)
        wait_for_end(first)
        wait_for_end(next_normal(device, old=first))
        assert worlds(device)["world"] == secure
        assert is_alive(device)


class Unready:
    """A device whose Normal World never comes up: only its panel can be reached."""

    def __init__(self, folder, env):
        port = free_port()
        words = ["--json", "--board", "isolated", "--state", str(folder), "--seed", TEST_SENTENCE]
        self.process = subprocess.Popen(
            command(*words, "--apdu-port", "0", "--api-port", str(port)),
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env,
        )  # fmt: skip
        self.facts = {"api_port": port}

    def __enter__(self):
        return self

    def __exit__(self, *_unused):
        cut_family(self.process)
        self.process.stdout.close()

    def rest(self, method, path):
        """Make a request of the REST API."""
        return Up.rest(self, method, path)

    def _complain(self, error):
        """Say why the device has ended, if it has."""
        Up._complain(self, error)

    def is_ready(self):
        """Tell whether it has said that it can be used."""
        return bool(select.select([self.process.stdout], [], [], 0)[0])


def test_one_that_breaks_out_as_it_greets_is_replaced(home, foundry):
    """It was locked and said so, so it may have been let in for a moment; the filter ends it, and another one is started."""
    with Unready(foundry.device("greet_and_escape", home), home) as device:
        first = next_worlds(device)
        wait_for_end(first["normal"])
        assert device.rest("GET", "/status")["unlocked"]
        assert next_worlds(device, old=first["normal"])["world"] == first["world"]


@pytest.mark.parametrize("deed", ["early", "escape", "silent"])
def test_one_that_is_never_let_in_is_replaced_and_never_heard(home, foundry, deed):
    """It speaks before it greets, breaks out at once, or says nothing: another one is started, and nobody calls it ready."""
    with Unready(foundry.device(deed, home), home) as device:
        first = next_worlds(device)
        wait_for_end(first["normal"])
        assert device.rest("GET", "/status")["unlocked"]
        assert next_worlds(device, old=first["normal"])["world"] == first["world"]
        assert not device.is_ready()


@pytest.mark.parametrize(
    ("deed", "reason"), [("unlocked", "the process is not locked"), ("early", "ended before they could be let in")]
)
def test_a_normal_world_that_can_never_be_used_ends_the_device(home, foundry, deed, reason):
    """Not locked as it greets, or never let in however often it is started: an error, exit code 9, and nothing is left."""
    folder = foundry.device(deed, home)
    ended = run(
        "--json", "--apdu-port", "0", "--api-port", "0", "--state", str(folder), "--seed", TEST_SENTENCE, env=home
    )
    error = json.loads(ended.stdout)
    assert (ended.returncode, error["error"]) == (9, "not_trusted")
    assert reason in error["message"]
    assert "selftest" in error["remedy"]


@pytest.mark.parametrize("deed", ["flood", "apdus"])
def test_one_that_floods_the_gate_holds_up_nobody(home, foundry, deed):
    """While it sends without end, the person at the panel is served, by the same Secure World."""
    with Held("--state", str(foundry.device(deed, home)), env=home) as device:
        secure = worlds(device)["world"]
        for _ in range(3):
            assert is_alive(device)
        assert worlds(device)["world"] == secure


def test_one_that_prints_without_end_fills_nobody_s_log(home, foundry):
    """Twenty megabytes on its outputs: a few cleaned lines in the log, the rest counted, and the device goes on."""
    with Held("--state", str(foundry.device("prints", home)), env=home) as device:
        normal = next_normal(device)
        for _ in range(3):
            assert is_alive(device)
        assert worlds(device)["normal"] == normal
        device.end()
        said = device.errors()
    assert "the Normal World says: a line of no use?[2J" in said
    assert len(said) < 100_000


def test_probes_in_a_signed_image_are_all_refused(home, foundry):
    """Every attempt of the self-test, made by the Normal World of a real device: refused, and what must work works."""
    with Held("--state", str(foundry.device("probe", home)), env=home) as device, device.connect() as link:
        reports = [json.loads(line) for line in link.makefile("rb")]
        assert len(reports) > 100
        assert {one["name"]: one["outcome"] for one in reports if one["outcome"] not in ("EPERM", "works")} == {}
        assert is_alive(device)
