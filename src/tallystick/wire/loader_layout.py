"""What both ends of a load agree on: the checksum of a segment, and what stands where in an app's memory (wire-protocol E.1, E.2)."""

from __future__ import annotations

import binascii
from typing import Final

from tallystick.wire.image import AppImage, CreateApp

#: bytes that the install parameters' address is a multiple of, counted from the data
ALIGNMENT: Final = 64


def crc16(data: bytes) -> int:
    """Return the CRC-16 of a segment: polynomial 1021, begun with FFFF, not reflected."""
    return binascii.crc_hqx(data, 0xFFFF)


def parameters_offset(create: CreateApp) -> int:
    """Return where the install parameters begin, from the app's lowest address: behind code and data, the latter aligned to 64."""
    return create.code_length + create.data_length + -create.data_length % ALIGNMENT


def image_in(memory: bytes | bytearray, create: CreateApp, *, parameters_at: int) -> AppImage:
    """Take an image out of `memory`, which begins at the app's lowest address: code, data, and parameters where they are said to be.

    Raises LocalProtocolError when the memory is shorter than announced.
    """
    data_end = create.code_length + create.data_length
    return AppImage(
        create=create,
        code=bytes(memory[: create.code_length]),
        data=bytes(memory[create.code_length : data_end]),
        parameters=bytes(memory[parameters_at : parameters_at + create.parameters_length]),
    )
