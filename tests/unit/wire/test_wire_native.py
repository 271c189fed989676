"""A native app on its way into its process."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import RemoteProtocolError
from tallystick.wire.call_library import MAX_RAM, LibraryEntry
from tallystick.wire.image import AppImage, CreateApp
from tallystick.wire.native import MAX_LIBRARY, MAX_NATIVE, NativeImage


def _native(code, data, parameters, library):
    create = CreateApp(
        api_level=26, code_length=len(code), data_length=len(data), parameters_length=len(parameters), boot_offset=1
    )
    return NativeImage(image=AppImage(create=create, code=code, data=data, parameters=parameters), library=library)


@given(st.binary(), st.binary(), st.binary(), st.binary())
def test_native_app_goes_over_whole(code, data, parameters, library):
    """What is read is what was written."""
    made = _native(code, data, parameters, library)
    assert NativeImage.from_bytes(made.to_bytes()) == made


def test_form_is_as_documented():
    """Magic, format, parameters of CREATE APP with their length, the areas, whether it is called, the library."""
    made = _native(b"C", b"D", b"P", b"L")
    assert made.raw == b"TNAT\x02\x15" + made.image.create.to_bytes() + b"CDP\0L"
    entry = LibraryEntry(argument=1, stack=2, depth=3, ram=b"RAM", code=b"CO")
    called = "01 00000001 00000002 03 00000003 52414d 00000002 434f"
    assert replace(made, entry=entry).raw == made.raw[:-2] + bytes.fromhex(called) + b"L"


def test_called_app_goes_over_whole():
    """How an app was called goes over with it; a depth that cannot be, too much RAM and a cut are refused."""
    entry = LibraryEntry(argument=1, stack=2, depth=1, ram=bytes(100), code=b"code")
    made = replace(_native(b"C", b"", b"P", b""), entry=entry)
    assert NativeImage.from_bytes(made.raw) == made
    for size in range(len(made.raw)):
        with pytest.raises(RemoteProtocolError):
            NativeImage.from_bytes(made.raw[:size])
    for wrong in (replace(entry, depth=0), replace(entry, depth=4), replace(entry, ram=bytes(MAX_RAM + 1))):
        with pytest.raises(RemoteProtocolError):
            NativeImage.from_bytes(replace(made, entry=wrong).raw)
    with pytest.raises(RemoteProtocolError, match="or not"):
        NativeImage.from_bytes(_native(b"C", b"", b"P", b"").raw[:-1] + b"\x02")


def test_truncation_at_each_length_is_refused():
    """A native app that is cut before its areas end is refused."""
    raw = _native(b"code", b"data", b"parameters", b"").to_bytes()
    for size in range(len(raw)):
        with pytest.raises(RemoteProtocolError):
            NativeImage.from_bytes(raw[:size])


@pytest.mark.parametrize("raw", [b"TNAT\x01", b"TXXX\x02", bytes(MAX_NATIVE + 1)])
def test_other_forms_are_refused(raw):
    """Another magic, another format and too many bytes are refused."""
    with pytest.raises(RemoteProtocolError):
        NativeImage.from_bytes(raw)


def test_library_that_is_too_large_is_refused():
    """A library above its limit is refused, though the whole is below its own."""
    with pytest.raises(RemoteProtocolError, match="library"):
        NativeImage.from_bytes(_native(b"C", b"", b"", bytes(MAX_LIBRARY + 1)).to_bytes())
