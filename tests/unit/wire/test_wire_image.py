"""App images and install parameters, held to published vectors."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError, UsageError
from tallystick.wire.image import AppFlag, AppImage, CreateApp, Curve, Derivation, InstallParameters, Slip21Path
from tallystick.wire.install import ANY_LEVEL, permitted_path, permitted_text
from tallystick.wire.path import HARDENED, Bip32Path
from tallystick.wire.tlv import Tlv

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "wire.json").read_text())
DERIVATIONS = {sample["name"]: sample for sample in VECTORS["derivation"]}
IMAGE = VECTORS["image"]
U32 = st.integers(0, 0xFFFFFFFF)


def path_of(text):
    """Return the path a vector writes as text."""
    return Slip21Path(text.removeprefix("slip21:")) if text.startswith("slip21:") else Bip32Path.parse(text)


@pytest.mark.parametrize("name", DERIVATIONS)
def test_derivation_samples_both_ways(name):
    """Curve mask, BIP-32 and SLIP-21 paths of published apps."""
    sample = DERIVATIONS[name]
    derivation = Derivation(curves=Curve(sample["curves"]), paths=tuple(path_of(text) for text in sample["paths"]))
    assert Derivation.from_bytes(bytes.fromhex(sample["hex"])) == derivation
    assert derivation.to_bytes().hex() == sample["hex"]


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("*/1'", (ANY_LEVEL, 1 | HARDENED)),
        ("44'/*/0", (44 | HARDENED, ANY_LEVEL, 0)),
        ("*", (ANY_LEVEL,)),
        ("45'", (45 | HARDENED,)),
        ("m", ()),
    ],
)
def test_permitted_paths_are_text_both_ways(text, levels):
    """A star stands for the level that the SDK's install_params.py writes for it; all else is a path as ever."""
    assert permitted_path(text) == Bip32Path(levels)
    assert permitted_text(Bip32Path(levels)) == text


@pytest.mark.parametrize("text", ["", "*'", "**", "44'/", "/*", "*/*/*/*/*/*/*/*/*/*/*"])
def test_text_that_is_no_permitted_path_is_refused(text):
    """A star stands alone, and a permitted path has at most ten levels."""
    with pytest.raises(UsageError):
        permitted_path(text)


def demo():
    """Return the app of the worked example."""
    parameters = InstallParameters(name="Demo", version="1").to_bytes()
    create = CreateApp(api_level=5, code_length=64, data_length=0, parameters_length=len(parameters), boot_offset=1)
    return AppImage(create=create, code=bytes(range(64)), data=b"", parameters=parameters)


def test_full_hash_of_the_worked_example():
    """Parameters, CREATE APP and full hash are those of wire-protocol E.6."""
    image = demo()
    assert image.parameters.hex() == IMAGE["parameters"]
    assert image.create.to_bytes().hex() == IMAGE["create"]
    assert CreateApp.from_bytes(bytes.fromhex(IMAGE["create"])) == image.create
    assert image.full_hash(int(IMAGE["target_id"], 16), IMAGE["os_version"]).hex() == IMAGE["full_hash"]


def test_older_targets_leave_target_and_version_out():
    """Up to generation 3 the full hash is over the app alone; the code hash never looks at anything else."""
    image = demo()
    expected = hashlib.sha256(image.create.to_bytes() + image.code + image.parameters).digest()
    assert image.full_hash(0x31100003, "1.4.2") == expected
    assert image.code_hash() == hashlib.sha256(bytes(range(64))).digest()


def test_areas_have_the_announced_length():
    """An image that is not what was announced does not come to be."""
    with pytest.raises(LocalProtocolError):
        AppImage(create=demo().create, code=bytes(63), data=b"", parameters=demo().parameters)


@given(st.none() | st.integers(0, 255), U32, U32, U32, U32, U32)
def test_create_app_round_trip(api_level, code, data, parameters, flags, boot):
    """20 and 21 bytes survive, unknown flags included."""
    create = CreateApp(
        api_level=api_level, code_length=code, data_length=data, parameters_length=parameters, flags=AppFlag(flags),
        boot_offset=boot,
    )  # fmt: skip
    assert len(create.to_bytes()) == (20 if api_level is None else 21)
    assert CreateApp.from_bytes(create.to_bytes()) == create


@pytest.mark.parametrize("size", [*range(20), 22, 40])
def test_create_app_of_any_other_length_is_refused(size):
    """The device tells the two forms apart by length, so nothing else will do."""
    with pytest.raises(RemoteProtocolError):
        CreateApp.from_bytes(bytes(size))


def test_flags_of_a_real_app():
    """CA50, the flags of a published Bitcoin app (wire-protocol E.3)."""
    expected = AppFlag.ENABLED | AppFlag.ISSUER | AppFlag.LIBRARY | AppFlag.BOLOS_SETTINGS
    assert AppFlag(0xCA50) == expected | AppFlag.GLOBAL_PIN | AppFlag.DERIVE_MASTER


NAMES = st.text("abcXYZ 019é", min_size=1, max_size=16)
PATHS = st.lists(
    st.builds(Bip32Path, st.lists(U32, max_size=10)) | st.builds(Slip21Path, st.text("abcXYZ", max_size=20)), max_size=4
)


@given(
    st.builds(
        InstallParameters,
        name=NAMES,
        version=st.none() | st.text("0123456789.", max_size=16),
        icon=st.none() | st.binary(max_size=300),
        derivation=st.none()
        | st.builds(Derivation, curves=st.builds(Curve, st.integers(0, 255)), paths=PATHS.map(tuple)),
        data_size=st.none() | U32,
        dependency=st.none() | st.binary(max_size=20),
        others=st.lists(st.builds(Tlv, st.integers(0x20, 0xFF), st.binary(max_size=20)), max_size=3).map(tuple),
    )
)
def test_install_parameters_round_trip(parameters):
    """Whatever an app says about itself survives."""
    assert InstallParameters.from_bytes(parameters.to_bytes()) == parameters


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "020131",
        "0100",
        "010141 010142",
        "010141 020100 ",
        "0101ff",
        "0121" + "41" * 33,
        "010141 0211" + "31" * 17,
        "010141 0503000001",
        "010141 0400",
        "010141 04 02 01 81",
        "010141 04 03 01 8141",
        "010141 04 04 01 8200ff",
        "010141 04 02 01 01",
        "010141 04 02 01 0b",
        "010141 04 42 01" + "00" * 65,
        "010141 01",
    ],
)
def test_bad_install_parameters_are_refused(raw):
    """No name, names that cannot be shown, repeats, cut paths and floods of paths are 6700."""
    with pytest.raises(RemoteProtocolError) as caught:
        InstallParameters.from_bytes(bytes.fromhex(raw))
    assert caught.value.status == 0x6700


def test_truncation_inside_an_element_is_refused():
    """A cut anywhere but between elements is seen."""
    raw = InstallParameters(name="Demo", version="1").to_bytes()
    for size in range(len(raw)):
        if size == 6:
            assert InstallParameters.from_bytes(raw[:size]).version is None
            continue
        with pytest.raises(RemoteProtocolError):
            InstallParameters.from_bytes(raw[:size])


@pytest.mark.parametrize(
    "misuse",
    [
        lambda: InstallParameters(name="").to_bytes(),
        lambda: InstallParameters(name="x" * 33).to_bytes(),
        lambda: InstallParameters(name="x", version="1" * 17).to_bytes(),
        lambda: Slip21Path("x" * 127),
        lambda: Slip21Path("é"),
        lambda: Derivation(curves=Curve.ED25519, paths=(Bip32Path(),) * 65).to_bytes(),
    ],
)
def test_misuse_is_a_local_error(misuse):
    """What no device would take is not written."""
    with pytest.raises(LocalProtocolError):
        misuse()
