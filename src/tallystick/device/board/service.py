"""A board that runs: endpoints, panel, timers and signals around one device, on an asyncio loop."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tallystick.device.board.alarm import Alarm
from tallystick.device.board.embedded import EmbeddedBoard
from tallystick.device.board.panel_process import PanelProcess, panel_failure
from tallystick.device.hil import AppHost, Clock, Flash, Rng
from tallystick.device.normal.door import Door
from tallystick.device.normal.endpoint import endpoints
from tallystick.device.os.registry import InstalledApp
from tallystick.device.secure.vault import PinPolicy
from tallystick.wire.bundle import Bundle
from tallystick.wire.image import AppImage


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOptions:
    """What to run. `seed`, `pin` make a marked test device; `http` is None without panel."""

    model: str
    flash: Flash
    rng: Rng
    clock: Clock
    listener: socket.socket
    #: what is spoken there: APDUs, or reports of the HID interface for FIDO
    spoken: Door = Door.TCP
    http: socket.socket | None = None
    #: listens for USB hosts; None without USB
    usb: socket.socket | None = None
    #: listens for gRPC clients that were built for Zemu; None for none
    zemu: socket.socket | None = None
    #: listens for the program that is its Bluetooth radio; None without Bluetooth
    ble: socket.socket | None = None
    #: who presses the buttons: everything is approved, or rules (a JSON document) decide
    approve: bool = False
    automation: str = ""
    seed: str = field(default="", repr=False)
    pin: str = field(default="", repr=False)
    pin_policy: PinPolicy = PinPolicy.LEDGER
    expert: bool = False
    bundles: Iterable[Bundle] = ()
    #: apps that are no bundles, such as native ones, and what they keep from the start, by their names
    images: Iterable[AppImage] = ()
    records: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    open_app: str = ""
    #: whether the device stops when that app ends
    ends_with_app: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


class Service:
    """One running device."""

    def __init__(self, options: ServiceOptions, *, apps: AppHost) -> None:
        self._options = options
        self._panel: PanelProcess | None = None
        self._stopped = asyncio.Event()
        #: why the app ended that the device ends with: empty, it was done; None, it has not
        self.app_ended: str | None = None
        self.board = EmbeddedBoard(
            model=options.model,
            flash=options.flash,
            rng=options.rng,
            clock=options.clock,
            apps=apps,
            pin_policy=options.pin_policy,
            expert=options.expert,
            facts=options.facts,
        )
        self._alarm = Alarm(self.board)
        relay = self.board.relay
        doors = {
            options.spoken: options.listener,
            Door.USB: options.usb,
            Door.ZEMU: options.zemu,
            Door.BLE: options.ble,
        }
        self._endpoints = endpoints(relay, {door: one for door, one in doors.items() if one is not None})
        self._failure: Exception | None = None
        #: told each time the device has come up: at first, and after each time the plug was pulled
        self.on_power: Callable[[], None] = lambda: None

    def stop(self) -> None:
        """End `run`."""
        self._stopped.set()

    def fail(self, reason: Exception) -> None:
        """End `run` with `reason`."""
        self._failure = self._failure or reason
        self.stop()

    async def run(self, on_ready: Callable[[dict[str, Any]], None]) -> None:
        """Serve until SIGTERM, SIGINT, `stop` or the end of the panel; `on_ready` hears the facts a script needs.

        When it does, both ports take connections and the device answers; the page may need a moment more.

        Raises:
            UsageError: seed, PIN or app cannot be used.
            TransportError: the panel broke.

        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        options, board = self._options, self.board
        board.prepare(seed=options.seed, pin=options.pin, bundles=options.bundles, images=options.images)
        for name, records in options.records.items():
            for record, data in records.items():
                board.system.session.storage.set_record(name, record, data)
        board.on_settled = self._alarm.set
        board.relay.on_introduce = lambda: self.on_power()  # noqa: PLW0108 -- set later
        try:
            # an app that is waited for has the processors for itself: its page comes last
            is_late = options.ends_with_app
            if options.http is not None and not is_late:
                self._start_panel(options.http)
            board.power_on()
            if options.ends_with_app:
                self._end_with_app()
            if options.open_app:
                board.open_app(options.open_app)
            self._alarm.set()
            for endpoint in self._endpoints:
                await endpoint.open()
            if options.http is not None and is_late:
                self._start_panel(options.http)
            on_ready(self._facts())
            await self._stopped.wait()
            if self._failure is not None:
                raise self._failure
            self._check_panel()
        finally:
            await self._close()

    def _end_with_app(self) -> None:
        """Stop when the app that is open is gone; its client has its answer by then."""
        supervisor = self.board.system.supervisor
        show_dashboard = supervisor.on_closed

        def closed(app: InstalledApp, reason: str) -> None:
            show_dashboard(app, reason)
            if app.name == self._options.open_app:
                self.app_ended = reason
                self.stop()

        supervisor.on_closed = closed

    def _start_panel(self, http: socket.socket) -> None:
        board = self.board
        options = self._options
        self._panel = PanelProcess(
            http=http,
            apdu_port=options.listener.getsockname()[1],
            arguments=["--model", options.model, *(["--approve"] if options.approve else [])],
            automation=options.automation,
        )
        self._panel.on_end = self.stop
        self._panel.on_events = board.events
        board.on_frame, board.on_status = self._panel.show, self._panel.tell
        if board.frame is not None:
            self._panel.show(board.frame)
            self._panel.tell(board.status)

    def _check_panel(self) -> None:
        """Complain about a panel that ended by itself and not by a rule."""
        failure = panel_failure(self._panel.status() if self._panel is not None else None)
        if failure is not None:
            raise failure

    def _facts(self) -> dict[str, Any]:
        options = self._options
        return {
            "model": options.model,
            "serial": self.board.status["serial"],
            "apdu_port": options.listener.getsockname()[1],
            "api_port": options.http.getsockname()[1] if options.http is not None else None,
            "issuer_public_key": self.board.status["issuer_public_key"],
        }

    async def _close(self) -> None:
        self._alarm.cancel()
        self.board.on_settled = lambda: None
        for endpoint in self._endpoints:
            await endpoint.close()
        self.board.power_off()
        if self._panel is None:
            return
        if self.app_ended is None:
            self._panel.close()
        else:
            self._panel.part()
