"""`python -m bench.manager`: measure one manager with keys in files and in SoftHSM2, and print the table for the documentation."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import click

from bench import machine
from bench.manager import limit
from bench.manager.device import TARGET_ID
from bench.manager.part import parts_us
from bench.manager.service import Floor, Load, Manager
from bench.manager.table import FILE, TOKEN, Figures
from bench.manager.token import make_token
from tallystick.manager.hsm.keyring import Keyring
from tallystick.manager.hsm.role import Realm

_GENUINE = f"/genuine?targetId={TARGET_ID}"
_DEVICES = 32
_INSTALLING = 16
_CROWD = 500
_CROWDS = 3
#: the first load only warms the caches
_WARM_UP_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Where a manager's keys are: its column, the URL, and the microseconds of the signature of one check."""

    column: str
    url: str
    sign_us: float


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--runs", type=click.IntRange(1), default=5, show_default=True, help="runs of each probe")
@click.option("--seconds", type=click.FloatRange(0.1), default=2.0, show_default=True, help="of each run")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="keep the figures as JSON")
def main(*, runs: int, seconds: float, output: Path | None) -> None:
    """Measure genuine checks and installs at one manager on this machine; devices share its cores."""
    figures = Figures()
    where, before = machine.describe(), machine.load()
    with tempfile.TemporaryDirectory(prefix="tallystick-bench-") as folder:
        operations = limit.curve_us(seconds=0.3)
        devices = f"file:{Path(folder) / 'ring'}"
        Keyring.create(devices, Realm.TEST).close()
        all_keys = [Keys(column=FILE, url=devices, sign_us=operations["sign"])]
        token = make_token(Path(folder) / "softhsm")
        if token is not None:
            all_keys.append(Keys(column=TOKEN, url=token, sign_us=limit.token_us(token, seconds=0.3)))
        for keys in all_keys:
            click.echo(f"measuring with keys in {keys.column} …", err=True)
            _measure(figures, Path(folder), keys, operations=operations, runs=runs, seconds=seconds)
        with Keyring.open(devices) as ring:
            parts = {"curve": limit.check_us(operations), "packets": limit.packets_us(), **parts_us(ring)}
        where |= {"load_before": before, "load_after": machine.load()}
    result = {"machine": where, "curve_us": operations, "metrics": figures.to_json()}
    result["parts_us"] = parts
    result["signature_us"] = {keys.column: keys.sign_us for keys in all_keys}
    if output is not None:
        output.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    click.echo(figures.markdown())
    click.echo(f"\n{figures.parts(parts)}")
    said = ", ".join(f"{name} {cost:.1f}" for name, cost in operations.items())
    click.echo(
        f"\n{where['date']}, {where['processor']}, {where['cores']} cores, Python {where['python']}; load {before[0]} before"
    )
    click.echo(f"Curve operations, µs: {said}; a token's signature {all_keys[-1].sign_us:.0f}")


def _measure(
    figures: Figures, folder: Path, keys: Keys, *, operations: dict[str, float], runs: int, seconds: float
) -> None:
    """Measure one manager, then the same with two workers; every run beside its limit."""
    side = limit.check_us(operations)
    ours = side - operations["sign"] + keys.sign_us
    cores = len(os.sched_getaffinity(0))
    most = cores * 1e6 / (ours + side)
    manager = Manager(folder / keys.column, hsm=keys.url)
    floor = Floor(folder / f"{keys.column}-floor", hsm=keys.url)
    try:
        for server in (manager, floor):
            server.load(_GENUINE, devices=_DEVICES, seconds=_WARM_UP_S)
        for _ in range(runs):
            _note(figures, keys, "genuine", manager.load(_GENUINE, devices=_DEVICES, seconds=seconds))
            least = floor.load(_GENUINE, devices=_DEVICES, seconds=seconds)
            figures.add(keys.column, "genuine.floor", 1e3 * least.manager_cpu_s / least.count)
            figures.add(keys.column, "genuine.rate.limit", most)
            for row in ("cpu", "floor"):
                figures.add(keys.column, f"genuine.{row}.limit", ours / 1e3)
        for _ in range(_CROWDS):
            _note(figures, keys, "crowd", manager.load(_GENUINE, devices=_CROWD, seconds=0))
            figures.add(keys.column, "crowd.seconds.limit", _CROWD / most)
        path = manager.install_path()
        for _ in range(runs):
            _note(figures, keys, "install", manager.load(path, devices=_INSTALLING, seconds=seconds))
    finally:
        manager.stop()
        floor.stop()
    manager = Manager(folder / f"{keys.column}-workers", hsm=keys.url, workers=2)
    try:
        manager.load(_GENUINE, devices=_DEVICES, seconds=_WARM_UP_S, processes=2)
        for _ in range(runs):
            _note(figures, keys, "workers", manager.load(_GENUINE, devices=_DEVICES, seconds=seconds, processes=2))
            figures.add(keys.column, "workers.rate.limit", most)
    finally:
        manager.stop()


def _note(figures: Figures, keys: Keys, probe: str, load: Load) -> None:
    values = {
        "rate": load.rate,
        "cpu": 1e3 * load.manager_cpu_s / load.count,
        "devices": 1e3 * load.devices_cpu_s / load.count,
        "p50": load.p50_ms,
        "p99": load.p99_ms,
        "seconds": load.seconds,
    }
    for name, value in values.items():
        figures.add(keys.column, f"{probe}.{name}", value)


if __name__ == "__main__":
    main()
