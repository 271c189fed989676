"""What a key is for, and to which realm it belongs.

A realm is a world of trust. Keys of the *test* realm may lie in files, be shared and be published; devices of the
*production* realm are what people keep money on. Key, label, key file and database each name their realm, and nothing
ever puts two realms together.
"""

from __future__ import annotations

from enum import StrEnum, unique

from tallystick.errors import TrustError


@unique
class Realm(StrEnum):
    """A world of trust that never mixes with another."""

    TEST = "test"
    PRODUCTION = "production"


@unique
class Role(StrEnum):
    """What a key signs."""

    #: certificates of devices and of managers' signers
    ISSUER = "issuer"
    #: what devices load: apps and firmware
    SOFTWARE = "software"
    #: a manager's side of secure channels
    SIGNER = "signer"
    #: certificates of attestation keys
    OWNER = "owner"


#: the roles of a keyring, in the order they are made
KEYRING_ROLES = (Role.ISSUER, Role.SOFTWARE, Role.SIGNER)


def require_realm(recorded: str | None, realm: Realm) -> str:
    """Return the realm to record where `recorded` is the one that was; None where there was none yet.

    A database that has served one realm refuses keys of the other: TrustError.
    """
    if recorded is not None and recorded != realm.value:
        raise TrustError(
            f"the keys belong to the {realm.value} realm, what is recorded to the {recorded} realm",
            remedy="use the keys this was made with, or begin with a new database",
        )
    return realm.value
