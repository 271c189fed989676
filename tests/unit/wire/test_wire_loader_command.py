"""Commands of the loader, behind a secure channel and before a bootloader: their bytes and their limits."""

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.image import CreateApp
from tallystick.wire.loader import (
    Boot,
    CheckCrc,
    Commit,
    Create,
    DeleteApp,
    DeleteAppByHash,
    EnterBootloader,
    Flush,
    ListApps,
    ListMoreApps,
    Load,
    MemoryQuery,
    ResetCustomCertificate,
    SetLoadOffset,
    SetupCustomCertificate,
    VersionQuery,
    decode_command,
)

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
