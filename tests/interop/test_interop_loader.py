"""ledgerblue's and ledgerwallet's own commands check, load and empty the device, unmodified, by its secure channel."""

import ast
import hashlib
import json

import pytest
from app_file import intel_hex
from ecdsa import SECP256k1, SigningKey
from person import person

pytestmark = pytest.mark.interop

TARGET_ID = 0x33100004
TARGET = ("--targetId", hex(TARGET_ID))
CODE = bytes(range(256)) * 3 + bytes(64)
BASE = 0xC0D00000
#: a key of an authority, known to everybody
AUTHORITY = SigningKey.from_string(hashlib.sha256(b"authority of the interop tests").digest(), curve=SECP256k1)


def uncompressed(key):
    """Give the public key of an ecdsa signing key, as 65 bytes in hexadecimal."""
    return key.verifying_key.to_string("uncompressed").hex()


@pytest.fixture
def app_hex(tmp_path):
    """Give the path of a small app's hex file."""
    path = tmp_path / "app.hex"
    path.write_text(intel_hex(CODE, base=BASE), encoding="ascii")
    return path


@pytest.fixture
def manifest(tmp_path, app_hex):
    """Give the path of ledgerctl's manifest of the same app, whose last 64 bytes are data."""
    document = {
        "name": "Demo",
        "version": "1.2",
        "targetId": hex(TARGET_ID),
        "flags": "0x00",
        "binary": app_hex.name,
        "dataSize": 64,
        "derivationPath": {"curves": ["secp256k1"], "paths": ["44'/1'"]},
    }
    path = tmp_path / "app.json"
    path.write_text(json.dumps(document), encoding="ascii")
    return path


class Blue:
    """ledgerblue's commands at one device."""

    def __init__(self, client, device):
        self._client, self._device = client, device

    def run(self, name, *arguments, expect_success=True):
        """Run `python -m ledgerblue.NAME` for the device's target; give the finished process."""
        command = ("python", "-m", f"ledgerblue.{name}", *TARGET, *map(str, arguments))
        return self._client.command(self._device, *command, expect_success=expect_success)

    def refused(self, name, *arguments):
        """Run a command that has to fail; give the last line of what it said."""
        done = self.run(name, *arguments, expect_success=False)
        assert done.returncode != 0
        return done.stderr.strip().splitlines()[-1]

    def apps(self):
        """Give the list of apps by the channel, by name."""
        said = self.run("listApps", "--scp").stdout.splitlines()[-1]
        listed = ast.literal_eval(said) if said.startswith("[") else []  # of an empty list it prints nothing
        return {app["name"]: app for app in listed}

    def load(self, path, *arguments):
        """Load a hex file as the app Demo, or fail."""
        common = ("--tlv", "--targetVersion", "1.1.1", "--fileName", path, "--appName", "Demo")
        return self.run("loadApp", *common, "--appVersion", "1.0", "--appFlags", "0x0", *arguments)


@pytest.fixture
def blue(start_device, python_client):
    """Give ledgerblue at a device whose person approves everything."""
    return Blue(python_client, start_device("--approve", apps=()))


def test_ledgerblue_finds_the_device_genuine(start_device, python_client):
    """`checkGenuine` with the issuer's key of the ready line says so; with another issuer's it says that it is not."""
    device = start_device("--approve", apps=())
    blue = Blue(python_client, device)
    said = blue.run("checkGenuine", "--issuerKey", device.ready["issuer_public_key"]).stdout
    assert "Product is genuine" in said
    assert "SE Version 1.1.1" in said
    assert "MCU Version 4.03" in said
    said = blue.run("checkGenuine", "--issuerKey", uncompressed(AUTHORITY)).stdout
    assert said == "Product is NOT genuine\n"


def test_ledgerblue_warns_of_an_app_under_another_authority(start_device, python_client, app_hex, tmp_path):
    """An app that a custom CA signed carries the flag that `checkGenuine` warns about."""
    device = start_device("--approve", apps=())
    blue = Blue(python_client, device)
    blue.run("setupCustomCA", "--public", uncompressed(AUTHORITY), "--name", "Me")
    signed = _with_parameters(tmp_path)
    private = AUTHORITY.to_string().hex()
    sizes = ("--dataSize", "0", "--installparamsSize", len(PARAMETERS))
    blue.load(signed, *sizes, "--rootPrivateKey", private, "--signApp", "--signPrivateKey", private)
    said = blue.run("checkGenuine", "--issuerKey", device.ready["issuer_public_key"]).stdout
    assert "WARNING : Product is genuine but has a Custom CA loaded" in said


def test_ledgerblue_loads_lists_and_deletes_an_app(blue, app_hex):
    """A first load deletes what is not there; the app is listed by its hash; loaded over it is refused, deleted it is gone."""
    blue.load(app_hex, "--delete", "--path", "44'/0'", "--curve", "secp256k1")
    demo = blue.apps()["Demo"]
    assert demo["hash_code_data"] == hashlib.sha256(CODE).digest()
    with pytest.raises(AssertionError, match="6a81"):
        blue.load(app_hex, "--path", "44'/0'", "--curve", "secp256k1")
    with pytest.raises(AssertionError, match="6a80"):
        blue.load(app_hex)
    blue.load(app_hex, "--delete")
    blue.run("deleteApp", "--appName", "Demo")
    assert blue.apps() == {}


#: name and version, as an app's build puts them behind its code
PARAMETERS = bytes.fromhex("010444656d6f") + bytes.fromhex("0203312e30") + bytes.fromhex("0401ff")


def _with_parameters(folder):
    """Give a hex file that brings its install parameters along."""
    path = folder / "whole.hex"
    path.write_text(intel_hex(CODE + PARAMETERS, base=BASE), encoding="ascii")
    return path


def test_hash_of_ledgerblue_is_the_devices(blue, tmp_path):
    """`hashApp`, which signs what a release loads, gives the full hash that the device measured (attestation 5)."""
    whole = _with_parameters(tmp_path)
    sizes = ("--dataSize", "0", "--installparamsSize", len(PARAMETERS))
    blue.load(whole, *sizes, "--apiLevel", "-1")
    create = len(CODE).to_bytes(4, "big") + bytes(4) + len(PARAMETERS).to_bytes(4, "big") + bytes(4) + b"\0\0\0\1"
    digest = hashlib.sha256(TARGET_ID.to_bytes(4, "big") + b"1.1.1" + create + CODE + PARAMETERS).digest()
    assert blue.apps()["Demo"]["hash"] == digest


def test_ledgerblue_loads_an_app_in_two_parts_with_data(blue, app_hex):
    """With a data section the parameters follow at the next 64 bytes, and the device finds them."""
    blue.load(app_hex, "--dataSize", "100")
    assert list(blue.apps()) == ["Demo"]


def test_ledgerblue_reads_the_memory(blue, app_hex):
    """`getMemInfo` gives five numbers, which move with what is installed."""
    before = ast.literal_eval(blue.run("getMemInfo").stdout.splitlines()[-1])
    blue.load(app_hex)
    after = ast.literal_eval(blue.run("getMemInfo").stdout.splitlines()[-1])
    assert (before["usedAppSlots"], after["usedAppSlots"]) == (0, 1)
    assert before["freeSize"] - after["freeSize"] == after["applicationsSize"] > 0


def test_ledgerblue_sets_an_authority_up_and_resets_it(blue):
    """`setupCustomCA` twice is refused with the word that its documents tell people about; after `resetCustomCA` it goes."""
    setup = ("setupCustomCA", "--public", uncompressed(AUTHORITY), "--name", "Me")
    blue.run(*setup)
    assert "6982" in blue.refused(*setup)
    blue.run("resetCustomCA")
    blue.run(*setup)


def test_refusal_of_the_person_reaches_ledgerblue(start_device, python_client, app_hex):
    """Somebody who says no to the manager sees the command fail with 5501, and nothing is installed."""
    device = start_device(apps=())
    blue = Blue(python_client, device)
    with person(port=device.api_port, decision="CANCEL", expects="Allow unknown") as someone:
        assert "5501" in blue.refused("listApps", "--scp")
    assert someone.decided
    assert someone.value("Unknown key")


def test_ledgerctl_installs_lists_runs_and_deletes(start_device, python_client, manifest):
    """Every command that works without the vendor's server does its work, and says what it says of a vendor's device."""
    device = start_device("--approve", apps=())

    def ledgerctl(*arguments, expect_success=True):
        return python_client.command(device, "ledgerctl", *arguments, expect_success=expect_success)

    assert "no application" in ledgerctl("list").stdout
    ledgerctl("install", str(manifest))
    assert "Demo" in ledgerctl("list").stdout
    assert "already installed" in ledgerctl("install", str(manifest)).stdout
    ledgerctl("install", "-f", str(manifest))
    assert "Installed apps: 1" in ledgerctl("meminfo").stdout
    ledgerctl("run", "Demo")  # its code is none: it ends at once, and the dashboard is there for the next command
    ledgerctl("delete", "Demo")
    assert "no application" in ledgerctl("list").stdout


def test_ledgerctl_deletes_by_hash(start_device, python_client, manifest):
    """The hash that `ledgerctl list` prints deletes the app."""
    device = start_device("--approve", apps=())
    python_client.command(device, "ledgerctl", "install", str(manifest))
    row = python_client.command(device, "ledgerctl", "list").stdout.splitlines()[2].split()
    python_client.command(device, "ledgerctl", "delete", "--by-hash", row[-1])
    assert "no application" in python_client.command(device, "ledgerctl", "list").stdout


def test_ledgerctl_installs_and_deletes_an_authority(start_device, python_client):
    """`install-ca` and `delete-ca` say what they did, and what keeps them from it, in their own words."""
    device = start_device("--approve", apps=())
    said = [python_client.command(device, "ledgerctl", *words).stdout for words in CA_WORDS]
    assert "successfully installed" in said[0]
    assert "already installed" in said[1]
    assert "has been deleted" in said[2]
    assert "nothing to delete" in said[3]


CA_WORDS = (("install-ca", "Me"), ("install-ca", "Me"), ("delete-ca",), ("delete-ca",))


def test_ledgerctl_opens_the_python_app(start_device, python_client):
    """`ledgerctl list` and `run` work on an app of the catalogue; the list comes by the channel."""
    device = start_device("--approve")
    assert "Cosmos" in python_client.command(device, "ledgerctl", "list").stdout
    python_client.command(device, "ledgerctl", "run", "Cosmos")
