"""Fuzz targets of what comes by the smaller doors: the chip's link, the radio, gRPC, managers, pictures, certificates, rules.

As in `targets_wire`: a target returns when the bytes are accepted or refused with the declared error.
"""

import contextlib
import json
from collections.abc import Callable

from tallystick.errors import RemoteProtocolError, UsageError
from tallystick.ui.automation import automation_from_text
from tallystick.wire import manager_app, manager_firmware
from tallystick.wire.app_icon import AppIcon
from tallystick.wire.app_storage import ReinstallRequest, RestoreRequest, StorageInfo, decode_storage_name, unframe
from tallystick.wire.chip_codec import reply_from_bytes, reply_to_bytes, request_from_bytes, request_to_bytes
from tallystick.wire.lock_image import LockImage
from tallystick.wire.manager_message import ClientReply, decode_server_message
from tallystick.wire.pki import PkiCertificate
from tallystick.wire.radio import RadioReader, to_bytes
from tallystick.wire.raster_stream import decompress, expand_rle
from tallystick.wire.zemu import request as zemu_request

_refusal = contextlib.suppress(RemoteProtocolError)
_OBJECTS = (
    manager_app.AppV2,
    manager_app.Application,
    manager_firmware.DeviceVersion,
    manager_firmware.FinalFirmware,
    manager_firmware.McuVersion,
    manager_firmware.OsuFirmware,
)


def chip(data: bytes) -> None:
    """Read what the Secure World and its chip say to each other; both have one encoding."""
    with _refusal:
        assert request_to_bytes(request_from_bytes(data)) == data
    with _refusal:
        assert reply_to_bytes(reply_from_bytes(data)) == data


def radio(data: bytes) -> None:
    """Read a stream of the radio's program; what is accepted can be written."""
    reader = RadioReader()
    with _refusal:
        assert all(to_bytes(message) for message in reader.receive(data))


def grpc(data: bytes) -> None:
    """Read a gRPC message; an APDU is no longer than what carried it."""
    with _refusal:
        assert len(zemu_request(data)) <= len(data)


def picture(data: bytes) -> None:
    """Unpack pixels, as many as are asked for by the first two bytes and no more."""
    if len(data) < 2:
        return
    pixels = data[0] * data[1]
    for bits in (1, 4):
        assert len(expand_rle(data[2:], bits=bits, pixels=pixels)) <= (pixels * bits + 7) // 8
    assert len(decompress(data[2:], limit=pixels)) <= pixels


def icon(data: bytes) -> None:
    """Read an app's icon; what is accepted has a digit for each pixel."""
    with _refusal:
        made = AppIcon.from_bytes(data)
        assert len(made.digits) == made.width * made.height
        assert made.packed()


def lock_image(data: bytes) -> None:
    """Read a picture for the lock screen; what is accepted is read again the same."""
    with _refusal:
        made = LockImage.from_bytes(data)
        assert LockImage.from_bytes(made.to_bytes()) == made


def app_storage(data: bytes) -> None:
    """Read what is said about back-ups."""
    for read in (StorageInfo.from_bytes, RestoreRequest.from_bytes, ReinstallRequest.from_bytes, unframe):
        with _refusal:
            assert read(data)
    with _refusal:
        assert decode_storage_name(data)


def certificate(data: bytes) -> None:
    """Read a certificate that an app gives; it has one encoding."""
    with _refusal:
        assert PkiCertificate.from_bytes(data).to_bytes() == data


def conversation(data: bytes) -> None:
    """Read what manager and host say to each other; a reply is written back to the same meaning."""
    text = data.decode("utf-8", "surrogateescape")
    with _refusal:
        decode_server_message(text)
    with _refusal:
        reply = ClientReply.from_json(text)
        assert ClientReply.from_json(reply.to_json()) == reply


def catalogue(data: bytes) -> None:
    """Read a document of a manager as every kind of object; what is accepted is read again the same."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return
    for kind in _OBJECTS:
        with _refusal:
            made = kind.from_json(document)
            assert kind.from_json(made.to_json()) == made


def rules(data: bytes) -> None:
    """Read automation rules."""
    with contextlib.suppress(UsageError):
        automation_from_text(data.decode("utf-8", "replace"))


#: by the name of the folder that holds the seeds
targets: dict[str, Callable[[bytes], None]] = {
    "chip": chip,
    "radio": radio,
    "grpc": grpc,
    "picture": picture,
    "icon": icon,
    "lock_image": lock_image,
    "app_storage": app_storage,
    "certificate": certificate,
    "conversation": conversation,
    "catalogue": catalogue,
    "rules": rules,
}
