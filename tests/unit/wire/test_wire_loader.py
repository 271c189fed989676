"""Commands of the loader, scripts that install an app, and the checks on what is loaded."""

import json
from pathlib import Path

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.image import AppFlag, AppImage, CreateApp, InstallParameters
from tallystick.wire.loader import (
    Area,
    Boot,
    CheckCrc,
    Commit,
    Create,
    DeleteApp,
    DeleteAppByHash,
    EnterBootloader,
    Flush,
    IntelHex,
    ListApps,
    ListMoreApps,
    Load,
    LoaderVersion,
    LoadPlan,
    MemoryQuery,
    ResetCustomCertificate,
    SetLoadOffset,
    SetupCustomCertificate,
    VersionQuery,
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
KEY = b"\x04" + bytes(range(64))

LEVEL_5 = Create(app=CreateApp(api_level=5, code_length=1, data_length=2, parameters_length=3))
NO_LEVEL = Create(app=CreateApp(code_length=1, data_length=2, parameters_length=3, boot_offset=1))

#: commands as ledgerblue and ledgerwallet write them (wire-protocol E)
SAMPLES = [
    (SetLoadOffset(address=0x10000), "0500010000"),
    (Load(offset=208, data=b"\xaa\xbb"), "0600d0aabb"),
    (Flush(), "07"),
    (CheckCrc(length=64, crc=0xFD2F), "08000000000040fd2f"),
    (Commit(), "09"),
    (Commit(signature=bytes(3)), "0903000000"),
    (LEVEL_5, "0b050000000100000002000000030000000000000000"),
    (NO_LEVEL, "0b0000000100000002000000030000000000000001"),
    (DeleteApp(name="Demo"), "0c0444656d6f"),
    (ListApps(), "0e"),
    (ListMoreApps(), "0f"),
    (VersionQuery(), "10"),
    (MemoryQuery(), "11"),
    (SetupCustomCertificate(name="bench", public_key=KEY), "120562656e636841" + KEY.hex()),
    (ResetCustomCertificate(), "13"),
    (DeleteAppByHash(full_hash=bytes(32)), "15" + "00" * 32),
    (EnterBootloader(), "b0"),
]
BOOTS = [(Boot(address=0x8001), "0900008001"), (Boot(address=1, signature=b"\x01\x02"), "0900000001020102")]
#: commands whose end is not fixed: what is cut off or added may be another right command
OPEN_ENDED = (Load, Commit, Create, Boot)


@pytest.mark.parametrize(("command", "text"), SAMPLES)
def test_commands_both_ways(command, text):
    """Each command is written as clients write it and read back the same."""
    assert command.to_bytes().hex() == text
    assert decode_command(bytes.fromhex(text)) == command


@pytest.mark.parametrize(("command", "text"), [*BOOTS, *SAMPLES[:4]])
def test_commands_before_a_bootloader(command, text):
    """A bootloader knows the loading commands, and 09 with an address."""
    assert command.to_bytes().hex() == text
    assert decode_command(bytes.fromhex(text), bootloader=True) == command


@pytest.mark.parametrize(("command", "text"), SAMPLES)
def test_commands_cut_anywhere_or_longer_are_refused(command, text):
    """Every truncation is 6700, and so is every further byte behind a command of fixed length."""
    raw = bytes.fromhex(text)
    cut = [raw[:size] for size in range(len(raw))]
    right = {raw[:1]} if isinstance(command, Commit) else {raw[:21]} if isinstance(command, Create) else set()
    if isinstance(command, Load):
        right = set(cut[4:])
    cut = [data for data in cut if data not in right]
    for data in [*cut, *([raw + b"\x00"] if not isinstance(command, OPEN_ENDED) else [])]:
        with pytest.raises(RemoteProtocolError) as refusal:
            decode_command(data)
        assert refusal.value.status == 0x6700


@pytest.mark.parametrize("bootloader", [False, True])
def test_unknown_commands_are_refused(bootloader):
    """A sub-command of nobody is 6D00, and so is one of the channel before a bootloader."""
    known = {0x05, 0x06, 0x07, 0x08, 0x09}
    if not bootloader:
        known |= {0x0B, 0x0C, 0x0E, 0x0F, 0x10, 0x11, 0x12, 0x13, 0x15, 0xB0}
    for number in set(range(256)) - known:
        with pytest.raises(RemoteProtocolError) as refusal:
            decode_command(bytes([number]) + bytes(8), bootloader=bootloader)
        assert refusal.value.status == 0x6D00
    with pytest.raises(RemoteProtocolError):
        Flush.from_bytes(b"\x0e")


@given(raw=st.binary(max_size=120), bootloader=st.booleans())
def test_what_is_accepted_is_written_back_the_same(raw, bootloader):
    """A command has one encoding."""
    try:
        command = decode_command(raw, bootloader=bootloader)
    except RemoteProtocolError as refusal:
        event(f"{refusal.status:04x}")
    else:
        assert command.to_bytes() == raw


@pytest.mark.parametrize("name", ["", "x" * 33, "a\nb", "\x1b[31m", "é" * 17])
def test_names_are_printable_and_short(name):
    """Empty, long and unprintable names are refused on both ways."""
    for make in (lambda: DeleteApp(name=name), lambda: SetupCustomCertificate(name=name, public_key=KEY)):
        with pytest.raises(LocalProtocolError):
            make().to_bytes()
    raw = name.encode()
    for data in (b"\x0c" + bytes([len(raw)]) + raw, b"\x12" + bytes([len(raw)]) + raw + b"\x41" + KEY):
        with pytest.raises(RemoteProtocolError):
            decode_command(data)
    with pytest.raises(RemoteProtocolError):
        decode_command(b"\x0c\x01\xff")


def test_fields_that_do_not_fit_are_mistakes_of_the_caller():
    """Long signatures, short keys and hashes, and nothing to load are never written."""
    wrong = [
        Commit(signature=bytes(73)),
        Commit(signature=b""),
        Load(offset=0, data=b""),
        Load(offset=0x10000, data=b"x"),
        DeleteAppByHash(full_hash=bytes(31)),
        SetupCustomCertificate(name="x", public_key=KEY[:64]),
    ]
    for command in wrong:
        with pytest.raises(LocalProtocolError):
            command.to_bytes()


@pytest.mark.parametrize("size", [0, 73, 255])
def test_signatures_of_no_possible_length_are_refused(size):
    """A signature field of 0 or more than 72 bytes is 6700."""
    for data, bootloader in ((b"\x09", False), (b"\x09\x00\x00\x00\x01", True)):
        with pytest.raises(RemoteProtocolError) as refusal:
            decode_command(data + bytes([size]) + bytes(size), bootloader=bootloader)
        assert refusal.value.status == 0x6700


def test_a_custom_ca_is_a_point_of_65_bytes():
    """Another length or form of the key is 6700."""
    for key in (b"\x40" + KEY[:64], b"\x41\x02" + KEY[1:]):
        with pytest.raises(RemoteProtocolError) as refusal:
            decode_command(b"\x12\x01x" + key)
        assert refusal.value.status == 0x6700


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
