"""The seal: PIN, chip, state and header each decide whether it opens (secure-world 5.2)."""

import hashlib
import hmac
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto.secret import Secret
from tallystick.device.secure.seal import (
    Cost,
    Header,
    PinPolicy,
    SealBroken,
    Sealing,
    open_item,
    proof,
    seal_item,
    stretch,
    unwrap,
    wrap,
    wrapping_key,
)
from tallystick.device.silicon.entropy import RepeatableRng
from tallystick.errors import RemoteProtocolError
from tallystick.wire.buffer import Reader
from tallystick.wire.chip import ChipState, ProviderKind

HEADER = Header(
    sealing=Sealing.NONE,
    policy=PinPolicy.BACKOFF,
    limit=16,
    device_id=b"\x0d" * 16,
    state=ChipState.VERIFIED,
    counter_id=1,
    cost=Cost(iterations=1, memory_kib=8, lanes=1),
    salt=b"\x5a" * 16,
    kind=ProviderKind.SIMULATED,
    handle=b"\x01" * 8,
)
#: written by hand from the description: lasting part, then cost, salt and handle
HEADER_HEX = "54414c56 02 00 02 10" + "0d" * 16 + "02 0101 01 00000008 01" + "5a" * 16 + "01 0008" + "01" * 8
OTHERS = [
    replace(HEADER, sealing=Sealing.TEST),
    replace(HEADER, policy=PinPolicy.LEDGER),
    replace(HEADER, limit=255),
    replace(HEADER, device_id=b"\x0e" * 16),
    replace(HEADER, state=ChipState.OPEN),
    replace(HEADER, counter_id=0),
    replace(HEADER, cost=replace(HEADER.cost, iterations=2)),
    replace(HEADER, salt=b"\x5b" * 16),
    replace(HEADER, kind=ProviderKind.TPM2),
    replace(HEADER, handle=b"\x02" * 8),
]
RNG = RepeatableRng(3)
KEY = Secret(b"\x77" * 32)


def _chip(shown: Secret) -> Secret:
    return Secret(hmac.new(b"a chip", shown.reveal(), hashlib.sha256).digest())


def _wrapping(pin: bytes = b"4711", header: Header = HEADER, chip=_chip) -> Secret:
    stretched = stretch(Secret(pin), salt=header.salt, cost=header.cost)
    return wrapping_key(stretched, chip(proof(stretched)), header)


def test_hierarchy_is_that_of_the_reference():
    """Each step from PIN to wrapped key, computed here once more from the reference alone."""
    st_ = Argon2id(salt=HEADER.salt, length=32, iterations=1, lanes=1, memory_cost=8).derive(b"4711")
    d = hmac.new(st_, b"to-hw", hashlib.sha256).digest()
    h = hmac.new(b"a chip", d, hashlib.sha256).digest()
    material = hmac.new(st_, h, hashlib.sha256).digest()
    extracted = hmac.new(HEADER.salt, material, hashlib.sha256).digest()
    info = b"KEK" + HEADER.device_id + b"\x02"
    kek = hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()
    assert _wrapping().reveal() == kek
    wrapped = wrap(KEY, _wrapping(), header=HEADER, rng=RNG)
    opened = ChaCha20Poly1305(kek).decrypt(wrapped[:12], wrapped[12:], HEADER.to_bytes() + b"\x01")
    assert opened == KEY.reveal()


def test_header_is_these_bytes_both_ways():
    """The header has the bytes of the description; the lasting part is its beginning."""
    raw = bytes.fromhex(HEADER_HEX)
    assert HEADER.to_bytes() == raw
    assert raw.startswith(HEADER.lasting())
    assert Header.read(Reader(raw)) == HEADER


@pytest.mark.parametrize("size", range(len(bytes.fromhex(HEADER_HEX))))
def test_truncated_header_is_refused(size):
    """A header that ends early is none."""
    with pytest.raises(RemoteProtocolError):
        Header.read(Reader(bytes.fromhex(HEADER_HEX)[:size]))


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (0, 0),
        (4, 1),
        (5, 4),
        (6, 0),
        (6, 3),
        (7, 0),
        (24, 9),
        (26, 2),
        (27, 0),
        (27, 17),
        (28, 1),
        (32, 0),
        (32, 17),
        (49, 0),
        (49, 9),
        (50, 255),
    ],
)
def test_header_with_an_unknown_number_is_refused(at, value):
    """Unknown format, kind, policy, state or key derivation, no try at all, and a cost out of bounds are refused."""
    raw = bytearray(bytes.fromhex(HEADER_HEX))
    raw[at] = value
    with pytest.raises(RemoteProtocolError):
        Header.read(Reader(bytes(raw)))


def test_wrapped_key_opens_with_everything_right():
    """The right PIN, chip, state and header give the key back, and each wrapping is another one."""
    first, second = (wrap(KEY, _wrapping(), header=HEADER, rng=RNG) for _ in range(2))
    assert first != second
    assert unwrap(first, _wrapping(), header=HEADER) == KEY


@pytest.mark.parametrize("other", OTHERS)
def test_edited_header_does_not_open(other):
    """Any field of the header changed after sealing, and the key stays shut, whatever it is derived by."""
    wrapped = wrap(KEY, _wrapping(), header=HEADER, rng=RNG)
    for wrapping in (_wrapping(), _wrapping(header=other)):
        with pytest.raises(SealBroken):
            unwrap(wrapped, wrapping, header=other)


@pytest.mark.parametrize("pin", [b"", b"4710", b"47110", b"471"])
def test_other_pin_does_not_open(pin):
    """Another PIN does not open it."""
    with pytest.raises(SealBroken):
        unwrap(wrap(KEY, _wrapping(), header=HEADER, rng=RNG), _wrapping(pin), header=HEADER)


def test_other_chip_does_not_open():
    """The right PIN and the right header with another chip's answer do not open it."""
    other = _wrapping(chip=lambda shown: Secret(hmac.new(b"another", shown.reveal(), hashlib.sha256).digest()))
    with pytest.raises(SealBroken):
        unwrap(wrap(KEY, _wrapping(), header=HEADER, rng=RNG), other, header=HEADER)


def test_lying_chip_leaves_the_pin_to_be_guessed():
    """With a chip whose answer is known, the key still depends on the stretched PIN."""

    def known(_shown):
        return Secret(bytes(32))

    wrapped = wrap(KEY, _wrapping(chip=known), header=HEADER, rng=RNG)
    with pytest.raises(SealBroken):
        unwrap(wrapped, _wrapping(b"0000", chip=known), header=HEADER)


def test_hardware_is_shown_neither_pin_nor_stretched_pin():
    """What leaves for the hardware is one step further than what opens."""
    stretched = stretch(Secret(b"4711"), salt=HEADER.salt, cost=HEADER.cost)
    assert proof(stretched) != stretched
    assert b"4711" not in proof(stretched).reveal()


def test_item_opens_under_its_own_name_version_and_vault_only():
    """An item renamed, of another version, or of another vault does not open; a new PIN's header changes nothing."""
    sealed = seal_item(Secret(b"words"), KEY, header=HEADER, name="phrase", version=2, rng=RNG)

    def read(header: Header = HEADER, name: str = "phrase", version: int = 2) -> bytes:
        return open_item(sealed, KEY, header=header, name=name, version=version).reveal()

    assert read() == b"words"
    assert read(header=replace(HEADER, salt=b"\x00" * 16, handle=b"new")) == b"words"
    for wrong in ({"name": "check"}, {"version": 1}, {"header": replace(HEADER, limit=3)}):
        with pytest.raises(SealBroken):
            read(**wrong)


@given(st.data())
def test_any_changed_byte_is_refused(data):
    """A changed, shortened or lengthened item or wrapped key never opens."""
    sealed = seal_item(Secret(b"words"), KEY, header=HEADER, name="phrase", version=1, rng=RNG)
    at = data.draw(st.integers(0, len(sealed) - 1))
    flipped = sealed[:at] + bytes((sealed[at] ^ data.draw(st.integers(1, 255)),)) + sealed[at + 1 :]
    for raw in (flipped, sealed[:at], sealed + b"\x00"):
        with pytest.raises(SealBroken):
            open_item(raw, KEY, header=HEADER, name="phrase", version=1)


@pytest.mark.parametrize(
    ("iterations", "memory", "lanes"),
    [(0, 8, 1), (17, 8, 1), (1, 7, 1), (1, 8, 0), (1, 8, 2), (1, (1 << 20) + 1, 1), (1, 1 << 20, 17)],
)
def test_costs_out_of_bounds_are_refused(iterations, memory, lanes):
    """A header cannot make the device compute for ever, or fill its memory."""
    other = replace(HEADER, cost=Cost(iterations=iterations, memory_kib=memory, lanes=lanes))
    with pytest.raises(RemoteProtocolError):
        Header.read(Reader(other.to_bytes()))


def test_handle_has_a_limit():
    """A handle longer than any hardware's is refused before it is read."""
    Header.read(Reader(replace(HEADER, handle=bytes(1024)).to_bytes()))
    with pytest.raises(RemoteProtocolError):
        Header.read(Reader(replace(HEADER, handle=bytes(1025)).to_bytes()))
