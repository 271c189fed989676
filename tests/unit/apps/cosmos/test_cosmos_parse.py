"""Data of the commands, and the chains they may name."""

import pytest
from cosmos_stage import load, refused, words
from hypothesis import given
from hypothesis import strategies as st

from tallystick.apps.cosmos.chain import ChainKind, address, compress, digest, kind_of
from tallystick.apps.cosmos.parse import AddressRequest, Command, SignRequest
from tallystick.crypto import bip32, bip39
from tallystick.crypto.hash import keccak256
from tallystick.wire.status import Reject

COSMOS = ["cosmos", "osmo", "dydx", "mantra", "xion", "celestia", "core", "neutron"]
ETHEREUM = ["inj", "evmos", "xpla", "dym", "zeta", "bera", "human"]
ACCOUNTS = load("cosmos_worked.json")["accounts"]
HUB = b"\x06cosmos"


def get_address(data: bytes, *, expert: bool = False) -> AddressRequest:
    """Read the data of GetAddr."""
    return AddressRequest.from_bytes(data, expert=expert)


def sign_init(data: bytes, *, expert: bool = False) -> SignRequest:
    """Read the data of the first chunk."""
    return SignRequest.from_bytes(data, expert=expert)


def test_command_checks_class_then_length():
    """An empty APDU is 6982, another class 6E00 even when short, then fewer than 5 bytes 6700."""
    assert refused(lambda: Command.from_bytes(b""))[0] == 0x6982
    for raw in (b"\x56", b"\xe0\x01\x00\x00", b"\x00" * 300):
        assert refused(lambda raw=raw: Command.from_bytes(raw))[0] == 0x6E00
    for size in range(1, 5):
        assert refused(lambda size=size: Command.from_bytes((b"\x55" + b"\x00" * 9)[:size]))[0] == 0x6700


@given(st.binary(max_size=300), st.integers(0, 255))
def test_command_goes_by_the_bytes_that_arrived(data, announced):
    """Whatever Lc says, the data is what follows it."""
    command = Command.from_bytes(bytes((0x55, 1, 2, 3, announced)) + data)
    assert (command.instruction, command.p1, command.p2, command.data) == (1, 2, 3, data)


@pytest.mark.parametrize("hrp", COSMOS)
def test_cosmos_chains(hrp):
    """The eight chains of coin 118' are of the Cosmos kind, and belong to no other coin."""
    assert kind_of(118 | 1 << 31, hrp.encode()) is ChainKind.COSMOS
    assert refused(lambda: kind_of(60 | 1 << 31, hrp.encode()))[0] == 0x698C


@pytest.mark.parametrize("hrp", ETHEREUM)
def test_ethereum_chains(hrp):
    """The seven chains of coin 60' are of the Ethereum kind, and belong to no other coin."""
    assert kind_of(60 | 1 << 31, hrp.encode()) is ChainKind.ETHEREUM
    assert refused(lambda: kind_of(118 | 1 << 31, hrp.encode()))[0] == 0x698C


@pytest.mark.parametrize("hrp", ["Cosmos", "cosmo", "cosmoss", "cosmos\0", "eth", "ethm", "cosmosvaloper", "\xff"])
def test_hrp_is_compared_byte_for_byte(hrp):
    """Anything but the exact hrp is 698C."""
    raw = hrp.encode("latin-1")
    assert refused(lambda: get_address(bytes([len(raw)]) + raw + words(44, 118)))[0] == 0x698C


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda account: account["address"])
def test_worked_accounts(account):
    """Keys and addresses are those of the reference, for both kinds."""
    path, hrp = account["path"], account["hrp"].encode()
    key = bip32.derive(bip32.master(bip39.seed(account["sentence"])), path).public_key(compressed=False)
    data = bytes([len(hrp)]) + hrp + b"".join(level.to_bytes(4, "little") for level in path)
    request = get_address(data)
    assert tuple(request.path) == tuple(path)
    assert compress(key).hex() == account["public_key"]
    assert address(request.kind, request.hrp, key) == account["address"]


@pytest.mark.parametrize("key", [b"", b"\x02" * 33, b"\x04" * 64, b"\x03" * 65])
def test_a_key_that_is_none_is_6400(key):
    """Only an uncompressed key of 65 bytes has an address."""
    assert refused(lambda: address(ChainKind.COSMOS, b"cosmos", key))[0] == 0x6400


def test_an_hrp_that_bech32_refuses_is_6400():
    """An address that cannot be written is a key that could not be made."""
    for hrp in (b"", b"COSMOS", b"\xff"):
        assert refused(lambda hrp=hrp: address(ChainKind.COSMOS, hrp, b"\x04" * 65))[0] == 0x6400


def test_digest_of_the_ethereum_kind_is_keccak():
    """Both formats of an Ethereum-kind chain are hashed with Keccak-256."""
    assert digest(ChainKind.ETHEREUM, b"x") == keccak256(b"x")
    assert digest(ChainKind.ETHEREUM, b"").hex().startswith("c5d2460186f7233c")


@pytest.mark.parametrize("size", range(28))
def test_get_address_cut_at_each_length(size):
    """Without length or hrp 6984, without any path byte 6984, within the path 6700, whole it passes."""
    data = (HUB + words(44, 118))[:size]
    if size == 27:
        assert get_address(data).hrp == b"cosmos"
        return
    assert refused(lambda: get_address(data))[0] == (0x6984 if size <= 7 else 0x6700)


@pytest.mark.parametrize("size", range(28))
def test_sign_init_cut_at_each_length(size):
    """Without any byte 6984, within the path 6700, the path alone passes, within the hrp 6984."""
    data = (words(44, 118) + HUB)[:size]
    if size in {20, 27}:
        assert sign_init(data).hrp == (b"" if size == 20 else b"cosmos")
        return
    assert refused(lambda: sign_init(data))[0] == (0x6984 if size == 0 or size > 20 else 0x6700)


@pytest.mark.parametrize("length", [0, 84, 255])
def test_hrp_length_out_of_range_is_698a(length):
    """The length is judged before the bytes that should follow."""
    assert refused(lambda: get_address(bytes([length])))[0] == 0x698A
    assert refused(lambda: sign_init(words(44, 118) + bytes([length])))[0] == 0x698A


def test_hrp_of_83_bytes_is_long_enough_to_be_compared():
    """The longest length is allowed, so the pair is what fails."""
    assert refused(lambda: get_address(bytes([83]) + b"x" * 83 + words(44, 118)))[0] == 0x698C


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (words(43, 118), 0x698B),
        (words(44, 119), 0x698B),
        (words(44, 0), 0x698B),
        (words(44, 118, change=1), 0x698B),
        (words(44, 118, change=0x80000000), 0x698B),
        (words(44, 118)[:3] + b"\x00" + words(44, 118)[4:], 0x698B),
        (words(44, 118)[:7] + b"\x00" + words(44, 118)[8:], 0x698B),
        (words(44, 118, account=101), 0x6989),
        (words(44, 118, account=0x80000065), 0x6989),
        (words(44, 118, index=101), 0x6989),
        (words(44, 118, index=0xFFFFFFFF), 0x6989),
        # purpose, coin and change are judged before the values
        (words(44, 118, change=101), 0x698B),
        (words(43, 118, index=101), 0x698B),
    ],
)
def test_path_that_is_not_allowed(path, status):
    """Purpose, coin and change give 698B, account and index over 100 give 6989, in both commands."""
    assert refused(lambda: get_address(HUB + path))[0] == status
    assert refused(lambda: sign_init(path))[0] == status


@pytest.mark.parametrize(
    "path",
    [
        words(44, 118, account=100, index=100),
        words(44, 118, account=0x80000064, index=0x80000064),
        words(44, 118, account=0, index=0),
    ],
)
def test_account_and_index_are_taken_as_given(path):
    """Up to 100 is allowed, hardened or not."""
    assert get_address(HUB + path).path.to_words() == path


@pytest.mark.parametrize("path", [words(44, 118, account=101), words(44, 118, index=0xFFFFFFFF)])
def test_expert_mode_lifts_the_limit(path):
    """In expert mode any account and index may be used."""
    assert get_address(HUB + path, expert=True).path.to_words() == path
    assert sign_init(path, expert=True).path.to_words() == path


def test_expert_mode_lifts_nothing_else():
    """Purpose, coin and change are judged in expert mode, too."""
    assert refused(lambda: get_address(HUB + words(44, 118, change=1), expert=True))[0] == 0x698B


def test_get_address_checks_hrp_then_path_then_pair():
    """With several things wrong, the first in that order is answered."""
    assert refused(lambda: get_address(b"\x00" + words(43, 1)))[0] == 0x698A
    assert refused(lambda: get_address(b"\x03foo" + words(43, 1)))[0] == 0x698B
    assert refused(lambda: get_address(b"\x03foo" + words(44, 118)))[0] == 0x698C


def test_bytes_after_the_path_of_get_address_are_ignored():
    """What follows the path changes nothing."""
    assert get_address(HUB + words(44, 118) + b"more") == get_address(HUB + words(44, 118))


def test_sign_init_without_hrp():
    """Without hrp the kind is Cosmos; coin 60' needs one."""
    assert sign_init(words(44, 118)).kind is ChainKind.COSMOS
    assert refused(lambda: sign_init(words(44, 60)))[0] == 0x698B
    assert sign_init(words(44, 60) + b"\x03inj").kind is ChainKind.ETHEREUM
    assert refused(lambda: sign_init(words(44, 118) + b"\x03inj"))[0] == 0x698C


@given(st.binary(max_size=60), st.booleans())
def test_any_bytes_are_read_or_refused(data, expert):
    """Noise gives a request or one of the documented status words."""
    for read in (get_address, sign_init):
        try:
            request = read(data, expert=expert)
        except Reject as reject:
            if reject.status not in {0x6700, 0x6984, 0x6989, 0x698A, 0x698B, 0x698C} or reject.data:
                raise AssertionError(f"{reject}") from reject
        else:
            assert len(request.path) == 5
