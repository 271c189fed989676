"""Secrets of other schemes on a whole device: what install parameters permit, and nothing else."""

import dataclasses

import pytest
from native_stage import NativeStage, hello
from process_stage import demo

from tallystick.crypto import aleo, eip2333, kholaw, slip21, zip32
from tallystick.wire.image import AppImage
from tallystick.wire.install import Curve, Derivation, InstallParameters, Slip21Path
from tallystick.wire.path import Bip32Path
from tallystick.wire.syscall import CallStatus, DeriveSecret, MasterIdentifier, Scheme

HARDENED = 0x80000000
ALL = Curve.SECP256K1 | Curve.ED25519 | Curve.SLIP21 | Curve.BLS12381G1 | Curve.BLS12377G1 | Curve.ZIP32
TREES = {Scheme.ZIP32_SAPLING: Curve.ZIP32, Scheme.ZIP32_ORCHARD: Curve.ZIP32, Scheme.ALEO: Curve.BLS12377G1}
PATHS = (Bip32Path((44 | HARDENED,)), Slip21Path("LOCK"))


def app(curves, paths):
    """Return the example with other permissions."""
    image = hello()
    derivation = Derivation(curves=curves, paths=paths)
    parameters = dataclasses.replace(InstallParameters.from_bytes(image.parameters), derivation=derivation).to_bytes()
    create = dataclasses.replace(image.create, parameters_length=len(parameters))
    return AppImage(create=create, code=image.code, data=image.data, parameters=parameters)


@pytest.fixture
def ask():
    """Return what has an app with some permissions make a call on a device, which is closed at the end."""
    made = []

    def make(request, *, curves=ALL, paths=PATHS, locked=False):
        made.append(NativeStage(app(curves, paths)))
        system = made[-1].board.system
        if locked:
            system.session.keychain.clear()
        return system.supervisor._syscalls.handle(system.supervisor.app, request), system.session.keychain

    yield make
    for one in made:
        one.close()


def levels(*path):
    """Return a path as it goes over."""
    return b"".join(level.to_bytes(4, "big") for level in path)


async def test_secrets_are_those_of_their_schemes(ask):
    """At permitted places, secrets are those of the seed by each standard."""
    path = (44 | HARDENED, 1)
    outcome, keychain = ask(DeriveSecret(Scheme.BIP32_ED25519, levels(*path)))
    seed = keychain._seed
    node = kholaw.derive(kholaw.master(seed), path)
    assert outcome.value == node.private_key.reveal() + node.chain_code
    outcome, _ = ask(DeriveSecret(Scheme.EIP2333, levels(*path)))
    assert outcome.value == eip2333.derive(eip2333.master(seed), path).reveal()
    outcome, _ = ask(DeriveSecret(Scheme.SLIP21, b"\0LOCK/more"))
    assert outcome.value == slip21.derive(slip21.master(seed), (b"LOCK/more",)).key().reveal()
    outcome, keychain = ask(MasterIdentifier())
    assert outcome.value == keychain.identifier()


async def test_trees_are_those_of_their_standards(ask):
    """At permitted places, keys of Zcash and Aleo are those of the seed by each standard."""
    path = (44 | HARDENED, 133 | HARDENED)
    outcome, keychain = ask(DeriveSecret(Scheme.ZIP32_SAPLING, levels(*path)))
    seed = keychain._seed
    for scheme, node in (
        (Scheme.ZIP32_SAPLING, zip32.sapling(seed, path)),
        (Scheme.ZIP32_ORCHARD, zip32.orchard(seed, path)),
    ):
        assert ask(DeriveSecret(scheme, levels(*path)))[0].value == node.key.reveal() + node.chain_code
    node = zip32.registered(seed, path, context=b"context", tags=(b"tag",))
    outcome, _ = ask(DeriveSecret(Scheme.ZIP32_REGISTERED, b"\2" + levels(*path) + b"\7context\3tag"))
    assert outcome.value == node.key.reveal() + node.chain_code
    outcome, _ = ask(DeriveSecret(Scheme.ALEO, levels(*path)))
    assert outcome.value == aleo.derive(seed, path).reveal()


REGISTERED = b"\2" + levels(44 | HARDENED, 1 | HARDENED) + b"\1c\1t"


@pytest.mark.parametrize(
    "request_",
    [
        *(DeriveSecret(scheme, levels(44 | HARDENED, 1)) for scheme in TREES),
        *(DeriveSecret(Scheme.ZIP32_REGISTERED, REGISTERED[:end]) for end in range(len(REGISTERED))),
        DeriveSecret(Scheme.ZIP32_REGISTERED, REGISTERED + b"\0"),
        DeriveSecret(Scheme.ZIP32_REGISTERED, b"\x0b" + levels(*[44 | HARDENED] * 11) + bytes(11)),
        DeriveSecret(Scheme.ZIP32_REGISTERED, b"\1" + levels(44 | HARDENED) + b"\xfd" + bytes(253)),
        DeriveSecret(Scheme.ZIP32_REGISTERED, b"\2" + levels(44 | HARDENED, 1) + b"\0\0"),
    ],
)
async def test_tree_that_is_none_is_refused(ask, request_):
    """Levels that are not hardened, and names that are cut, left over or too long, are a bad argument."""
    assert ask(request_, paths=())[0].status is CallStatus.BAD_ARGUMENT


@pytest.mark.parametrize(
    ("request_", "curves", "paths"),
    [
        (DeriveSecret(Scheme.BIP32_ED25519, levels(45 | HARDENED)), ALL, PATHS),
        (DeriveSecret(Scheme.BIP32_ED25519, b""), ALL, PATHS),
        (DeriveSecret(Scheme.BIP32_ED25519, levels(44 | HARDENED)), ALL & ~Curve.ED25519, PATHS),
        (DeriveSecret(Scheme.EIP2333, levels(44 | HARDENED)), ALL & ~Curve.BLS12381G1, PATHS),
        (DeriveSecret(Scheme.SLIP21, b"\0LOCK"), ALL & ~Curve.SLIP21, PATHS),
        (DeriveSecret(Scheme.SLIP21, b"\0LOC"), ALL, PATHS),
        (DeriveSecret(Scheme.SLIP21, b""), ALL, PATHS),
        (DeriveSecret(Scheme.SLIP21, b"\0LOCK"), ALL, PATHS[:1]),
        (MasterIdentifier(), Curve.ED25519, PATHS),
        *((DeriveSecret(scheme, levels(45 | HARDENED)), ALL, PATHS) for scheme in TREES),
        *((DeriveSecret(scheme, levels(44 | HARDENED)), ALL & ~curve, PATHS) for scheme, curve in TREES.items()),
        (DeriveSecret(Scheme.ZIP32_REGISTERED, b"\1" + levels(45 | HARDENED) + b"\0"), ALL, PATHS),
        (DeriveSecret(Scheme.ZIP32_REGISTERED, b"\1" + levels(44 | HARDENED) + b"\0"), ALL & ~Curve.ZIP32, PATHS),
    ],
)
async def test_what_is_not_permitted_is_refused(ask, request_, curves, paths):
    """Other paths, other labels and other curves are refused."""
    assert ask(request_, curves=curves, paths=paths)[0].status is CallStatus.NOT_PERMITTED


@pytest.mark.parametrize("path", [b"\x80", levels(*[44 | HARDENED] * 11)])
async def test_path_that_is_none_is_refused(ask, path):
    """Levels are whole and at most ten."""
    assert ask(DeriveSecret(Scheme.EIP2333, path), paths=())[0].status is CallStatus.BAD_ARGUMENT


@pytest.mark.parametrize("scheme", Scheme)
async def test_locked_device_has_no_secrets(ask, scheme):
    """Once the device is locked, nothing is derived."""
    path = levels(44 | HARDENED)
    path = {Scheme.SLIP21: b"\0LOCK", Scheme.ZIP32_REGISTERED: b"\1" + path + b"\0"}.get(scheme, path)
    assert ask(DeriveSecret(scheme, path), locked=True)[0].status is CallStatus.LOCKED
    assert ask(MasterIdentifier(), locked=True)[0].status is CallStatus.LOCKED


async def test_python_app_gets_no_secret():
    """Secrets go to native apps alone."""
    device = NativeStage(hello())
    try:
        bundle = demo("start = None\n", curves=["secp256k1"], paths=["44'"])
        system = device.board.system
        measured = system.session.registry.measure(bundle.image(), bundle=bundle)
        for request in (MasterIdentifier(), DeriveSecret(Scheme.SLIP21, b"\0x")):
            assert system.supervisor._syscalls.handle(measured, request).status is CallStatus.NOT_PERMITTED
    finally:
        device.close()
