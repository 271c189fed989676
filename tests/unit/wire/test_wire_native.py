"""A native app on its way into its process."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import RemoteProtocolError
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
    """Magic, format, parameters of CREATE APP with their length, the areas, the library."""
    made = _native(b"C", b"D", b"P", b"L")
    assert made.raw == b"TNAT\x01\x15" + made.image.create.to_bytes() + b"CDPL"


def test_truncation_at_each_length_is_refused():
    """A native app that is cut before its areas end is refused."""
    raw = _native(b"code", b"data", b"parameters", b"").to_bytes()
    for size in range(len(raw)):
        with pytest.raises(RemoteProtocolError):
            NativeImage.from_bytes(raw[:size])


@pytest.mark.parametrize("raw", [b"TNAT\x02", b"TXXX\x01", bytes(MAX_NATIVE + 1)])
def test_other_forms_are_refused(raw):
    """Another magic, another format and too many bytes are refused."""
    with pytest.raises(RemoteProtocolError):
        NativeImage.from_bytes(raw)


def test_library_that_is_too_large_is_refused():
    """A library above its limit is refused, though the whole is below its own."""
    with pytest.raises(RemoteProtocolError, match="library"):
        NativeImage.from_bytes(_native(b"C", b"", b"", bytes(MAX_LIBRARY + 1)).to_bytes())
