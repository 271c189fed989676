"""The hand-over from stage to stage, and the start of a checked image in a fresh interpreter (secure-world 2.2).

An image is started as ``python -I -S -B -X pycache_prefix=… /proc/self/fd/N HANDOVER …``: isolated, without site packages, from
sealed memory, and with no cache of compiled code that anybody else could write. HANDOVER is the number of another sealed
descriptor with what the next stage is told; further arguments are the board's.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from tallystick.device.boot.memory import sealed_memfd

#: how a stage ends that refuses to go on
BOOT_FAILURE = 78
#: a folder that cannot be: compiled code comes from images alone
_NO_CACHE = "pycache_prefix=/dev/null/none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """What one stage tells the next: the state of the boot, the slot, minimums by role, folders, stages so far.

    `libraries` is the folder of the installed packages, `flash` the one of the device's flash, `normal_world` the SHA-256 (hex)
    that the configuration names, `bootloader` the security version of the one that ran; `key_table` (hex) and `revoked` are the
    fuses', for a look at what is to be installed; `jig` the descriptor on which a failure is told, -1 for none; `sealed` what was compared and sealed already: SHA-256 as hex to descriptor,
    for `become` alone, which keeps descriptors. It is written by a stage that was checked, into sealed memory; nothing in it is
    believed that could be checked instead.
    """

    libraries: str
    state: str = "open"
    slot: str = ""
    flash: str = ""
    minimum: Mapping[str, int] = field(default_factory=dict)
    normal_world: str = ""
    bootloader: int = 0
    key_table: str = ""
    revoked: int = 0
    jig: int = -1
    stages: Sequence[Mapping[str, Any]] = ()
    sealed: Mapping[str, int] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Return it as JSON."""
        return json.dumps(
            {
                "libraries": self.libraries,
                "state": self.state,
                "slot": self.slot,
                "flash": self.flash,
                "minimum": dict(self.minimum),
                "normal_world": self.normal_world,
                "bootloader": self.bootloader,
                "key_table": self.key_table,
                "revoked": self.revoked,
                "jig": self.jig,
                "stages": [dict(stage) for stage in self.stages],
                "sealed": dict(self.sealed),
            }
        ).encode()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read what the stage before wrote; what only a newer stage knows of is left out, for images outlive each other."""
        told = json.loads(raw)
        return cls(**{name: told[name] for name in cls.__slots__ if name in told})

    def seal(self) -> int:
        """Return a descriptor of sealed memory that holds it."""
        return sealed_memfd("handover", self.to_bytes())


def command(image: int, handover: int, *arguments: str) -> list[str]:
    """Return the command line of an image in descriptor `image`; both descriptors must be inheritable."""
    return [sys.executable, "-I", "-S", "-B", "-X", _NO_CACHE, f"/proc/self/fd/{image}", str(handover), *arguments]


def become(image: int, handover: Handover, *arguments: str) -> None:
    """Replace this process by the image: same process, nothing of it left but these descriptors and those made inheritable."""
    told = handover.seal()
    for descriptor in (image, told, *handover.sealed.values()):
        os.set_inheritable(descriptor, True)  # noqa: FBT003 -- the signature of os
    os.execve(sys.executable, command(image, told, *arguments), {})  # noqa: S606 -- no shell, and the bytes were checked


def received() -> Handover:
    """Return what this image was told, in its first argument, and take that argument off ``sys.argv``."""
    with os.fdopen(int(sys.argv.pop(1)), "rb") as file:
        # whoever was started from this descriptor before has moved its position
        return Handover.from_bytes(os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0))


def tell_failure(jig: int, words: str) -> None:
    """Tell the bench why a slot does not start, in one message; a bench that has let go, or is none (-1), hears nothing."""
    if jig >= 0:
        with suppress(OSError):
            os.write(jig, json.dumps({"boot_failure": words}).encode())


def member(name: str) -> bytes:
    """Return a member of the running image; raise OSError when it has none of the name."""
    loader = sys.modules["__main__"].__loader__
    if loader is None or not hasattr(loader, "get_data"):
        raise OSError("this process runs no image")
    data: bytes = loader.get_data(f"{sys.path[0]}/{name}")
    return data
