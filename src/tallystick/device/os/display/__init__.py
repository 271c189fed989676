"""Scenes to frames, gestures to answers: the views of every model."""

from __future__ import annotations

from tallystick.device.os.display.factory import view_for
from tallystick.device.os.display.layout import Layout, layout_for
from tallystick.device.os.display.view import View

__all__ = ["Layout", "View", "layout_for", "view_for"]
