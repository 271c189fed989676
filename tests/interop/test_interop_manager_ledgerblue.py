"""ledgerblue's scripts judge the manager: checked and loaded from afar, unmodified, by the addresses of the ready line."""

import json
import urllib.request

import pytest
from device_process import WITH_MANAGER
from person import person

pytestmark = pytest.mark.interop

TARGET_ID = 0x33100004
TARGET = ("--targetId", hex(TARGET_ID))


class Remote:
    """ledgerblue's commands at one device and its manager."""

    def __init__(self, client, device):
        self._client, self._device = client, device

    def run(self, name, *arguments, expect_success=True):
        """Run `python -m ledgerblue.NAME` for the device's target; give the finished process."""
        command = ("python", "-m", f"ledgerblue.{name}", *TARGET, *map(str, arguments))
        return self._client.command(self._device, *command, expect_success=expect_success)

    def genuine(self, **how):
        """Run `checkGenuineRemote`."""
        return self.run("checkGenuineRemote", "--url", self._device.ready["manager_ws"] + "/genuine", **how)

    def install(self, firmware, key, **how):
        """Run `updateFirmware2`, which installs whatever is named."""
        url = self._device.ready["manager_ws"] + "/install"
        return self.run("updateFirmware2", "--url", url, "--firmware", firmware, "--firmwareKey", key, **how)

    def names(self):
        """Give the names of the installed apps, by the plain list."""
        said = self._client.command(self._device, "python", "-m", "ledgerblue.listApps").stdout
        return ["Cosmos"] if "'Cosmos'" in said else []

    def offered(self, name):
        """Give the entry of an app in the manager's catalogue."""
        query = f"provider=1&target_id={TARGET_ID}&firmware_version_name=1.1.1"
        with urllib.request.urlopen(f"{self._device.ready['manager_http']}/v2/apps/by-target?{query}") as answer:
            return next(app for app in json.load(answer) if app["versionName"] == name)


def test_ledgerblue_finds_the_device_genuine_from_afar(start_device, python_client):
    """`checkGenuineRemote` says so, after the person allowed the manager at the device."""
    device = start_device(WITH_MANAGER, apps=())
    with person(port=device.api_port, expects="Allow manager", decision="Allow") as someone:
        said = Remote(python_client, device).genuine().stdout
    assert someone.decided
    assert said.splitlines()[-1] == "Product is genuine"


def test_ledgerblue_hears_that_the_person_did_not_allow_the_manager(start_device, python_client):
    """Refused at the device, it ends with the manager's error, conversation and all, and says nothing of genuine."""
    device = start_device(WITH_MANAGER, apps=())
    with person(port=device.api_port, expects="Allow manager", decision="Cancel") as someone:
        done = Remote(python_client, device).genuine(expect_success=False)
    assert someone.decided
    assert done.returncode != 0
    assert "genuine" not in done.stdout
    # text, status word, uuid and session: all of them are joined as strings
    assert "does not allow this manager, or is locked: 6985 on " in done.stderr.splitlines()[-1]


def test_ledgerblue_installs_and_removes_an_app_by_its_names(start_device, python_client):
    """`updateFirmware2` given an app's names runs its script to the end, and given those of its removal, that one."""
    device = start_device("--approve", WITH_MANAGER, apps=())
    remote = Remote(python_client, device)
    app = remote.offered("Cosmos")
    assert "Script executed successfully" in remote.install(app["firmware"], app["firmwareKey"]).stdout
    assert remote.names() == ["Cosmos"]
    assert "Script executed successfully" in remote.install(app["delete"], app["deleteKey"]).stdout
    assert remote.names() == []


def test_ledgerblue_hears_that_nothing_has_that_name(start_device, python_client):
    """A firmware that nobody published ends with the manager's error."""
    device = start_device("--approve", WITH_MANAGER, apps=())
    done = Remote(python_client, device).install("nanosp/9.9.9/upgrade_osu", "key", expect_success=False)
    assert done.returncode != 0
    assert "6a82 on " in done.stderr.splitlines()[-1]


def test_ledgerblue_runs_a_script_through_the_channel_and_plain(start_device, python_client, tmp_path):
    """`runScript` sends each line of a file, wrapped with --scp and as it is without; answers come back readable."""
    device = start_device("--approve", apps=())
    remote = Remote(python_client, device)
    wrapped = tmp_path / "wrapped.txt"
    wrapped.write_text("e00000000111\ne0000000010e\n", encoding="ascii")  # memory, then the list of no apps
    key = ("--rootPrivateKey", "11" * 32)
    said = remote.run("runScript", "--scp", *key, "--fileName", wrapped, "--apdu").stdout
    memory, listed = [line for line in said.splitlines() if line.startswith("<= Clear")]
    assert len(bytes_of(memory)) == 20  # five numbers (wire-protocol E)
    assert bytes_of(listed) == b""
    plain = tmp_path / "plain.txt"
    plain.write_text("e001000000\nb001000000\n", encoding="ascii")
    said = remote.run("runScript", "--fileName", plain, "--apdu").stdout
    version, running = [bytes_of(line) for line in said.splitlines() if line.startswith("<= Clear")]
    assert version[:4] == TARGET_ID.to_bytes(4, "big")
    assert running.startswith(b"\x01\x05BOLOS")


def bytes_of(line):
    """Read the bytes that the script printed as Python writes them."""
    text = line.removeprefix("<= Clear ")
    return eval(text, {"__builtins__": {}, "bytearray": bytearray})  # what Python itself wrote
