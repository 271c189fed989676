"""`tally up --board isolated`: hold a device whose worlds are locked processes that run from checked images."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import platformdirs

from tallystick.cli.key_provider import settle, way_of
from tallystick.device.board.isolated import Bench, BenchOptions
from tallystick.device.silicon.nvm import FILE


def hold(parts: dict[str, Any], options: dict[str, Any], on_ready: Callable[[dict[str, Any]], None]) -> None:
    """Hold the device until it is stopped; `parts` is what every board is given, `options` the command line."""
    with _folder(options) as folder:
        if not (folder / "chip" / FILE).exists():
            from tallystick.cli.workshop import ensure_device

            ensure_device(folder, model=options["model"], tpm=way_of(options["key_provider"]))
        elif options["key_provider"]:
            settle(folder, options["key_provider"])
        bench = Bench(
            BenchOptions(
                **parts,
                folder=folder,
                pin_policy=options["pin_policy"].upper(),
                repeatable_rng=options["deterministic_rng"],
            )
        )
        asyncio.run(bench.run(on_ready))


@contextmanager
def _folder(options: dict[str, Any]) -> Iterator[Path]:
    """Give the device directory: the one that was named, a passing one, or the user's own of this model."""
    if options["state"] is not None:
        yield options["state"]
    elif options["ephemeral"] or options["seed"]:
        passing = Path(tempfile.mkdtemp(prefix="tallystick-"))
        try:
            yield passing
        finally:
            shutil.rmtree(passing, ignore_errors=True)
    else:
        yield Path(platformdirs.user_data_dir("tallystick")) / "isolated" / options["model"]
