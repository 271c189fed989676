"""The isolated board: silicon, Secure World, Normal World, front panel and each app in a process of their own.

This is the bench that holds the device: it has the cables and the power switch. It starts the silicon, says over the jig
how the device is held, and switches the power off and on again when the person pulls the plug. It sees no secret but the
seed of a test device, which it brought itself.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable
from typing import Any

from tallystick.device.board.jig import MAX_MESSAGE, PowerOn, complaint, hear
from tallystick.device.board.panel_process import end_panel, panel_failure, spawn_panel
from tallystick.device.board.plug import Plug
from tallystick.errors import TallyError, TransportError, TrustError
from tallystick.wire.events import BUTTON_NAMES, Button

#: seconds after which the panel starts beside a device that is still not ready
_PATIENCE_S = 1.0


class Bench:
    """Holds one device, which is plugged in and has power already, until it is stopped."""

    def __init__(self, plug: Plug) -> None:
        self._plug = plug
        self._options = plug.options
        self._stopped = asyncio.Event()
        self._panel: subprocess.Popen[bytes] | None = None
        #: tells when the panel's process has ended
        self._panel_watch: int | None = None
        self._power: dict[str, Any] | None = None
        self._on_ready: Callable[[dict[str, Any]], None] = lambda _facts: None
        self._is_ready = False
        self._failure: Exception | None = None
        #: told each time the device has come up: at first, and after each time the plug was pulled
        self.on_power: Callable[[], None] = lambda: None
        #: what the stages of the boot said of slots that do not start
        self._boot_failures: list[str] = []

    def stop(self) -> None:
        """End `run`."""
        self._stopped.set()

    def fail(self, reason: Exception) -> None:
        """End `run` with `reason`."""
        self._failure = self._failure or reason
        self.stop()

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
            self._listen()
            # the panel starts when the device is there: until then the device needs the processors
            late = loop.call_later(_PATIENCE_S, self._start_panel)
            await self._stopped.wait()
            late.cancel()
            if self._failure is not None:
                raise self._failure
        finally:
            if self._panel is not None:
                self._panel.kill()  # both at once, and only then wait for either
            self._switch_off()
            self._forget_panel()
            if self._panel is not None:
                end_panel(self._panel)

    def _start_panel(self) -> None:
        options = self._options
        if self._panel is not None or options.http is None or self._plug.panel_ends is None:
            return
        with self._plug.panel_ends[1] as outer:
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

    def _listen(self) -> None:
        if self._plug.silicon is not None:
            asyncio.get_running_loop().add_reader(self._plug.silicon.jig.fileno(), self._hear)

    def _hear(self) -> None:
        if self._plug.silicon is None:
            return
        try:
            data = self._plug.silicon.jig.recv(MAX_MESSAGE)
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
                self.on_power()
                if self._is_ready:
                    return
                self._is_ready = True
                self._start_panel()
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
            case {"boot_failure": str() as reason}:
                self._boot_failures.append(reason)

    def _gone(self) -> None:
        """React to a device whose jig closed: the plug was pulled, it said why it stopped, or it never booted."""
        power, self._power = self._power, None
        self._switch_off()
        if power is not None:
            order = self._plug.order(is_first=False)
            hold = BUTTON_NAMES.get(str(power.get("hold")), Button.NONE)
            self._plug.switch_on(PowerOn(**order, hold=int(hold), sequence=int(power.get("sequence", 0)) or 1))
            self._listen()
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
        return TrustError(
            ": ".join(["Boot failure", *(["; ".join(self._boot_failures)] if self._boot_failures else [])]),
            remedy=remedy if self._options.is_kept else "run it again with --state DIR",
        )

    def _switch_off(self) -> None:
        if self._plug.silicon is not None:
            asyncio.get_running_loop().remove_reader(self._plug.silicon.jig.fileno())
        self._plug.close()
