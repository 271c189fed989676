"""What comes through a secure channel: apps put in and taken out, the list of them, the owner's CA (wire-protocol E).

Who may do what: a manager that the device's issuer vouches for installs what the software key signed, and asks nobody again;
the owner's own CA likewise for what it signed itself; anybody else whom the person let in asks for each app, with its hash.
The prompt comes at COMMIT, when name and hash are known: until then everything lies in memory and nothing has changed.
"""

from __future__ import annotations

from collections.abc import Callable

from tallystick.device.os.app_consent import judge, require_software_signature, review_app
from tallystick.device.os.consent import ask_consent, ask_review, require_apps
from tallystick.device.os.custom_ca import CustomCa, stored_ca
from tallystick.device.os.loading import Loading
from tallystick.device.os.peer import Authority, Peer
from tallystick.device.os.registry import InstalledApp
from tallystick.device.os.session import Session
from tallystick.device.os.upgrade import Upgrade
from tallystick.errors import RemoteProtocolError, UsageError
from tallystick.wire.app_list import encode_app_list
from tallystick.wire.dashboard import AppAndVersion
from tallystick.wire.image import AppFlag, AppImage, CreateApp
from tallystick.wire.loader_command import (
    DeleteApp,
    DeleteAppByHash,
    EnterBootloader,
    ListApps,
    ListMoreApps,
    LoaderCommand,
    MemoryQuery,
    ResetCustomCertificate,
    SetupCustomCertificate,
    VersionQuery,
    decode_command,
)
from tallystick.wire.loader_image import CheckCrc, Commit, Create, Flush, Load, SetLoadOffset
from tallystick.wire.loader_layout import crc16
from tallystick.wire.screen import Item
from tallystick.wire.status import Reject, StatusWord

#: entries of one answer of the list of apps: two of the longest fit a record
_PAGE = 2


class Loader:
    """Carries out the sub-commands of all clients; `version` gives the content of sub-command 10."""

    def __init__(self, session: Session, *, upgrade: Upgrade, version: Callable[[int], bytes]) -> None:
        self._session = session
        self._upgrade = upgrade
        self._version = version
        self._loading: dict[int, Loading] = {}
        self._listed: dict[int, int] = {}

    def drop(self, channel: int | None) -> None:
        """Forget what the client of `channel` had begun; None is all clients."""
        for begun in (self._loading, self._listed):
            if channel is None:
                begun.clear()
            else:
                begun.pop(channel, None)

    async def handle(self, plain: bytes, channel: int, peer: Peer) -> bytes:
        """Carry out the content of one record; a load that went wrong somewhere is over and has to begin anew.

        Raises:
            Reject: whatever is wrong, as its status.
            RemoteProtocolError: the command is malformed (6700), or there is none such (6D00).

        """
        try:
            return await self._carry_out(decode_command(plain), channel, peer)
        except (Reject, RemoteProtocolError):
            self._loading.pop(channel, None)
            raise

    async def _carry_out(self, command: LoaderCommand, channel: int, peer: Peer) -> bytes:
        answer = b""
        match command:
            case SetLoadOffset(address=address):
                self._of(channel).select(address)
            case Load(offset=offset, data=data):
                self._of(channel).write(offset, data)
            case Flush():
                self._of(channel)
            case CheckCrc(offset=offset, length=length, crc=crc):
                self._check_crc(self._of(channel).read(offset, length), crc)
            case Create(app=create):
                self._create(create, channel)
            case Commit(signature=signature):
                await self._commit(signature or b"", channel, peer)
            case ListApps():
                self._listed[channel] = 0
                answer = self._page(channel)
            case ListMoreApps():
                answer = self._page(channel)
            case VersionQuery():
                answer = self._version(channel)
            case MemoryQuery():
                answer = self._session.registry.memory().to_bytes()
            case _:
                await self._change(command, peer)
        return answer

    async def _change(self, command: LoaderCommand, peer: Peer) -> None:
        """Carry out what needs one command and no state."""
        registry = self._session.registry
        match command:
            case DeleteApp(name=name):
                await self._remove(registry.find(name), peer)
            case DeleteAppByHash(full_hash=full_hash):
                found = (app for app in registry.apps() if app.full_hash == full_hash)
                await self._remove(next(found, None), peer)
            case SetupCustomCertificate(name=name, public_key=public_key):
                await self._setup_ca(CustomCa(name=name, public_key=public_key))
            case ResetCustomCertificate():
                self._reset_ca()
            case EnterBootloader():
                await self._upgrade.enter_bootloader()
            case _:
                raise Reject(StatusWord.INS_NOT_SUPPORTED)

    def _create(self, create: CreateApp, channel: int) -> None:
        session = self._session
        self._loading.pop(channel, None)
        if create.flags & AppFlag.BOLOS_UPGRADE:
            self._upgrade.require_room(create)
            self._loading.clear()  # one at a time: it is as large as everything else together
            self._loading[channel] = Loading(create)
            return
        require_apps(session)
        if not create.code_length or not create.parameters_length:
            raise Reject(StatusWord.DATA_INVALID)
        promised = sum(session.registry.blocks(loading.create) for loading in self._loading.values())
        if not session.registry.fits(create, beside_blocks=promised):
            raise Reject(StatusWord.NOT_ENOUGH_FLASH)
        self._loading[channel] = Loading(create)

    async def _commit(self, signature: bytes, channel: int, peer: Peer) -> None:
        session = self._session
        image = self._of(channel).image()
        if image.create.flags & AppFlag.BOLOS_UPGRADE:
            await self._commit_firmware(image, signature, channel, peer)
            return
        app = session.registry.measure(image)
        self._check_new(app, peer)
        verdict = judge(session, app, signature=signature, peer=peer)
        app = session.registry.measure(image, verdict.flags, bundle=app.bundle)
        if verdict.ask:
            await review_app(session, app, signed_by=verdict.signed_by)
        try:
            session.registry.put(app)
        except UsageError:
            raise Reject(StatusWord.NOT_ENOUGH_FLASH) from None
        self._loading.pop(channel, None)
        session.on_change()

    async def _commit_firmware(self, image: AppImage, signature: bytes, channel: int, peer: Peer) -> None:
        """Hand a firmware over that the software key signed for this model and this version; raise Reject (5720) for others."""
        identity = self._session.identity
        full_hash = image.full_hash(identity.model.target_id, identity.versions.os)
        require_software_signature(self._session, full_hash, signature)
        await self._upgrade.commit(image, full_hash, manager=peer.public_key)
        self._loading.pop(channel, None)

    def _check_new(self, app: InstalledApp, peer: Peer) -> None:
        """Raise Reject when the app is there already (6A81 this very one, 6A80 another of its name) or lacks one (6A83).

        No app has the name by which clients know that none is open (6984): it could do as if it were the OS.

        Clients of a manager update an app by installing the other version, without removing the one that is there: a
        manager of the issuer, which may remove any app, replaces it at once.
        """
        registry = self._session.registry
        if AppAndVersion(name=app.name.strip().upper(), version=app.version).is_dashboard:
            raise Reject(StatusWord.DATA_INVALID)
        there = registry.find(app.name)
        if there is not None and there.full_hash == app.full_hash:
            raise Reject(StatusWord.FUNCTION_NOT_SUPPORTED)
        if there is not None and peer.authority is not Authority.ISSUER:
            raise Reject(StatusWord.INCORRECT_DATA)
        if any(registry.find(name) is None for name in app.needs):
            raise Reject(StatusWord.MISSING_LIBRARY)

    async def _remove(self, app: InstalledApp | None, peer: Peer) -> None:
        """Remove an app; one that is not there is gone already: clients delete before they install (wire-protocol E.2)."""
        session = self._session
        require_apps(session)
        if app is None:
            return
        if session.registry.dependents(app.name):
            raise Reject(StatusWord.MISSING_LIBRARY)
        if peer.authority is Authority.NOBODY:
            refusal = StatusWord.CONDITIONS_NOT_SATISFIED
            await ask_consent(session, "Uninstall app", app.name, option="Uninstall", refusal=refusal)
        session.registry.remove(app.name)
        session.on_change()

    def _page(self, channel: int) -> bytes:
        at = self._listed.get(channel)
        if at is None:
            raise Reject(StatusWord.LIST_NOT_STARTED)
        entries = self._session.registry.entries()[at : at + _PAGE]
        self._listed[channel] = at + len(entries)
        return encode_app_list(entries)

    async def _setup_ca(self, ca: CustomCa) -> None:
        session = self._session
        require_apps(session)  # whoever has a device before its owner does leaves nothing behind that vouches for apps
        ca.require_key()
        if stored_ca(session.storage) is not None:
            raise Reject(StatusWord.SECURITY_STATUS_NOT_SATISFIED)
        items = (Item("Name", (ca.name,)), Item("Public key", (ca.public_key.hex(),)))
        refusal = StatusWord.CONDITIONS_NOT_SATISFIED
        await ask_review(session, *items, intro=("Trust another", "authority?"), approve="TRUST", refusal=refusal)
        session.storage.set_custom_ca(ca.to_bytes())

    def _reset_ca(self) -> None:
        if stored_ca(self._session.storage) is None:
            raise Reject(StatusWord.NOT_ENOUGH_FLASH)  # what clients read as "there is none"
        self._session.storage.set_custom_ca(None)

    def _check_crc(self, data: bytes, crc: int) -> None:
        if crc16(data) != crc:
            raise Reject(StatusWord.DATA_INVALID)

    def _of(self, channel: int) -> Loading:
        loading = self._loading.get(channel)
        if loading is None:
            raise Reject(StatusWord.CONDITIONS_NOT_SATISFIED)
        return loading
