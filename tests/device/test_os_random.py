"""Any APDU whatever: only documented status words come back, the device lives, and the next client is served."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from os_stage import PIN, open_name

from tallystick.testing.device import VirtualDevice
from tallystick.wire.dashboard import CommonIns, Ins
from tallystick.wire.status import StatusWord

DOCUMENTED = {int(word) for word in StatusWord}
TEST = settings(max_examples=120, deadline=None)

#: mostly commands that exist, with parameters that are nearly right
APDUS = st.one_of(
    st.builds(
        lambda ins, p1, p2, data: bytes([0xE0, ins, p1, p2, len(data)]) + data,
        st.sampled_from([int(ins) for ins in Ins]),
        st.sampled_from([0, 0, 0, 1, 2, 0x80, 0xFF]),
        st.sampled_from([0, 0, 0, 1, 4, 0xFF]),
        st.one_of(
            st.binary(max_size=255),
            st.sampled_from(
                [b"Cosmos", b"\x06Cosmos", bytes(4), bytes(5), b"\x00\x00\x10\x00", b"\x00\x00\x00\x01Cosmos"]
            ),
        ),
    ),
    st.builds(
        lambda ins, p1, data: bytes([0xB0, ins, p1, 0, len(data)]) + data,
        st.sampled_from([int(ins) for ins in CommonIns if ins is not CommonIns.QUIT_APP]),
        st.integers(0, 255),
        st.binary(max_size=64),
    ),
    st.builds(
        lambda ins, p1, data: bytes([0x55, ins, p1, 0, len(data)]) + data,
        st.integers(0, 5),
        st.integers(0, 3),
        st.binary(max_size=255),
    ),
    st.binary(max_size=300),
)


class Deaf(Exception):
    """A device that does not answer."""


def _bombard(device: VirtualDevice, apdus: list[bytes], answers: list[bool]) -> None:
    client, decisions = device.client(), iter(answers)
    for apdu in apdus:
        pending = client.send(apdu)
        for _ in range(5):
            if pending.done:
                break
            if next(decisions, False):
                device.user.approve()
            else:
                device.user.reject()
        if not pending.done:
            raise Deaf(apdu.hex())
        assert pending.response.status in DOCUMENTED, f"{apdu.hex()} -> {pending.response.status:04X}"
    client.close()


@pytest.mark.parametrize("model", ["nanos", "stax"])
@TEST
@given(apdus=st.lists(APDUS, min_size=1, max_size=12), answers=st.lists(st.booleans(), max_size=12))
def test_dashboard_answers_any_apdu(model: str, apdus: list[bytes], answers: list[bool]) -> None:
    """Random commands with random consent, on the dashboard and in whatever app they open."""
    device = VirtualDevice(model=model)
    _bombard(device, apdus, answers)
    assert open_name(device.client()) in {"BOLOS", "Cosmos"}
    device.close()


@pytest.mark.parametrize("model", ["nanosp", "flex"])
@TEST
@given(apdus=st.lists(APDUS, min_size=1, max_size=12), answers=st.lists(st.booleans(), max_size=12))
def test_open_app_answers_any_apdu(model: str, apdus: list[bytes], answers: list[bool]) -> None:
    """Random commands with an app open."""
    device = VirtualDevice(model=model, open="cosmos")
    _bombard(device, apdus, answers)
    assert open_name(device.client()) == "Cosmos"
    device.close()


@TEST
@given(apdus=st.lists(APDUS, min_size=1, max_size=12))
def test_locked_device_says_5515_to_any_apdu(apdus: list[bytes]) -> None:
    """Nothing whatever gets past the lock."""
    device = VirtualDevice(pin=PIN)
    for apdu in apdus:
        assert device.exchange(apdu).status == 0x5515
    assert device.frame.scene == "pinentry"
    device.close()


@pytest.mark.parametrize("hold", ["left", "right", None])
@TEST
@given(apdus=st.lists(APDUS, min_size=1, max_size=12))
def test_device_without_seed_answers_any_apdu(hold: str | None, apdus: list[bytes]) -> None:
    """Random commands in each mode of a device that was not set up never wait for anybody and never set it up."""
    device = VirtualDevice(onboarded=False)
    device.replug(hold)
    for apdu in apdus:
        answer = device.exchange(apdu)
        assert answer.status in DOCUMENTED
    assert not device.status["onboarded"]
    device.close()
