"""Firmware packages: one form is read, with bounds; whatever else comes is refused."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.buffer import Writer
from tallystick.wire.firmware import ARTEFACTS
from tallystick.wire.firmware_package import ALIGNMENT, CONTENTS, FirmwarePackage, PackageKind

FINAL = FirmwarePackage(kind=PackageKind.FINAL, artefacts={"secure_world": b"image " * 100})
SMALL = FirmwarePackage(kind=PackageKind.MCU, artefacts={"normal_world": b"ab"})


@st.composite
def packages(draw):
    """Any package."""
    kind = draw(st.sampled_from(PackageKind))
    return FirmwarePackage(kind=kind, artefacts={name: draw(st.binary(max_size=200)) for name in CONTENTS[kind]})


def raw_of(packed: bytes, *, size: int, name: str = ARTEFACTS["secure_world"], kind: int = 3, count: int = 1) -> bytes:
    """Return a package with one entry as it is given."""
    writer = Writer().take(b"TFWP").u8(1).u8(kind).u8(count)
    return writer.text_lv(name).u32(size).u32(len(packed)).take(packed).to_bytes()


@given(package=packages())
def test_packages_round_trip_and_are_aligned(package):
    """What is written is read back equal, twice to the same bytes, in whole pages."""
    raw = package.to_bytes()
    assert FirmwarePackage.from_bytes(raw) == package
    assert raw == package.to_bytes()
    assert len(raw) % ALIGNMENT == 0


def test_the_three_steps_together_carry_every_artefact_once():
    """Nothing of a slot is left behind, and nothing comes twice."""
    steps = (PackageKind.OSU, PackageKind.MCU, PackageKind.FINAL)
    carried = [name for kind in steps for name in CONTENTS[kind]]
    assert sorted(carried) == sorted(ARTEFACTS)
    assert CONTENTS[PackageKind.WHOLE] == CONTENTS[PackageKind.OSU] + CONTENTS[PackageKind.FINAL]


def test_a_package_is_made_of_a_release():
    """The files of a release are taken by their names in a slot; a missing one is named."""
    files = {name: name.encode() for name in ARTEFACTS.values()}
    made = FirmwarePackage.of(PackageKind.OSU, files)
    assert made.artefacts["config"] == b"boot.conf"
    del files["boot.conf"]
    with pytest.raises(LocalProtocolError, match=r"boot\.conf"):
        FirmwarePackage.of(PackageKind.OSU, files)


def test_other_artefacts_than_the_steps_are_a_mistake():
    """A package holds all of its step and nothing of another."""
    with pytest.raises(LocalProtocolError):
        FirmwarePackage(kind=PackageKind.FINAL, artefacts={})
    with pytest.raises(LocalProtocolError):
        FirmwarePackage(kind=PackageKind.MCU, artefacts={"secure_world": b""})


def test_a_package_cut_at_any_length_is_refused():
    """No prefix of the entries is a package; only filling zeros may be missing."""
    raw = SMALL.to_bytes()
    end = len(raw.rstrip(b"\0"))
    for length in range(end):
        with pytest.raises(RemoteProtocolError):
            FirmwarePackage.from_bytes(raw[:length])


def test_what_follows_a_package_is_zeros_and_less_than_a_page():
    """Filling is allowed, anything else is not."""
    raw = raw_of(zlib.compress(b"ab"), size=2)
    assert FirmwarePackage.from_bytes(raw + bytes(ALIGNMENT - 1)).artefacts == {"secure_world": b"ab"}
    for rest in (bytes(ALIGNMENT), b"\1", bytes(3) + b"x"):
        with pytest.raises(RemoteProtocolError):
            FirmwarePackage.from_bytes(raw + rest)


@pytest.mark.parametrize(
    "raw",
    [
        b"XFWP" + FINAL.to_bytes()[4:],
        b"TFWP\x02" + FINAL.to_bytes()[5:],
        raw_of(zlib.compress(b"ab"), size=2, kind=0),
        raw_of(zlib.compress(b"ab"), size=2, kind=9),
        raw_of(zlib.compress(b"ab"), size=2, kind=2),
        raw_of(zlib.compress(b"ab"), size=2, count=2),
        raw_of(zlib.compress(b"ab"), size=2, count=0),
        raw_of(zlib.compress(b"ab"), size=2, name="boot.conf"),
        raw_of(zlib.compress(b"ab"), size=1),
        raw_of(zlib.compress(b"ab"), size=3),
        raw_of(zlib.compress(b"ab")[:-1], size=2),
        raw_of(zlib.compress(b"ab") + b"x", size=2),
        raw_of(b"no deflated data", size=2),
        raw_of(b"", size=0),
        raw_of(zlib.compress(b"ab"), size=0xFFFFFFFF),
    ],
)
def test_other_forms_are_refused(raw):
    """Magic, format, kind, count, names and sizes are held to."""
    with pytest.raises(RemoteProtocolError) as caught:
        FirmwarePackage.from_bytes(raw)
    assert caught.value.status == 0x6A80


def test_a_bomb_is_not_inflated():
    """What inflates to more than it announced is found out after one byte too many."""
    bomb = zlib.compress(bytes(50 << 20), 9)
    with pytest.raises(RemoteProtocolError, match="another size"):
        FirmwarePackage.from_bytes(raw_of(bomb, size=1000))


@given(raw=st.binary(max_size=300))
def test_any_bytes_are_a_package_or_refused(raw):
    """Nothing but the one error comes out, and what is read is written again to the same artefacts."""
    try:
        found = FirmwarePackage.from_bytes(b"TFWP\x01" + raw)
    except RemoteProtocolError:
        return
    assert FirmwarePackage.from_bytes(found.to_bytes()) == found
