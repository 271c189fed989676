"""Boot manifests: one form is accepted, everything beside it is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import RemoteProtocolError
from tallystick.wire.environment import Entry, Environment, Root
from tallystick.wire.firmware import MAX_IMAGE, BootConfig, ImageHeader, ImageRole
from tallystick.wire.strict_json import MAX_DOCUMENT, strict_json

CONFIG = BootConfig(
    digest=bytes(range(32)),
    version="1.4.0",
    security_version=7,
    size_bytes=812345,
    environment=bytes(range(32, 64)),
    normal_world=bytes(range(64, 96)),
)
HEADER = ImageHeader(role=ImageRole.NORMAL_WORLD, version="1.4.0-rc1", security_version=7, python="3.11")
ENTRY = Entry(root=Root.LIBRARIES, path="a/b.so", size_bytes=3, digest=bytes(32), module="a.b")
LIST = Environment(entries=(ENTRY, Entry(root=Root.INTERPRETER, path="bin/python3.11", size_bytes=4, digest=bytes(32))))

versions = st.builds("{}.{}.{}".format, *[st.integers(0, 9999)] * 3)
digests = st.binary(min_size=32, max_size=32)


def test_the_configuration_is_the_one_that_armory_boot_reads():
    """`unikernel` is name and hash, as the original wants it; our keys begin with x- (secure-world 2.3)."""
    document = json.loads(CONFIG.to_bytes())
    assert document.pop("unikernel") == ["secure-world.pyz", bytes(range(32)).hex()]
    assert all(name.startswith("x-") for name in document)
    assert {"kernel", "dtb", "initrd", "cmdline"}.isdisjoint(document)


@given(
    digest=digests, environment=digests, version=versions, number=st.integers(0, 0xFFFF), size=st.integers(1, MAX_IMAGE)
)
def test_configurations_round_trip(digest, environment, version, number, size):
    """What is written is read back equal."""
    made = BootConfig(
        digest=digest,
        environment=environment,
        normal_world=environment[::-1],
        version=version,
        security_version=number,
        size_bytes=size,
    )
    assert BootConfig.from_bytes(made.to_bytes()) == made


@given(role=st.sampled_from(ImageRole), version=versions, number=st.integers(0, 0xFFFF))
def test_headers_round_trip(role, version, number):
    """What is written is read back equal, and is valid."""
    made = ImageHeader(role=role, version=version, security_version=number, python="3.12")
    assert ImageHeader.from_bytes(made.to_bytes()) == made
    assert made.is_valid


@pytest.mark.parametrize("version", ["4.03", "2.30", "1.12", "0.9", "10.0", "1.4.0", "1.4.0-rc1"])
def test_a_normal_world_has_a_version_as_an_mcu_has(version):
    """Two numbers are a version of a Normal World, and of no other image."""
    header = ImageHeader(role=ImageRole.NORMAL_WORLD, version=version, security_version=1, python="3.11")
    assert header.is_valid
    for role in (ImageRole.BOOTLOADER, ImageRole.SECURE_WORLD):
        assert replace(header, role=role).is_valid == (version.count(".") == 2)


@pytest.mark.parametrize("version", ["4", "4.", "4.003", "04.03", "4.03\n", "4.03-rc1", "4.0x", "", "100.1"])
def test_a_version_of_other_forms_is_none(version):
    """Anything beside the two forms is refused."""
    assert not ImageHeader(role=ImageRole.NORMAL_WORLD, version=version, security_version=1, python="3.11").is_valid


def test_an_invalid_header_says_so():
    """A version or a number that would not be read back is not valid."""
    for wrong in ({"version": "1.4"}, {"version": "1.4.0\n"}, {"security_version": -1}, {"security_version": 1 << 16}):
        members = {"role": ImageRole.BOOTLOADER, "version": "1.0.0", "security_version": 1, "python": "3.11", **wrong}
        assert not ImageHeader(**members).is_valid


def test_lists_round_trip():
    """What is written is read back equal."""
    assert Environment.from_bytes(LIST.to_bytes()) == LIST
    assert Environment.from_bytes(Environment().to_bytes()) == Environment()


READERS = [(BootConfig.from_bytes, CONFIG), (ImageHeader.from_bytes, HEADER), (Environment.from_bytes, LIST)]


@pytest.mark.parametrize(("read", "made"), READERS)
def test_every_shorter_document_is_refused(read, made):
    """Cut at any byte: refused, but for white space at the end."""
    raw = made.to_bytes()
    for size in range(len(raw.rstrip())):
        with pytest.raises(RemoteProtocolError):
            read(raw[:size])


@pytest.mark.parametrize(("read", "made"), READERS)
def test_trailing_bytes_other_encodings_and_length_are_refused(read, made):
    """More than one document, not UTF-8, a byte order mark, too long: refused."""
    raw = made.to_bytes()
    for spoilt in (
        raw + b"x",
        raw + raw,
        b"\xff" + raw,
        b"\xef\xbb\xbf" + raw,
        raw + b" " * (1 << 20),
        raw.decode().encode("utf-16"),
    ):
        with pytest.raises(RemoteProtocolError):
            read(spoilt)


@pytest.mark.parametrize(("read", "made"), READERS[:2])
def test_duplicate_unknown_missing_and_mistyped_members_are_refused(read, made):
    """Each member must be there once, with its type; nothing else may be."""
    document = json.loads(made.to_bytes())
    for name, value in document.items():
        for wrong in (None, True, 1.0, "", [], {}, -1, 1 << 70, "\n", [value], "é", f"{value} "):
            if wrong == value and type(wrong) is type(value):
                continue
            with pytest.raises(RemoteProtocolError):
                read(json.dumps({**document, name: wrong}).encode())
        with pytest.raises(RemoteProtocolError):
            read(json.dumps({one: other for one, other in document.items() if one != name}).encode())
        twice = json.dumps(document)[:-1] + f", {json.dumps(name)}: {json.dumps(value)}}}"
        with pytest.raises(RemoteProtocolError):
            read(twice.encode())
        with pytest.raises(RemoteProtocolError):
            read(json.dumps(document).replace(f'"{name}"', f'"{name.upper()}"').encode())
    with pytest.raises(RemoteProtocolError):
        read(json.dumps({**document, "more": 1}).encode())


@pytest.mark.parametrize("path", ["/boot/secure-world", "../secure-world.pyz", "secure-world.pyz ", ""])
def test_the_name_in_the_configuration_is_no_path(path):
    """It is one word, always the same: nothing is opened by it."""
    document = json.loads(CONFIG.to_bytes())
    document["unikernel"][0] = path
    with pytest.raises(RemoteProtocolError):
        BootConfig.from_bytes(json.dumps(document).encode())


@pytest.mark.parametrize(
    "row",
    [
        [], ["libraries", "a", 1, "00" * 32], ["other", "a", 1, "00" * 32, ""], ["libraries", "../a", 1, "00" * 32, ""],
        ["libraries", "/a", 1, "00" * 32, ""], ["libraries", "a/../b", 1, "00" * 32, ""], ["libraries", "a//b", 1, "00" * 32, ""],
        ["libraries", "a\0", 1, "00" * 32, ""], ["libraries", "a", -1, "00" * 32, ""], ["libraries", "a", True, "00" * 32, ""],
        ["libraries", "a", 1, "00" * 31, ""], ["libraries", "a", 1, "AA" * 32, ""], ["libraries", "a", 1, "00" * 32, "a..b"],
        ["libraries", "a", 1, "00" * 32, None], ["libraries", "", 1, "00" * 32, ""], [["libraries"], "a", 1, "00" * 32, ""],
    ],
)  # fmt: skip
def test_rows_that_leave_their_root_or_are_mistyped_are_refused(row):
    """Paths are relative, go down only, and everything has its type."""
    with pytest.raises(RemoteProtocolError):
        Environment.from_bytes(json.dumps([row]).encode())


def test_a_list_that_names_a_file_twice_is_refused():
    """Two hashes for one file would be two truths."""
    with pytest.raises(RemoteProtocolError):
        Environment.from_bytes(Environment(entries=(ENTRY, ENTRY)).to_bytes())


@pytest.mark.parametrize(
    "raw", [b"NaN", b"Infinity", b"[" * 60_000, b'{"a": 1, "a": 1}', b'{"a": {"b": 1, "b": 2}}', b"1" * 5000]
)
def test_json_that_two_readers_could_read_differently_is_refused(raw):
    """Duplicates at any depth, constants that JSON has not, nesting and numbers without end."""
    with pytest.raises(RemoteProtocolError):
        strict_json(raw, "test")


def test_64_kib_is_the_limit():
    """One byte more is refused before it is read."""
    assert strict_json(b" " * (MAX_DOCUMENT - 1) + b"1", "test") == 1
    with pytest.raises(RemoteProtocolError, match="longer"):
        strict_json(b" " * MAX_DOCUMENT + b"1", "test")
