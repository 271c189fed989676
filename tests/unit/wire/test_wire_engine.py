"""The frames between a device and the process that emulates processors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import RemoteProtocolError
from tallystick.wire.engine import HEADER_BYTES, EngineFrame, EngineKind, StartNative
from tallystick.wire.image import AppImage, CreateApp
from tallystick.wire.native import NativeImage
from tallystick.wire.syscall import DeviceInfo

INFO = DeviceInfo(
    model="nanox", target_id=0x33000004, os_version="2.4.0", mcu_version="2.30", touch=False, page_width=20
)


@given(kind=st.sampled_from(EngineKind), app=st.integers(0, 2**32 - 1), payload=st.binary(max_size=100))
def test_frame_is_read_as_written(kind, app, payload):
    """Kind, number and length of the payload come back from the header, and the payload follows."""
    raw = EngineFrame(kind, app, payload).to_bytes()
    assert EngineFrame.head(raw[:HEADER_BYTES]) == (kind, app, len(payload))
    assert raw[HEADER_BYTES:] == payload


@pytest.mark.parametrize(
    "raw", [*(bytes(size) for size in range(HEADER_BYTES)), b"\x00" * 9, b"\x07" + bytes(8), b"\x01" + b"\xff" * 8]
)
def test_header_that_is_none_is_refused(raw):
    """A cut header, an unknown kind and a payload beyond the limit are refused."""
    with pytest.raises(RemoteProtocolError):
        EngineFrame.head(raw)


def test_start_is_read_as_written():
    """Device, library and image of an app come back."""
    image = AppImage(
        create=CreateApp(api_level=26, code_length=4, data_length=2, parameters_length=3),
        code=b"code",
        data=b"da",
        parameters=b"\x01\x01A",
    )
    start = StartNative(info=INFO, library=bytes(range(32)), native=NativeImage(image=image))
    assert StartNative.from_bytes(start.to_bytes()) == start
    for size in range(len(start.to_bytes())):
        with pytest.raises(RemoteProtocolError):
            StartNative.from_bytes(start.to_bytes()[:size])
