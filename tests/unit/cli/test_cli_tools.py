"""`tally udev`, `doctor`, `completion`, `panel`: the tools around the device."""

import json
import sys
from types import ModuleType

import pytest

from tallystick.cli.target import Run
from tallystick.host import udev
from tallystick.host.transport.discovery import Finder


class NoHid:
    """A hidapi with nothing plugged in."""

    def enumerate(self, vendor_id=0, product_id=0):
        """Return nothing."""
        return []


def test_rule_is_printed_as_it_is_installed(invoke):
    """`udev show` prints the file byte for byte, so that it can be piped into place."""
    assert invoke("udev", "show").stdout == udev.rule_text()
    assert json.loads(invoke("udev", "show", "--json").stdout)["rule"] == udev.rule_text()


def test_check_tells_the_state_and_the_line_that_mends_it(invoke, tmp_path):
    """A missing rule is exit code 4 with the line to run; an installed one is 0."""
    missing = invoke("udev", "check", "--root", str(tmp_path))
    assert missing.exit_code == 4
    assert udev.sudo_line() in missing.stdout
    assert invoke("udev", "install", "--root", str(tmp_path)).exit_code == 0
    found = invoke("udev", "check", "--root", str(tmp_path), "--json")
    assert found.exit_code == 0
    assert json.loads(found.stdout)["state"] == "installed"


def test_install_prints_the_line_and_changes_nothing(invoke):
    """Without a root directory nothing is written: the line is for the person to run."""
    answer = invoke("udev", "install", "--json")
    assert json.loads(answer.stdout) == {
        "schema": "tally.udev.install/1",
        "installed": None,
        "install": udev.sudo_line(),
    }
    assert "sudo" in invoke("udev", "install").stdout


def test_doctor_tells_versions_environment_and_problems(invoke, monkeypatch):
    """The report has the members a bug report needs, and names what is in the way."""
    monkeypatch.setattr(Run, "finder", lambda self: Finder(load_hid=NoHid, probe=lambda host, port: False))
    answer = invoke("doctor", "--json", environ={"LEDGER_PROXY_PORT": "9999"})
    members = json.loads(answer.stdout)
    assert answer.exit_code == 0
    assert set(members) == {
        "schema",
        "version",
        "python",
        "platform",
        "config_dir",
        "packages",
        "tools",
        "environment",
        "hid",
        "udev",
        "devices",
        "problems",
    }
    assert members["devices"] == []
    assert members["packages"]["click"]
    assert any("LEDGER_PROXY_PORT is set alone" in problem for problem in members["problems"])
    assert any("No device was found" in problem for problem in members["problems"])
    assert "Verdict:" in invoke("doctor").stdout


def test_doctor_sees_a_device_without_permission(invoke, monkeypatch):
    """A device on USB that this user may not open is named with what to do."""

    class OneHid:
        def enumerate(self, vendor_id=0, product_id=0):
            return [{"path": b"/dev/hidraw0", "interface_number": 0, "product_id": 0x5011, "serial_number": "1"}]

    monkeypatch.setattr(Run, "finder", lambda self: Finder(load_hid=OneHid, probe=lambda host, port: True))
    monkeypatch.setattr("tallystick.cli.doctor.may_open", lambda path: path != b"/dev/hidraw0")
    members = json.loads(invoke("doctor", "--json").stdout)
    assert members["devices"] == [
        {"url": "hid:1", "access": "denied"},
        {"url": "tcp:127.0.0.1:9999", "access": "open"},
    ]
    assert any("may not open hid:1" in problem for problem in members["problems"])


@pytest.mark.parametrize(
    ("address", "listening", "words"),
    [
        ("tcp:127.0.0.1:9", True, None),
        ("tcp:127.0.0.1:9", False, "Nothing listens at tcp:127.0.0.1:9"),
        ("http://127.0.0.1:9/apdu", False, "Nothing listens at http://127.0.0.1:9/apdu"),
        ("hid:7", True, "no device on USB fits hid:7"),
        ("nonsense", True, "not the address of a device"),
    ],
)
def test_doctor_looks_at_the_chosen_address(invoke, monkeypatch, address, listening, words):
    """What TALLY_DEVICE names is checked: whether it is an address, and whether somebody is there."""
    monkeypatch.setattr(Run, "finder", lambda self: Finder(load_hid=NoHid, probe=lambda host, port: listening))
    members = json.loads(invoke("doctor", "--json", environ={"TALLY_DEVICE": address}).stdout)
    named = [problem for problem in members["problems"] if address in problem]
    assert len(named) == (words is not None)
    assert words is None or words in named[0]


def test_doctor_survives_a_wrong_environment(invoke):
    """Nonsense in the proxy variables is a finding, not the end."""
    environ = {"LEDGER_PROXY_ADDRESS": "10.0.0.1", "LEDGER_PROXY_PORT": "x"}
    answer = invoke("doctor", "--json", environ=environ)
    assert answer.exit_code == 0
    assert any("LEDGER_PROXY" in problem for problem in json.loads(answer.stdout)["problems"])


@pytest.mark.parametrize(
    ("shell", "marks"),
    [
        ("bash", ("complete -o nosort -F", "_TALLY_COMPLETE=bash_complete")),
        ("zsh", ("#compdef tally", "_TALLY_COMPLETE=zsh_complete")),
        ("fish", ("complete --no-files --command tally", "_TALLY_COMPLETE=fish_complete")),
    ],
)
def test_completion_script_calls_tally_back(invoke, shell, marks):
    """Each shell gets a script in its own language that asks tally for the words."""
    text = invoke("completion", shell).stdout
    assert all(mark in text for mark in marks)
    assert json.loads(invoke("completion", shell, "--json").stdout)["shell"] == shell


def test_unknown_shell_is_a_usage_error(invoke):
    """A shell without a script is refused."""
    assert invoke("completion", "tcsh").exit_code == 2


def test_words_are_completed_from_the_tables():
    """Nouns, verbs and options are offered for what has been typed."""
    from click.shell_completion import ShellComplete

    from tallystick.cli.main import tally

    complete = ShellComplete(tally, {}, "tally", "_TALLY_COMPLETE")
    assert [item.value for item in complete.get_completions([], "co")] == ["cosmos", "completion"]
    words = ["list", "install", "remove", "update", "open", "quit", "build", "run", "pack", "info"]
    assert [item.value for item in complete.get_completions(["app"], "")] == words
    assert "--device" in [item.value for item in complete.get_completions(["device", "info"], "--d")]


def test_panel_hands_its_url_over(invoke, monkeypatch):
    """The terminal panel gets the URL of the device's page."""
    seen = []
    monkeypatch.setattr("tallystick.cli.panel.is_terminal", lambda: True)
    module = ModuleType("tallystick.ui.terminal")
    module.run = seen.append
    monkeypatch.setitem(sys.modules, "tallystick.ui.terminal", module)
    assert invoke("panel").exit_code == 0
    assert invoke("panel", "--url", "http://127.0.0.1:1").exit_code == 0
    assert seen == ["http://127.0.0.1:5000", "http://127.0.0.1:1"]


def test_panel_names_the_extra_that_is_missing(invoke, monkeypatch):
    """Without Textual the error says what to install."""

    def missing(_name):
        raise ImportError("no", name="textual")

    monkeypatch.setattr("tallystick.cli.panel.is_terminal", lambda: True)
    monkeypatch.setattr("tallystick.cli.panel.import_module", missing)
    answer = invoke("panel")
    assert answer.exit_code == 2
    assert "tallystick[ui]" in answer.stderr


def test_panel_without_a_terminal_points_to_the_page(invoke):
    """Nothing is drawn into a pipe; the error names the page to open instead."""
    answer = invoke("panel", "--url", "http://127.0.0.1:1")
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert "open http://127.0.0.1:1 in a browser" in answer.stderr
