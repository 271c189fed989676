r"""What an app may import: the base class, system calls, scenes, and pure functions of `tallystick.crypto`.

A whole app::

    from tallystick.app import App, Reject, StatusWord, start_with

    class Hello(App):
        async def handle(self, raw: bytes) -> bytes:
            if raw[:2] != b"\x80\x01":
                raise Reject(StatusWord.INS_NOT_SUPPORTED)
            return b"hello"

    start = start_with(Hello)
"""

from tallystick.app.app import App, start_with
from tallystick.app.os import Os
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.install import Curve
from tallystick.wire.screen import Choice, Entry, Item, Menu, Notice, Progress, Review, ReviewKind, Tone
from tallystick.wire.status import Reject, StatusWord
from tallystick.wire.syscall import CallStatus, DeviceInfo, SyscallError

__all__ = [
    "App",
    "CallStatus",
    "Choice",
    "CommandApdu",
    "Curve",
    "DeviceInfo",
    "Entry",
    "Item",
    "Menu",
    "Notice",
    "Os",
    "Progress",
    "Reject",
    "Review",
    "ReviewKind",
    "StatusWord",
    "SyscallError",
    "Tone",
    "start_with",
]
