"""The isolated board: silicon, Secure World, Normal World, front panel and each app in a process of their own.

This is the bench that holds the device: it has the cables and the power switch. It starts the silicon, says over the jig
how the device is held, and switches the power off and on again when the person pulls the plug. It sees no secret but the
seed of a test device, which it brought itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tallystick.device.board.jig import MAX_MESSAGE, PowerOn, complaint, hear
from tallystick.device.board.panel_process import end_panel, panel_pair, spawn_panel
from tallystick.device.boot.memory import sealed_memfd
from tallystick.errors import RemoteProtocolError, TransportError, TrustError
from tallystick.wire.bundle import Bundle
from tallystick.wire.events import BUTTON_NAMES, Button

_END_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOptions:
    """What to hold and how. `folder` is a device directory: ``chip`` and ``flash``."""

    folder: Path
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
    """Holds one device until it is stopped."""

    def __init__(self, options: BenchOptions) -> None:
        self._options = options
        self._stopped = asyncio.Event()
        self._panel_link: socket.socket | None = None
        self._panel: subprocess.Popen[bytes] | None = None
        self._silicon: subprocess.Popen[bytes] | None = None
        self._jig: socket.socket | None = None
        self._power: dict[str, Any] | None = None
        self._on_ready: Callable[[dict[str, Any]], None] = lambda _facts: None
        self._is_ready = False
        self._failure: Exception | None = None

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
            self._start_panel()
            self._switch_on(PowerOn(**self._order(is_first=True)))
            await self._stopped.wait()
            if self._failure is not None:
                raise self._failure
        finally:
            self._switch_off()
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
            "panel_fd": self._panel_link.fileno() if self._panel_link is not None else -1,
        }
        if is_first:
            order |= {"seed": options.seed, "pin": options.pin, "open_app": options.open_app}
        return order

    def _start_panel(self) -> None:
        options = self._options
        if options.http is None:
            return
        self._panel_link, outer = panel_pair()
        with outer:
            self._panel = spawn_panel(
                outer,
                http=options.http,
                apdu_port=options.listener.getsockname()[1],
                arguments=["--model", options.model, *(["--approve"] if options.approve else [])],
                automation=options.automation,
            )

    def _switch_on(self, order: PowerOn) -> None:
        self._jig, inner = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        bundles = [] if order.sequence else list(self._options.bundles)
        descriptors = [inner.fileno(), order.listener_fd]
        if order.panel_fd >= 0:
            descriptors.append(order.panel_fd)
        images = [sealed_memfd("bundle", bundle.raw) for bundle in bundles]
        folder = self._options.folder
        command = [sys.executable, "-I", "-m", "tallystick.device.board.silicon_main"]
        command += [str(folder / "chip"), str(folder / "flash"), sysconfig.get_path("platlib")]
        try:
            self._silicon = subprocess.Popen(  # noqa: S603 -- our own interpreter and module, no shell
                [*command, *(str(number) for number in (*descriptors, *images))],
                pass_fds=(*descriptors, *images),
                env={},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            inner.close()
            for image in images:
                os.close(image)
        PowerOn(**{**_members(order), "bundle_fds": tuple(images)}).send(self._jig)
        self._jig.settimeout(0)
        asyncio.get_running_loop().add_reader(self._jig.fileno(), self._hear)

    def _hear(self) -> None:
        if self._jig is None:
            return
        try:
            data = self._jig.recv(MAX_MESSAGE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._gone()
            return
        try:
            self._obey(hear(data))
        except RemoteProtocolError as error:
            self._failure = error
            self.stop()

    def _obey(self, message: dict[str, Any]) -> None:
        match message:
            case {"ready": {"serial": str() as serial}}:
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
                        "issuer_public_key": None,
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
        return TrustError("Boot failure", remedy="see which stage failed: tally device boot DIR --explain")

    def _switch_off(self) -> None:
        if self._jig is not None:
            asyncio.get_running_loop().remove_reader(self._jig.fileno())
            self._jig.close()
            self._jig = None
        silicon, self._silicon = self._silicon, None
        if silicon is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                silicon.wait(_END_S)
            if silicon.poll() is None:
                silicon.kill()
                silicon.wait()


def _members(order: PowerOn) -> dict[str, Any]:
    return {name: getattr(order, name) for name in PowerOn.__slots__}
