"""The commands of the dashboard: one handler each, found through one table (wire-protocol C).

A handler gets the command and the channel it came by, and returns the data of a 9000; any other status is a Reject.
What needs the person's consent asks for it before anything happens. Groups of commands that keep something between one
and the next have modules of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tallystick.device.hil import Battery
from tallystick.device.os.app_storage import AppStorages
from tallystick.device.os.channel import Channels
from tallystick.device.os.consent import Commands, Handler, ask_consent, require_no_parameters, require_onboarded
from tallystick.device.os.endorsement import Endorsement
from tallystick.device.os.language import Languages
from tallystick.device.os.loader import Loader
from tallystick.device.os.lock_image import LockImages
from tallystick.device.os.mcu_flash import McuFlash
from tallystick.device.os.onboarding import onboard_by_host, require_recovery
from tallystick.device.os.provisioning import Provisioning
from tallystick.device.os.registry import InstalledApp
from tallystick.device.os.session import BootMode, Session
from tallystick.device.os.upgrade import Upgrade
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.app_list import encode_app_list
from tallystick.wire.dashboard import (
    BatteryQuery,
    HostOnboarding,
    Ins,
    OnboardingKind,
    OnboardingStep,
    SecureElementInfo,
    StateFlag,
    VersionFlags,
    decode_app_name,
    decode_device_name,
    encode_battery,
)
from tallystick.wire.image import AppFlag
from tallystick.wire.loader_version import LoaderVersion
from tallystick.wire.status import Reject, StatusWord
from tallystick.wire.version import BootloaderInfo

#: entries of one answer of the list of apps: two of the longest stay under 255 bytes
_PAGE = 2
_NO_MCU_TARGET = 0x05010003


class Dashboard:
    """Handles the OS's commands while no app is open."""

    def __init__(
        self,
        *,
        session: Session,
        battery: Battery | None,
        upgrade: Upgrade,
        open_app: Callable[[InstalledApp], None],
        runs_native: bool,
    ) -> None:
        self._session = session
        self._upgrade = upgrade
        self._battery = battery
        self._open_app = open_app
        self._runs_native = runs_native
        self.handlers: dict[int, Handler] = {
            Ins.GET_VERSION: self._get_version,
            Ins.ONBOARDING_CHECK: self._onboarding_check,
            Ins.VALIDATE_TARGET_ID: self._validate_target_id,
            Ins.BATTERY: self._get_battery,
            Ins.HOST_ONBOARDING: self._host_onboarding,
            Ins.GET_DEVICE_NAME: self._get_name,
            Ins.SET_DEVICE_NAME: self._set_name,
            Ins.OPEN_APP: self._open,
            Ins.LIST_APPS: self._list_apps,
            Ins.LIST_APPS_CONTINUE: self._list_apps_continue,
        }
        self._loader = Loader(session, upgrade=upgrade, version=self._secure_version)
        self._channels = Channels(
            session, inner=self._loader.handle, on_end=self._loader.drop, is_agreed=upgrade.is_agreed
        )
        self._flash = McuFlash(upgrade, target_id=session.identity.model.mcu_target_id or _NO_MCU_TARGET)
        self._provisioning = Provisioning(session)
        self._own: tuple[Commands, ...] = (LockImages(session), AppStorages(session), Languages())
        endorsement = Endorsement(session, is_identified=self._channels.is_identified)
        self._groups: tuple[Commands, ...] = (*self._own, self._channels, self._provisioning, endorsement)
        for group in self._groups:
            self.handlers.update(group.handlers)

    async def handle(self, apdu: CommandApdu, channel: int) -> bytes:
        """Answer one command of class E0; raise Reject (6D00 for a command this OS does not have)."""
        handler = self._handlers().get(apdu.ins)
        if handler is None:
            raise Reject(StatusWord.INS_NOT_SUPPORTED)
        return await handler(apdu, channel)

    def _handlers(self) -> Mapping[int, Handler]:
        """Return what there is in this mode: all of it, or what an update needs."""
        if self._session.mode is BootMode.BOOTLOADER:
            return {**self._flash.handlers, Ins.GET_VERSION: self._get_version}
        if self._session.mode is BootMode.UPGRADER:
            return {
                ins: self.handlers[ins] for ins in (Ins.GET_VERSION, Ins.VALIDATE_TARGET_ID, *self._channels.handlers)
            }
        return self.handlers

    def is_factory(self, raw: bytes) -> bool:
        """Return whether an APDU is the factory's, to be taken locked and with an app open too."""
        return self._provisioning.wants(raw)

    def drop(self, channel: int | None) -> None:
        """Forget what the client of `channel` was allowed and had begun; None is all clients."""
        self._session.forget(channel)
        for group in (*self._groups, self._flash):
            group.drop(channel)

    async def _get_version(self, apdu: CommandApdu, channel: int) -> bytes:
        require_no_parameters(apdu)
        session = self._session
        model, versions = session.identity.model, session.identity.versions
        if session.mode is BootMode.BOOTLOADER:
            return BootloaderInfo(
                target_id=model.mcu_target_id or _NO_MCU_TARGET,
                version=versions.mcu_bootloader,
                flags=VersionFlags(),
                se_version=versions.os,
                se_target_id=model.target_id,
            ).to_bytes()
        return SecureElementInfo(
            target_id=model.target_id,
            version=versions.os,
            flags=self._flags(channel),
            mcu_version=versions.mcu,
            mcu_bootloader_version=versions.mcu_bootloader,
            hardware_version=versions.hardware or 0,
            language=0,
            recover_state=0,
        ).to_bytes()

    def _secure_version(self, channel: int) -> bytes:
        """Return what the loader answers to sub-command 10."""
        identity = self._session.identity
        return LoaderVersion(
            target_id=identity.model.target_id,
            version=identity.versions.os,
            flags=self._flags(channel),
            mcu_version=identity.versions.mcu,
        ).to_bytes()

    def _flags(self, channel: int) -> VersionFlags:
        session = self._session
        state = StateFlag.HAS_MCU_SERIAL | self._channels.flags(channel)
        if session.attestation.is_provisioned:
            state |= StateFlag.HAS_CERTIFICATE
        if session.is_onboarded:
            state |= StateFlag.ONBOARDED
            if not session.keychain.is_empty:
                state |= StateFlag.PIN_VALIDATED
        if session.mode is BootMode.RECOVERY:
            state |= StateFlag.RECOVERY_MODE
        if session.is_onboarded:
            return VersionFlags.of(state)
        return VersionFlags.of(state, seed_type=session.seed_type, word_index=session.word_index, step=session.step)

    async def _onboarding_check(self, apdu: CommandApdu, _channel: int) -> bytes:
        """Enter (P2 00) or leave (01) the early check, in the welcome states only."""
        session = self._session
        if apdu.p1 or apdu.p2 > 1:
            raise Reject(StatusWord.WRONG_P1P2)
        welcome = session.step <= OnboardingStep.WELCOME_REMINDER
        if session.is_onboarded or not (welcome or session.step is OnboardingStep.EARLY_SECURITY_CHECK):
            raise Reject(StatusWord.SECURITY_STATUS_NOT_SATISFIED)
        session.step = OnboardingStep.WELCOME_1 if apdu.p2 else OnboardingStep.EARLY_SECURITY_CHECK
        return b""

    async def _validate_target_id(self, apdu: CommandApdu, channel: int) -> bytes:
        self._channels.end(channel)
        if len(apdu.data) != 4:
            raise Reject(StatusWord.WRONG_LENGTH)
        require_no_parameters(apdu)
        if int.from_bytes(apdu.data, "big") != self._session.identity.model.target_id:
            raise Reject(StatusWord.WRONG_TARGET_ID)
        self._session.forget(channel)
        for group in self._own:
            group.drop(channel)
        self._channels.select(
            apdu.data, channel
        )  # what the person agreed to outlives it: clients open several channels
        return b""

    async def _get_battery(self, apdu: CommandApdu, _channel: int) -> bytes:
        if self._battery is None:
            raise Reject(StatusWord.INS_NOT_SUPPORTED)
        try:
            query = BatteryQuery(apdu.p2)
        except ValueError:
            raise Reject(StatusWord.WRONG_P1P2) from None
        if apdu.p1:
            raise Reject(StatusWord.WRONG_P1P2)
        return encode_battery(query, self._battery.read(query))

    async def _host_onboarding(self, apdu: CommandApdu, _channel: int) -> bytes:
        if apdu.p2 or apdu.p1 not in set(OnboardingKind):
            raise Reject(StatusWord.WRONG_P1P2)
        if apdu.p1 != OnboardingKind.MAIN:
            raise Reject(StatusWord.FUNCTION_NOT_SUPPORTED)
        require_recovery(self._session)
        onboard_by_host(self._session, HostOnboarding.from_bytes(apdu.data))
        return b""

    async def _get_name(self, apdu: CommandApdu, _channel: int) -> bytes:
        require_no_parameters(apdu)
        return self._session.identity.name.encode()

    async def _set_name(self, apdu: CommandApdu, _channel: int) -> bytes:
        require_no_parameters(apdu)
        require_onboarded(self._session)
        name = decode_device_name(apdu.data)
        if not name:
            raise Reject(StatusWord.WRONG_LENGTH)
        await ask_consent(self._session, "Rename device to", name, option="Rename")
        self._session.identity.rename(name)
        self._session.on_change()
        return b""

    async def _open(self, apdu: CommandApdu, _channel: int) -> bytes:
        require_no_parameters(apdu)
        require_onboarded(self._session)
        app = self._session.registry.find(decode_app_name(apdu.data))
        if app is None or app.flags & AppFlag.NO_RUN:
            raise Reject(StatusWord.APP_NOT_FOUND)
        if app.bundle is None and not self._runs_native:
            self._open_app(app)  # says on the screen that it cannot
            raise Reject(StatusWord.FUNCTION_NOT_SUPPORTED)
        await ask_consent(self._session, "Open app", app.name, option="Open", icon=app.manifest.icon)
        self._open_app(app)
        return b""

    async def _list_apps(self, apdu: CommandApdu, channel: int) -> bytes:
        require_no_parameters(apdu)
        require_onboarded(self._session)
        if channel not in self._session.listings:
            await ask_consent(self._session, "Show your apps to", "this computer?", option="Allow")
        self._session.listings[channel] = 0
        return self._page(channel)

    async def _list_apps_continue(self, apdu: CommandApdu, channel: int) -> bytes:
        require_no_parameters(apdu)
        if channel not in self._session.listings:
            raise Reject(StatusWord.LIST_NOT_STARTED)
        return self._page(channel)

    def _page(self, channel: int) -> bytes:
        at = self._session.listings[channel]
        entries = self._session.registry.entries()[at : at + _PAGE]
        self._session.listings[channel] = at + len(entries)
        return encode_app_list(entries)
