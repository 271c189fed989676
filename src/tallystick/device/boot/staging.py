"""An update on its way: what has come of a new release, kept beside the slots until it is whole (wire-protocol I).

Three steps bring a release: its small artefacts, the Normal World, the Secure World, which may come with the first. None of them
touches a slot before the last: then everything is checked together as the boot will check it, and goes into the slot not in use as any update does
(`tallystick.device.boot.slot`). So cut off anywhere, the old release starts, and what has come is still there.

Records: ``update.osu`` (the package of the first step), ``update.normal-world``, and ``update``, which is written last, names
the others by their hashes, and alone says that there is an update. It is removed first. After the new release has reached
READY the record is about what runs: then the update is over, and its consequences are carried out before it is forgotten.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from tallystick.device.boot.bootloader import Bootloader
from tallystick.device.boot.chain import check_slot
from tallystick.device.boot.explain import BootFailure, Chain
from tallystick.device.boot.image import Expectation, VerifiedImage
from tallystick.device.boot.library import Places
from tallystick.device.boot.pending import NotNewer, Pending, Running
from tallystick.device.boot.rom import Rom
from tallystick.device.boot.slot import MARK, Artefacts, Slots
from tallystick.device.hil import Flash
from tallystick.device.silicon.fuses import FuseState
from tallystick.errors import RemoteProtocolError, StateError, TrustError
from tallystick.wire.firmware import CONFIG_KEY, BootConfig, ImageRole
from tallystick.wire.firmware_package import FirmwarePackage, PackageKind
from tallystick.wire.model import version_key
from tallystick.wire.strict_json import Fields, strict_json

_OSU = f"{MARK}.osu"
_NORMAL_WORLD = f"{MARK}.normal-world"
_NAMES = frozenset(("package", "config", "normal_world", "version", "manager"))
_DIGEST = re.compile(r"[0-9a-f]{64}")
_KEY = re.compile(r"04[0-9a-f]{128}")
_VERSION = re.compile(r"[0-9a-z.-]{5,32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """The record: SHA-256 (hex) of package, configuration and Normal World, the version that comes, the manager's key (hex)."""

    package: str
    config: str
    normal_world: str
    version: str
    manager: str

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        fields = Fields(strict_json(raw, "update", limit=1024), _NAMES, "update")
        return cls(
            package=fields.text("package", _DIGEST),
            config=fields.text("config", _DIGEST),
            normal_world=fields.text("normal_world", _DIGEST),
            version=fields.text("version", _VERSION),
            manager=fields.text("manager", _KEY),
        )

    def to_bytes(self) -> bytes:
        return json.dumps({name: getattr(self, name) for name in sorted(_NAMES)}).encode() + b"\n"


@dataclass(slots=True, kw_only=True)
class Staging:
    """The update in `flash` of a device that runs `running`. `fuses` tells what is burnt now; `places` is the interpreter's.

    Raises StateError, with the device as it was, when the flash does not take what is written.
    """

    flash: Flash
    running: Running
    fuses: Callable[[], FuseState]
    places: Places
    now_s: Callable[[], float]
    _slots: Slots = field(init=False)

    def __post_init__(self) -> None:
        self._slots = Slots(self.flash)
        if self._mark() is None:
            self._sweep()

    @property
    def is_over(self) -> bool:
        """Whether the release that runs is the one that was on its way."""
        mark = self._mark()
        return mark is not None and mark.config == self._running_config()

    @property
    def pending(self) -> Pending | None:
        """What is on its way, or None."""
        mark = self._mark()
        if mark is None or mark.config == self._running_config():
            return None
        if mark.normal_world == self.running.normal_world:
            mcu_version = self.running.mcu_version
        else:
            world = self._staged_world(mark)
            mcu_version = "" if world is None else world.header.version
        return Pending(version=mark.version, manager=bytes.fromhex(mark.manager), mcu_version=mcu_version)

    def look(self, raw: bytes) -> BootConfig:
        """Check the package of the first step as the boot will, as far as it goes; return the configuration of the release.

        Raises:
            NotNewer: it is older than what runs, or the same.
            TrustError: the boot would refuse it.

        """
        taken, fuses = _first(raw), self.fuses()
        # what is genuine and too old is told apart from what is not genuine, so the least versions come after the signatures
        ageless = replace(fuses, minimum=dict.fromkeys(ImageRole, 0))
        chain = Chain(now_s=self.now_s)
        try:
            image = Rom(ageless).check(
                chain,
                key_table=taken["key_table"],
                image=taken["bootloader"],
                signature=taken["bootloader_signature"],
            )
            loader = Bootloader(key=image.public_key(CONFIG_KEY), minimum=ageless.minimum, places=self.places)
            config = loader.read(chain, config=taken["config"], signature=taken["config_signature"])
        except BootFailure as failure:
            raise TrustError(f"the update would not start: {failure.reason}") from failure
        world = taken.get("secure_world")
        if world is not None and hashlib.sha256(world).digest() != config.digest:
            raise TrustError("the Secure World is not the one that the release names")
        found = {
            ImageRole.BOOTLOADER: image.header.security_version,
            ImageRole.SECURE_WORLD: config.security_version,
        }
        if any(number < fuses.minimum[role] for role, number in found.items()):
            raise NotNewer(f"security version {config.security_version} is below what this device has run")
        if version_key(config.version) < version_key(self.running.version):
            raise NotNewer(f"version {config.version} is older than {self.running.version}")
        if hashlib.sha256(taken["config"]).hexdigest() == self._running_config():
            raise NotNewer(f"version {config.version} is the one that runs")
        return config

    def begin(self, raw: bytes, *, manager: bytes) -> Pending:
        """Take the package of the first step, in place of any other that was on its way; raise as `look` does.

        `manager` is the static key (65 bytes) of whom it came from. When nothing is missing, the last step is done, too.
        """
        config = self.look(raw)
        mark = _Mark(
            package=hashlib.sha256(raw).hexdigest(),
            config=hashlib.sha256(_first(raw)["config"]).hexdigest(),
            normal_world=config.normal_world.hex(),
            version=config.version,
            manager=manager.hex(),
        )
        self.flash.remove(MARK)
        self.flash.write(_OSU, raw)
        if self._staged_world(mark) is None:
            self.flash.remove(_NORMAL_WORLD)
        self.flash.write(MARK, mark.to_bytes())
        try:
            return self._settled(raw)
        except TrustError:
            self.forget()
            raise

    def put_normal_world(self, raw: bytes) -> Pending:
        """Take the package of the second step: the one Normal World that the release names; raise TrustError for others.

        If the Secure World came with the first step, the last one is done, too.
        """
        mark = self._mark()
        if mark is None or self.pending is None:
            raise TrustError("no update is on its way")
        world = _artefacts(raw, PackageKind.MCU)["normal_world"]
        _world(world, mark, minimum=self.fuses().minimum[ImageRole.NORMAL_WORLD])
        self.flash.write(_NORMAL_WORLD, world)
        return self._settled(self.flash.read(_OSU) or b"")

    def finish(self, raw: bytes) -> str:
        """Take the package of the last step: check everything as the boot will, fill the other slot, put it on trial; return its name.

        The update stays on its way until the new release has reached READY. Raises TrustError with nothing written.
        """
        return self._finish(_artefacts(raw, PackageKind.FINAL))

    def _settled(self, first: bytes) -> Pending:
        """Return what is on its way, after the last step if nothing is missing for it."""
        pending = self._pending()
        taken = _first(first)
        if pending.has_normal_world and "secure_world" in taken:
            self._finish({"secure_world": taken["secure_world"]})
        return pending

    def _finish(self, last: Mapping[str, bytes]) -> str:
        mark, first = self._mark(), self.flash.read(_OSU) or b""
        if mark is None or self.pending is None or hashlib.sha256(first).hexdigest() != mark.package:
            raise TrustError("no update is on its way")
        artefacts = Artefacts(**{**_first(first), "normal_world": self._normal_world(mark), **last})
        try:
            check_slot(artefacts, fuses=self.fuses(), places=self.places, chain=Chain(now_s=self.now_s))
        except BootFailure as failure:
            raise TrustError(f"the update would not start: {failure.reason}") from failure
        return self._slots.install(artefacts)

    def forget(self) -> None:
        """Forget the update, because the owner cancelled it or because it is over and done with."""
        self.flash.remove(MARK)
        self._sweep()

    def _pending(self) -> Pending:
        pending = self.pending
        if pending is None:
            raise StateError("the flash does not hold the update", remedy="try it again; the device is as it was")
        return pending

    def _mark(self) -> _Mark | None:
        """Return the record; one that cannot be read is none: the old release runs, and the update can begin again."""
        raw = self.flash.read(MARK)
        try:
            return None if raw is None else _Mark.from_bytes(raw)
        except RemoteProtocolError:
            return None

    def _running_config(self) -> str:
        return hashlib.sha256(self._slots.read(self.running.slot, only=("config",)).config).hexdigest()

    def _staged_world(self, mark: _Mark) -> VerifiedImage | None:
        raw = self.flash.read(_NORMAL_WORLD)
        try:
            return None if raw is None else _world(raw, mark, minimum=0)
        except TrustError:
            return None

    def _normal_world(self, mark: _Mark) -> bytes:
        if mark.normal_world == self.running.normal_world:
            return self._slots.read(self.running.slot, only=("normal_world",)).normal_world
        return self.flash.read(_NORMAL_WORLD) or b""

    def _sweep(self) -> None:
        for name in self.flash.names():
            if name == MARK or name.startswith(f"{MARK}."):
                self.flash.remove(name)


def _first(raw: bytes) -> Mapping[str, bytes]:
    return _artefacts(raw, PackageKind.OSU, PackageKind.WHOLE)


def _artefacts(raw: bytes, *kinds: PackageKind) -> Mapping[str, bytes]:
    try:
        package = FirmwarePackage.from_bytes(raw)
    except RemoteProtocolError as error:
        raise TrustError(f"the package cannot be read: {error.message}") from error
    if package.kind not in kinds:
        raise TrustError("the package is for another step")
    return package.artefacts


def _world(raw: bytes, mark: _Mark, *, minimum: int) -> VerifiedImage:
    """Return the Normal World that the release names; raise TrustError for any other, also for one of another role."""
    expect = Expectation(role=ImageRole.NORMAL_WORLD, minimum=minimum)
    try:
        return VerifiedImage.by_digest(raw, bytes.fromhex(mark.normal_world), size_bytes=len(raw), expect=expect)
    except RemoteProtocolError as error:
        raise TrustError("the Normal World says nothing of itself") from error
