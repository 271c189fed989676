"""The command line against a scripted device."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from scripted_device import ScriptedDevice

from tallystick.cli.main import tally
from tallystick.cli.target import Run


@pytest.fixture
def scripted() -> ScriptedDevice:
    """Return the device that every command of the test talks to."""
    return ScriptedDevice()


@pytest.fixture
def invoke(scripted: ScriptedDevice) -> Callable[..., Result]:
    """Run `tally` with words, in an environment of the test's own."""

    def run(*words: str, stdin: str | bytes | None = None, environ: dict[str, str] | None = None, **settings) -> Result:
        settings.setdefault("open_transport", lambda _address: scripted)
        settings.setdefault("running", lambda: ())
        return CliRunner().invoke(tally, list(words), input=stdin, obj=Run(environ=environ or {}, **settings))

    return run
