"""`tally up` on the isolated board: hold a device whose worlds are locked processes that run from checked images."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import platformdirs

from tallystick.cli.passing import Passing, sweep
from tallystick.device.board.plug import BenchOptions, Plug

if TYPE_CHECKING:
    from tallystick.cli.cable import Follower


def hold(
    parts: dict[str, Any],
    options: dict[str, Any],
    on_ready: Callable[[dict[str, Any]], None],
    *,
    prepare: Callable[[], object],
    cables: Iterable[Follower] = (),
) -> None:
    """Hold the device until it is stopped; `parts` is what every board is given, `options` the command line.

    `cables` are plugged in each time it has come up. `prepare` is called while a new device boots: whatever it will need when it is ready can be loaded beside it.
    """

    def announce(facts: dict[str, Any]) -> None:
        on_ready(facts)
        sweep()

    signal.signal(signal.SIGTERM, _interrupt)  # what was made for a passing device goes again, whenever it is stopped
    with _folder(options) as folder:
        plug = Plug(_held(parts, options, folder))
        try:
            # the device's interpreter starts meanwhile
            is_new = _make_ready(folder, options)
            plug.power()
            # the device boots meanwhile
            import asyncio

            from tallystick.device.board.isolated import Bench

            if is_new:
                prepare()

            async def run() -> None:
                bench = Bench(plug)
                for cable in cables:
                    cable.follow(bench)
                await bench.run(announce)

            asyncio.run(run())
        finally:
            plug.close()


def _held(parts: dict[str, Any], options: dict[str, Any], folder: Path) -> BenchOptions:
    """Return how the device in `folder` is held."""
    return BenchOptions(
        **parts,
        folder=folder,
        is_kept=not _is_passing(options),
        pin_policy=options["pin_policy"].upper(),
        repeatable_rng=options["deterministic_rng"],
        trace=options["trace"],
    )


def _make_ready(folder: Path, options: dict[str, Any]) -> bool:
    """Make the device if there is none, and tell; or see that the one that is there has the provider it is said to have."""
    from tallystick.cli.provision import bind, is_device, provision, read_artefacts, require_isolated

    require_isolated(folder)
    if not is_device(folder):
        from tallystick.cli.key_provider import way_of
        from tallystick.cli.workshop import images

        # not checked here: it was made by this installation, and the boot that follows checks every byte of it
        artefacts = read_artefacts(images(options["model"]))
        way = way_of(options["key_provider"])
        provision(folder, artefacts, model=options["model"], prepare=lambda chip: bind(chip, way))
        return True
    if options["key_provider"]:
        from tallystick.cli.key_provider import settle

        settle(folder, options["key_provider"])
    return False


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


@contextmanager
def _folder(options: dict[str, Any]) -> Iterator[Path]:
    """Give the device directory: the one that was named, a passing one, or the user's own of this model."""
    if options["state"] is not None:
        yield options["state"]
    elif _is_passing(options):
        with Passing("device") as passing:
            yield passing.path
    else:
        yield Path(platformdirs.user_data_dir("tallystick")) / "isolated" / options["model"]


def _is_passing(options: dict[str, Any]) -> bool:
    """Tell whether the device is forgotten when it stops."""
    return options["state"] is None and bool(options["ephemeral"] or options["seed"])
