"""Who is at the other end of a secure channel, as far as the device knows (attestation 2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique


@unique
class Authority(Enum):
    """Who vouches for a host's key."""

    #: the issuer of the device: a manager of its own world
    ISSUER = "issuer"
    #: the certificate authority that the owner put in
    CUSTOM_CA = "custom CA"
    #: nobody but the key itself
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A host that the person agreed to: its static key (65 bytes), who vouches for it, and the CA's name if one does."""

    public_key: bytes
    authority: Authority
    name: str = ""
