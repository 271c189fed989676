"""Real releases, a real manager, and a client that knows nothing but what the device says (wire-protocol H.4, I.6)."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

from isolated_stage import Held, tally
from process_stage import PATIENCE_S
from websockets.sync.client import connect

import tallystick
from tallystick.manager.factory.build import Release, build
from tallystick.manager.factory.key import FactoryKeys
from tallystick.wire.model import MODELS
from tallystick.wire.version import BootloaderInfo, parse_version

NANOSP = MODELS["nanosp"].target_id
#: one line of the Secure World and one of the Normal World, and what they become
SECURE_LINE = ("device/os/identity.py", 'mcu_bootloader="3.12"', 'mcu_bootloader="3.19"')
NORMAL_LINE = ("device/normal/tcp.py", "_MAX_CLIENTS = 256", "_MAX_CLIENTS = 3")


def source_with(folder: Path, *lines: tuple[str, str, str]) -> Path:
    """Return a copy of the package's sources with some lines changed."""
    shutil.copytree(
        Path(tallystick.__file__).parent, folder / "tallystick", ignore=shutil.ignore_patterns("__pycache__")
    )
    for path, old, new in lines:
        file = folder / "tallystick" / path
        text = file.read_text()
        assert text.count(old) == 1, path
        file.write_text(text.replace(old, new))
    return folder


def new_keys(folder: Path, env: dict[str, str]) -> str:
    """Make the keys of another manager and return their URL."""
    url = f"file:{folder}"
    tally("manager", "keys", "create", "--hsm", url, env=env)
    return url


class Releases:
    """A factory with releases: `path(name)` is the folder of one."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.keys = FactoryKeys.generate()

    def path(self, name: str) -> Path:
        """Return the folder of a release."""
        return self.folder / name

    def build(self, name: str, version: str, mcu: str, *lines: tuple[str, str, str], security_version: int = 1) -> Path:
        """Build a release with some lines changed; in this process, where releases share what they have in common."""
        source = source_with(self.folder / f"{name}-source", *lines)
        release = Release(version=version, mcu_version=mcu, security_version=security_version, source=source)
        self.path(name).mkdir()
        for file, data in build(self.keys, release).items():
            (self.path(name) / file).write_bytes(data)
        return self.path(name)


class Manager:
    """A running manager with the workshop's keys, and a database of its own."""

    def __init__(self, folder: Path, env: dict[str, str], *, hsm: str) -> None:
        folder.mkdir(exist_ok=True)
        self._env = env
        self._words = ("--database", f"sqlite:///{folder / 'manager.db'}", "--hsm", hsm)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tallystick", "manager", "serve", "--port", "0", *self._words, "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env,
        )  # fmt: skip
        self.facts = json.loads(self._process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_unused):
        self._process.terminate()
        self._process.communicate(timeout=PATIENCE_S)

    def publish(self, release: Path, **settings):
        """Offer a release to the Nano S+."""
        return tally(
            "manager", "publish", "firmware", str(release), "--model", "nanosp", *self._words, env=self._env, **settings
        )

    def get(self, path: str, **query: object):
        """Return the answer of an endpoint."""
        with urlopen(f"{self.facts['manager_http']}/{path}?{urlencode(query)}", timeout=PATIENCE_S) as answer:
            return json.loads(answer.read())

    def flow(self, path: str, device: Held, *, stop_after: int = -1, **query: object) -> str:
        """Run one flow as current clients do: a bulk ends the conversation; return "" or how the device or manager refused.

        With `stop_after` the cable is pulled after so many commands of the bulk.
        """
        link = device.connect()
        url = f"{self.facts['manager_ws']}/{path}?{urlencode(query)}"
        with connect(url, max_size=None, open_timeout=PATIENCE_S, ping_timeout=PATIENCE_S) as socket:
            while True:
                message = json.loads(socket.recv(PATIENCE_S))
                if message["query"] in {"success", "error"}:
                    return "" if message["query"] == "success" else message["data"]
                if message["query"] == "bulk":
                    return self._bulk(
                        device, link, message["data"][:stop_after] if stop_after >= 0 else message["data"]
                    )
                answer = device.exchange(message["data"], link)
                ok = answer.endswith(b"\x90\x00")
                reply = {"nonce": message["nonce"], "response": "success" if ok else "error", "data": answer[:-2].hex()}
                socket.send(json.dumps(reply))

    def _bulk(self, device: Held, link, commands: list[str]) -> str:
        for command in commands:
            answer = device.exchange(command, link)
            if not answer.endswith(b"\x90\x00"):
                return answer[-2:].hex()
        link.close()
        return ""


class Client:
    """Brings a device up to date, one step at a time, each chosen by what the device says and nothing else.

    `version` is what it tells the manager of itself, if anything (wire-protocol H).
    """

    def __init__(self, manager: Manager, device: Held, *, version: str = "") -> None:
        self.manager = manager
        self.device = device
        self.told = {"livecommonversion": version} if version else {}

    @property
    def info(self):
        """What the device says it is."""
        with self.device.connect() as link:
            return parse_version(self.device.exchange("e001000000", link)[:-2])

    def device_version(self) -> int:
        """Return the id of the model."""
        return self.manager.get("get_device_version", target_id=NANOSP, provider=1)["id"]

    def final_of(self, osu_name: str):
        """Return the release that a step of this name leads to."""
        found = self.manager.get(
            "get_osu_version", device_version=self.device_version(), version_name=osu_name, provider=1
        )
        return self.manager.get(f"firmware_final_versions/{found['next_se_firmware_final_version']}")

    def next_osu(self):
        """Return the step that the device is offered, or None."""
        device = self.device_version()
        current = self.manager.get(
            "get_firmware_version", device_version=device, version_name=self.info.version, provider=1
        )
        found = self.manager.get(
            "get_latest_firmware",
            current_se_firmware_final_version=current["id"],
            device_version=device,
            provider=1,
            **self.told,
        )
        return found["se_firmware_osu_version"] if found["result"] == "success" else None

    def install(self, firmware, **settings) -> str:
        """Send one step through the channel."""
        name = firmware["firmware"]
        return self.manager.flow(
            "install",
            self.device,
            targetId=NANOSP,
            firmware=name,
            firmwareKey=f"{name}_key",
            perso="perso_11",
            **settings,
        )

    def flash(self, version: str, **settings) -> str:
        """Flash a Normal World."""
        return self.manager.flow("mcu", self.device, targetId=self.info.target_id, version=version, **settings)

    def mcu_of(self, final) -> str:
        """Return the version of the Normal World that a release wants."""
        return self.manager.get(f"mcu_versions/{final['mcu_versions'][0]}")["name"]

    def step(self) -> str:
        """Take the next step and wait for the restart that follows; return its name, or "" when the device is up to date."""
        before = self.device.rest("GET", "/status")
        info = self.info
        if isinstance(info, BootloaderInfo):
            name, refused = "mcu", self.flash(self.mcu_of(self.final_of(info.se_version)))
        elif info.is_osu:
            name, refused = "final", self.install(self.final_of(info.version))
        else:
            osu = self.next_osu()
            if osu is None:
                return ""
            name, refused = "osu", self.install(osu)
        if refused:
            return f"{name} {refused}"
        self.device.status_when(lambda now: (now["mode"], now["version"]) != (before["mode"], before["version"]))
        self.settle()
        return name

    def step_broken(self, *, after: int) -> None:
        """Begin the next step, and pull the cable after so many commands."""
        info = self.info
        if isinstance(info, BootloaderInfo):
            self.flash(self.mcu_of(self.final_of(info.se_version)), stop_after=after)
        else:
            self.install(self.final_of(info.version) if info.is_osu else self.next_osu(), stop_after=after)

    def settle(self) -> None:
        """Wait until the device answers again."""
        end_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < end_s and self.device.process.poll() is None:
            with contextlib.suppress(AssertionError, OSError), self.device.connect() as link:
                self.device.exchange("e001000000", link)
                return
            time.sleep(0.02)
        raise AssertionError("the device does not come back")
