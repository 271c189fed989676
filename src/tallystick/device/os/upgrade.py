"""Firmware updates as the OS sees them: what the person is asked, in which mode the device starts, what follows (wire-protocol I).

What has come of an update, and whether it may be used, is the board's business (`FirmwareStore`): a board without slots has
none, and then there are no updates. What this device says of itself is the only state of an update that anybody needs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from tallystick.device.boot.pending import NotNewer, Pending
from tallystick.device.os.consent import ask_consent, ask_review
from tallystick.device.os.display.stack import Display
from tallystick.device.os.registry import Registry
from tallystick.device.os.session import BootMode, Session
from tallystick.errors import TrustError
from tallystick.wire.channel_device import HostSigner
from tallystick.wire.events import Button
from tallystick.wire.firmware import MAX_PACKAGE, BootConfig
from tallystick.wire.image import AppImage, CreateApp
from tallystick.wire.screen import Choice, Item, Selected
from tallystick.wire.status import Reject, StatusWord

#: seconds between an answer and the restart that it announces, so that the answer gets out
RESTART_S = 0.3
#: bytes of the install parameters that a firmware may bring beside its package
_MAX_PARAMETERS = 1024


class FirmwareStore(Protocol):
    """Where an update gathers: `tallystick.device.boot.staging.Staging`."""

    @property
    def pending(self) -> Pending | None:
        """What is on its way, or None."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether the release that runs is the one that was on its way."""
        ...

    def look(self, raw: bytes) -> BootConfig:
        """Check the package of the first step; raise NotNewer or TrustError."""
        ...

    def begin(self, raw: bytes, *, manager: bytes) -> Pending:
        """Take the package of the first step, which came from the holder of the key `manager`; raise as `look` does."""
        ...

    def put_normal_world(self, raw: bytes) -> Pending:
        """Take the package of the second step; raise TrustError."""
        ...

    def finish(self, raw: bytes) -> str:
        """Take the package of the last step: the new release is on trial from the next start; raise TrustError."""
        ...

    def forget(self) -> None:
        """Forget the update."""
        ...


def mode_of(pending: Pending | None, wanted: BootMode) -> BootMode:
    """Return the mode in which a device starts that was held so (`wanted`) and has `pending` on its way.

    The bootloader comes by itself while the Normal World of the new release is missing.
    """
    if pending is None:
        return wanted
    if wanted is BootMode.BOOTLOADER or not pending.has_normal_world:
        return BootMode.BOOTLOADER
    return BootMode.UPGRADER


def finish_update(store: FirmwareStore, registry: Registry) -> bool:
    """Carry out what follows an update whose release has reached READY; cut off anywhere, the next READY does the rest.

    Apps were made for the firmware before: they go with their data, and their names are kept. Returns whether there was one.
    """
    if not store.is_over:
        return False
    if registry.apps():
        registry.retire()
    store.forget()
    return True


class Upgrade:
    """The updates of one running device. `restart` pulls the plug and puts it in again, with a button held."""

    def __init__(self, session: Session, store: FirmwareStore | None, *, pending: Pending | None) -> None:
        self._session = session
        self._store = store
        #: what was on its way when the device started
        self.pending = pending
        #: the board's business
        self.restart: Callable[[Button], None] = lambda _hold: None

    def require_room(self, create: CreateApp) -> None:
        """Raise Reject for a firmware that cannot be taken: 5123 on a board without slots, 5103 when it is too large."""
        if self._store is None or self._session.mode not in {BootMode.NORMAL, BootMode.RECOVERY, BootMode.UPGRADER}:
            raise Reject(StatusWord.INVALID_CONTEXT)
        if create.data_length or not create.code_length:
            raise Reject(StatusWord.DATA_INVALID)
        if create.code_length > MAX_PACKAGE or create.parameters_length > _MAX_PARAMETERS:
            raise Reject(StatusWord.NOT_ENOUGH_SPACE_5103)

    def is_agreed(self, signer: HostSigner) -> bool:
        """Return whether this is the manager whose firmware is on its way: the person agreed to both."""
        pending, mode = self.pending, self._session.mode
        return mode is BootMode.UPGRADER and pending is not None and pending.manager == signer.public_key

    async def commit(self, image: AppImage, identifier: bytes, *, manager: bytes) -> None:
        """Take the first or the last step of an update, whose signature was checked; restart after the answer.

        The first one needs the person, who sees the version and the `identifier` (32 bytes); the last one is what the first
        one named. `manager` is the static key (65 bytes) at the other end of the channel.

        Raises:
            Reject: 5501 when the person says no, 6A8E for what is not newer, 6984 for what the boot would refuse.

        """
        store = self._store
        if store is None:
            raise Reject(StatusWord.INVALID_CONTEXT)
        try:
            if self._session.mode is BootMode.UPGRADER:
                store.finish(image.code)
            else:
                config = store.look(image.code)
                await self._ask(config, identifier)
                store.begin(image.code, manager=manager)
        except NotNewer:
            raise Reject(StatusWord.ALREADY_INSTALLED) from None
        except TrustError:
            raise Reject(StatusWord.DATA_INVALID) from None
        self._restart_soon()

    def put_normal_world(self, raw: bytes) -> None:
        """Take the second step, in the bootloader; raise Reject (6984) for any other Normal World than the one expected."""
        if self._store is None or self.pending is None:
            raise Reject(StatusWord.CONDITIONS_NOT_SATISFIED)
        try:
            self._store.put_normal_world(raw)
        except TrustError:
            raise Reject(StatusWord.DATA_INVALID) from None
        self._restart_soon()

    async def ask_cancel(self, display: Display, *, owner: object) -> None:
        """Ask whether to give the update up; if so, the device restarts with the release that it has."""
        if self._store is None or self.pending is None:
            return
        lines = ("Cancel update to", f"{self.pending.version}?")
        answer = await display.ask(Choice(lines=lines, options=("Cancel update", "Keep")), owner=owner)
        if isinstance(answer, Selected) and answer.index == 0:
            self._store.forget()
            self.restart(Button.NONE)

    async def _ask(self, config: BootConfig, identifier: bytes) -> None:
        items = (Item("Version", (config.version,)), Item("Identifier", (identifier.hex(),)))
        intro = ("Install firmware", f"{config.version}?")
        await ask_review(self._session, *items, intro=intro, approve="INSTALL")

    async def enter_bootloader(self) -> None:
        """Restart into the bootloader after the answer, if the person agrees; raise Reject (5501) for a no."""
        await ask_consent(self._session, "Restart into", "the bootloader?", option="Restart")
        self._restart_soon(Button.LEFT)

    def _restart_soon(self, hold: Button = Button.NONE) -> None:
        scheduler = self._session.scheduler
        self._session.is_leaving = True
        scheduler.call_at(scheduler.clock.now_s() + RESTART_S, lambda: self.restart(hold))
