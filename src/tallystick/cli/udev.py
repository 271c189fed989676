"""`tally udev`: the rule that lets a user on Linux open devices."""

from __future__ import annotations

from pathlib import Path

import click

from tallystick.cli.command import DeviceCommand, Lazy, LazyGroup
from tallystick.cli.exit import ExitCode
from tallystick.cli.render import Report
from tallystick.host import udev as rule

_TABLE = {
    "show": Lazy(target="tallystick.cli.udev:show", summary="print the rule"),
    "check": Lazy(target="tallystick.cli.udev:check", summary="tell whether a rule is installed"),
    "install": Lazy(target="tallystick.cli.udev:install", summary="print the line that installs it"),
}


@click.group(cls=LazyGroup, lazy=_TABLE)
def udev() -> None:
    """Give the person at this machine access to devices on Linux."""


@click.command(cls=DeviceCommand)
def show() -> Report:
    """Print the rule file, as `tally udev install` would install it."""
    text = rule.rule_text()
    return Report(schema="udev.show", data={"name": rule.RULE_NAME, "rule": text}, lines=text.splitlines())


@click.command(cls=DeviceCommand)
@click.option("--root", type=click.Path(path_type=Path), default=Path("/"), help="look below this directory")
def check(root: Path) -> Report:
    """Tell whether the rule, or another for the same devices, is installed. Needs no rights; exit code 4 when none is."""
    status = rule.check(root)
    is_enough = status.state in {rule.RuleState.INSTALLED, rule.RuleState.FOREIGN}
    lines = [
        status.words,
        *(f"  {path}" for path in ([status.path] if status.path.exists() else []) + [*status.others]),
    ]
    if status.state is not rule.RuleState.INSTALLED:
        lines += ["To install it, run:", f"  {rule.sudo_line()}"]
    return Report(
        schema="udev.check",
        data={
            "state": status.state.value,
            "path": str(status.path),
            "others": [str(path) for path in status.others],
            "install": rule.sudo_line(),
        },
        lines=lines,
        exit_code=ExitCode.DONE if is_enough else ExitCode.BUSY,
    )


@click.command(cls=DeviceCommand)
@click.option("--root", type=click.Path(path_type=Path), help="write the rule below this directory, as packagers do")
def install(root: Path | None) -> Report:
    """Print the line that installs the rule. It needs root, and this program does not become root by itself."""
    if root is None:
        return Report(
            schema="udev.install",
            data={"installed": None, "install": rule.sudo_line()},
            lines=("Run this line, then plug the device in again:", f"  {rule.sudo_line()}"),
        )
    path = rule.install(root)
    return Report(
        schema="udev.install",
        data={"installed": str(path), "install": rule.sudo_line()},
        lines=(f"Wrote {path}.",),
    )
