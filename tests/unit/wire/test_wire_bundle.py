"""Bundles: one file for one app, the same bytes from the same sources, and no second way to write them."""

import copy
import hashlib
import io
import json
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.errors import RemoteProtocolError
from tallystick.wire.bundle import MANIFEST, MAX_BUNDLE, MAX_MEMBERS, MAX_NAME, Bundle, Manifest, Setting
from tallystick.wire.image import AppFlag
from tallystick.wire.install import Curve
from tallystick.wire.path import Bip32Path

DOCUMENT = {
    "name": "Demo",
    "version": "1.0.0",
    "entry": "app:start",
    "icon": "demo",
    "curves": ["secp256k1", "ed25519"],
    "paths": ["44'/118'", "m"],
    "flags": ["library"],
    "settings": [{"name": "expert", "label": "Expert mode", "default": True}, {"name": "blind", "label": "Blind"}],
}
MODULES = {"app.py": "from .part import start\n", "part.py": "def start(device): ...\n"}


def manifest(**changes):
    """Return the bytes of the sample manifest with `changes`; None removes a member."""
    document = {name: value for name, value in (DOCUMENT | changes).items() if value is not None}
    return json.dumps(document).encode()


BUNDLE = Bundle.pack(manifest(), MODULES)


def archive(members, *, method=zipfile.ZIP_STORED, date=(1980, 1, 1, 0, 0, 0), comment=b"", mode=0o644):
    """Return an archive of `members` (pairs) in their order."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, text in members:
            info = zipfile.ZipInfo(name, date)
            info.external_attr = mode << 16
            info.create_system = 3
            info.compress_type = method
            file.writestr(info, text)
        file.comment = comment
    return buffer.getvalue()


MEMBERS = sorted({MANIFEST: manifest().decode(), **MODULES}.items())


def test_sample_manifest():
    """Every member of a manifest is read as what it says."""
    read = BUNDLE.manifest
    assert (read.name, read.version, read.entry, read.icon) == ("Demo", "1.0.0", "app:start", "demo")
    assert read.curves == (Curve.SECP256K1, Curve.ED25519)
    assert read.paths == (Bip32Path.parse("44'/118'"), Bip32Path())
    assert read.flags == ("library",)
    assert read.settings == (
        Setting(name="expert", label="Expert mode", default=True),
        Setting(name="blind", label="Blind"),
    )


def test_a_manifest_needs_name_and_version_alone():
    """What is left out asks for nothing."""
    read = Manifest.from_json(b'{"name": "A", "version": "1"}')
    assert read == Manifest(name="A", version="1")
    assert (read.curves, read.paths, read.flags, read.settings) == ((), (), (), ())


@pytest.mark.parametrize(
    "changes",
    [
        {"name": None},
        {"version": None},
        {"name": ""},
        {"name": "x" * (MAX_NAME + 1)},
        {"name": "a\nb"},
        {"name": "é"},
        {"name": ["Demo"]},
        {"version": "1" * 17},
        {"version": 1},
        {"entry": "app"},
        {"entry": "os.path:join"},
        {"entry": "App:start"},
        {"entry": "app:_start()"},
        {"icon": "../x"},
        {"curves": ["bls"]},
        {"curves": "secp256k1"},
        {"curves": [["secp256k1"]]},
        {"curves": 5},
        {"paths": ["44'/x"]},
        {"paths": ["0/0/0/0/0/0/0/0/0/0/0"]},
        {"paths": ["2147483648"]},
        {"paths": [7]},
        {"paths": "m"},
        {"paths": ["m"] * 65},
        {"flags": ["root"]},
        {"flags": [["library"]]},
        {"settings": [{"name": "expert"}]},
        {"settings": [{"label": "x"}]},
        {"settings": [{"name": "Expert", "label": "x"}]},
        {"settings": [{"name": "expert", "label": "x", "default": 1}]},
        {"settings": [{"name": "expert", "label": "x", "extra": 1}]},
        {"settings": [{"name": "expert", "label": "x"}] * 2},
        {"settings": ["expert"]},
        {"settings": 1},
        {"unknown": 1},
    ],
    ids=lambda changes: str(changes)[:60],
)
def test_manifests_out_of_bounds_are_refused(changes):
    """Missing, unknown, wrongly typed and too long members make no manifest."""
    with pytest.raises(RemoteProtocolError):
        Manifest.from_json(manifest(**changes))
    with pytest.raises(RemoteProtocolError):
        Bundle.pack(manifest(**changes), MODULES)


@pytest.mark.parametrize(
    "text", [b"", b"null", b"[]", b'"name"', b"{", b"\xff", b"[" * 100_000, b"1" * 5000, b'["name"]']
)
def test_what_is_no_json_object_is_no_manifest(text):
    """Broken, nested and foreign documents are refused by the one declared error."""
    with pytest.raises(RemoteProtocolError):
        Manifest.from_json(text)


def test_equal_sources_give_equal_bytes_in_any_order():
    """The order in which modules are handed over, and the moment, leave no trace."""
    again = Bundle.pack(manifest(), dict(reversed(MODULES.items())))
    assert again.raw == BUNDLE.raw
    assert again.digest == hashlib.sha256(BUNDLE.raw).digest()
    assert Bundle.from_bytes(BUNDLE.raw) == BUNDLE


#: the digest of the sample as it was when these tests were written: a change means that every app's hash changes
DIGEST = "6b8aa6a5fc25136094399b2cc124f72093aac68ec5f565833780af45b8b539c5"


def test_the_form_is_stable_over_versions():
    """Attestation names apps by this hash: the same sources give it on every machine and in every release."""
    assert BUNDLE.digest.hex() == DIGEST


def test_any_flipped_byte_is_refused_or_another_app():
    """No byte of a bundle is free: a change is refused, or it is content and the hash is another."""
    for index in range(len(BUNDLE.raw)):
        raw = bytearray(BUNDLE.raw)
        raw[index] ^= 0x01
        try:
            changed = Bundle.from_bytes(bytes(raw))
        except RemoteProtocolError:
            continue
        assert changed.digest != BUNDLE.digest
        assert (changed.modules, changed.manifest) != (BUNDLE.modules, BUNDLE.manifest)


def test_truncation_at_each_length_and_trailing_bytes_are_refused():
    """A bundle ends where it ends, and has nothing in front."""
    for size in range(len(BUNDLE.raw)):
        with pytest.raises(RemoteProtocolError):
            Bundle.from_bytes(BUNDLE.raw[:size])
    for raw in (BUNDLE.raw + b"\0", b"\0" + BUNDLE.raw):
        with pytest.raises(RemoteProtocolError):
            Bundle.from_bytes(raw)


def test_the_form_made_by_hand_is_the_form():
    """An archive written with the plain tool, by the rules in the module's description, is the same file."""
    assert archive(MEMBERS) == BUNDLE.raw


@pytest.mark.parametrize(
    "raw",
    [
        archive(list(reversed(MEMBERS))),
        archive(MEMBERS, method=zipfile.ZIP_DEFLATED),
        archive(MEMBERS, date=(2020, 1, 1, 0, 0, 0)),
        archive(MEMBERS, comment=b"x"),
        archive(MEMBERS, mode=0o755),
        archive([*MEMBERS, ("zz.txt", "")]),
        archive([("__init__.py", ""), *MEMBERS]),
        archive([("../app.py", ""), *MEMBERS]),
        archive([*MEMBERS, ("sub/mod.py", "")]),
        archive([member for member in MEMBERS if member[0] != MANIFEST]),
        archive([member for member in MEMBERS if member[0] != "app.py"]),
        archive([*MEMBERS, *((f"z{number:03}.py", "") for number in range(MAX_MEMBERS))]),
        archive([*MEMBERS, ("z.py", b"\xff")]),
    ],
)
def test_other_archives_are_refused(raw):
    """Order, compression, dates, comments, modes, foreign members and missing ones: one form alone is accepted."""
    with pytest.raises(RemoteProtocolError):
        Bundle.from_bytes(raw)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_twice_is_refused():
    """Two modules of one name: nobody could say which one runs."""
    with pytest.raises(RemoteProtocolError):
        Bundle.from_bytes(archive([MEMBERS[0], *MEMBERS]))


def test_a_bundle_has_a_largest_size():
    """One byte above the limit is refused before anything is read."""
    with pytest.raises(RemoteProtocolError, match="allowed"):
        Bundle.from_bytes(bytes(MAX_BUNDLE + 1))
    with pytest.raises(RemoteProtocolError, match="allowed"):
        Bundle.pack(manifest(), MODULES | {"big.py": "#" * MAX_BUNDLE})


@settings(max_examples=40)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z0-9_]{0,8}\.py", fullmatch=True),
        st.text(st.characters(exclude_categories=("Cs",)), max_size=40),
        max_size=5,
    )
)
def test_round_trip(modules):
    """Whatever the modules are called and hold, they come back."""
    bundle = Bundle.pack(manifest(), MODULES | modules)
    assert Bundle.from_bytes(bundle.raw).modules == MODULES | modules


@given(st.binary(max_size=200))
def test_noise_is_refused(data):
    """Noise is no bundle."""
    with pytest.raises(RemoteProtocolError):
        Bundle.from_bytes(data)


def test_the_image_is_what_the_loader_takes():
    """As an image, a bundle is whole pages of code, and asks for what its manifest asks for."""
    image = BUNDLE.image()
    assert image.code[: len(BUNDLE.raw)] == BUNDLE.raw
    assert len(image.code) % 64 == 0
    assert not image.code[len(BUNDLE.raw) :].strip(b"\0")
    assert len(image.code) - len(BUNDLE.raw) < 64
    assert image.create.code_length == len(image.code)
    assert image.create.flags == AppFlag.MAIN | AppFlag.DERIVE_MASTER | AppFlag.LIBRARY
    plain = Bundle.pack(manifest(paths=[], curves=[], flags=[]), MODULES).image()
    assert plain.create.flags == AppFlag.MAIN


def test_the_sources_do_not_show_in_repr():
    """A bundle in a log is its manifest, not a megabyte."""
    assert "def start" not in repr(copy.copy(BUNDLE))


def test_flag_of_the_device_alone_is_no_flag_of_the_image():
    """`no_backup` is part of the bundle, and so of its hash, and nothing a loader is told."""
    kept = Bundle.pack(manifest(flags=["no_backup", "library"]), MODULES)
    assert not kept.manifest.is_backed_up
    assert kept.image().create.flags == Bundle.pack(manifest(flags=["library"]), MODULES).image().create.flags
    assert Bundle.pack(manifest(flags=[]), MODULES).manifest.is_backed_up
