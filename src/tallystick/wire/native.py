"""A native app on its way into its process: the image as it was loaded, and the library it may call.

Magic ``TNAT``, format u8, LV parameters of CREATE APP, code, data and install parameters in the lengths those announce, u8
whether another app calls this one as its library and then how it begins (`LibraryEntry`), then the shared library's ELF file, which is the rest and may be empty.

Behind that file there may be the fonts that apps up to level 22 find in the OS: then come their length u32 and the magic ``TFNT``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Self

from tallystick.errors import RemoteProtocolError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.call_library import LibraryEntry
from tallystick.wire.image import AppImage, CreateApp

__all__ = ["MAX_LIBRARY", "MAX_NATIVE", "NativeImage", "join_fonts", "split_fonts"]

_MAGIC: Final = b"TNAT"
_FORMAT: Final = 2
_FONTS_MAGIC: Final = b"TFNT"
#: the largest shared library, in bytes
MAX_LIBRARY: Final = 4 << 20
#: all of it, in bytes
MAX_NATIVE: Final = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeImage:
    """What the process of a native app is given."""

    image: AppImage = field(repr=False)
    library: bytes = field(default=b"", repr=False)
    #: for an app that another one calls
    entry: LibraryEntry | None = None

    @property
    def raw(self) -> bytes:
        """The bytes that go into the process."""
        return self.to_bytes()

    def to_bytes(self) -> bytes:
        """Return the wire form."""
        image = self.image
        head = Writer().take(_MAGIC).u8(_FORMAT).lv(image.create.to_bytes()).to_bytes()
        called = Writer().u8(self.entry is not None)
        if self.entry is not None:
            self.entry.write(called)
        return head + image.code + image.data + image.parameters + called.to_bytes() + self.library

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read the wire form; raise RemoteProtocolError when it is cut, too long, or of another format."""
        if len(raw) > MAX_NATIVE:
            raise RemoteProtocolError(f"a native app of {len(raw)} bytes")
        reader = Reader(raw)
        if reader.take(4) != _MAGIC or reader.u8() != _FORMAT:
            raise RemoteProtocolError("a native app in an unknown format")
        create = CreateApp.from_bytes(reader.lv())
        image = AppImage(
            create=create,
            code=reader.take(create.code_length),
            data=reader.take(create.data_length),
            parameters=reader.take(create.parameters_length),
        )
        is_called = reader.u8()
        if is_called > 1:
            raise RemoteProtocolError("a native app is called as a library, or not")
        entry = LibraryEntry.read(reader) if is_called else None
        library = reader.rest()
        if len(library) > MAX_LIBRARY:
            raise RemoteProtocolError(f"a shared library of {len(library)} bytes")
        return cls(image=image, library=library, entry=entry)


def join_fonts(library: bytes, fonts: bytes) -> bytes:
    """Return a shared library with fonts behind it."""
    return library + fonts + len(fonts).to_bytes(4, "big") + _FONTS_MAGIC if fonts else library


def split_fonts(library: bytes) -> tuple[bytes, bytes]:
    """Return a shared library and the fonts behind it, empty where there are none; raise RemoteProtocolError if they are cut."""
    if not library.endswith(_FONTS_MAGIC):
        return library, b""
    end = len(library) - len(_FONTS_MAGIC) - 4
    start = end - int.from_bytes(library[end : end + 4], "big")
    if start < 0:
        raise RemoteProtocolError("the fonts of a shared library are cut short")
    return library[:start], library[start:end]
