"""The Secure World itself: the core of the device between gate, panel, chip and apps.

Loaded by `secure_start` while the Normal World starts.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tallystick.device.board.alarm import Alarm
from tallystick.device.board.chip_minimum import ChipMinimums
from tallystick.device.board.core import DeviceCore
from tallystick.device.board.gate import Gate
from tallystick.device.board.jig import PowerOn, complain, hold_of, say
from tallystick.device.board.panel_link import PanelLink
from tallystick.device.board.secure_lock import SecureLock
from tallystick.device.board.slot_update import SlotUpdates
from tallystick.device.board.world import NormalWorld, NormalWorlds
from tallystick.device.boot.start import Handover
from tallystick.device.hil import Flash
from tallystick.device.os.identity import VERSIONS
from tallystick.device.sandbox.app_process import ProcessHost
from tallystick.device.sandbox.confine import survey
from tallystick.device.sandbox.inspect import require_confined
from tallystick.device.sandbox.program import Programs
from tallystick.device.sandbox.watch import Watch
from tallystick.device.secure.vault import PinPolicy
from tallystick.device.silicon.clock import MonotonicClock
from tallystick.device.silicon.entropy import MixedRng, RepeatableRng
from tallystick.device.silicon.provider import Bus, ChipProvider
from tallystick.errors import TrustError
from tallystick.wire.bundle import MAX_BUNDLE, Bundle
from tallystick.wire.events import BUTTON_NAMES, Button, PanelEvent, ReplugEvent

#: the descriptor of the running image, as the interpreter was given it
_IMAGE = "/proc/self/fd/"


def chip_at(bus: socket.socket) -> ChipProvider:
    """Return the chip at the other end of `bus`."""
    return ChipProvider(Bus(bus).call)


def run(
    jig: socket.socket, order: PowerOn, handover: Handover, *, chip: ChipProvider, flash: Flash, worlds: NormalWorlds
) -> None:
    """Be the Secure World until the power goes; raise TallyError when it cannot be. No Normal World is left behind."""
    try:
        asyncio.run(_run(jig, order, handover, chip=chip, flash=flash, worlds=worlds))
    finally:
        worlds.first[1].kill()


async def _run(
    jig: socket.socket, order: PowerOn, handover: Handover, *, chip: ChipProvider, flash: Flash, worlds: NormalWorlds
) -> None:
    gc.freeze()  # an image starts without; what is loaded by now is no garbage
    gc.enable()
    image = int(sys.path[0].removeprefix(_IMAGE))
    told = replace(handover, stages=(), sealed={}).seal()
    programs = Programs.of_image(image, told)
    watch = Watch(trace_sink=sys.stderr.fileno()) if order.trace else None
    apps = ProcessHost(asyncio.get_running_loop(), programs=programs, libraries=handover.libraries, watch=watch)
    world = SecureWorld(jig, order, handover, apps=apps, chip=chip, flash=flash, worlds=worlds)
    apps.settle = world.core.run
    await world.run()


def make_rng(order: PowerOn, chip: ChipProvider) -> MixedRng | RepeatableRng:
    """Return what keys are made of: the kernel's generator and the chip's noise, mixed and tested (secure-world 5.1).

    Only a bench that says so gets numbers that repeat, and the status says so too.
    """
    if order.repeatable_rng is not None:
        return RepeatableRng(order.repeatable_rng)
    return MixedRng(noise={"chip": chip.noise})


class SecureWorld:
    """One life of the Secure World's process."""

    def __init__(
        self,
        jig: socket.socket,
        order: PowerOn,
        handover: Handover,
        *,
        apps: ProcessHost,
        chip: ChipProvider,
        flash: Flash,
        worlds: NormalWorlds,
    ) -> None:
        loop = asyncio.get_running_loop()
        self._jig = jig
        self._chip = chip
        self._order = order
        self._ended = asyncio.Event()
        self._panel: PanelLink | None = None
        clock = MonotonicClock()
        self._normal = worlds
        self._offered = survey()
        self._lock = SecureLock(self._offered)
        self._gate = Gate(
            watcher=loop,
            clock=clock,
            spawn=self._normal.start,
            inspect=self._inspect,
            receive=lambda message: self.core.receive(message),  # noqa: PLW0108 -- the core is made next, with this gate
        )
        rng = make_rng(order, chip)
        self.core = DeviceCore(
            model=order.model,
            flash=flash,
            rng=rng,
            clock=clock,
            apps=apps,
            link=self._gate,
            on_unplug=self._gate.unplug,
            expert=order.expert,
            pin_policy=PinPolicy[order.pin_policy],
            keys=chip,
            counter=chip,
            versions=replace(VERSIONS[order.model], os=worlds.running.version, mcu=worlds.running.mcu_version),
            updates=SlotUpdates(flash=flash, handover=handover, chip=chip, running=worlds.running),
            facts={
                **order.facts,
                **_boundaries(handover, (*self._offered.missing, *self._lock.missing)),
                "key_provider": chip.kind.name.lower(),
                "randomness": ", ".join(rng.sources),
            },
        )

    async def run(self) -> None:
        """Serve until the power goes."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ended.set)
        loop.add_reader(self._jig.fileno(), self._ended.set)  # the bench lets go
        order, core = self._order, self.core
        core.prepare(seed=order.seed, pin=order.pin, bundles=take_bundles(order.bundle_fds))
        if order.panel_fd >= 0:
            self._panel = PanelLink(socket.socket(fileno=order.panel_fd))
            self._panel.on_events = self._events
            core.on_frame, core.on_status = self._panel.show, self._panel.tell
        core.restart = self._replug
        alarm = Alarm(core)
        core.on_settled = alarm.set
        self._lock.put_on()  # nobody was heard yet but the bench
        self._normal.watcher = loop
        self._normal.first[1].listen(loop)
        self._gate.adopt(*self._normal.first)
        core.power_on(hold_of(order.hold), sequence=order.sequence)
        if order.open_app:
            core.open_app(order.open_app)
        alarm.set()
        self._gate.on_open = self._ready
        self._gate.on_given_up = self._give_up
        await self._ended.wait()
        self._gate.close()
        core.power_off()

    def _inspect(self, world: NormalWorld) -> None:
        """Make sure it is locked; raise TrustError when it is not."""
        require_confined(world.pid, self._offered, inherited=world.inherited)

    def _ready(self) -> None:
        """Tell that the Normal World is up and locked: this slot works, so older ones are not accepted any more."""
        self._normal.confirm(ChipMinimums(self._chip))
        self.core.system.finish_update()
        self.core.introduce()
        status = self.core.status
        say(self._jig, ready={name: status[name] for name in ("serial", "issuer_public_key")})

    def _give_up(self, reason: str) -> None:
        """End: a device that no client will ever reach is of no use."""
        remedy = "see what this machine lacks: tally device selftest; or put other images into the device"
        complain(self._jig, TrustError(f"the Normal World cannot be used: {reason}", remedy=remedy))
        self._ended.set()

    def _events(self, events: tuple[PanelEvent, ...]) -> None:
        replug = next((event for event in events if isinstance(event, ReplugEvent)), None)
        if replug is None:
            self.core.events(events)
        else:
            self._replug(replug.hold)

    def _replug(self, hold: Button) -> None:
        """Have the power switched off and on again."""
        name = next((name for name, button in BUTTON_NAMES.items() if button is hold), None)
        frame = self.core.frame
        say(self._jig, power={"hold": name, "sequence": frame.sequence if frame else 0})
        self._ended.set()


def _boundaries(handover: Handover, missing: Sequence[str]) -> dict[str, object]:
    """Return what people are told about the walls: which are missing, and what the boot found."""
    worlds = "isolated" if not missing else f"isolated, but {'; '.join(missing)}"
    return {
        "board": "isolated",
        "worlds": worlds,
        "boundaries": list(missing),
        "boot": handover.state,
        "slot": handover.slot,
    }


def take_bundles(descriptors: Iterable[int]) -> list[Bundle]:
    """Read the bundles in these descriptors, and close them."""
    bundles = []
    for descriptor in descriptors:
        with os.fdopen(descriptor, "rb") as file:
            bundles.append(Bundle.from_bytes(file.read(MAX_BUNDLE + 1)))
    return bundles
