"""Which devices got a certificate: the seam, and a file for a workshop without a database.

A device is recorded *before* it is signed for, so that no certificate exists that is not on record; that the device took it is
noted afterwards. A serial number belongs to one key and a key to one serial number, for ever.

The file is JSON, one line for each event, only ever added to; a line that a power cut left unfinished is cut off.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from tallystick.errors import RemoteProtocolError, StateCorrupt, StateError, UsageError
from tallystick.manager.hsm.role import Realm, require_realm
from tallystick.wire.strict_json import Fields, strict_json

_MEMBERS: Final = frozenset({"event", "serial", "device", "issuer", "realm", "at"})
_RESERVED: Final = "reserved"
_CONFIRMED: Final = "confirmed"
_EVENT: Final = re.compile(f"{_RESERVED}|{_CONFIRMED}")
_SERIAL: Final = re.compile("[ -~]{1,32}")
_KEY: Final = re.compile("04[0-9a-f]{128}")
_REALM: Final = re.compile("|".join(Realm))
_MOMENT: Final = re.compile("[0-9TZ:+.-]{1,40}")
#: events of a line; a file of more than this many bytes belongs into a database
_MAX_FILE_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionedDevice:
    """A device and who certified it: serial number as text, public keys of 65 bytes."""

    serial: str
    device_public_key: bytes
    issuer_public_key: bytes


class ProvisioningRecord(Protocol):
    """Where provisioned devices are recorded; every method is one transaction."""

    def require_realm(self, realm: Realm) -> None:
        """Take `realm` as this record's, if it has none; raise TrustError when it is another."""

    def reserve(self, device: ProvisionedDevice) -> None:
        """Record a device; the same again is the same. Raise UsageError when serial number or key are another device's."""

    def confirm(self, serial: str) -> None:
        """Note that the device of this serial number has its certificate; raise UsageError for one not recorded."""


class FileRecord:
    """A record in a file of its own; `clock` tells the moment (UTC). Several processes may use it at once."""

    def __init__(self, path: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path = path
        self._clock = clock
        self._realm: Realm | None = None

    def require_realm(self, realm: Realm) -> None:
        """Hold the realm of what is recorded against `realm`; raise TrustError when it is another."""
        with self._opened() as file:
            for fields in _lines(file):
                require_realm(fields.text("realm", _REALM), realm)
        self._realm = realm

    def reserve(self, device: ProvisionedDevice) -> None:
        """Add a device, unless it is there; raise UsageError when its serial number or its key are another device's."""
        with self._opened() as file:
            for fields in _lines(file):
                serial, key = fields.text("serial", _SERIAL), bytes.fromhex(fields.text("device", _KEY))
                if (serial == device.serial) is not (key == device.device_public_key):
                    raise UsageError(
                        f"{device.serial} is on record with another key, or its key with another serial number",
                        remedy="two devices never share a serial number: make this one anew",
                    )
                if serial == device.serial and bytes.fromhex(fields.text("issuer", _KEY)) == device.issuer_public_key:
                    return
            self._add(file, _RESERVED, device)

    def confirm(self, serial: str) -> None:
        """Add that a device has its certificate."""
        with self._opened() as file:
            found: ProvisionedDevice | None = None
            for fields in _lines(file):
                if fields.text("serial", _SERIAL) == serial:
                    found = ProvisionedDevice(
                        serial=serial,
                        device_public_key=bytes.fromhex(fields.text("device", _KEY)),
                        issuer_public_key=bytes.fromhex(fields.text("issuer", _KEY)),
                    )
            if found is None:
                raise UsageError(f"{serial} is not on record")
            self._add(file, _CONFIRMED, found)

    def _add(self, file: BinaryIO, event: str, device: ProvisionedDevice) -> None:
        if self._realm is None:
            raise UsageError("the realm of the record was not asked for")
        line = {
            "event": event,
            "serial": device.serial,
            "device": device.device_public_key.hex(),
            "issuer": device.issuer_public_key.hex(),
            "realm": self._realm.value,
            "at": self._clock().isoformat(timespec="seconds"),
        }
        file.seek(0, os.SEEK_END)
        file.write(json.dumps(line).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        """Open the file for this process alone."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield file
        except OSError as error:
            raise StateError(f"{self._path} cannot be used: {error.strerror}") from error


def _lines(file: BinaryIO) -> list[Fields]:
    """Return the events of a file; cut off a last line without an end, refuse any other damage (StateCorrupt)."""
    file.seek(0)
    raw = file.read(_MAX_FILE_BYTES + 1)
    if len(raw) > _MAX_FILE_BYTES:
        raise StateError("the record of devices is too long for a file", remedy="use a database")
    whole, separator, torn = raw.rpartition(b"\n")
    if torn:
        file.truncate(len(whole) + len(separator))
    try:
        return [_checked(line) for line in whole.split(b"\n") if line]
    except RemoteProtocolError as error:
        raise StateCorrupt("the record of devices is damaged", remedy="restore it from a copy") from error


def _checked(line: bytes) -> Fields:
    fields = Fields(strict_json(line, "a line of the record"), _MEMBERS, "a line of the record")
    for name, pattern in (("event", _EVENT), ("serial", _SERIAL), ("realm", _REALM), ("at", _MOMENT)):
        fields.text(name, pattern)
    for name in ("device", "issuer"):
        fields.text(name, _KEY)
    return fields
