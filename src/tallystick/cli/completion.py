"""`tally completion`: the script by which a shell completes commands, options and values."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from tallystick.cli.command import DeviceCommand
from tallystick.cli.render import Report
from tallystick.errors import UsageError

SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_TALLY_COMPLETE"


def script(shell: str, command: click.Command) -> str:
    """Return the completion script of `shell` for `command`; raise UsageError for a shell that is not in `SHELLS`."""
    completer = get_completion_class(shell)
    if shell not in SHELLS or completer is None:
        raise UsageError(f"no completion for {shell!r}", remedy=f"choose one of {', '.join(SHELLS)}")
    maker = completer(command, {}, "tally", _VARIABLE)
    # not maker.source(): that starts the shell to ask for its version, and a packager's machine need not have it
    return maker.source_template % maker.source_vars()


@click.command(cls=DeviceCommand)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> Report:
    """Print the completion script of SHELL.

    bash: tally completion bash > ~/.local/share/bash-completion/completions/tally;
    zsh: tally completion zsh > a directory of $fpath, named _tally;
    fish: tally completion fish > ~/.config/fish/completions/tally.fish.
    """
    text = script(shell, click.get_current_context().find_root().command)
    return Report(schema="completion", data={"shell": shell, "script": text}, lines=text.splitlines())
