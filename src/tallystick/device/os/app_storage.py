"""Commands ``E0 6A`` to ``E0 6F``: back-up and restoring of what apps keep (wire-protocol C).

A back-up leaves the device sealed (`tallystick.device.secure.backup`), so taking one needs no consent. Restoring over
what an app has needs it; into an app that was just installed it does not. An app whose manifest says ``no_backup`` has
nothing to copy and takes nothing back: a second copy of a key that is to exist once would undo what the app is for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from tallystick.device.os.consent import Handler, ask_consent, require_no_parameters, require_own_use
from tallystick.device.os.registry import InstalledApp
from tallystick.device.os.session import Session
from tallystick.device.os.stored_state import state_from_bytes, state_to_bytes
from tallystick.device.secure.backup import BackupRefused, Defect, Label, content_hash, seal, unseal
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.app_storage import ReinstallRequest, RestoreRequest, StorageInfo, decode_storage_name, unframe
from tallystick.wire.dashboard import Ins
from tallystick.wire.status import Reject, StatusWord

#: bytes of one part of a back-up
CHUNK_BYTES = 240
#: a full store of one app, with names and seal
MAX_BACKUP_BYTES = 512 * 1024
#: clients that may be moving something one way at once; the one that began first makes room for one more
MAX_TRANSFERS = 32
_STATUS = {
    Defect.HEADER: StatusWord.BACKUP_HEADER_INVALID,
    Defect.SEAL: StatusWord.APP_STORAGE_CRYPTO_5419,
    Defect.OTHER_APP: StatusWord.APP_STORAGE_CRYPTO_541A,
    Defect.USED: StatusWord.APP_STORAGE_CRYPTO_541B,
}


_Transfer = TypeVar("_Transfer")


@dataclass(slots=True, kw_only=True)
class _Outgoing:
    raw: bytes
    sent: int = 0


@dataclass(slots=True, kw_only=True)
class _Incoming:
    request: RestoreRequest
    data: bytearray = field(default_factory=bytearray)
    finished: bool = False


class AppStorages:
    """Backs up and restores, for each client by itself."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._outgoing: dict[int, _Outgoing] = {}
        self._incoming: dict[int, _Incoming] = {}
        self.handlers: dict[int, Handler] = {
            Ins.STORAGE_INFO: self._info,
            Ins.STORAGE_BACKUP: self._backup,
            Ins.STORAGE_RESTORE_INIT: self._begin,
            Ins.STORAGE_RESTORE: self._restore,
            Ins.STORAGE_RESTORE_COMMIT: self._commit,
            Ins.REINSTALL_CONSENT: self._reinstall,
        }

    def drop(self, channel: int | None) -> None:
        """Forget what the client of `channel` was moving; None is all clients."""
        for moving in (self._outgoing, self._incoming):
            if channel is None:
                moving.clear()
            else:
                moving.pop(channel, None)

    async def _info(self, apdu: CommandApdu, channel: int) -> bytes:
        self._require(apdu)
        app = self._app(decode_storage_name(apdu.data))
        self._outgoing.pop(channel, None)
        settings, records = self._state(app)
        if not settings and not records:
            return StorageInfo(size_bytes=0).to_bytes()
        contents = state_to_bytes(settings, records)
        key = self._session.keychain.backup_key()
        raw = seal(key, self._label(app), contents)
        _keep(self._outgoing, channel, _Outgoing(raw=raw))
        info = StorageInfo(
            size_bytes=len(raw),
            has_settings=bool(settings),
            has_data=bool(records),
            content_hash=content_hash(key, contents),
        )
        return info.to_bytes()

    async def _backup(self, apdu: CommandApdu, channel: int) -> bytes:
        self._require(apdu)
        outgoing = self._outgoing.get(channel)
        if outgoing is None:
            raise Reject(StatusWord.INVALID_CONTEXT)
        if outgoing.sent >= len(outgoing.raw):
            raise Reject(StatusWord.BACKUP_ALREADY_FINISHED)
        chunk = outgoing.raw[outgoing.sent : outgoing.sent + CHUNK_BYTES]
        outgoing.sent += len(chunk)
        return chunk

    async def _begin(self, apdu: CommandApdu, channel: int) -> bytes:
        self._require(apdu)
        request = RestoreRequest.from_bytes(apdu.data)
        app = self._restorable(request.name)
        self._incoming.pop(channel, None)
        if not request.size_bytes:
            raise Reject(StatusWord.BACKUP_HEADER_INVALID)
        if request.size_bytes > MAX_BACKUP_BYTES:
            raise Reject(StatusWord.NOT_ENOUGH_SPACE)
        grant = self._session.reinstalls.get(channel)
        if not (grant is not None and grant.take_storage()) and any(self._state(app)):
            await ask_consent(self._session, "Replace the data of", app.name, option="Replace")
        _keep(self._incoming, channel, _Incoming(request=request))
        return b""

    async def _restore(self, apdu: CommandApdu, channel: int) -> bytes:
        self._require(apdu)
        incoming = self._incoming_of(channel)
        chunk = unframe(apdu.data)[0] if incoming.request.framed else apdu.data
        if len(incoming.data) == incoming.request.size_bytes:
            raise Reject(StatusWord.RESTORE_ALREADY_FINISHED)
        if not chunk or len(incoming.data) + len(chunk) > incoming.request.size_bytes:
            raise Reject(StatusWord.CHUNK_SIZE_INVALID)
        incoming.data += chunk
        return b""

    async def _commit(self, apdu: CommandApdu, channel: int) -> bytes:
        self._require(apdu)
        incoming = self._incoming_of(channel)
        if incoming.finished:
            raise Reject(StatusWord.RESTORE_ALREADY_FINISHED)
        if len(incoming.data) != incoming.request.size_bytes:
            raise Reject(StatusWord.CHUNK_SIZE_INVALID)
        app = self._restorable(incoming.request.name)
        incoming.finished = True
        try:
            contents = unseal(self._session.keychain.backup_key(), self._label(app), bytes(incoming.data))
        except BackupRefused as refused:
            raise Reject(_STATUS[refused.defect]) from None
        settings, records = state_from_bytes(contents)
        self._session.storage.restore(app.name, settings=settings, records=records)
        return b""

    async def _reinstall(self, apdu: CommandApdu, channel: int) -> bytes:
        """Ask once for what a client puts back after an update; later questions for just that are not asked again."""
        self._require(apdu)
        request = ReinstallRequest.from_bytes(apdu.data)
        self._session.reinstalls.pop(channel, None)
        await ask_consent(self._session, "Put back apps", "and settings?", option="Allow")
        self._session.allow_reinstall(channel, request)
        return b""

    def _require(self, apdu: CommandApdu) -> None:
        require_own_use(self._session)
        require_no_parameters(apdu)

    def _app(self, name: str) -> InstalledApp:
        app = self._session.registry.find(name)
        if app is None:
            raise Reject(StatusWord.INVALID_CONTEXT)
        return app

    def _restorable(self, name: str) -> InstalledApp:
        app = self._app(name)
        if not app.manifest.is_backed_up:
            raise Reject(StatusWord.INVALID_CONTEXT)
        return app

    def _state(self, app: InstalledApp) -> tuple[dict[str, bool], dict[str, bytes]]:
        if not app.manifest.is_backed_up:
            return {}, {}
        return self._session.storage.settings(app.name), self._session.storage.records(app.name)

    def _label(self, app: InstalledApp) -> Label:
        generation = self._session.storage.restored(app.name)
        return Label(name=app.name, serial=self._session.identity.serial, generation=generation)

    def _incoming_of(self, channel: int) -> _Incoming:
        incoming = self._incoming.get(channel)
        if incoming is None:
            raise Reject(StatusWord.INVALID_CONTEXT)
        return incoming


def _keep(moving: dict[int, _Transfer], channel: int, transfer: _Transfer) -> None:
    """Note what a client moves, one thing at a time: whoever hands channels out may hand out thousands."""
    moving.pop(channel, None)
    while len(moving) >= MAX_TRANSFERS:
        del moving[next(iter(moving))]
    moving[channel] = transfer
