"""The isolated board: silicon, Secure World, Normal World, front panel and each app in a process of their own.

This is the bench that holds the device: it has the cables and the power switch. It starts the silicon, says over the jig
how the device is held, and switches the power off and on again when the person pulls the plug. It sees no secret but the
seed of a test device, which it brought itself.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tallystick.device.board.jig import MAX_MESSAGE, PowerOn, complaint, hear
from tallystick.device.board.panel_process import end_panel, panel_failure, panel_pair, spawn_panel
from tallystick.device.board.silicon_process import Silicon
from tallystick.errors import TallyError, TransportError, TrustError
from tallystick.wire.bundle import Bundle
from tallystick.wire.events import BUTTON_NAMES, Button


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOptions:
    """What to hold and how. `folder` is a device directory, ``chip`` and ``flash``; one that is not kept is gone afterwards."""

    folder: Path
    is_kept: bool = True
    model: str
    listener: socket.socket
    http: socket.socket | None = None
    approve: bool = False
    automation: str = ""
    seed: str = field(default="", repr=False)
    pin: str = field(default="", repr=False)
    expert: bool = False
    bundles: Iterable[Bundle] = ()
    open_app: str = ""
    pin_policy: str = "LEDGER"
    repeatable_rng: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)


class Bench:
    """Holds one device until it is stopped. It is plugged in at once, and gets power from `run`."""

    def __init__(self, options: BenchOptions) -> None:
        self._options = options
        self._stopped = asyncio.Event()
        self._panel_ends = panel_pair() if options.http is not None else None
        self._panel: subprocess.Popen[bytes] | None = None
        #: tells when the panel's process has ended
        self._panel_watch: int | None = None
        self._power: dict[str, Any] | None = None
        self._on_ready: Callable[[dict[str, Any]], None] = lambda _facts: None
        self._is_ready = False
        self._failure: Exception | None = None
        self._silicon: Silicon | None = self._plug_in(options.bundles)

    def close(self) -> None:
        """Take the device out of the jig; for a device that is not to be held after all."""
        if self._silicon is not None:
            self._silicon.off()

    def stop(self) -> None:
        """End `run`."""
        self._stopped.set()

    async def run(self, on_ready: Callable[[dict[str, Any]], None]) -> None:
        """Hold the device until SIGTERM, SIGINT or `stop`; `on_ready` hears the facts a script needs, once.

        Raises:
            UsageError: the device cannot be used as asked.
            TrustError: boot failure.

        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        self._on_ready = on_ready
        try:
            self._switch_on(PowerOn(**self._order(is_first=True)))
            self._start_panel()  # second, for the device takes longer to be there
            await self._stopped.wait()
            if self._failure is not None:
                raise self._failure
        finally:
            self._switch_off()
            self._forget_panel()
            if self._panel is not None:
                end_panel(self._panel)

    def _order(self, *, is_first: bool) -> dict[str, Any]:
        options = self._options
        order: dict[str, Any] = {
            "model": options.model,
            "expert": options.expert,
            "pin_policy": options.pin_policy,
            "repeatable_rng": options.repeatable_rng,
            "facts": options.facts,
            "listener_fd": options.listener.fileno(),
            "panel_fd": self._panel_ends[0].fileno() if self._panel_ends is not None else -1,
        }
        if is_first:
            order |= {"seed": options.seed, "pin": options.pin, "open_app": options.open_app}
        return order

    def _start_panel(self) -> None:
        options = self._options
        if options.http is None or self._panel_ends is None:
            return
        with self._panel_ends[1] as outer:
            self._panel = spawn_panel(
                outer,
                http=options.http,
                apdu_port=options.listener.getsockname()[1],
                arguments=["--model", options.model, *(["--approve"] if options.approve else [])],
                automation=options.automation,
            )
        self._panel_watch = os.pidfd_open(self._panel.pid)
        asyncio.get_running_loop().add_reader(self._panel_watch, self._panel_ended)

    def _panel_ended(self) -> None:
        """React to a panel that has ended by itself: by a rule, which is its right, or it broke."""
        if self._panel is None:
            return
        self._forget_panel()
        self._failure = self._failure or panel_failure(self._panel.wait())
        self.stop()

    def _forget_panel(self) -> None:
        watch, self._panel_watch = self._panel_watch, None
        if watch is not None:
            asyncio.get_running_loop().remove_reader(watch)
            os.close(watch)

    def _plug_in(self, bundles: Iterable[Bundle] = ()) -> Silicon:
        descriptors = [self._options.listener.fileno()]
        if self._panel_ends is not None:
            descriptors.append(self._panel_ends[0].fileno())
        return Silicon(self._options.folder, descriptors=descriptors, bundles=[bundle.raw for bundle in bundles])

    def _switch_on(self, order: PowerOn) -> None:
        if self._silicon is None:
            self._silicon = self._plug_in()
        jig = self._silicon.power(replace(order, bundle_fds=self._silicon.bundle_fds))
        asyncio.get_running_loop().add_reader(jig.fileno(), self._hear)

    def _hear(self) -> None:
        if self._silicon is None:
            return
        try:
            data = self._silicon.jig.recv(MAX_MESSAGE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._gone()
            return
        try:
            self._obey(hear(data))
        except TallyError as error:  # what the device said, or what was to be done when it is ready
            self._failure = error
            self.stop()

    def _obey(self, message: dict[str, Any]) -> None:
        match message:
            case {"ready": {"serial": str() as serial, "issuer_public_key": issuer}}:
                options = self._options
                if self._is_ready:
                    return
                self._is_ready = True
                self._on_ready(
                    {
                        "model": options.model,
                        "serial": serial,
                        "apdu_port": options.listener.getsockname()[1],
                        "api_port": options.http.getsockname()[1] if options.http is not None else None,
                        "issuer_public_key": issuer,
                    }
                )
            case {"power": dict() as power}:
                self._power = power
            case {"error": dict() as error}:
                self._failure = complaint(error)

    def _gone(self) -> None:
        """React to a device whose jig closed: the plug was pulled, it said why it stopped, or it never booted."""
        power, self._power = self._power, None
        self._switch_off()
        if power is not None:
            order = self._order(is_first=False)
            hold = BUTTON_NAMES.get(str(power.get("hold")), Button.NONE)
            self._switch_on(PowerOn(**order, hold=int(hold), sequence=int(power.get("sequence", 0)) or 1))
            return
        if self._failure is None:
            self._failure = self._reason()
        self.stop()

    def _reason(self) -> Exception:
        if self._is_ready:
            return TransportError("the device stopped", remedy="start it again")
        folder = self._options.folder
        remedy = (
            f"see which stage failed: tally device boot {folder} --explain; to have the images of this installation "
            f"in it: tally device flash {folder}"
        )
        return TrustError("Boot failure", remedy=remedy if self._options.is_kept else "run it again with --state DIR")

    def _switch_off(self) -> None:
        silicon, self._silicon = self._silicon, None
        if silicon is not None:
            asyncio.get_running_loop().remove_reader(silicon.jig.fileno())
            silicon.off()
