"""Fuzz targets of the factory: the two commands of provisioning, key files, the record of devices, URLs of keys.

As in `targets_wire`: a target returns when the bytes are accepted or refused with the declared error, and what is
accepted is written back to the same bytes wherever a format has one encoding.
"""

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from tallystick.errors import RemoteProtocolError, StateCorrupt, TrustError, UsageError
from tallystick.manager.hsm.address import FileAddress, TokenAddress, parse_address
from tallystick.manager.hsm.key_file import KeyFile
from tallystick.manager.hsm.role import Realm
from tallystick.manager.provisioning.certify import check
from tallystick.manager.provisioning.record import FileRecord
from tallystick.wire.provisioning import (
    FinishProvisioning,
    StartedProvisioning,
    StartProvisioning,
    certificate_header,
)

_refusal = contextlib.suppress(RemoteProtocolError)


def start(data: bytes) -> None:
    """Read a START."""
    with _refusal:
        assert StartProvisioning.from_bytes(data).to_bytes() == data


def started(data: bytes) -> None:
    """Read a device's answer, and check its proof as the issuer does."""
    with _refusal:
        made = StartedProvisioning.from_bytes(data)
        assert made.to_bytes() == data
        with contextlib.suppress(TrustError):
            assert check(StartProvisioning(challenge=bytes(32)), made) == certificate_header(made.serial)


def finish(data: bytes) -> None:
    """Read a FINISH."""
    with _refusal:
        assert FinishProvisioning.from_bytes(data).to_bytes() == data


def key_file(data: bytes) -> None:
    """Read a key file's document."""
    with _refusal:
        assert len(KeyFile.from_json(data).public_key) == 65


def record(data: bytes) -> None:
    """Open a record of devices; what is accepted is accepted again as it was left."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "devices.jsonl"
        path.write_bytes(data)
        with contextlib.suppress(StateCorrupt, TrustError):
            FileRecord(path).require_realm(Realm.TEST)
            left = path.read_bytes()
            assert data.startswith(left)
            FileRecord(path).require_realm(Realm.TEST)
            assert path.read_bytes() == left


def url(data: bytes) -> None:
    """Read the URL of keys."""
    with contextlib.suppress(UsageError, UnicodeDecodeError):
        assert isinstance(parse_address(data.decode()), FileAddress | TokenAddress)


targets: dict[str, Callable[[bytes], None]] = {
    "start": start,
    "started": started,
    "finish": finish,
    "key_file": key_file,
    "record": record,
    "url": url,
}
