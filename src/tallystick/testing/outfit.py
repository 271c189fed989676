"""What a device has before it is first switched on: the factory's certificate, recovery words, apps."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path

from tallystick import apps as catalogue
from tallystick.device.board.embedded import EmbeddedBoard
from tallystick.device.native.elf import Elf
from tallystick.device.native.image import image_from_elf
from tallystick.device.os.registry import InstalledApp
from tallystick.errors import UsageError
from tallystick.testing.client import DeviceClient
from tallystick.testing.factory import provision
from tallystick.testing.log import ApduLog
from tallystick.wire.bundle import Bundle
from tallystick.wire.image import AppImage
from tallystick.wire.install import InstallParameters
from tallystick.wire.panel import Frame

#: an app: its name in the catalogue, a bundle, the image of a native app, or the path of its ELF file
App = str | Bundle | AppImage | Path


def certify(board: EmbeddedBoard) -> None:
    """Give the device the certificate of the factory of tests, by a client that is gone when the test begins."""

    def carry(apdu: bytes) -> bytes:
        client = DeviceClient(
            relay=board.relay, number=0, log=ApduLog(), settle=lambda: None, frame=lambda: frame_of(board)
        )
        answer = client.exchange(apdu).to_bytes()
        client.close()
        return answer

    provision(carry)


def add_apps(board: EmbeddedBoard, apps: Iterable[App]) -> None:
    """Install the apps that the device has not got; raise UsageError for one that cannot be."""
    present = {app.name.lower() for app in board.system.session.registry.apps()}
    wanted = [app for app in map(_app, apps) if _name(app).lower() not in present]
    board.prepare(
        bundles=[app for app in wanted if isinstance(app, Bundle)],
        images=[app for app in wanted if isinstance(app, AppImage)],
    )


def install(board: EmbeddedBoard, app: App) -> InstalledApp:
    """Install an app as the factory does: nobody is asked."""
    found = _app(app)
    if isinstance(found, Bundle):
        return board.system.install(found)
    registry = board.system.session.registry
    registry.put(installed := registry.measure(found))
    return installed


def frame_of(board: EmbeddedBoard) -> Frame:
    """Return the screen as it is now; raise UsageError when the device is off."""
    frame = board.frame
    if frame is None:
        raise UsageError("the device is off")
    return frame


@cache
def _built_in(name: str) -> Bundle:
    return catalogue.bundle(name)


@lru_cache(maxsize=8)  # many devices have one app, as a rule
def _native(raw: bytes) -> AppImage:
    return image_from_elf(Elf.from_bytes(raw))


def _app(app: App) -> Bundle | AppImage:
    """Return what is installed: packed once for a process when it comes from the catalogue, and read from an ELF file."""
    if isinstance(app, Path):
        return _native(app.read_bytes())
    return _built_in(app.lower()) if isinstance(app, str) else app


def _name(app: Bundle | AppImage) -> str:
    return app.manifest.name if isinstance(app, Bundle) else InstallParameters.from_bytes(app.parameters).name
