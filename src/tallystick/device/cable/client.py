"""The host's end of USB/IP, as far as a cable needs it: be lent the device that listens at a socket."""

from __future__ import annotations

import socket

from tallystick.errors import DeviceNotFound, RemoteProtocolError, TransportError
from tallystick.wire.usbip import (
    IMPORT_REPLY_BYTES,
    OPERATION_BYTES,
    DeviceEntry,
    ImportRequest,
    import_status,
)

#: seconds a device may take to answer: a board that starts is given all it can need
_TIMEOUT_S = 60.0


def borrow(address: str) -> tuple[socket.socket, DeviceEntry]:
    """Be lent the device at the socket `address`; from then on the socket carries URBs.

    Raises:
        DeviceNotFound: nobody listens there, or the device is lent to somebody else.
        TransportError: it says what is no USB/IP.

    """
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        link.settimeout(_TIMEOUT_S)
        link.connect(address)
        link.sendall(ImportRequest().to_bytes())
        head = _take(link, OPERATION_BYTES)
        status = import_status(head)
        if status:
            raise DeviceNotFound(
                f"the device cannot be plugged in (USB/IP status {status})",
                remedy="unplug it elsewhere, or start it again",
            )
        entry = DeviceEntry.from_bytes(_take(link, IMPORT_REPLY_BYTES - OPERATION_BYTES))
        link.settimeout(None)
    except (OSError, RemoteProtocolError) as error:
        link.close()
        raise TransportError(f"the device does not answer on its USB socket: {error}") from error
    except DeviceNotFound:
        link.close()
        raise
    return link, entry


def _take(link: socket.socket, size_bytes: int) -> bytes:
    data = b""
    while len(data) < size_bytes:
        chunk = link.recv(size_bytes - len(data))
        if not chunk:
            raise ConnectionResetError("it hung up")
        data += chunk
    return data
