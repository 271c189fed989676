"""Certificates that apps give to the OS: those of the device's issuer hold, and all others are refused for what is wrong."""

import dataclasses
import hashlib
import json
import struct
from pathlib import Path

import pytest
from native_program import END, FLASH, INFO, RAM, call
from test_native_program import Run

from tallystick.crypto import p256, secp256k1
from tallystick.errors import UsageError
from tallystick.manager.provisioning.pki import certify_key
from tallystick.wire.pki import PkiAlgorithm, PkiCertificate, PkiDevice, PkiStatus
from tallystick.wire.syscall import Log

# include/syscalls.h of API levels 22 to 26
LOAD, VERIFY, GET_INFO = 0x060000AA, 0x040000AB, 0x040000AC
USAGE = 8
#: the key that those certificates chain to (Speculos, os_signature.c)
_TEST_ROOT = (
    "04377013a78fdeebaeb44c262560c039b494bcfd89dc59fd23cccace1b2952caa6"
    "616a0cfe6683ab9639c6fce444cdcd7c69868d27dc77ea66d86228aee5933172"
)
VECTORS = json.loads((Path(__file__).parents[3] / "vectors" / "pki.json").read_text())["certificates"]
DIGEST = hashlib.sha256(b"what a key of the issuer's says of coins").digest()


class Key:
    """A key that signs, of a test."""

    def __init__(self, number):
        self.private = number.to_bytes(32, "big")
        self.public_key = secp256k1.public_key(self.private, compressed=False)
        self.short = secp256k1.public_key(self.private)

    def sign(self, message):
        """Sign the SHA-256 of a message."""
        return self.sign_digest(hashlib.sha256(message).digest())

    def sign_digest(self, digest):
        """Sign a digest."""
        return secp256k1.sign_ecdsa_der(self.private, digest)


ISSUER, PARTNER, LEAF = Key(3), Key(5), Key(7)
OURS = dataclasses.replace(INFO, issuer=ISSUER.public_key)


def certificate(signer=ISSUER, key=LEAF, **values):
    """Return a certificate of a key for coins, signed."""
    values = {
        "key_id": 0x100,
        "usage": USAGE,
        "curve": 0x21,
        "public_key": key.short,
        "trusted_name": b"Coins",
    } | values
    return certify_key(signer, PkiCertificate(**values)).to_bytes()


def run(*calls, data=(), info=OURS):
    """Run calls, each a function of where the data lie, and return the run."""
    parts = [value if isinstance(value, bytes) else value.to_bytes() for value in data]
    size = sum(len(make([0] * len(parts))) for make in calls) + len(END)
    places, at = [], FLASH + size
    for part in parts:
        places.append(at)
        at += len(part)
    return Run(b"".join(make(places) for make in calls) + END + b"".join(parts), info=info)


def load(raw, index=0, usage=USAGE):
    """Return what loads a certificate: its name goes to RAM + 8, the key to RAM + 64."""
    return lambda places: call(LOAD, usage, places[index], len(raw), RAM + 8, RAM + 4, RAM + 64)


def verify(size, digest=1, signature=2):
    """Return what verifies a signature of `size` bytes."""
    return lambda places: call(VERIFY, places[digest], 32, places[signature], size)


def test_key_of_the_issuer_s_certificate_is_told_and_verifies():
    """A certificate that the issuer signed gives its name and key to the app, and what the key signed holds."""
    raw, signature = certificate(), LEAF.sign_digest(DIGEST)
    done = run(load(raw), verify(len(signature)), data=(raw, DIGEST, signature))
    assert (done.requests, done.result) == ([], (1, 0))
    assert done.ram(4, 9) == struct.pack("<I", 5) + b"Coins"
    assert done.ram(64, 73) == struct.pack("<B3xI", 0x21, 65) + LEAF.public_key
    other = run(load(raw), verify(len(signature)), data=(raw, bytes(32), signature))
    assert other.result == (0, 0)


def test_what_was_loaded_is_told_again():
    """Usage, name and key of the last certificate can be asked for, and not before there is one."""
    raw = certificate()

    def ask(_places):
        return call(GET_INFO, RAM, RAM + 200, RAM + 196, RAM + 240)

    done = run(load(raw), ask, data=(raw,))
    assert done.result == (0, 0)
    assert done.ram(0, 1) == bytes((USAGE,))
    assert done.ram(196, 9) == struct.pack("<I", 5) + b"Coins"
    assert done.ram(240, 73)[8:] == LEAF.public_key
    assert run(ask, data=(raw,)).result == (PkiStatus.NOT_LOADED, 0)


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"usage": 3}, PkiStatus.WRONG_USAGE),
        ({"device": PkiDevice.STAX}, PkiStatus.DEVICE),
        ({"newest_os": 0x02030900}, PkiStatus.VALIDITY),
        ({"signer_key_id": 2}, PkiStatus.SIGNER),
        ({"signer": LEAF}, PkiStatus.SIGNATURE),
        ({"curve": 0x50}, PkiStatus.CURVE),
        ({"curve": 0x71}, PkiStatus.CURVE),
        ({"curve": 0x24}, PkiStatus.CURVE),
        ({"public_key": b"\4" + bytes(32)}, PkiStatus.BAD_KEY),
        ({"public_key": b"\2" + b"\xff" * 31}, PkiStatus.BAD_KEY),
        ({"public_key": b"\2" + (5).to_bytes(32, "big")}, PkiStatus.BAD_KEY),
        ({"key_algorithm": 0x10}, PkiStatus.KEY_ALGORITHM),
    ],
)
def test_certificate_that_does_not_hold_is_refused_by_name(values, status):
    """Each reason has the SDK's word and a line in the log, told once; nothing verifies afterwards."""
    good, bad, signature = certificate(), certificate(**values), LEAF.sign_digest(DIGEST)
    data = (bad, DIGEST, signature, good)
    done = run(load(good, 3), load(bad), load(bad), data=data)
    assert done.result == (status, 0)
    [line] = done.requests
    assert isinstance(line, Log)
    assert line.text.startswith(f"os_pki_load_certificate, {int(status):#06x}: ")
    assert run(load(good, 3), load(bad), verify(len(signature)), data=data).result == (0, 0)


def test_certificate_that_was_changed_is_refused():
    """Any byte that is another one makes it none."""
    raw = certificate()
    for at in range(len(raw)):
        bad = raw[:at] + bytes((raw[at] ^ 1,)) + raw[at + 1 :]
        assert run(load(bad), data=(bad,)).result[0] in list(PkiStatus)


def test_device_without_an_issuer_trusts_nobody():
    """Before a factory certified the device there is no root, and an empty one is none."""
    raw = certificate()
    assert run(load(raw), data=(raw,), info=INFO).result == (PkiStatus.SIGNER, 0)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["model"])
def test_certificate_of_the_vendor_is_refused_for_its_signer(vector):
    """A real certificate is read, and refused because the key that signed it is none of ours."""
    raw = bytes.fromhex(vector["hex"])
    info = dataclasses.replace(OURS, model=vector["model"], os_version="1.0.0")
    done = run(load(raw, usage=3), data=(raw,), info=info)
    assert done.result == (PkiStatus.SIGNER, 0)
    assert done.requests == [Log("os_pki_load_certificate, 0x4233: its signer, 0x0002, is not trusted here")]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["model"])
def test_certificate_of_test_suites_holds_where_it_is_emulated(vector):
    """The same certificates hold under the test root that they chain to, which only an emulated device is given."""
    raw = bytes.fromhex(vector["hex"])
    info = dataclasses.replace(OURS, model=vector["model"], os_version="1.0.0", test_root=bytes.fromhex(_TEST_ROOT))
    assert run(load(raw, usage=3), data=(raw,), info=info).result == (0, 0)
    other = dataclasses.replace(info, test_root=PARTNER.public_key)
    assert run(load(raw, usage=3), data=(raw,), info=other).result == (PkiStatus.SIGNATURE, 0)


def test_certificate_may_be_signed_by_the_one_before():
    """A key with depth signs certificates of less depth, and none of its own or without being the last one loaded."""
    middle = certificate(key=PARTNER, key_id=0x200, depth=1)
    leaf = certificate(PARTNER, signer_key_id=0x200)
    deep = certificate(PARTNER, signer_key_id=0x200, depth=1)
    signature = LEAF.sign_digest(DIGEST)
    data = (middle, DIGEST, signature, leaf, deep)
    assert run(load(middle), load(leaf, 3), verify(len(signature)), data=data).result == (1, 0)
    assert run(load(leaf, 3), data=data).result == (PkiStatus.SIGNER, 0)
    assert run(load(middle), load(deep, 4), data=data).result == (PkiStatus.DEPTH, 0)
    flat = certificate(key=PARTNER, key_id=0x200)
    assert run(load(flat), load(leaf, 3), data=(flat, *data[1:])).result == (PkiStatus.DEPTH, 0)


def test_key_on_another_curve_verifies():
    """A certificate may be of a key on P-256."""
    private = (9).to_bytes(32, "big")
    raw = certificate(curve=0x22, public_key=p256.public_key(private))
    signature = p256.sign_ecdsa_der(private, DIGEST)
    assert run(load(raw), verify(len(signature)), data=(raw, DIGEST, signature)).result == (1, 0)


def test_pointers_and_lengths_are_checked():
    """What is not the app's is neither read nor written, and lengths beyond any signature's are no signature."""
    raw = certificate()
    wild = call(LOAD, USAGE, 0x30000000, 200, 0, 0, 0)
    assert run(lambda _places: wild).result == (0, 2)
    assert run(lambda at: call(LOAD, USAGE, at[0], len(raw), FLASH, RAM, 0), data=(raw,)).result == (0, 2)
    endless = run(lambda at: call(LOAD, USAGE, at[0], 0xFFFFFFFF, 0, 0, 0), data=(raw + bytes(600),))
    assert endless.result == (PkiStatus.UNKNOWN_TAG, 0)
    huge = run(load(raw), lambda at: call(VERIFY, at[0], 0xFFFFFFFF, at[0], 0xFFFFFFFF), data=(raw,))
    assert huge.result == (0, 0)


def test_factory_signs_by_one_algorithm():
    """A certificate that says another algorithm is not signed."""
    with pytest.raises(UsageError):
        certificate(signature_algorithm=PkiAlgorithm.ECDSA_RIPEMD160)
