"""Scripts that install an app, and the checks on what is loaded."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.image import AppFlag, AppImage, CreateApp, InstallParameters
from tallystick.wire.loader import (
    Area,
    CheckCrc,
    Commit,
    Create,
    IntelHex,
    Load,
    LoaderVersion,
    LoadPlan,
    SetLoadOffset,
    assemble,
    chunk_bytes,
    crc16,
    decode_command,
    load_script,
    parameters_offset,
    segment_script,
)
from tallystick.wire.version_flag import VersionFlags

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "loader.json").read_text())


@pytest.mark.parametrize("sample", VECTORS["crc16"], ids=lambda sample: sample["origin"])
def test_published_checksums(sample):
    """The checksum is that of the published examples."""
    data = sample["ascii"].encode() if "ascii" in sample else bytes.fromhex(sample["hex"])
    assert f"{crc16(data):04x}" == sample["crc"]


@pytest.mark.parametrize(("apdu", "chunk"), [(255, 208), (254, 208), (240, 208), (153, 112), (48, 16)])
def test_chunks_fit_the_transport(apdu, chunk):
    """208 bytes over USB, 112 over Bluetooth, always whole blocks, and a record of them is no longer than the APDU."""
    assert chunk_bytes(apdu) == chunk
    assert (3 + chunk + 16) // 16 * 16 + 14 <= apdu


@pytest.mark.parametrize("apdu", [0, 16, 32, 47])
def test_a_transport_can_be_too_narrow(apdu):
    """Where not one block fits, loading is refused."""
    with pytest.raises(LocalProtocolError):
        chunk_bytes(apdu)


# images and scripts


def image(*, code=384, data=64, parameters=64, **more):
    """Return an image of counting bytes."""
    raw = bytes(range(256)) * ((code + data + parameters) // 256 + 1)
    create = CreateApp(code_length=code, data_length=data, parameters_length=parameters, **more)
    parts = raw[:code], raw[code : code + data], raw[code + data : code + data + parameters]
    return AppImage(create=create, code=parts[0], data=parts[1], parameters=parts[2])


def play(script):
    """Do what a device does with a script; return the app announced, its memory, and the commit."""
    create, commit, memory, base, checked = None, None, {}, None, False
    for command in map(decode_command, script):
        match command:
            case Create():
                create = command.app
            case SetLoadOffset():
                base, checked = command.address, False
            case Load():
                memory |= dict(enumerate(command.data, base + command.offset))
            case CheckCrc():
                segment = bytes(memory[base + at] for at in range(command.length))
                assert command.crc == crc16(segment)
                checked = True
            case Commit():
                assert checked
                commit = command
    return create, bytes(memory.get(at, 0) for at in range(max(memory) + 1)), commit


def test_full_hash_of_the_published_image():
    """A plan has the parameters and the hash that ledgerblue signs."""
    sample = VECTORS["image"]
    app = image(api_level=sample["api_level"], flags=AppFlag(sample["flags"]), boot_offset=sample["boot_offset"])
    plan = LoadPlan.of_image(app)
    assert plan.create.to_bytes().hex() == sample["create"]
    assert plan.size_bytes == 512
    assert plan.image == app
    assert plan.image.full_hash(int(sample["target_id"], 16), sample["os_version"]).hex() == sample["full_hash"]


def test_order_of_a_script():
    """Remove, create, then each area: offset, chunks, flush, checksum; commit with the signature at the end."""
    script = [decode_command(plain) for plain in load_script(image(), signature=bytes(70), replaces="Old")]
    kinds = [type(command).__name__ for command in script]
    body = ["SetLoadOffset", "Load", "Load", "Load", "Flush", "CheckCrc"]
    assert kinds == ["DeleteApp", "Create", *body, "SetLoadOffset", "Load", "Flush", "CheckCrc", "Commit"]
    assert [len(command.data) for command in script if isinstance(command, Load)] == [208, 208, 32, 64]
    assert script[-1].signature == bytes(70)


@given(
    code=st.integers(0, 70_000),
    data=st.integers(0, 200),
    parameters=st.integers(0, 100),
    chunk=st.sampled_from([None, 112, 1000]),
)
def test_a_script_gives_the_device_the_image(code, data, parameters, chunk):
    """Whatever the sizes, what a device assembles from the script is the image."""
    app = image(code=code, data=data, parameters=parameters)
    if not code + data + parameters:
        assert len(list(load_script(app, chunk=chunk))) == 2
        return
    create, memory, commit = play(load_script(app, chunk=chunk))
    assert assemble(create, memory) == app
    assert commit == Commit()


def test_parameters_begin_at_a_multiple_of_64_behind_the_data():
    """Data of 10 bytes leave a gap of 54 before the install parameters."""
    app = image(code=128, data=10, parameters=9)
    assert parameters_offset(app.create) == 128 + 64
    assert [area.address for area in LoadPlan.of_image(app).areas] == [0, 192]


def test_an_image_is_assembled_with_and_without_the_gap():
    """One client aligns the parameters, another does not: the end of what was loaded is the parameters."""
    app = image(code=128, data=10, parameters=9)
    assert assemble(app.create, app.code + app.data + app.parameters) == app
    assert assemble(app.create, app.code + app.data + bytes(54) + app.parameters) == app


@pytest.mark.parametrize("size", [0, 100, 146, 147 + 64, 1000])
def test_memory_of_another_size_than_announced_is_refused(size):
    """Too little, or something in no area: 6984."""
    with pytest.raises(RemoteProtocolError) as refusal:
        assemble(image(code=128, data=10, parameters=9).create, bytes(size))
    assert refusal.value.status == 0x6984


def test_a_plan_of_a_hex_file():
    """Code and data come from the file, gaps become zeros, parameters stand behind, the start address is counted from the base."""
    file = IntelHex(
        areas=(Area(address=0xC0DE0000, data=b"\x01" * 64), Area(address=0xC0DE0080, data=b"\x02" * 128)),
        start=0xC0DE0010,
    )
    parameters = InstallParameters(name="Demo").to_bytes()
    plan = LoadPlan.of_hex(file, parameters=parameters, data_length=64, api_level=5, flags=AppFlag.LIBRARY)
    assert plan.create == CreateApp(
        api_level=5,
        code_length=192,
        data_length=64,
        parameters_length=6,
        flags=AppFlag.LIBRARY,
        boot_offset=0x11,
    )
    assert plan.image.code == b"\x01" * 64 + bytes(64) + b"\x02" * 64
    assert plan.image.data == b"\x02" * 64
    assert plan.image.parameters == parameters
    create, memory, _ = play(load_script(plan))
    assert assemble(create, memory) == plan.image


def test_a_hex_file_may_bring_its_parameters():
    """A number says how many bytes at the end of the file are install parameters."""
    plan = LoadPlan.of_hex(IntelHex(areas=(Area(address=64, data=bytes(200)),)), parameters=8, data_length=64)
    assert (plan.create.code_length, plan.create.parameters_length, plan.create.boot_offset) == (128, 8, 1)
    assert len(plan.image.parameters) == 8


def test_a_hex_file_that_is_too_short_is_refused():
    """A file with nothing in it, or less than its data, makes no plan."""
    small = IntelHex(areas=(Area(address=0, data=bytes(10)),))
    for file, length in ((IntelHex(areas=()), 0), (small, 11)):
        with pytest.raises(LocalProtocolError):
            LoadPlan.of_hex(file, parameters=b"", data_length=length)


def test_areas_of_a_plan_do_not_overlap():
    """Overlapping, unordered and empty areas are refused."""
    create = CreateApp(code_length=20, data_length=0, parameters_length=0)
    for areas in ([(0, 10), (9, 10)], [(10, 10), (0, 10)], [(0, 0)]):
        with pytest.raises(LocalProtocolError):
            LoadPlan(create=create, areas=tuple(Area(address=at, data=bytes(size)) for at, size in areas))


def test_long_areas_are_loaded_in_segments_of_64_kib():
    """An offset in a segment has 16 bits, so a new segment begins at each 64 KiB."""
    script = [decode_command(plain) for plain in segment_script(Area(address=0x100, data=bytes(0x10001)))]
    assert [command.address for command in script if isinstance(command, SetLoadOffset)] == [0x100, 0x10100]
    assert [command.length for command in script if isinstance(command, CheckCrc)] == [0x10000, 1]


# the version


def test_version_answer_both_ways():
    """The version of the MCU ends in a zero on the wire, and the flags have four bytes."""
    version = LoaderVersion(target_id=0x33100004, version="1.1.1", flags=VersionFlags(bytes(4)), mcu_version="4.03")
    raw = bytes.fromhex("33100004" "05312e312e31" "0400000000" "05342e303300")  # fmt: skip
    assert version.to_bytes() == raw
    assert LoaderVersion.from_bytes(raw) == version
    for size in range(len(raw)):
        with pytest.raises(RemoteProtocolError):
            LoaderVersion.from_bytes(raw[:size])
    assert LoaderVersion.from_bytes(raw + b"more").extra == b"more"
    with pytest.raises(RemoteProtocolError):
        LoaderVersion.from_bytes(bytes.fromhex("33100004" "05312e312e31" "03000000" "05342e303300"))  # fmt: skip
    with pytest.raises(LocalProtocolError):
        LoaderVersion(target_id=1, version="1", flags=VersionFlags(b""), mcu_version="1").to_bytes()
