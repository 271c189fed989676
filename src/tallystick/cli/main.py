"""`tally`: the table of nouns, and the one place where errors become words and exit codes."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from tallystick import __version__
from tallystick.cli.command import Lazy, LazyGroup, shared_options
from tallystick.cli.exit import ExitCode, code_of
from tallystick.cli.render import Report, error_lines, error_to_json, show, to_json
from tallystick.cli.target import Run
from tallystick.errors import TallyError, UsageError

_TABLE = {
    "up": Lazy(target="tallystick.cli.up:up", summary="start a device and leave it running"),
    "emulate": Lazy(
        target="tallystick.cli.emulate:emulate", summary="run one native app, with the options of Speculos"
    ),
    "demo": Lazy(target="tallystick.cli.demo:demo", summary="a short tour with a device of its own"),
    "panel": Lazy(
        target="tallystick.cli.panel:panel", summary="show a running device's screen and buttons in the terminal"
    ),
    "device": Lazy(
        target="tallystick.cli.device:device", summary="list devices, look at one, check it, give it a name"
    ),
    "app": Lazy(target="tallystick.cli.app:app", summary="list, install, update, remove, open and quit apps"),
    "firmware": Lazy(
        target="tallystick.cli.firmware:firmware", summary="what a device runs, updating it, checking releases"
    ),
    "cosmos": Lazy(
        target="tallystick.cli.cosmos:cosmos", summary="addresses, signatures and transactions of Cosmos chains"
    ),
    "transfer": Lazy(
        target="tallystick.cli.transfer:transfer", summary="a private key that moves from device to device"
    ),
    "owner": Lazy(
        target="tallystick.cli.owner:owner", summary="attestation keys for devices, and who vouches for them"
    ),
    "attest": Lazy(target="tallystick.cli.attest:attest", summary="verify what devices and their apps proved"),
    "apdu": Lazy(target="tallystick.cli.apdu:apdu", summary="send raw APDUs, or play a log again"),
    "factory": Lazy(
        target="tallystick.cli.factory:factory", summary="make keys, build and sign images, provision devices"
    ),
    "manager": Lazy(target="tallystick.cli.manager:manager", summary="the service behind devices, and its keys"),
    "udev": Lazy(target="tallystick.cli.udev:udev", summary="the rule that gives access to devices on Linux"),
    "doctor": Lazy(target="tallystick.cli.doctor:doctor", summary="tell everything that a bug report needs"),
    "completion": Lazy(target="tallystick.cli.completion:completion", summary="print the completion script of a shell"),
}


class Tally(LazyGroup):
    """The root group: renders what a command returns, and turns what it raises into words and an exit code."""

    def main(  # type: ignore[override]  # the overloads of click say which calls return; this one never does
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Run the command line and exit; `obj` may bring a `Run` of the caller's making."""
        run = extra.pop("obj", None) or Run()
        words = sys.argv[1:] if args is None else args
        extra.pop("standalone_mode", None)
        try:
            code = _finish(run, super().main(words, prog_name, standalone_mode=False, obj=run, **extra))
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            code = ExitCode.USAGE
        except (click.exceptions.Abort, KeyboardInterrupt):
            code = _interrupted(run)
        except click.ClickException as error:
            # the line may be wrong before the option is read
            run.is_json = run.is_json or "--json" in words
            code = _complain(run, UsageError(error.format_message(), remedy=_hint(error)))
        except TallyError as error:
            code = _complain(run, error)
        except BrokenPipeError:
            # whoever read our output has left; Python must not complain about it once more while it ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = ExitCode.UNEXPECTED
        except Exception as error:  # noqa: BLE001 - the one place that turns the unexpected into words
            code = _unexpected(run, error)
        finally:
            run.close()
        sys.exit(code)


@click.group(
    cls=Tally,
    lazy=_TABLE,
    params=shared_options(),
    help="An open hardware wallet: start a device, talk to it, and look after it.",
    epilog="Start with: tally demo. The page of a running device is at http://127.0.0.1:5000.",
)
@click.version_option(__version__, "--version", prog_name="tally", message="%(prog)s %(version)s")
def tally() -> None:
    """Everything happens in the commands."""


def main() -> NoReturn:
    """Run `tally` with the arguments of the process."""
    tally.main(prog_name="tally")


def _finish(run: Run, value: object) -> int:
    if isinstance(value, Report):
        if run.is_json or run.is_json_lines:
            click.echo(to_json(value))
        else:
            show(value, stream=sys.stdout)
        return value.exit_code
    # what click returns for --help and --version, and what a command of its own kind chose
    return value if isinstance(value, int) else ExitCode.DONE


def _complain(run: Run, error: TallyError) -> int:
    if run.is_debug:
        traceback.print_exc()
    if run.is_json or run.is_json_lines:
        click.echo(error_to_json(error))
    else:
        for line in error_lines(error):
            click.echo(line, err=True)
    return code_of(error)


def _interrupted(run: Run) -> int:
    error = TallyError("interrupted", remedy=_state_of_device(run))
    error.code = "interrupted"
    return _complain(run, error)


def _state_of_device(run: Run) -> str:
    if run.session is None:
        return "nothing was in hand with a device"
    if run.session.is_waiting:
        return "the device may still show the request: reject it there; nothing happens without your approval"
    return "the device had answered everything it was sent: nothing is pending there"


def _unexpected(run: Run, error: Exception) -> int:
    text = f"unexpected: {type(error).__name__}: {error}"
    remedy = "run it again with --debug and report it, with the output of `tally doctor`"
    complaint = TallyError(text, remedy=remedy)
    complaint.code = "unexpected"
    return _complain(run, complaint)


def _hint(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"see {context.command_path} --help" if context is not None else "see tally --help"
