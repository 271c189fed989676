"""Click, bent to this house: groups that load nothing until it is needed, and options that may stand anywhere on the line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from tallystick.cli.target import Run

#: click's settings of every command
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lazy:
    """Where a command lives (``module:attribute``) and the one line that the list of commands says about it."""

    target: str
    summary: str


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, and listed without being imported."""

    def __init__(self, *, lazy: Mapping[str, Lazy], **settings: Any) -> None:
        settings.setdefault("context_settings", SETTINGS)
        super().__init__(**settings)
        self.lazy = dict(lazy)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return [*self.lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command, or None when there is none of this name."""
        entry = self.lazy.get(cmd_name)
        if entry is None:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = entry.target.partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry.target} is not a command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self.lazy.items()])


class DeviceCommand(click.Command):
    """A command about a device: takes the shared options beside its own."""

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("context_settings", SETTINGS)
        super().__init__(**settings)
        self.params = [*self.params, *shared_options()]


def shared_options() -> list[click.Parameter]:
    """Return the options that every command about a device takes; each writes what it was given into the run."""

    def option(*names: str, help_text: str, **settings: Any) -> click.Option:
        field = names[-1]
        return click.Option(names, expose_value=False, callback=_store(field), help=help_text, **settings)

    return [
        option(
            "--device",
            "device",
            metavar="URL",
            help_text="hid:, hid:SERIAL, tcp:HOST:PORT, http://… or ble:NAME; else TALLY_DEVICE decides",
        ),
        option("--ble", "is_ble", is_flag=True, help_text="the device that is heard over Bluetooth: as --device ble:"),
        option("--json", "is_json", is_flag=True, help_text="print one JSON document"),
        option("--json-lines", "is_json_lines", is_flag=True, help_text="print progress and result as lines of JSON"),
        option("-q", "--quiet", "is_quiet", is_flag=True, help_text="say nothing but the result"),
        option("-v", "--verbose", "verbosity", count=True, help_text="log every APDU on stderr, secrets excepted"),
        option(
            "--timeout",
            "timeout_s",
            type=click.FloatRange(min=0.001),
            metavar="SECONDS",
            help_text="give up when the device has not answered in time",
        ),
        option("--debug", "is_debug", is_flag=True, help_text="show a traceback with an error"),
    ]


def _store(field: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def callback(ctx: click.Context, _parameter: click.Parameter, value: Any) -> None:
        run = ctx.ensure_object(Run)
        # an option that is not on this part of the line must not undo what another part said
        if value:
            setattr(run, field, value)

    return callback
