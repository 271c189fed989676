"""System calls that need no person: answered at once, after the permission of the app was checked."""

from __future__ import annotations

import logging

from tallystick.device.hil import Clock, Rng
from tallystick.device.os.cipher_call import calculate
from tallystick.device.os.endorsement_call import EndorsementCaller
from tallystick.device.os.kept_record import RecordSeal
from tallystick.device.os.permission import may_derive
from tallystick.device.os.registry import InstalledApp
from tallystick.device.os.secret_call import derive_secret
from tallystick.device.os.storage import RECORD_OVERHEAD_BYTES, Storage
from tallystick.device.secure.endorsement import EndorsementKeys
from tallystick.device.secure.keychain import Keychain, Locked
from tallystick.errors import StateCorrupt, StateError, UsageError
from tallystick.wire.install import Curve
from tallystick.wire.syscall import (
    MAX_LEVELS,
    MAX_LOG,
    MAX_RANDOM,
    MAX_RECORD,
    Agree,
    CallStatus,
    Cipher,
    DeriveNode,
    DeriveSecret,
    EndorsementCall,
    Log,
    MasterIdentifier,
    Outcome,
    PublicKey,
    PublicOf,
    Random,
    ReadRecord,
    ReadSetting,
    Request,
    Sign,
    SignWith,
    Verify,
    WriteRecord,
    WriteSetting,
)

_LOGGER = logging.getLogger(__name__)
#: lines of log an app may write in a second; more are dropped
_LOG_RATE = 50
#: bytes of all records of one app together
_MAX_DATA = 256 * 1024
# each record is counted with what it costs beside its bytes, so many empty ones are not for nothing
_MAX_NAME = 32


class Syscalls:
    """The calls, and what they work on."""

    def __init__(
        self,
        *,
        keychain: Keychain,
        endorsement: EndorsementKeys,
        storage: Storage,
        rng: Rng,
        clock: Clock,
        serial: str = "",
        expert: bool = False,
    ) -> None:
        self._keychain = keychain
        self._endorsement = EndorsementCaller(endorsement)
        self._storage = storage
        self._seal = RecordSeal(keychain=keychain, serial=serial)
        self._rng = rng
        self._clock = clock
        self._expert = expert
        self._log_second = -1
        self._log_lines = 0

    def handle(self, app: InstalledApp, request: Request) -> Outcome:
        """Carry out `request` for `app`; storage that cannot be written is NO_SPACE to it."""
        try:
            return self._carry_out(app, request)
        except StateError as error:
            _LOGGER.warning("%s could not store: %s", app.name, error)
            return Outcome(CallStatus.NO_SPACE)

    def _carry_out(self, app: InstalledApp, request: Request) -> Outcome:
        match request:
            case PublicKey(curve, path):
                return self._derive(app, curve, path, None)
            case Sign(curve, path, digest):
                if curve is not Curve.ED25519 and len(digest) != 32:
                    return Outcome(CallStatus.BAD_ARGUMENT)
                return self._derive(app, curve, path, digest)
            case DeriveNode():
                return self._derive_node(app, request)
            case DeriveSecret() | MasterIdentifier():
                return derive_secret(self._keychain, app, request)
            case Random(size_bytes):
                if not 1 <= size_bytes <= MAX_RANDOM:
                    return Outcome(CallStatus.BAD_ARGUMENT)
                return Outcome(value=self._rng.read(size_bytes))
            case ReadSetting(name):
                return self._read_setting(app, name)
            case WriteSetting(name, value):
                if not any(setting.name == name for setting in app.manifest.settings):
                    return Outcome(CallStatus.NOT_PERMITTED)
                self._storage.set_setting(app.name, name, value=value)
                return Outcome()
            case ReadRecord(name):
                return self._read_record(app, name)
            case WriteRecord(name, data):
                return self._write_record(app, name, data)
            case PublicOf() | SignWith() | Verify() | Agree() | Cipher():
                return calculate(request)
            case EndorsementCall():
                return self._endorsement.handle(app, request)
            case Log(text):
                return self._log(app, text)
            case _:
                return Outcome(CallStatus.NOT_SUPPORTED)

    def _derive(self, app: InstalledApp, curve: Curve, path: tuple[int, ...], digest: bytes | None) -> Outcome:
        if not may_derive(app.manifest, curve, path):
            return Outcome(CallStatus.NOT_PERMITTED)
        if len(path) > MAX_LEVELS:
            return Outcome(CallStatus.BAD_ARGUMENT)
        try:
            if digest is None:
                return Outcome(value=self._keychain.public_key(curve, path))
            return Outcome(value=self._keychain.sign(curve, path, digest))
        except Locked:
            return Outcome(CallStatus.LOCKED)
        except UsageError:
            return Outcome(CallStatus.BAD_ARGUMENT)

    def _derive_node(self, app: InstalledApp, request: DeriveNode) -> Outcome:
        """Hand a private key out: to native apps alone, whose SDK computes in the app."""
        if app.bundle is not None or not may_derive(app.manifest, request.curve, request.path):
            return Outcome(CallStatus.NOT_PERMITTED)
        try:
            node = self._keychain.node(request.curve, request.path, seed_key=request.seed_key)
            return Outcome(value=node.reveal())
        except Locked:
            return Outcome(CallStatus.LOCKED)
        except UsageError:
            return Outcome(CallStatus.BAD_ARGUMENT)

    def _read_setting(self, app: InstalledApp, name: str) -> Outcome:
        for setting in app.manifest.settings:
            if setting.name == name:
                default = setting.default or (self._expert and name == "expert")
                return Outcome(value=self._storage.settings(app.name).get(name, default))
        return Outcome(CallStatus.NOT_PERMITTED)

    def _read_record(self, app: InstalledApp, name: str) -> Outcome:
        if not _is_name(name):
            return Outcome(CallStatus.BAD_ARGUMENT)
        raw = self._storage.record(app.name, name)
        try:
            return Outcome(value=None if raw is None else self._seal.open(app, name, raw))
        except Locked:
            return Outcome(CallStatus.LOCKED)
        except StateCorrupt:
            return Outcome(CallStatus.DAMAGED)

    def _write_record(self, app: InstalledApp, name: str, data: bytes | None) -> Outcome:
        if not _is_name(name) or len(data or b"") > MAX_RECORD:
            return Outcome(CallStatus.BAD_ARGUMENT)
        if data is not None:
            try:
                data = self._seal.close(app, name, data)
            except Locked:
                return Outcome(CallStatus.LOCKED)
            old = self._storage.record(app.name, name)
            freed = 0 if old is None else len(old) + RECORD_OVERHEAD_BYTES
            if self._storage.data_size(app.name) - freed + len(data) + RECORD_OVERHEAD_BYTES > _MAX_DATA:
                return Outcome(CallStatus.NO_SPACE)
        self._storage.set_record(app.name, name, data)
        return Outcome()

    def _log(self, app: InstalledApp, text: str) -> Outcome:
        second = int(self._clock.now_s())
        if second != self._log_second:
            self._log_second, self._log_lines = second, 0
        self._log_lines += 1
        if self._log_lines <= _LOG_RATE:
            line = "".join(char if char.isprintable() else "?" for char in text[:MAX_LOG])
            _LOGGER.info("%s: %s", app.name, line)
        return Outcome()


def _is_name(name: str) -> bool:
    return 1 <= len(name) <= _MAX_NAME and name.isascii() and name.isprintable()
