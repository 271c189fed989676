"""The proof that an image was checked. Only this can be run, and it holds the very bytes that were checked.

An image is a ZIP archive that the interpreter runs as it is. It is parsed after its signature or hash is found good, never
before (secure-world 2.2).
"""

from __future__ import annotations

import hashlib
import io
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from tallystick.crypto.minisign import PublicKey
from tallystick.device.boot.memory import sealed_memfd
from tallystick.errors import TrustError
from tallystick.wire.environment import ENVIRONMENT, Environment
from tallystick.wire.firmware import HEADER, MAX_IMAGE, PRODUCT, ImageHeader, ImageRole

_PROOF = object()
#: bytes of one member that the boot reads
_MAX_MEMBER = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedImage:
    """An image that was checked: its bytes, its header, the SHA-256 of the bytes, the key that signed (empty: by hash).

    Made by the checks below and by nothing else: the constructor asks for a proof that no other module has.
    """

    raw: bytes = field(repr=False)
    header: ImageHeader
    digest: bytes
    key_id: bytes = b""
    archive: zipfile.ZipFile | None = field(default=None, repr=False, compare=False)
    proof: object = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.proof is not _PROOF:
            raise TrustError("an image becomes a verified one by its check alone")

    @classmethod
    def by_signature(cls, raw: bytes, signature: bytes, keys: Sequence[PublicKey], *, expect: Expectation) -> Self:
        """Check `raw` against a signature file by one of `keys`; raise TrustError or RemoteProtocolError."""
        _check_size(raw)
        key = _signer(signature, keys)
        key.verify(raw, signature)
        return cls._of(raw, digest=hashlib.sha256(raw).digest(), key_id=key.key_id, expect=expect)

    @classmethod
    def by_digest(cls, raw: bytes, digest: bytes, *, size_bytes: int, expect: Expectation) -> Self:
        """Check `raw` against a size and a SHA-256 that were signed; raise TrustError or RemoteProtocolError."""
        _check_size(raw)
        if len(raw) != size_bytes or hashlib.sha256(raw).digest() != digest:
            raise TrustError("the image is not the one that was signed for")
        return cls._of(raw, digest=digest, key_id=b"", expect=expect)

    @classmethod
    def unsigned(cls, raw: bytes, *, expect: Expectation) -> Self:
        """Take an image without a check of its origin: an open chip only, which says so."""
        _check_size(raw)
        return cls._of(raw, digest=hashlib.sha256(raw).digest(), key_id=b"", expect=expect)

    @classmethod
    def _of(cls, raw: bytes, *, digest: bytes, key_id: bytes, expect: Expectation) -> Self:
        archive = _archive(raw)
        header = ImageHeader.from_bytes(_member(archive, HEADER))
        expect.check(header)
        return cls(raw=raw, header=header, digest=digest, key_id=key_id, archive=archive, proof=_PROOF)

    def member(self, name: str) -> bytes:
        """Return a member of the image; raise TrustError when it is not there or not readable."""
        return _member(self.archive or _archive(self.raw), name)

    def public_key(self, name: str) -> PublicKey:
        """Return the key of the next stage that is built into this image; raise TrustError when there is none."""
        try:
            return PublicKey.from_text(self.member(name).decode("ascii"))
        except UnicodeDecodeError:
            raise TrustError(f"{name} is no key") from None

    def environment(self) -> Environment:
        """Return the list of native code inside the image."""
        return Environment.from_bytes(self.member(ENVIRONMENT))

    def seal(self) -> int:
        """Return a descriptor of sealed memory with these bytes, to be exec-ed; raise OSError without room."""
        return sealed_memfd(self.header.role.value, self.raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What the header of an image must say: its role, our product, this Python, and no security version below `minimum`."""

    role: ImageRole
    minimum: int
    product: str = PRODUCT

    def check(self, header: ImageHeader) -> None:
        """Raise TrustError for an image that is genuine but not for this place."""
        if header.role is not self.role or header.product != self.product:
            raise TrustError(f"the image is not a {self.role.value} of {self.product}")
        if header.security_version < self.minimum:
            raise TrustError(f"security version {header.security_version} is below {self.minimum}")
        if header.python != python_version():
            raise TrustError(f"the image is for Python {header.python}, this is {python_version()}")


def python_version() -> str:
    """Return the version that compiled code is bound to, like ``3.11``."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _signer(signature: bytes, keys: Sequence[PublicKey]) -> PublicKey:
    """Return the key that the signature names; a wrong name is found out by the check that follows."""
    if not keys:
        raise TrustError("there is no key to check against")
    for key in keys:
        if key.is_named_by(signature):
            return key
    raise TrustError("the signature is by none of the keys")


def _check_size(raw: bytes) -> None:
    if not 0 < len(raw) <= MAX_IMAGE:
        raise TrustError("the image is missing or too large")


#: what the archive reader says of bytes that are no archive
_UNREADABLE = (zipfile.BadZipFile, LookupError, ValueError, NotImplementedError, RuntimeError, OSError, EOFError)


def _archive(raw: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(raw))
    except _UNREADABLE as error:
        raise TrustError(f"the image has no readable {HEADER}") from error


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        info = archive.getinfo(name)
        if info.compress_type != zipfile.ZIP_STORED or info.file_size > _MAX_MEMBER:
            raise TrustError(f"{name} in the image is not stored, or too large")
        return archive.read(info)
    except _UNREADABLE as error:
        raise TrustError(f"the image has no readable {name}") from error
