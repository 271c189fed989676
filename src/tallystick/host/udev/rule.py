"""Check and install the udev rule (the how-to "udev"). Nothing here becomes root: who must be is told which line to run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique
from importlib.resources import files
from pathlib import Path

from tallystick.errors import PermissionDenied

RULE_NAME = "70-tallystick.rules"
#: where the rule is installed, below the root directory
_HOME = Path("etc/udev/rules.d")
#: where rules are read from, the strongest first
_PLACES = (_HOME, Path("run/udev/rules.d"), Path("usr/lib/udev/rules.d"), Path("lib/udev/rules.d"))
_VENDOR = "2c97"
_MAX_RULE_BYTES = 1 << 20


@unique
class RuleState(StrEnum):
    """Whether a user may be expected to have access."""

    INSTALLED = "installed"
    OUTDATED = "outdated"
    FOREIGN = "foreign"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleStatus:
    """What was found: `path` is our rule's place, `others` are other files that name the vendor id."""

    state: RuleState
    path: Path
    others: tuple[Path, ...]

    @property
    def words(self) -> str:
        """One sentence about the state."""
        return _WORDS[self.state]


_WORDS = {
    RuleState.INSTALLED: "The rule is installed.",
    RuleState.OUTDATED: "A rule of this name is installed, but its text is another one.",
    RuleState.FOREIGN: "Another file has rules for these devices; they may be enough.",
    RuleState.MISSING: "No rule for these devices is installed.",
}


def rule_text() -> str:
    """Return the rule file's text."""
    return files(__package__).joinpath(RULE_NAME).read_text("utf-8")


def sudo_line() -> str:
    """Return the one shell line that installs the rule and makes it count for devices that are plugged in already."""
    return (
        f"tally udev show | sudo tee /{_HOME / RULE_NAME} >/dev/null"
        " && sudo udevadm control --reload && sudo udevadm trigger --subsystem-match=usb --subsystem-match=hidraw"
    )


def check(root: Path = Path("/")) -> RuleStatus:
    """Look for the rule, or for others that name the vendor id, below `root`; needs no rights."""
    found = [root / place / RULE_NAME for place in _PLACES if (root / place / RULE_NAME).is_file()]
    others = tuple(
        path
        for place in _PLACES
        for path in sorted((root / place).glob("*.rules"))
        if path.name != RULE_NAME and _VENDOR in _read(path).lower()
    )
    if found:
        state = RuleState.INSTALLED if _read(found[0]) == rule_text() else RuleState.OUTDATED
    else:
        state = RuleState.FOREIGN if others else RuleState.MISSING
    return RuleStatus(state=state, path=found[0] if found else root / _HOME / RULE_NAME, others=others)


def install(root: Path) -> Path:
    """Write the rule below `root` and return its path; raises PermissionDenied when that is not allowed."""
    path = root / _HOME / RULE_NAME
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(rule_text(), encoding="utf-8")
    except OSError as error:
        raise PermissionDenied(
            f"cannot write {path}: {error.strerror or error}", remedy=f"run: {sudo_line()}"
        ) from error
    return path


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_RULE_BYTES).decode("utf-8", "replace")
    except OSError:
        # a rule we may not read is no rule we can say anything about
        return ""
