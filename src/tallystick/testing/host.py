"""Where the apps of a `VirtualDevice` run: Python apps in this process, native ones in one process beside it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from tallystick.app.inline import InlineHost
from tallystick.device.hil import RunningApp
from tallystick.device.sandbox.engine import engine_of_this_thread
from tallystick.wire.bundle import Bundle
from tallystick.wire.native import NativeImage
from tallystick.wire.syscall import DeviceInfo, Request

__all__ = ["EmbeddedHost"]


class EmbeddedHost:
    """Launches apps of an embedded device."""

    def __init__(self) -> None:
        self._inline = InlineHost()
        #: the emulated processor is an extra
        self.runs_native = find_spec("unicorn") is not None

    def launch(
        self,
        bundle: Bundle | NativeImage,
        info: DeviceInfo,
        *,
        on_request: Callable[[Request], None],
        on_end: Callable[[str], None],
    ) -> RunningApp:
        """Start the app of `bundle` up to its first request."""
        if isinstance(bundle, NativeImage):
            return engine_of_this_thread().launch(bundle, info, on_request=on_request, on_end=on_end)
        return self._inline.launch(bundle, info, on_request=on_request, on_end=on_end)
