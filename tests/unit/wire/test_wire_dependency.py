"""Dependencies in both encodings that clients write (wire-protocol E.4)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import RemoteProtocolError
from tallystick.wire.buffer import Writer
from tallystick.wire.dependency import decode_dependencies

NAMES = st.lists(st.text("abcXYZ ", min_size=1, max_size=20), max_size=4)


def entry(name: str, version: str | None = None) -> bytes:
    """Return LV name and perhaps LV version."""
    writer = Writer().text_lv(name)
    return (writer if version is None else writer.text_lv(version)).to_bytes()


@pytest.mark.parametrize("version", [None, "1.2"])
def test_single_dependency_is_read(version: str | None) -> None:
    """One client writes the entry itself."""
    assert decode_dependencies(entry("Bitcoin", version)) == ("Bitcoin",)


@given(names=NAMES)
def test_list_of_dependencies_is_read(names: list[str]) -> None:
    """The other writes entries, each behind its length."""
    raw = b"".join(Writer().lv(entry(name, "1")).to_bytes() for name in names)
    assert decode_dependencies(raw) == tuple(names)


@pytest.mark.parametrize("raw", [b"\x09x", b"\x00", b"\x01\xff", b"\x01a\x01b\x01c", b"\x02\x00"])
def test_neither_form_is_refused(raw: bytes) -> None:
    """Cut, nameless, not UTF-8, or with something behind it."""
    with pytest.raises(RemoteProtocolError):
        decode_dependencies(raw)


@given(raw=st.binary(max_size=64))
def test_any_bytes_are_names_or_refused(raw: bytes) -> None:
    """Nothing but the declared error comes out."""
    with contextlib.suppress(RemoteProtocolError):
        assert all(decode_dependencies(raw))
