"""An installed app as one record in flash: the image that was loaded, what the device made of it, and a hash over both.

Magic ``TAPP``, format u8, flags u32, code hash and full hash (32 bytes each), LV parameters of CREATE APP, then code, data and
install parameters in the lengths those announce, and the SHA-256 of all before it. The two hashes are those of the moment
the app was loaded: the full hash names the OS version of that day, so it is kept and not computed anew (attestation 5).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Self

from tallystick.errors import RemoteProtocolError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.image import AppFlag, AppImage, CreateApp

_MAGIC = b"TAPP"
_FORMAT = 1
_HASH_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class AppRecord:
    """One app as it is stored; `flags` are the host's with what the device itself says (wire-protocol E.3)."""

    image: AppImage = field(repr=False)
    flags: AppFlag
    code_hash: bytes
    full_hash: bytes

    def to_bytes(self) -> bytes:
        """Return the record."""
        image = self.image
        writer = Writer().take(_MAGIC).u8(_FORMAT).u32(self.flags).take(self.code_hash).take(self.full_hash)
        raw = writer.lv(image.create.to_bytes()).to_bytes() + image.code + image.data + image.parameters
        return raw + hashlib.sha256(raw).digest()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read a record; raise RemoteProtocolError when it is not whole, or not what was written."""
        body, digest = raw[:-_HASH_BYTES], raw[-_HASH_BYTES:]
        if hashlib.sha256(body).digest() != digest:
            raise RemoteProtocolError("the record of an app was changed")
        reader = Reader(body)
        if reader.take(4) != _MAGIC or reader.u8() != _FORMAT:
            raise RemoteProtocolError("the record of an app has an unknown format")
        flags, code_hash, full_hash = AppFlag(reader.u32()), reader.take(_HASH_BYTES), reader.take(_HASH_BYTES)
        create = CreateApp.from_bytes(reader.lv())
        image = AppImage(
            create=create,
            code=reader.take(create.code_length),
            data=reader.take(create.data_length),
            parameters=reader.take(create.parameters_length),
        )
        reader.finish()
        return cls(image=image, flags=flags, code_hash=code_hash, full_hash=full_hash)
