"""`tally` itself: options, help, errors into words and exit codes, and what it does not load."""

import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from tallystick.cli.command import LazyGroup
from tallystick.cli.exit import ExitCode, code_of
from tallystick.cli.main import tally
from tallystick.cli.target import Run
from tallystick.errors import (
    AmbiguousDevice,
    DeviceBusy,
    DeviceNotFound,
    LocalProtocolError,
    PermissionDenied,
    RemoteProtocolError,
    StateCorrupt,
    StateLocked,
    TransportError,
    TransportTimeout,
    TrustError,
    UsageError,
)

ERRORS = [
    # docs/reference/cli.md, "Exit codes"
    (UsageError("u", remedy="r"), 2, "usage"),
    (DeviceNotFound("n", remedy="r"), 3, "no_device"),
    (DeviceBusy("b", remedy="r"), 4, "device_busy"),
    (PermissionDenied("p", remedy="r"), 4, "no_permission"),
    (StateLocked("s", remedy="r"), 4, "state_busy"),
    (AmbiguousDevice("a", candidates=["hid:1", "hid:2"], remedy="r"), 5, "ambiguous_device"),
    (TrustError("t", remedy="r"), 9, "not_trusted"),
    (TransportError("e", remedy="r"), 10, "transport_error"),
    (TransportTimeout("o", remedy="r"), 11, "timeout"),
    (RemoteProtocolError("x", remedy="r"), 1, "protocol_error"),
    (LocalProtocolError("y", remedy="r"), 1, "protocol_error"),
    (StateCorrupt("c", remedy="r"), 1, "state_corrupt"),
]

STATUSES = [
    ("5515", 6, "device_locked"),
    ("6d07", 6, "wrong_state"),
    ("6e00", 6, "wrong_state"),
    ("5501", 7, "refused_by_user"),
    ("6985", 7, "refused_by_user"),
    ("6807", 8, "not_found"),
    ("6700", 8, "refused_by_device"),
    ("1234", 8, "refused_by_device"),
    ("5720", 9, "not_trusted"),
]


@pytest.mark.parametrize(("error", "code", "word"), ERRORS, ids=lambda value: type(value).__name__)
def test_every_kind_of_error_has_its_exit_code(invoke, error, code, word):
    """Each error ends with its code, its words on stderr, or one JSON document on stdout."""

    def fail(_address):
        raise error

    plain = invoke("device", "info", open_transport=fail)
    assert (plain.exit_code, plain.stdout) == (code, "")
    assert plain.stderr == f"Error: {error.message}\nRemedy: r\n"
    machine = invoke("device", "info", "--json", open_transport=fail)
    members = json.loads(machine.stdout)
    assert machine.exit_code == code
    assert {"schema", "error", "message", "remedy", "exit_code"} <= set(members)
    assert (members["schema"], members["error"], members["exit_code"]) == ("tally.error/1", word, code)
    assert members.get("candidates") == getattr(error, "candidates", None)


@pytest.mark.parametrize(("status", "code", "word"), STATUSES)
def test_every_group_of_status_words_has_its_exit_code(invoke, scripted, status, code, word):
    """A refusal by the device ends with the code of its group, and names the status word."""
    scripted.forced[b"\xe0\xd4"] = bytes.fromhex(status)
    answer = invoke("device", "rename", "Other", "--json")
    members = json.loads(answer.stdout)
    assert (answer.exit_code, members["error"], members["status"]) == (code, word, status.upper())
    plain = invoke("device", "rename", "Other")
    assert status.upper() in plain.stderr
    assert "Remedy: " in plain.stderr


def test_codes_are_the_documented_ones():
    """The numbers are an interface."""
    assert [int(code) for code in ExitCode] == [*range(12), 130]
    assert code_of(UsageError("u")) is ExitCode.USAGE


def test_unexpected_error_is_told_without_a_traceback_unless_asked(invoke):
    """A bug ends with code 1 and the way to report it; --debug shows where."""

    def fail(_address):
        raise ZeroDivisionError("oops")

    answer = invoke("device", "info", open_transport=fail)
    assert answer.exit_code == 1
    assert "ZeroDivisionError: oops" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert "tally doctor" in answer.stderr
    assert "Traceback" in invoke("device", "info", "--debug", open_transport=fail).stderr
    assert json.loads(invoke("device", "info", "--json", open_transport=fail).stdout)["error"] == "unexpected"


def test_interrupt_while_the_device_waits_says_so(invoke, scripted):
    """Ctrl-C during a question ends with 130 and says that the device may still show it."""

    def interrupted(_timeout):
        raise KeyboardInterrupt

    scripted.receive = interrupted
    answer = invoke("device", "rename", "Other", "--json")
    members = json.loads(answer.stdout)
    assert (answer.exit_code, members["error"]) == (130, "interrupted")
    assert "may still show" in members["remedy"]
    assert scripted.closed == 1


def test_interrupt_between_requests_says_that_nothing_is_pending(invoke, monkeypatch):
    """Ctrl-C while no answer is owed says that nothing is pending at the device."""

    def interrupted(_action, on_step):
        raise KeyboardInterrupt

    monkeypatch.setattr("tallystick.cli.follow.result", interrupted)
    answer = invoke("app", "list")
    assert answer.exit_code == 130
    assert "nothing is pending" in answer.stderr


def test_interrupt_before_any_device_says_that_none_was_touched(invoke):
    """Ctrl-C before a device was found says so."""

    def fail(_address):
        raise KeyboardInterrupt

    answer = invoke("device", "info", open_transport=fail)
    assert answer.exit_code == 130
    assert "nothing was in hand" in answer.stderr


def test_usage_error_is_json_when_json_was_asked_for_anywhere_on_the_line(invoke):
    """Even a line that cannot be read is answered in the asked form."""
    answer = invoke("device", "info", "--nonsense", "--json")
    assert answer.exit_code == 2
    assert json.loads(answer.stdout)["error"] == "usage"
    assert "--help" in invoke("device", "nonsense").stderr


@pytest.mark.parametrize("words", [("--json", "device", "info"), ("device", "info", "--json")])
def test_shared_options_may_stand_before_or_after_the_command(invoke, words):
    """An option given before the noun counts as much as one after the verb."""
    assert json.loads(invoke(*words).stdout)["schema"] == "tally.device.info/1"


@pytest.mark.parametrize(
    ("words", "environ", "address"),
    [
        (("device", "info"), {}, None),
        (("device", "info"), {"TALLY_DEVICE": "tcp:a:1"}, "tcp:a:1"),
        (("device", "info", "--device", "tcp:b:2"), {"TALLY_DEVICE": "tcp:a:1"}, "tcp:b:2"),
        (("--device", "tcp:c:3", "device", "info"), {}, "tcp:c:3"),
    ],
)
def test_option_wins_over_the_environment(invoke, scripted, words, environ, address):
    """The address comes from --device, else from TALLY_DEVICE."""
    asked = []

    def opener(url):
        asked.append(url)
        return scripted

    assert invoke(*words, environ=environ, open_transport=opener).exit_code == 0
    assert asked == [address]


def test_proxy_of_the_environment_needs_both_variables():
    """LEDGER_PROXY_ADDRESS and _PORT count together, and nonsense in them is a usage error (wire-protocol A.5)."""
    both = {"LEDGER_PROXY_ADDRESS": "10.0.0.1", "LEDGER_PROXY_PORT": "9999"}
    assert Run(environ=both).finder().proxy == ("10.0.0.1", 9999)
    assert Run(environ={"LEDGER_PROXY_PORT": "9999"}).finder().proxy is None
    with pytest.raises(UsageError, match="LEDGER_PROXY_ADDRESS"):
        Run(environ={**both, "LEDGER_PROXY_PORT": "x"}).finder()


def test_timeout_option_limits_the_wait_for_a_person(invoke, scripted):
    """--timeout ends a wait that nobody ends, with code 11."""
    scripted.receive = lambda timeout_s: None
    answer = invoke("device", "rename", "Other", "--timeout", "0.001")
    assert answer.exit_code == 11


def test_quiet_still_names_the_gesture(invoke, scripted):
    """--quiet silences progress, not the gesture without which nothing goes on."""
    scripted.polls = 1
    assert "Confirm the new name" in invoke("device", "rename", "Other", "-q").stderr


def test_version_and_help_need_no_device(invoke):
    """--version and --help end with 0; a bare noun shows its help and ends with 2."""
    assert invoke("--version").stdout.startswith("tally ")
    for words in (("--help",), ("-h",), ("device", "-h")):
        assert invoke(*words).exit_code == 0
    bare = invoke("device")
    assert (bare.exit_code, "Commands:" in bare.stderr) == (2, True)


def commands(group: LazyGroup, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command, str]]:
    """Return every command below `group` with its words and the line that its group says about it."""
    found = []
    context = click.Context(group)
    for name, entry in group.lazy.items():
        command = group.get_command(context, name)
        found.append(((*path, name), command, entry.summary))
        if isinstance(command, LazyGroup):
            found += commands(command, (*path, name))
    return found


def test_every_command_of_the_tables_exists_and_explains_itself():
    """Each entry of each table can be loaded, has the name it is listed under, and a help text."""
    found = commands(tally)
    assert len(found) > 20
    for words, command, summary in found:
        assert command.name == words[-1], words
        assert command.help, words
        assert summary, words
        assert CliRunner().invoke(tally, [*words, "--help"]).exit_code == 0, words


def test_help_loads_none_of_the_heavy_packages():
    """Start-up stays quick because `tally --help` imports nothing that only some command needs."""
    code = (
        "import sys, tallystick.cli.main as m\n"
        "sys.argv = ['tally', '--help']\n"
        "try:\n    m.main()\nexcept SystemExit as end:\n    assert end.code in (0, None)\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in run.stderr.split()}
    heavy = {
        "cryptography",
        "coincurve",
        "httpx",
        "rich",
        "textual",
        "construct",
        "mnemonic",
        "starlette",
        "PIL",
        "hid",
    }
    assert loaded & heavy == set()
    assert "click" in loaded


def test_importing_the_package_loads_nothing():
    """`import tallystick` brings none of its rooms along."""
    code = "import sys, tallystick; print('\\n'.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [name for name in run.stdout.split() if name.startswith("tallystick.")] == []
    assert "click" not in run.stdout.split()


def test_reader_that_leaves_early_is_no_traceback():
    """`tally … | head -0` ends quietly."""
    code = (
        "import os, sys, tallystick.cli.main as m\n"
        "read, write = os.pipe(); os.close(read); os.dup2(write, 1)\n"
        "sys.argv = ['tally', 'udev', 'show']\n"
        "m.main()\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (1, "")
