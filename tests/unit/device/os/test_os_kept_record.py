"""Sealing of records that are not to be copied: for one device, app, record and seed, and for those apps alone."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto.secret import Secret
from tallystick.device.os.kept_record import RecordSeal
from tallystick.device.os.registry import Registry
from tallystick.device.os.storage import Storage
from tallystick.device.secure.backup import BackupRefused, Label, unseal
from tallystick.device.secure.keychain import Keychain, Locked
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.errors import StateCorrupt
from tallystick.wire.bundle import Bundle
from tallystick.wire.model import MODELS

PHRASE = "test test test test test test test test test test test junk"


def app(name="Keeper", *, flags=("no_backup",)):
    """Return an installed app with these flags."""
    registry = Registry(storage=Storage(MemoryFlash()), model=MODELS["nanosp"], os_version="1")
    manifest = json.dumps({"name": name, "version": "1", "flags": list(flags)}).encode()
    return registry.install(Bundle.pack(manifest, {"app.py": "start = None\n"}))


def seal_of(phrase=PHRASE, serial="one"):
    """Return the seal of an unlocked device."""
    keychain = Keychain()
    keychain.fill(Secret(phrase.encode()))
    return RecordSeal(keychain=keychain, serial=serial)


KEEPER, OTHER, PLAIN = app(), app("Other"), app("Plain", flags=())
SEAL = seal_of()


@given(st.binary(max_size=200))
def test_what_is_sealed_opens_and_does_not_show(data):
    """It comes back as it was, and its bytes are not in what is stored."""
    raw = SEAL.close(KEEPER, "key", data)
    assert SEAL.open(KEEPER, "key", raw) == data
    assert len(data) < 8 or data not in raw


def test_other_apps_are_left_alone():
    """An app without the flag has its bytes in flash as they are."""
    assert SEAL.close(PLAIN, "key", b"data") == b"data"
    assert SEAL.open(PLAIN, "key", b"data") == b"data"


@pytest.mark.parametrize(
    ("seal", "opener", "record"),
    [
        (seal_of(serial="two"), KEEPER, "key"),
        (seal_of(PHRASE.replace("junk", "ball")), KEEPER, "key"),
        (SEAL, OTHER, "key"),
        (SEAL, KEEPER, "another"),
    ],
    ids=["device", "seed", "app", "record"],
)
def test_it_opens_nowhere_else(seal, opener, record):
    """Another device, seed, app or record makes it damaged."""
    raw = SEAL.close(KEEPER, "key", b"data")
    with pytest.raises(StateCorrupt):
        seal.open(opener, record, raw)


def test_any_change_and_any_cut_is_seen():
    """Each bit counts, and each length but the whole one is damaged."""
    raw = SEAL.close(KEEPER, "key", b"data")
    for at in range(len(raw)):
        changed = raw[:at] + bytes((raw[at] ^ 1,)) + raw[at + 1 :]
        for other in (changed, raw[:at]):
            with pytest.raises(StateCorrupt):
                SEAL.open(KEEPER, "key", other)


def test_a_record_is_no_back_up():
    """A client cannot bring a record to be restored: no app has its name."""
    raw = SEAL.close(KEEPER, "key", b"data")
    with pytest.raises(BackupRefused):
        unseal(SEAL.keychain.backup_key(), Label(name="Keeper", serial="one", generation=0), raw)


def test_a_locked_device_opens_and_seals_nothing():
    """Without the seed there is no key."""
    locked = replace(SEAL, keychain=Keychain())
    for use in (locked.close, locked.open):
        with pytest.raises(Locked):
            use(KEEPER, "key", b"data")
