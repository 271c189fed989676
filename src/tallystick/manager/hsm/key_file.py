"""One development key in one file: readable by its owner alone, with its role and realm in it.

A file is one JSON document with exactly these members::

    {"format": "tallystick-key/1", "role": "issuer", "realm": "test",
     "public_key": "04…", "private_key": "…", "certificate": ""}

Keys are hexadecimal, 65 and 32 bytes. `certificate` is the host certificate (attestation 2, step 3) of a *signer*, by its
issuer, and empty for other roles. Issuers for ``tally up --issuer-key`` and owners are kept in the same form.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from tallystick.crypto.secp256k1 import is_valid_private_key, public_key, sign_ecdsa_der
from tallystick.crypto.secret import Secret
from tallystick.errors import RemoteProtocolError, StateError, TrustError, UsageError
from tallystick.manager.hsm.role import Realm, Role
from tallystick.manager.hsm.signer import digest_of
from tallystick.wire.strict_json import Fields, strict_json

FORMAT: Final = "tallystick-key/1"
_MEMBERS: Final = frozenset({"format", "role", "realm", "public_key", "private_key", "certificate"})
_MAX_FILE_BYTES: Final = 4096
_PRIVATE_BYTES: Final = 32
_PUBLIC: Final = re.compile("04[0-9a-f]{128}")
_PRIVATE: Final = re.compile("[0-9a-f]{64}")
_CERTIFICATE: Final = re.compile("(?:[0-9a-f]{2}){0,160}")
_ROLE: Final = re.compile("|".join(Role))
_REALM: Final = re.compile("|".join(Realm))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """A key with what it is for. It signs in this process: `sign` and `sign_digest` make it a `Signer`."""

    role: Role
    realm: Realm
    public_key: bytes
    private: Secret = field(repr=False)
    certificate: bytes = b""

    @classmethod
    def generate(cls, role: Role, realm: Realm, *, entropy: Callable[[int], bytes] = os.urandom) -> Self:
        """Make a new key from 32 bytes of `entropy`."""
        raw = entropy(_PRIVATE_BYTES)
        while not is_valid_private_key(raw):
            raw = entropy(_PRIVATE_BYTES)
        private = Secret(raw)
        return cls(role=role, realm=realm, public_key=public_key(private, compressed=False), private=private)

    @classmethod
    def read(cls, path: Path, *, role: Role | None = None) -> Self:
        """Read a key file, of this role if one is given.

        Raises UsageError when the file cannot be read, others may read it, or its role is another; TrustError when it is
        damaged: its public key must be that of the private one.
        """
        raw = _read_private(path)
        try:
            key = cls.from_json(raw)
        except RemoteProtocolError as error:
            raise TrustError(f"{path.name} is not a key file of this program, or is damaged") from error
        if role is not None and key.role is not role:
            raise UsageError(f"{path.name} is the key of {key.role.value}, not of {role.value}")
        if not is_valid_private_key(key.private) or public_key(key.private, compressed=False) != key.public_key:
            raise TrustError(f"{path.name} is damaged: its two halves do not belong together")
        return key

    def write(self, path: Path) -> None:
        """Write a new file, readable by its owner alone; raise UsageError rather than replace one."""
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            raise UsageError(f"{path.name} is there already", remedy="keys are not replaced: name another") from None
        except OSError as error:
            raise StateError(f"{path} cannot be written: {error.strerror}") from error
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(self._to_json())
            file.flush()
            os.fsync(file.fileno())

    def sign(self, message: bytes) -> bytes:
        """Return a DER signature over the SHA-256 of `message`."""
        return sign_ecdsa_der(self.private, digest_of(message))

    def sign_digest(self, digest: bytes) -> bytes:
        """Return a DER signature over `digest` (32 bytes); raises UsageError for another length."""
        return sign_ecdsa_der(self.private, digest)

    @classmethod
    def from_json(cls, raw: bytes) -> Self:
        """Read the document; raise RemoteProtocolError when it is not of the form. Whether the halves fit, `read` sees."""
        fields = Fields(strict_json(raw, "key file", limit=_MAX_FILE_BYTES), _MEMBERS, "key file")
        fields.equal("format", FORMAT)
        return cls(
            role=Role(fields.text("role", _ROLE)),
            realm=Realm(fields.text("realm", _REALM)),
            public_key=bytes.fromhex(fields.text("public_key", _PUBLIC)),
            private=Secret(bytes.fromhex(fields.text("private_key", _PRIVATE))),
            certificate=bytes.fromhex(fields.text("certificate", _CERTIFICATE)),
        )

    def _to_json(self) -> str:
        document = {
            "format": FORMAT,
            "role": self.role.value,
            "realm": self.realm.value,
            "public_key": self.public_key.hex(),
            "private_key": self.private.reveal().hex(),
            "certificate": self.certificate.hex(),
        }
        return json.dumps(document, indent=1) + "\n"


def _read_private(path: Path) -> bytes:
    """Return a file's bytes, if it is a file that nobody else may read."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise UsageError(f"{path.name} is not a file")
            if mode & 0o077:
                raise UsageError(f"others may read {path.name}, which holds a key", remedy=f"run: chmod 600 {path}")
            return file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}",
            remedy="make keys with: tally manager keys create --hsm file:DIR",
        ) from error
