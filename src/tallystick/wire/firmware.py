"""Boot manifests: the signed configuration and the header inside an image (secure-world 2.3).

The configuration is the file that armory-boot reads, with keys of our own beside `unikernel`, which it ignores. Here nothing
is ignored: a duplicate, an unknown key, a wrong type or a number out of bounds refuses the whole. None of these readers is
given bytes whose signature was not checked before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, unique
from types import MappingProxyType
from typing import Self

from tallystick.errors import RemoteProtocolError
from tallystick.wire.strict_json import Fields, matching, strict_json

PRODUCT = "tallystick"
FORMAT = 1
#: bytes of one image
MAX_IMAGE = 64 << 20
#: bytes of one firmware package as it travels
MAX_PACKAGE = 16 << 20
MAX_SECURITY_VERSION = 0xFFFF
#: what the configuration calls the image it is for; a name, never a path that is followed
SECURE_WORLD = "secure-world.pyz"
#: names of members of images: the header; the key of configurations; the key of Normal Worlds
HEADER = "image.json"
CONFIG_KEY = "conf.pub"
NORMAL_KEY = "nw.pub"
#: ending of the members with code that `dataclasses` would make: the module's name stands before it
GENERATED = ".generated"
#: what one slot holds: meaning -> name of the file or record, in the order of writing; the configuration makes it whole
ARTEFACTS = MappingProxyType(
    {
        "key_table": "rom-keys.bin",
        "bootloader": "bootloader.pyz",
        "bootloader_signature": "bootloader.pyz.minisig",
        "secure_world": SECURE_WORLD,
        "normal_world": "normal-world.pyz",
        "normal_world_signature": "normal-world.pyz.minisig",
        "config_signature": "boot.conf.sig",
        "config": "boot.conf",
    }
)

_VERSION = re.compile(r"(0|[1-9][0-9]{0,3})(\.(0|[1-9][0-9]{0,3})){2}(-[a-z0-9]{1,8})?")
#: versions of what stands for the MCU: as above, or of two numbers, as those of real ones ("4.03")
_MCU_VERSION = re.compile(rf"{_VERSION.pattern}|(0|[1-9][0-9]?)\.[0-9]{{1,2}}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PRODUCT = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_PYTHON = re.compile(r"3\.[1-9][0-9]")


@unique
class ImageRole(Enum):
    """What an image is for; a signed image of one role never passes for another."""

    BOOTLOADER = "bootloader"
    SECURE_WORLD = "secure-world"
    NORMAL_WORLD = "normal-world"


def _role(text: str) -> ImageRole:
    try:
        return ImageRole(text)
    except ValueError:
        raise RemoteProtocolError("an unknown role") from None


_ANY = re.compile(r"[ -~]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BootConfig:
    """The signed configuration: which Secure World may run (secure-world 2.3).

    `digest` is the SHA-256 of the image (32 bytes), `size_bytes` its length, `environment` the SHA-256 of the list of native
    code that stands inside it. `normal_world` is the SHA-256 of the one Normal World that belongs to this release: worlds of
    two releases, each genuine, are refused together.
    """

    digest: bytes
    version: str
    security_version: int
    size_bytes: int
    environment: bytes
    normal_world: bytes
    product: str = PRODUCT
    role: ImageRole = ImageRole.SECURE_WORLD

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read a configuration; raise RemoteProtocolError for anything but the form above."""
        fields = Fields(strict_json(raw, "configuration"), _CONFIG, "configuration")
        fields.equal("x-format", FORMAT)
        image = fields.member("unikernel")
        if not isinstance(image, list) or len(image) != 2 or image[0] != SECURE_WORLD:
            raise RemoteProtocolError("configuration: unikernel is not name and hash")
        return cls(
            digest=bytes.fromhex(matching(image[1], _DIGEST, "configuration: the hash")),
            product=fields.text("x-product", _PRODUCT),
            role=_role(fields.text("x-role", _ANY)),
            version=fields.text("x-version", _VERSION),
            security_version=fields.number("x-security-version", maximum=MAX_SECURITY_VERSION),
            size_bytes=fields.number("x-size", minimum=1, maximum=MAX_IMAGE),
            environment=bytes.fromhex(fields.text("x-environment", _DIGEST)),
            normal_world=bytes.fromhex(fields.text("x-normal-world", _DIGEST)),
        )

    def to_bytes(self) -> bytes:
        """Return the configuration as a file, in one encoding."""
        return _document(
            {
                "unikernel": [SECURE_WORLD, self.digest.hex()],
                "x-format": FORMAT,
                "x-product": self.product,
                "x-role": self.role.value,
                "x-version": self.version,
                "x-security-version": self.security_version,
                "x-size": self.size_bytes,
                "x-environment": self.environment.hex(),
                "x-normal-world": self.normal_world.hex(),
            }
        )


_CONFIG = frozenset(
    (
        "unikernel",
        "x-format",
        "x-product",
        "x-role",
        "x-version",
        "x-security-version",
        "x-size",
        "x-environment",
        "x-normal-world",
    )
)
_HEADER = frozenset(("format", "product", "role", "version", "security_version", "python"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageHeader:
    """What an image says about itself, inside what is signed; `python` is the version it was compiled for ("3.11").

    The version of a Normal World may have two numbers ("4.03"), since clients know it as that of the MCU (wire-protocol C.2).
    """

    role: ImageRole
    version: str
    security_version: int
    python: str
    product: str = PRODUCT

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read a header; raise RemoteProtocolError for anything but the form above."""
        fields = Fields(strict_json(raw, "image header"), _HEADER, "image header")
        fields.equal("format", FORMAT)
        role = _role(fields.text("role", _ANY))
        return cls(
            product=fields.text("product", _PRODUCT),
            role=role,
            version=fields.text("version", _MCU_VERSION if role is ImageRole.NORMAL_WORLD else _VERSION),
            security_version=fields.number("security_version", maximum=MAX_SECURITY_VERSION),
            python=fields.text("python", _PYTHON),
        )

    @property
    def is_valid(self) -> bool:
        """Whether this header would be read back."""
        try:
            return type(self).from_bytes(self.to_bytes()) == self
        except RemoteProtocolError:
            return False

    def to_bytes(self) -> bytes:
        """Return the header as a file, in one encoding."""
        return _document(
            {
                "format": FORMAT,
                "product": self.product,
                "role": self.role.value,
                "version": self.version,
                "security_version": self.security_version,
                "python": self.python,
            }
        )


def _document(members: Mapping[str, object]) -> bytes:
    return (json.dumps(members, indent=1) + "\n").encode()
