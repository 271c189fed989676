"""What an app keeps in flash as records of the OS, and as the file that it is loaded from and saved to (speculos 4.1).

The file is the app's data area, byte for byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from tallystick.errors import UsageError
from tallystick.wire.image import AppImage

__all__ = ["HASH_BYTES", "INDEX", "PAGE_BYTES", "area_of", "image_hash", "page_name", "records_of"]

PAGE_BYTES: Final = 4096
#: the record that says of which image the others are, and which there are
INDEX: Final = "flash"
HASH_BYTES: Final = 32


def page_name(page: int) -> str:
    """Return the name of a page's record."""
    return f"{INDEX}/{page}"


def image_hash(image: AppImage) -> bytes:
    """Return what ties records to an image (32 bytes)."""
    return hashlib.sha256(image.code + image.data).digest()


def records_of(image: AppImage, area: bytes) -> dict[str, bytes]:
    """Return the records of an app that has kept `area`, which may be shorter than its data area.

    Raises UsageError when it is longer, or there is nothing to keep.
    """
    if not 0 < len(area) <= len(image.data):
        raise UsageError(
            f"what was kept has {len(area)} bytes, the app's data {len(image.data)}",
            remedy="name a file of this very app",
        )
    whole = area + image.data[len(area) :]
    pages = {
        page_name(number): whole[number * PAGE_BYTES : (number + 1) * PAGE_BYTES]
        for number in range(-(-len(whole) // PAGE_BYTES))
    }
    return {**pages, INDEX: image_hash(image) + bytes(range(len(pages)))}


def area_of(image: AppImage, records: Mapping[str, bytes]) -> bytes:
    """Return the data area of an app that has kept `records`; those of another image count as none."""
    index = records.get(INDEX, b"")
    area = bytearray(image.data)
    if index[:HASH_BYTES] != image_hash(image):
        return bytes(area)
    for number in index[HASH_BYTES:]:
        page = records.get(page_name(number), b"")
        area[number * PAGE_BYTES : number * PAGE_BYTES + len(page)] = page
    return bytes(area[: len(image.data)])
