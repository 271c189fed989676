"""The picture on the lock screen: `E0 60` to `E0 66` (wire-protocol C, C.7)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from os_stage import LATER_S, PIN, TOUCH, ask, call, data, status

from tallystick.testing.device import VirtualDevice
from tallystick.wire.dashboard import Ins
from tallystick.wire.lock_image import LockImage
from tallystick.wire.model import MODELS

BITS = {"stax": 4, "flex": 4, "apex_p": 1}


def picture(model: str, *, bits: int | None = None, fill: bytes = b"\x5a\xa5\x00", compressed: bool = True) -> bytes:
    """Return a picture for the screen of `model`."""
    width, height = MODELS[model].screen_width, MODELS[model].screen_height
    bits = bits or BITS[model]
    size = width * height * bits // 8
    pixels = (fill * (size // len(fill) + 1))[:size]
    return LockImage(width=width, height=height, bits=bits, pixels=pixels).to_bytes(compressed=compressed)


def send(device: VirtualDevice, raw: bytes) -> None:
    """Announce a picture, have it allowed, and send its parts."""
    pending = ask(device, Ins.IMAGE_CREATE, data=len(raw).to_bytes(4, "big"))
    device.user.approve()
    assert pending.response.ok
    for at in range(0, len(raw), 251):
        data(device, Ins.IMAGE_LOAD, data=at.to_bytes(4, "big") + raw[at : at + 251])


def keep(device: VirtualDevice, raw: bytes) -> None:
    """Store a picture."""
    send(device, raw)
    pending = ask(device, Ins.IMAGE_COMMIT)
    device.user.approve()
    assert pending.response.ok


@pytest.mark.models(*TOUCH)
def test_picture_is_stored_and_read_back(device: VirtualDevice) -> None:
    """What was committed can be measured, fetched in parts and hashed, also after a replug."""
    raw = picture(device.model)
    keep(device, raw)
    device.replug()
    size = int.from_bytes(data(device, Ins.IMAGE_SIZE), "big")
    assert size == len(raw)
    fetched = b""
    while len(fetched) < size:
        count = min(238, size - len(fetched))
        fetched += data(device, Ins.IMAGE_FETCH, data=len(fetched).to_bytes(4, "big") + bytes([count]))
    assert fetched == raw
    assert data(device, Ins.IMAGE_HASH) == hashlib.sha256(raw).digest()


@pytest.mark.models(*TOUCH)
def test_picture_is_removed_with_consent(device: VirtualDevice) -> None:
    """Removing asks; a no keeps the picture, a yes leaves none (662E)."""
    keep(device, picture(device.model))
    pending = ask(device, Ins.IMAGE_DELETE)
    device.user.reject()
    assert pending.response.status == 0x5501
    assert status(device, Ins.IMAGE_SIZE) == 0x9000
    pending = ask(device, Ins.IMAGE_DELETE)
    device.user.approve()
    assert pending.response.ok
    assert status(device, Ins.IMAGE_SIZE) == 0x662E
    assert status(device, Ins.IMAGE_DELETE) == 0x662E


@pytest.mark.models(*TOUCH)
def test_commit_that_is_refused_keeps_the_old_picture(device: VirtualDevice) -> None:
    """A no to the new picture is 5501; the old one stays and the new one must be sent again."""
    keep(device, picture(device.model))
    old = data(device, Ins.IMAGE_HASH)
    send(device, picture(device.model, fill=b"\xff"))
    pending = ask(device, Ins.IMAGE_COMMIT)
    device.user.reject()
    assert pending.response.status == 0x5501
    assert data(device, Ins.IMAGE_HASH) == old
    assert status(device, Ins.IMAGE_COMMIT) == 0x5106


@pytest.mark.models("apex_p")
def test_parts_must_come_in_order_and_fit(device: VirtualDevice) -> None:
    """A part for another place is 680B, an empty or overlong one 6832; what came before stays good."""
    raw = picture(device.model)
    pending = ask(device, Ins.IMAGE_CREATE, data=len(raw).to_bytes(4, "big"))
    device.user.approve()
    assert pending.response.ok
    data(device, Ins.IMAGE_LOAD, data=bytes(4) + raw[:200])
    assert status(device, Ins.IMAGE_LOAD, data=bytes(4) + raw[:200]) == 0x680B
    assert status(device, Ins.IMAGE_LOAD, data=(201).to_bytes(4, "big") + b"x") == 0x680B
    assert status(device, Ins.IMAGE_LOAD, data=(200).to_bytes(4, "big")) == 0x6832
    for at in range(200, len(raw), 250):
        data(device, Ins.IMAGE_LOAD, data=at.to_bytes(4, "big") + raw[at : at + 250])
    assert status(device, Ins.IMAGE_LOAD, data=len(raw).to_bytes(4, "big") + b"x") == 0x6832
    pending = ask(device, Ins.IMAGE_COMMIT)
    device.user.approve()
    assert pending.response.ok


@pytest.mark.models("stax")
def test_picture_that_is_none_is_refused_before_anybody_is_asked(device: VirtualDevice) -> None:
    """Another model's size, a broken header, cut or swollen data: 681F or 6820, and nothing is stored."""
    good = picture("stax")
    swollen = LockImage.from_bytes(good)
    cases = [
        (picture("flex"), 0x681F),
        (b"\x00\x00" + good[2:], 0x6820),
        (good[:4] + b"\x31" + good[5:], 0x681F),
        (good[:4] + b"\x22" + good[5:], 0x681F),
        (good[:-1], 0x6820),
        (good[:5] + (len(good) - 9).to_bytes(3, "little") + good[8:-1], 0x6820),
        (good[:10] + b"\x00" + good[11:], 0x681F),
        (
            LockImage(width=400, height=672, bits=2, pixels=swollen.pixels).to_bytes(compressed=False),
            0x6820,
        ),
    ]
    for raw, expected in cases:
        send(device, raw)
        answer = device.exchange(call(Ins.IMAGE_COMMIT))
        assert f"{answer.status:04X}" == f"{expected:04X}"
    assert status(device, Ins.IMAGE_SIZE) == 0x662E


@pytest.mark.models("stax")
def test_commit_of_half_a_picture_is_refused(device: VirtualDevice) -> None:
    """A picture of which parts are missing is 6820."""
    pending = ask(device, Ins.IMAGE_CREATE, data=(4096).to_bytes(4, "big"))
    device.user.approve()
    assert pending.response.ok
    assert status(device, Ins.IMAGE_COMMIT) == 0x6820


@pytest.mark.models("apex_p")
def test_screen_without_greys_takes_one_bit_alone(device: VirtualDevice) -> None:
    """Apex takes pictures of one bit a pixel, and no deeper ones."""
    send(device, picture("apex_p", bits=4))
    assert status(device, Ins.IMAGE_COMMIT) == 0x681F


@pytest.mark.models("flex")
def test_fetch_outside_the_picture_is_refused(device: VirtualDevice) -> None:
    """An offset behind the end is 680B; nothing, too much, or more than there is, 6832; a cut request 6700."""
    raw = picture("flex", compressed=False)
    keep(device, raw)
    size = len(raw).to_bytes(4, "big")
    last = (len(raw) - 1).to_bytes(4, "big")
    assert status(device, Ins.IMAGE_FETCH, data=size + b"\x01") == 0x680B
    assert status(device, Ins.IMAGE_FETCH, data=bytes(4) + b"\x00") == 0x6832
    assert status(device, Ins.IMAGE_FETCH, data=bytes(4) + b"\xef") == 0x6832
    assert status(device, Ins.IMAGE_FETCH, data=last + b"\x02") == 0x6832
    assert status(device, Ins.IMAGE_FETCH, data=bytes(4)) == 0x6700
    assert status(device, Ins.IMAGE_FETCH, data=bytes(6)) == 0x6700
    assert data(device, Ins.IMAGE_FETCH, data=last + b"\x01") == raw[-1:]


@pytest.mark.models("stax")
def test_picture_on_its_way_belongs_to_its_client(device: VirtualDevice) -> None:
    """Another client can neither go on with it nor commit it, and it is gone with its own client."""
    client = device.client()
    pending = client.send(call(Ins.IMAGE_CREATE, data=(4096).to_bytes(4, "big")))
    device.user.approve()
    assert pending.response.ok
    assert status(device, Ins.IMAGE_LOAD, data=bytes(5)) == 0x551E
    assert status(device, Ins.IMAGE_COMMIT) == 0x5106
    assert client.exchange(call(Ins.IMAGE_LOAD, data=bytes(5))).ok
    client.close()
    assert client.exchange(call(Ins.IMAGE_LOAD, data=bytes(5))).status == 0x551E


@pytest.mark.models("stax")
@pytest.mark.device(pin=PIN)
def test_lock_forgets_a_picture_on_its_way(device: VirtualDevice) -> None:
    """What was being sent when the device locked itself must be sent again, with consent."""
    device.user.enter_pin(PIN)
    send(device, picture("stax"))
    device.turn(LATER_S)
    device.user.enter_pin(PIN)
    assert status(device, Ins.IMAGE_COMMIT) == 0x5106


@pytest.mark.models("stax")
def test_reset_takes_the_picture_along(device: VirtualDevice) -> None:
    """A reset leaves no picture of the owner before."""
    keep(device, picture("stax"))
    device.user.choose("Settings")
    device.user.choose("Reset device")
    device.user.approve()
    assert "lock-image" not in device.flash.names()


@pytest.mark.models("stax")
def test_full_flash_has_no_room_for_a_picture(
    device: VirtualDevice, device_factory: Callable[..., VirtualDevice], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture larger than what is free is 5102."""
    registry = device.board.system.session.registry
    memory = registry.memory()
    monkeypatch.setattr(
        registry,
        "memory",
        lambda: type(memory)(
            system=memory.system, applications=memory.applications, free=1000, used_slots=1, total_slots=64
        ),
    )
    assert status(device, Ins.IMAGE_CREATE, data=(1001).to_bytes(4, "big")) == 0x5102
    assert not ask(device, Ins.IMAGE_CREATE, data=(1000).to_bytes(4, "big")).done


@pytest.mark.models("stax")
def test_reinstall_consent_covers_one_picture(device: VirtualDevice) -> None:
    """After E0 6F with the lock screen in it, one picture is taken without more questions, and the next asks again."""
    pending = ask(device, Ins.REINSTALL_CONSENT, data=b"\x00\x01\x00\x00")
    device.user.approve()
    assert pending.response.ok
    raw = picture("stax")
    data(device, Ins.IMAGE_CREATE, data=len(raw).to_bytes(4, "big"))
    for at in range(0, len(raw), 251):
        data(device, Ins.IMAGE_LOAD, data=at.to_bytes(4, "big") + raw[at : at + 251])
    data(device, Ins.IMAGE_COMMIT)
    assert status(device, Ins.IMAGE_SIZE) == 0x9000
    assert not ask(device, Ins.IMAGE_CREATE, data=bytes([0, 0, 16, 0])).done
