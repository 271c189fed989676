"""`tally manager keys` and `tally factory provision`: keys are made once, and so is a device's certificate."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import platformdirs
import pytest
from factory_device import FactoryDevice

from tallystick.cli.workshop_key import workshop_keyring, workshop_keys
from tallystick.errors import StateError
from tallystick.host.transport.base import Direct
from tallystick.manager.hsm.keyring import Keyring
from tallystick.manager.hsm.role import Realm


@pytest.fixture
def keys(tmp_path: Path, invoke) -> Path:
    """Make test keys by the command."""
    folder = tmp_path / "keys"
    assert invoke("manager", "keys", "create", "--hsm", f"file:{folder}").exit_code == 0
    return folder


def test_keys_are_made_once_and_shown(tmp_path, invoke):
    """Public halves, realm and certificate as JSON; the same again by show; a second time is a usage error; no secret."""
    url = f"file:{tmp_path / 'keys'}"
    made = json.loads(invoke("manager", "keys", "create", "--hsm", url, "--json").stdout)
    assert made["schema"] == "tally.manager.keys.create/1"
    assert made["realm"] == "test"
    assert list(made["keys"]) == ["issuer", "software", "signer"]
    shown = json.loads(invoke("manager", "keys", "show", "--hsm", url, "--json").stdout)
    assert shown == made | {"schema": "tally.manager.keys.show/1"}
    again = invoke("manager", "keys", "create", "--hsm", url)
    assert again.exit_code == 2
    text = invoke("manager", "keys", "show", "--hsm", url).output
    for role in made["keys"]:
        assert made["keys"][role] in text
        assert json.loads((tmp_path / "keys" / f"{role}.json").read_text())["private_key"] not in text


def test_production_keys_in_files_must_be_asked_for(tmp_path, invoke):
    """Making and showing them needs the option that says what it is."""
    url = f"file:{tmp_path / 'keys'}"
    create = ("manager", "keys", "create", "--realm", "production", "--hsm", url)
    assert invoke(*create).exit_code == 2
    assert invoke(*create, "--allow-production-file").exit_code == 0
    assert invoke("manager", "keys", "show", "--hsm", url).exit_code == 2
    shown = invoke("manager", "keys", "show", "--hsm", url, "--allow-production-file", "--json")
    assert json.loads(shown.stdout)["realm"] == "production"


def test_keys_that_disagree_are_not_trusted(keys, invoke):
    """Exit code 9 for a folder whose issuer did not certify its signer."""
    Keyring.create(f"file:{keys.with_name('other')}", Realm.TEST)
    (keys.with_name("other") / "issuer.json").replace(keys / "issuer.json")
    assert invoke("manager", "keys", "show", "--hsm", f"file:{keys}").exit_code == 9


def test_device_is_provisioned_once(keys, invoke):
    """The device gets its certificate and is on record; a second time is a wrong state (6), and nothing changes."""
    device = FactoryDevice()
    settings = {"open_transport": lambda _address: Direct(device.answer)}
    done = invoke("factory", "provision", "--keys", str(keys), "--json", **settings)
    assert done.exit_code == 0
    members = json.loads(done.stdout)
    assert members["schema"] == "tally.factory.provision/1"
    assert members["serial"] == device.serial
    assert members["header"] == "1000000badcafe"
    assert members["device_public_key"] == device.public.hex()
    assert members["issuer_public_key"] == json.loads((keys / "issuer.json").read_text())["public_key"]
    record = (keys / "devices.jsonl").read_text()
    assert [json.loads(line)["event"] for line in record.splitlines()] == ["reserved", "confirmed"]
    taken, again = device.finish, invoke("factory", "provision", "--hsm", f"file:{keys}", **settings)
    assert again.exit_code == 6
    assert "already" in again.stderr
    assert device.finish == taken
    assert (keys / "devices.jsonl").read_text() == record


def test_target_is_the_address_of_the_device(keys, invoke):
    """The argument wins over --device, and progress goes out as lines of JSON when asked for."""
    asked, device = [], FactoryDevice()

    def open_transport(address):
        asked.append(address)
        return Direct(device.answer)

    done = invoke(
        "factory", "provision", "tcp:here:1", "--keys", str(keys), "--json-lines", open_transport=open_transport
    )
    assert asked == ["tcp:here:1"]
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event.get("step") for event in events[:-1]] == ["starting", "certifying", "finishing", "provisioned"]


def test_keys_of_the_other_realm_are_refused_before_the_device_is_asked(keys, invoke):
    """Test keys do not make production devices: exit code 9, and not one APDU."""
    device = FactoryDevice()
    refused = invoke(
        "factory",
        "provision",
        "--keys",
        str(keys),
        "--realm",
        "production",
        open_transport=lambda _address: Direct(device.answer),
    )
    assert refused.exit_code == 9
    assert device.log == []


def test_serial_number_of_another_device_is_refused(keys, invoke):
    """A clone with a key of its own does not get a certificate with the same serial number."""
    for device, code in ((FactoryDevice(), 0), (FactoryDevice(key=b"\x2b" * 32), 2)):
        done = invoke(
            "factory", "provision", "--keys", str(keys), open_transport=lambda _address, it=device: Direct(it.answer)
        )
        assert done.exit_code == code
    assert device.finish is None


def test_devices_are_recorded_in_the_database_of_the_manager(keys, tmp_path, invoke):
    """With --database there is no file; a database of other keys is refused before the device is asked."""
    device, url = FactoryDevice(), f"sqlite:///{tmp_path / 'manager.db'}"
    settings = {"open_transport": lambda _address: Direct(device.answer)}
    assert invoke("factory", "provision", "--keys", str(keys), "--database", url, **settings).exit_code == 0
    assert not (keys / "devices.jsonl").exists()
    assert b"confirmed" in (tmp_path / "manager.db").read_bytes()
    other = FactoryDevice(serial="tallystick-1", key=b"\x2b" * 32)
    Keyring.create(f"file:{tmp_path / 'other'}", Realm.TEST)
    provision = ("factory", "provision", "--keys", str(tmp_path / "other"), "--database", url)
    assert invoke(*provision, open_transport=lambda _address: Direct(other.answer)).exit_code == 9
    assert other.log == []


def test_a_database_that_does_not_take_the_record_is_told(keys, tmp_path, invoke):
    """The driver's words with a remedy, and no certificate for a device that nobody has recorded."""
    file = tmp_path / "manager.db"
    words = ("factory", "provision", "--keys", str(keys), "--database", f"sqlite:///{file}")
    assert invoke(*words, open_transport=lambda _address: Direct(FactoryDevice().answer)).exit_code == 0
    with closing(sqlite3.connect(file)) as store:
        store.execute("ALTER TABLE provisioned RENAME TO elsewhere")
    device = FactoryDevice(serial="tallystick-1", key=b"\x2b" * 32)
    refused = invoke(*words, "--json", open_transport=lambda _address: Direct(device.answer))
    told = json.loads(refused.stdout)
    assert (refused.exit_code, told["message"]) == (1, "the database cannot be used: no such table: provisioned")
    assert told["remedy"]
    assert device.finish is None


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--keys", "k", "--hsm", "file:k"),
        ("--hsm", "nonsense"),
        ("--hsm", "pkcs11:token=t;module=/m?pin-source=file:/nowhere/pin"),
    ],
)
def test_options_that_do_not_go_together_are_usage_errors(options, invoke):
    """No keys, keys twice, no URL; exit code 2 with a remedy."""
    refused = invoke("factory", "provision", *options, "--json")
    assert refused.exit_code == 2
    assert json.loads(refused.stdout)["remedy"]


@pytest.fixture(autouse=True)
def no_cache(tmp_path, monkeypatch):
    """Keep the keys of whoever runs the tests where they are."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "no-cache"))


def test_workshop_makes_its_keys_once(tmp_path, monkeypatch):
    """In the user's data, of the test realm; the second time they are the same, and leftovers do no harm."""
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda _name: str(tmp_path / "a%20folder"))
    first = workshop_keyring()
    assert first.realm is Realm.TEST
    assert Keyring.open(workshop_keys()).issuer.public_key == first.issuer.public_key
    assert [path.name for path in (tmp_path / "a%20folder").iterdir()] == ["keyring"]


def test_workshop_takes_the_keys_of_whoever_was_first(tmp_path, monkeypatch):
    """Two started at once end with one keyring."""
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda _name: str(tmp_path))
    made = Keyring.create
    keyring = tmp_path / "keyring"

    def slow(url, realm):
        made(f"file:{keyring}", realm)
        return made(url, realm)

    monkeypatch.setattr(Keyring, "create", slow)
    assert workshop_keyring().issuer.public_key == Keyring.open(f"file:{keyring}").issuer.public_key
    assert [path.name for path in tmp_path.iterdir()] == ["keyring"]


def test_workshop_without_a_place_for_keys_says_so(tmp_path, monkeypatch):
    """A file where the folder should be is an error with the path."""
    (tmp_path / "data").write_text("")
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda _name: str(tmp_path / "data"))
    with pytest.raises(StateError):
        workshop_keys()


def test_keys_that_lay_in_the_cache_are_moved(tmp_path, monkeypatch):
    """Devices of before keep their issuer when the cache is cleared; keys that are in the data already are not replaced."""
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda _name: str(tmp_path / "data"))
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda _name: str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    with Keyring.create(f"file:{tmp_path}/cache/keyring", Realm.TEST) as old:
        issuer = old.issuer.public_key
    assert workshop_keyring().issuer.public_key == issuer
    assert not (tmp_path / "cache" / "keyring").exists()
    Keyring.create(f"file:{tmp_path}/cache/keyring", Realm.TEST).close()
    assert workshop_keyring().issuer.public_key == issuer
