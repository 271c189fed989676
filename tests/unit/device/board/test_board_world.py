"""The Secure World's own look at its Normal World: not one bit may differ, wherever the image comes from."""

import hashlib
from dataclasses import replace

import pytest
from tests.device.boot_stage import KEYS, OTHER_KEYS, image, release

from tallystick.device.board import world
from tallystick.device.board.world import NormalWorlds
from tallystick.device.boot.explain import BootFailure, Chain
from tallystick.device.boot.image import Expectation, VerifiedImage
from tallystick.device.boot.secure import check_normal_world
from tallystick.device.boot.slot import Slots
from tallystick.device.boot.start import Handover
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.wire.firmware import HEADER, NORMAL_KEY, ImageHeader, ImageRole

GOOD = release()
NEWER = release(version="1.1.0", security_version=2)
_EMBEDDED = ("normal-world.pyz", "normal-world.pyz.minisig")


def flipped(data, bit):
    """Return the bytes with one bit turned over."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def bits(data):
    """Return some bits of every part of the bytes."""
    return range(3, len(data) * 8, max(len(data) * 8 // 150, 1))


@pytest.fixture
def running(monkeypatch):
    """Stand for the image that runs: what it holds of keys and about itself."""
    header = ImageHeader(role=ImageRole.SECURE_WORLD, version="1.0.0", security_version=1, python="3.11")
    held = {NORMAL_KEY: KEYS.normal.public_key.to_text().encode(), HEADER: header.to_bytes()}
    monkeypatch.setattr(world, "member", held.__getitem__)
    return held


def start(artefacts, *, digest, minimum=1):
    """Make the Normal Worlds of a slot with these artefacts, after a bootloader that named a digest."""
    flash = MemoryFlash()
    Slots(flash).provision(artefacts)
    told = Handover(libraries="/nowhere", slot="a", minimum={"normal-world": minimum}, normal_world=digest.hex())
    return NormalWorlds(told, flash, listeners=(-1,))


def test_a_bit_that_turned_over_after_the_bootloader_looked_starts_nothing(running):
    """The Secure World checks what it starts by itself, by its own key: the bootloader's look counts for nothing."""
    assert running
    for name in ("normal_world", "normal_world_signature"):
        data = getattr(GOOD, name)
        # the untrusted comment in the first line of a signature is covered by nothing
        first = 0 if name == "normal_world" else (data.index(b"\n") + 1) * 8
        for bit in (bit for bit in bits(data) if bit >= first):
            with pytest.raises(BootFailure):
                start(replace(GOOD, **{name: flipped(data, bit)}), digest=hashlib.sha256(GOOD.normal_world).digest())


def test_a_genuine_normal_world_of_another_release_starts_nothing(running):
    """It is rightly signed and not too old, but not the one that the configuration named."""
    assert running
    with pytest.raises(BootFailure):
        start(NEWER, digest=hashlib.sha256(GOOD.normal_world).digest())


def test_an_embedded_copy_is_checked_like_any_other():
    """Taken out of the checked Secure World's own image, it goes the same way: each turned bit and other key is refused."""
    raw, signature = GOOD.normal_world, GOOD.normal_world_signature
    holder = image(ImageRole.SECURE_WORLD, **dict(zip(_EMBEDDED, (raw, signature), strict=True)))
    expect = Expectation(role=ImageRole.SECURE_WORLD, minimum=1)
    secure = VerifiedImage.by_digest(holder, hashlib.sha256(holder).digest(), size_bytes=len(holder), expect=expect)
    embedded = [secure.member(name) for name in _EMBEDDED]

    def check(image_raw, key=KEYS):
        return check_normal_world(
            Chain(now_s=lambda: 0.0, slot="a"),
            key=key.normal.public_key,
            minimum=dict.fromkeys(ImageRole, 1),
            image=image_raw,
            signature=embedded[1],
            digest=hashlib.sha256(image_raw).digest(),
        )

    assert check(embedded[0]).raw == raw
    for bit in bits(raw):
        with pytest.raises(BootFailure):
            check(flipped(embedded[0], bit))
    with pytest.raises(BootFailure):
        check(embedded[0], key=OTHER_KEYS)
