"""Optional third parties: say which extra to install instead of failing with a traceback."""

from __future__ import annotations

from importlib.util import find_spec

from tallystick.errors import UsageError

#: modules that each extra of the package brings, by the names they are imported under
EXTRAS = {
    "device": ("starlette", "uvicorn", "PIL", "segno"),
    "ui": ("textual",),
    "ble": ("dbus_fast",),
}
_WHAT = {"ble": "Bluetooth"}


def require_extra(extra: str) -> None:
    """Check that every module of the extra (`device`, `ui` or `ble`) can be imported.

    Raises:
        UsageError: one is missing; the remedy is the command that installs it.

    """
    missing = [name for name in EXTRAS[extra] if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"{_WHAT.get(extra, 'the front panel')} needs {', '.join(missing)}, which is not installed",
            remedy=f"pip install 'tallystick[{extra}]'",
        )
