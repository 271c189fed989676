"""Releases as scripts: their packages in the commands of the loader, signed for the device that asks (wire-protocol E, G.1, I).

The two steps through the channel are images of which the code is a package (`tallystick.wire.firmware_package`); their full hash
covers target id and version, so a signature made here is for one model and for the version that it runs. The Normal World goes
into the MCU's memory as it is, because its bytes are named by the release that the device has taken already.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final

from tallystick.errors import LocalProtocolError
from tallystick.manager.firmware.script import ScriptKind, StoredRelease
from tallystick.manager.flow import FlowError
from tallystick.manager.hsm.signer import Signer
from tallystick.wire.firmware import ARTEFACTS
from tallystick.wire.firmware_package import CONTENTS, FirmwarePackage, PackageKind
from tallystick.wire.image import AppFlag, AppImage, CreateApp, InstallParameters
from tallystick.wire.loader import Area, Boot, load_script, segment_script

#: where the memory of an MCU begins; hosts set bit 0 of what they start
MCU_BASE: Final = 0x08000000
_THUMB: Final = 1
_NAME: Final = "Firmware"
_MAX_VERSION: Final = 16
_KINDS: Final = {
    ScriptKind.OSU: PackageKind.OSU,
    ScriptKind.WHOLE: PackageKind.WHOLE,
    ScriptKind.MCU: PackageKind.MCU,
    ScriptKind.FINAL: PackageKind.FINAL,
}
#: packages that a worker keeps: deflating one takes as long as everything else about it
_KEPT: Final = 6


class PackageScripts:
    """The `ScriptSource` of this house's releases."""

    def __init__(self) -> None:
        self._packages: OrderedDict[tuple[bytes, ...], bytes] = OrderedDict()

    def commands(self, kind: ScriptKind, release: StoredRelease, *, software: Signer) -> Sequence[bytes]:
        """Return the contents of the commands of one step; raise FlowError when the release lacks a file, or is too large."""
        package = self._package(_KINDS[kind], release)
        if kind is ScriptKind.MCU:
            return tuple(_flash(package))
        image = firmware_image(package, version=release.version)
        digest = image.full_hash(release.target_id, release.runs)
        return tuple(load_script(image, signature=software.sign_digest(digest)))

    def _package(self, kind: PackageKind, release: StoredRelease) -> bytes:
        key = (bytes((kind,)), *(release.files.get(ARTEFACTS[name], b"") for name in CONTENTS[kind]))
        found = self._packages.get(key)
        if found is None:
            try:
                found = FirmwarePackage.of(kind, release.files).to_bytes()
            except LocalProtocolError as error:
                raise FlowError(error.message, remedy="publish the release again") from error
            self._packages[key] = found
            while len(self._packages) > _KEPT:
                self._packages.popitem(last=False)
        self._packages.move_to_end(key)
        return found


def firmware_image(package: bytes, *, version: str) -> AppImage:
    """Return the image that brings a package through the loader: firmware by its flag, with a name and a version."""
    parameters = InstallParameters(name=_NAME, version=version[:_MAX_VERSION]).to_bytes()
    create = CreateApp(
        code_length=len(package),
        data_length=0,
        parameters_length=len(parameters),
        flags=AppFlag.BOLOS_UPGRADE,
        boot_offset=_THUMB,
    )
    return AppImage(create=create, code=package, data=b"", parameters=parameters)


def _flash(package: bytes) -> Iterator[bytes]:
    yield from segment_script(Area(address=MCU_BASE, data=package))
    yield Boot(address=MCU_BASE | _THUMB).to_bytes()
