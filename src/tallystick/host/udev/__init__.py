"""The udev rule that lets a user on Linux open devices: its text, whether it is in place, and how to put it there."""

from tallystick.host.udev.rule import RULE_NAME, RuleState, RuleStatus, check, install, rule_text, sudo_line

__all__ = ["RULE_NAME", "RuleState", "RuleStatus", "check", "install", "rule_text", "sudo_line"]
