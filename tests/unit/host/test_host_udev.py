"""The udev rule: its text, finding it, installing it."""

from pathlib import Path

import pytest

from tallystick.errors import PermissionDenied
from tallystick.host import udev


def rules(root: Path, place: str = "etc") -> Path:
    """Return a rules directory below `root`, made."""
    folder = root / place / "udev/rules.d"
    folder.mkdir(parents=True)
    return folder


def test_rule_goes_by_vendor_id_and_gives_the_seat_access():
    """The rule names the vendor id and hidraw, no product id, and is numbered before the seat's rules."""
    lines = [line for line in udev.rule_text().splitlines() if line and not line.startswith("#")]
    assert sum('TAG+="uaccess"' in line for line in lines) == 3
    assert any('SUBSYSTEM=="hidraw"' in line and '"2c97"' in line for line in lines)
    assert "idProduct" not in udev.rule_text()
    assert udev.RULE_NAME < "73"


def test_rule_is_missing_then_installed(tmp_path):
    """On an empty system the rule is missing; after installing it is there."""
    assert udev.check(tmp_path).state is udev.RuleState.MISSING
    path = udev.install(tmp_path)
    assert path == tmp_path / "etc/udev/rules.d" / udev.RULE_NAME
    status = udev.check(tmp_path)
    assert (status.state, status.path) == (udev.RuleState.INSTALLED, path)


def test_rule_of_a_package_counts(tmp_path):
    """A rule that a distribution's package put below /usr/lib is as good."""
    (rules(tmp_path, "usr/lib") / udev.RULE_NAME).write_text(udev.rule_text())
    assert udev.check(tmp_path).state is udev.RuleState.INSTALLED


def test_changed_rule_is_outdated(tmp_path):
    """A file of our name with other text is told apart."""
    (rules(tmp_path) / udev.RULE_NAME).write_text("# old\n")
    assert udev.check(tmp_path).state is udev.RuleState.OUTDATED


def test_other_files_with_the_vendor_id_are_named(tmp_path):
    """Rules of another program may be enough, so they are named; unrelated rules are not."""
    folder = rules(tmp_path)
    (folder / "20-hw1.rules").write_text('ATTRS{idVendor}=="2C97", MODE="0666"\n')
    (folder / "99-other.rules").write_text('ATTRS{idVendor}=="1050"\n')
    status = udev.check(tmp_path)
    assert (status.state, status.others) == (udev.RuleState.FOREIGN, (folder / "20-hw1.rules",))
    assert status.words


def test_refused_writing_says_which_line_to_run(tmp_path):
    """Where we may not write, the error carries the line that may."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(PermissionDenied) as caught:
        udev.install(blocked)
    assert udev.sudo_line() in caught.value.remedy
