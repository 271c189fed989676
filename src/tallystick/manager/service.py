"""What every part of the service is given: settings, database, keys, log. Made once in each worker."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from sqlalchemy import Engine

from tallystick.errors import TrustError
from tallystick.manager.db.engine import Sessions, open_engine, sessions_of, writing
from tallystick.manager.db.model import Setting
from tallystick.manager.firmware.package import PackageScripts
from tallystick.manager.firmware.script import ScriptSource
from tallystick.manager.genuine.channel import ChannelKeys
from tallystick.manager.hsm.keyring import Keyring
from tallystick.manager.hsm.owner import OwnerKey
from tallystick.manager.hsm.role import require_realm
from tallystick.manager.recorder import Recorder
from tallystick.manager.settings import Settings

_REALM = "realm"
_ISSUER = "issuer_public_key"


class OtherIssuer(TrustError):
    """The database belongs to another issuer than the keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One worker's share of the service; `owner` certifies attestation keys, where there is one."""

    settings: Settings
    engine: Engine = field(repr=False)
    sessions: Sessions = field(repr=False)
    keyring: Keyring = field(repr=False)
    #: who this manager is to devices
    channel_keys: ChannelKeys
    recorder: Recorder = field(repr=False)
    owner: OwnerKey | None = field(default=None, repr=False)
    scripts: ScriptSource = field(default_factory=PackageScripts, repr=False)

    @classmethod
    def open(cls, settings: Settings, *, scripts: ScriptSource | None = None) -> Self:
        """Open the database, which must be migrated, and the keys; check that they belong together.

        Raises TrustError when database or owner is of another realm, or the database of another issuer; and what opening
        any of them raises.
        """
        keyring = Keyring.open(settings.hsm)
        owner = open_owner(settings.owner, keyring)
        engine = open_engine(settings.database)
        sessions = sessions_of(engine)
        bind_database(sessions, keyring)
        return cls(
            settings=settings,
            engine=engine,
            sessions=sessions,
            keyring=keyring,
            channel_keys=ChannelKeys(
                signer=keyring.signer,
                certificate=keyring.signer_certificate,
                issuer=keyring.issuer.public_key,
                is_waited_for=keyring.is_blocking,
            ),
            recorder=Recorder(sessions),
            owner=owner,
            scripts=PackageScripts() if scripts is None else scripts,
        )

    def close(self) -> None:
        """Write what is left of the log; let go of keys and database."""
        self.recorder.close()
        self.keyring.close()
        if self.owner is not None:
            self.owner.close()
        self.engine.dispose()


def open_owner(where: str, keyring: Keyring) -> OwnerKey | None:
    """Open the owner's key, if there is one; raise TrustError for one of another realm than the keyring's."""
    if not where:
        return None
    owner = OwnerKey.open(where)
    if owner.realm is not keyring.realm:
        owner.close()
        raise TrustError(
            f"the owner's key belongs to the {owner.realm.value} realm, the manager's to the {keyring.realm.value} realm",
            remedy="never put two realms together",
        )
    return owner


def bind_database(sessions: Sessions, keyring: Keyring) -> None:
    """Record realm and issuer in a database that has none, compare them in one that has; raise TrustError for others (OtherIssuer)."""
    with writing(sessions) as session:
        realm = session.get(Setting, _REALM)
        recorded = require_realm(None if realm is None else realm.value, keyring.realm)
        issuer = session.get(Setting, _ISSUER)
        key = keyring.issuer.public_key.hex()
        if issuer is not None and issuer.value != key:
            raise OtherIssuer(
                "the database belongs to another issuer", remedy="use the keys this was made with, or a new database"
            )
        if realm is None:
            session.add(Setting(name=_REALM, value=recorded))
        if issuer is None:
            session.add(Setting(name=_ISSUER, value=key))
