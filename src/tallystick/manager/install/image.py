"""An app as it is stored: the parameters of CREATE APP behind their length (one byte), then code, data and install parameters.

The parameters say how long each area is, so nothing else is needed.
"""

from __future__ import annotations

from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.image import AppImage, CreateApp

#: what the blob of an app is called
KIND = "app"


def image_to_bytes(image: AppImage) -> bytes:
    """Return an app as it is stored."""
    head = Writer().lv(image.create.to_bytes()).to_bytes()
    return head + image.code + image.data + image.parameters


def image_from_bytes(raw: bytes) -> AppImage:
    """Read a stored app; raise RemoteProtocolError when it is cut short or too long."""
    reader = Reader(raw)
    create = CreateApp.from_bytes(reader.lv())
    code, data = reader.take(create.code_length), reader.take(create.data_length)
    parameters = reader.take(create.parameters_length)
    reader.finish()
    return AppImage(create=create, code=code, data=data, parameters=parameters)
