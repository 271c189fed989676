"""The Device Management Kit from npm judges the manager: its device actions at our two addresses, unmodified."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from client import version_of
from device_process import WITH_MANAGER
from manager_recorder import recording_manager
from person import person

pytestmark = pytest.mark.interop

RECORDED = Path(__file__).parent / "recorded" / "dmk.manager.json"
ALLOW = {"expects": "Allow manager", "decision": "Allow"}
GESTURE = "allow-secure-connection"


@pytest.fixture
def dmk(node_client):
    """Give a function that does device actions at a device, by default with the manager of its ready line."""

    def run(device, *steps, app_name="Cosmos", **changes):
        asked = {name: device.ready[name] for name in ("manager_http", "manager_ws")}
        asked |= {"quiet": True, "app_name": app_name, "steps": list(steps)} | changes
        done = node_client.drive("dmk_manager", device, **asked)["done"]
        assert [one["step"] for one in done] == list(steps)
        return done[0] if len(done) == 1 else done

    return run


@pytest.fixture
def device(start_device):
    """Give an empty device with its manager beside it, whose person approves everything."""
    return start_device("--approve", WITH_MANAGER, apps=())


def names(action):
    """Give the names of the installed apps that the channel's list found."""
    return [app["name"] for app in action["output"]["installedApps"]]


def test_dmk_finds_the_device_genuine_after_its_person_allowed_the_manager(start_device, dmk):
    """The kit asks its user for the gesture, the person presses, and the device is genuine, with an id of its own."""
    device = start_device(WITH_MANAGER, apps=())
    with person(port=device.api_port, **ALLOW) as someone:
        genuine = dmk(device, "genuine")
    assert someone.decided
    assert genuine["output"] == {"isGenuine": True}
    assert genuine["gestures"] == [GESTURE]
    assert len(bytes.fromhex(genuine["device_id"])) == hashlib.sha3_256().digest_size


def test_dmk_hears_that_the_person_did_not_allow_the_manager(start_device, dmk):
    """Refused at the device, the check ends with the kit's error for that, and not with a verdict."""
    device = start_device(WITH_MANAGER, apps=())
    with person(port=device.api_port, expects="Allow manager", decision="Cancel") as someone:
        genuine = dmk(device, "genuine")
    assert someone.decided
    assert "output" not in genuine
    assert genuine["error"]["name"] == "RefusedByUserDAError"


def test_dmk_does_not_find_a_device_of_another_issuer_genuine(start_device, device_command, dmk, tmp_path):
    """At the manager of another issuer the check of the same device ends without a verdict.

    The device refuses a signer that nobody it knows signed for (6982), which the kit takes for a lock.
    """
    ring = tmp_path / "ring"
    make = [*device_command, "manager", "keys", "create", "--realm", "test", "--hsm", f"file:{ring}"]
    subprocess.run(make, check=True, capture_output=True)
    other = start_device("--approve", WITH_MANAGER, "--issuer-key", str(ring / "issuer.json"), apps=())
    ours = start_device("--approve", apps=())
    manager = {name: other.ready[name] for name in ("manager_http", "manager_ws")}
    assert dmk(other, "genuine")["output"] == {"isGenuine": True}
    genuine = dmk(ours, "genuine", **manager)
    assert "output" not in genuine
    assert genuine["error"]["name"] == "DeviceLockedError"


def test_dmk_installs_lists_and_uninstalls_an_app(device, dmk):
    """Into an empty device the app goes, is listed by the hash it has in the catalogue, and goes out again; one gesture in all."""
    done = dmk(device, "list", "install", "list", "install", "uninstall", "list")
    assert not [one["error"] for one in done if "error" in one]
    empty, installed, full, _, _, emptied = done
    assert (names(empty), names(full), names(emptied)) == ([], ["Cosmos"], [])
    assert installed["progress"] == 1
    (app,) = full["output"]["installedApps"]
    assert app["flags"] & 0xC000 == 0xC000  # enabled, and by the issuer (wire-protocol E.3)
    assert [one["gestures"] for one in done if one["gestures"]] == [[GESTURE]]


def test_dmk_says_that_an_app_is_unknown(device, dmk):
    """An app that is not in the catalogue cannot be installed; the removal of what is not there comes to nothing."""
    install, uninstall, listed = dmk(device, "install", "uninstall", "list", app_name="Nothing")
    assert "output" not in install
    assert uninstall["output"] is None  # the kit asks the manager for nothing, and is content
    assert names(listed) == []


def test_dmk_reads_what_is_on_the_device_and_what_could_be(device, dmk):
    """The metadata hold version, current firmware, no newer one, the catalogue, and after an install the app with its entry."""
    status, metadata, _, after = dmk(device, "status", "metadata", "install", "metadata")
    assert status["output"] == {"currentApp": "BOLOS", "currentAppVersion": "1.1.1"}
    found = metadata["output"]
    context = found["firmwareUpdateContext"]
    assert context["currentFirmware"]["version"] == "1.1.1"
    assert "availableUpdate" not in context
    assert found["applications"] == []
    offered = {app["versionName"]: app for app in found["catalog"]["applications"]}
    assert after["output"]["applications"] == [offered["Cosmos"]]
    assert offered["Cosmos"]["bytes"] > 0


def test_dmk_installs_by_plan_and_opens(device, dmk):
    """Asked for the latest version of an app, the kit plans, predicts the memory, installs, and opens it when asked to."""
    plan, listed, again, opened = dmk(
        device, "install_or_update", "list_with_metadata", "install_or_update", "open_with_dependencies"
    )
    assert [app["versionName"] for app in plan["output"]["successfullyInstalled"]] == ["Cosmos"]
    assert [app["versionName"] for app in listed["output"]] == ["Cosmos"]
    assert again["output"]["alreadyInstalled"] == ["Cosmos"]
    assert opened["gestures"] == ["confirm-open-app"]
    assert opened["output"]["installResult"]["alreadyInstalled"] == ["Cosmos"]


@pytest.fixture
def publish_demo(device_command, tmp_path):
    """Give a function that publishes a version of a small app at the manager of this test."""
    folder = tmp_path / "demo"
    folder.mkdir()
    source = "from tallystick.app import App, start_with\n\nstart = start_with(App)\n"
    (folder / "app.py").write_text(source, encoding="utf-8")

    def publish(version):
        manifest = {"name": "Demo", "version": version, "entry": "app:start"}
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        bundle = str(tmp_path / f"demo-{version}.bundle")
        subprocess.run([*device_command, "app", "pack", str(folder), "-o", bundle], check=True, capture_output=True)
        offer = ("manager", "publish", "app", bundle, "--model", "nanosp")
        database = ("--database", f"sqlite:///{tmp_path / 'manager.db'}")
        subprocess.run([*device_command, *offer, *database], check=True, capture_output=True)

    return publish


def test_dmk_updates_an_app_by_installing_its_new_version(start_device, start_manager, publish_demo, dmk):
    """The kit asks for the new version alone, without a removal; afterwards it is the one that is installed."""
    manager = start_manager()
    publish_demo("1.0.0")
    device = start_device("--approve", "--manager", manager.ready["manager_http"], apps=())
    asked = {name: manager.ready[name] for name in ("manager_http", "manager_ws")} | {"app_name": "Demo"}
    dmk(device, "install", **asked)
    publish_demo("1.1.0")
    updated, after = dmk(device, "install_or_update", "list_with_metadata", **asked)
    assert [app["version"] for app in updated["output"]["successfullyInstalled"]] == ["1.1.0"]
    assert [(app["versionName"], app["version"]) for app in after["output"]] == [("Demo", "1.1.0")]


@pytest.fixture(scope="session")
def release(device_command, tmp_path_factory):
    """Build a release of the firmware, with factory keys of its own; give its folder."""
    folder = tmp_path_factory.mktemp("release")
    versions = ("--version", "1.2.0", "--mcu-version", "4.04", "--security-version", "1")
    subprocess.run([*device_command, "factory", "keys", str(folder / "keys")], check=True, capture_output=True)
    build = [*device_command, "factory", "build", "--keys", str(folder / "keys"), *versions]
    subprocess.run([*build, "--out", str(folder / "images")], check=True, capture_output=True)
    return folder / "images"


def test_dmk_finds_the_update_of_the_os(start_device, start_manager, device_command, dmk, release, tmp_path):
    """With a release published, the kit finds OSU, final firmware and the MCU version that has to be flashed for it."""
    database = f"sqlite:///{tmp_path / 'manager.db'}"
    publish = [*device_command, "manager", "publish", "firmware", str(release), "--model", "nanosp"]
    subprocess.run([*publish, "--notes", "what is new", "--database", database], check=True, capture_output=True)
    manager = start_manager()
    device = start_device("--approve", "--manager", manager.ready["manager_http"], apps=())
    addresses = {name: manager.ready[name] for name in ("manager_http", "manager_ws")}
    update = dmk(device, "metadata", **addresses)["output"]["firmwareUpdateContext"]["availableUpdate"]
    assert update["finalFirmware"]["version"] == "1.2.0"
    assert update["osuFirmware"]["nextFinalFirmware"] == update["finalFirmware"]["id"]
    assert update["osuFirmware"]["notes"] == "what is new"
    assert update["osuFirmware"]["firmwareKey"] == update["osuFirmware"]["firmware"] + "_key"
    assert update["mcuUpdateRequired"] is True


def test_what_dmk_asks_a_manager_is_as_recorded(device, dmk, pytestconfig):
    """Requests, sockets and replies of check, list, metadata, install and removal are the recorded ones."""
    with recording_manager(device.ready["manager_http"]) as (port, sent):
        there = f"127.0.0.1:{port}"
        addresses = {"manager_http": f"http://{there}/api", "manager_ws": f"ws://{there}/update"}
        found = {"packages": {name: version_of(name) for name in ("@ledgerhq/device-management-kit",)}}
        for step in ("genuine", "list", "metadata", "install", "uninstall"):
            before = len(sent)
            assert "error" not in dmk(device, step, **addresses)
            requests = [one for one in sent[before:] if not one.startswith(("SOCKET", "reply"))]
            # the kit sends some at once, and they arrive in any order; what it says in its sockets has one
            found[step] = sorted(requests) + [one for one in sent[before:] if one not in requests]
    if pytestconfig.getoption("--record-connect"):
        RECORDED.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    assert json.loads(RECORDED.read_text(encoding="utf-8")) == found
