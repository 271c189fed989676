"""`tally up` on the embedded board: serve a device whose worlds are objects of this process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tallystick.cli.provision import require_embedded
from tallystick.device.board.service import Service, ServiceOptions
from tallystick.device.sandbox.app_process import ProcessHost
from tallystick.device.sandbox.watch import Watch
from tallystick.device.secure.vault import PinPolicy
from tallystick.device.silicon.clock import MonotonicClock
from tallystick.device.silicon.entropy import RepeatableRng, SystemRng
from tallystick.device.silicon.flash import DirectoryFlash, MemoryFlash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tallystick.cli.cable import Follower
    from tallystick.device.hil import Flash
    from tallystick.device.normal.relay import Relay


async def serve(
    parts: dict[str, Any],
    options: dict[str, Any],
    on_ready: Callable[[dict[str, Any], Relay], None],
    *,
    cables: Iterable[Follower] = (),
) -> None:
    """Serve the device until it is stopped; `parts` is what every board is given, `options` the command line.

    `cables` are plugged in each time it has come up. `on_ready` is given its facts, and the relay to its dashboard.
    """
    number = options["deterministic_rng"]
    service_options = ServiceOptions(
        **parts,
        flash=_flash(options),
        rng=SystemRng() if number is None else RepeatableRng(number),
        clock=MonotonicClock(),
        pin_policy=PinPolicy[options["pin_policy"].upper()],
    )
    stderr = sys.stderr.fileno() if options["is_verbose"] else subprocess.DEVNULL
    watch = Watch(trace_sink=sys.stderr.fileno()) if options["trace"] else None
    host = ProcessHost(asyncio.get_running_loop(), stderr=stderr, watch=watch)
    service = Service(service_options, apps=host)
    host.settle = service.board.run
    relay = service.board.relay
    for cable in cables:
        cable.follow(service)
    await service.run(lambda facts: on_ready(facts, relay))


def _flash(options: dict[str, Any]) -> Flash:
    if options["ephemeral"] or (options["seed"] and not options["state"]):
        return MemoryFlash()
    folder = options["state"]
    if folder is None:
        import platformdirs

        folder = Path(platformdirs.user_data_dir("tallystick")) / "devices" / options["model"]
    require_embedded(folder)
    return DirectoryFlash(folder)
