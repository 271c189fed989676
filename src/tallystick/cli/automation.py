"""The option `--automation` of commands that start a device."""

from __future__ import annotations


def read_automation(source: str) -> str:
    """Return the document of rules, empty for none, read once and checked, so that a fault in it shows before anything is started.

    `source` is a path, ``file:PATH`` or the JSON itself. Raises UsageError for what is no set of rules.
    """
    if not source:
        return ""
    from tallystick.ui.automation import automation_from_text, automation_text

    text = automation_text(source)
    automation_from_text(text)
    return text
