"""How locked programs are started: from the modules of this installation, or from an image in sealed memory.

Either way the first thing that runs is `entry`, which prepares the program, locks the process, and works.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from tallystick.device.boot.start import command
from tallystick.device.sandbox.role import Role

__all__ = ["Programs", "spawn_image"]


def spawn_image(prefix: Sequence[str], descriptors: Sequence[int]) -> Callable[..., subprocess.Popen[bytes]]:
    """Return how the self-test starts its prisoner out of an image: whatever module it names, the image's own runs."""

    def start(_module: str, arguments: Sequence[str], given: tuple[int, ...]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 -- our own interpreter, and bytes that were checked
            [*prefix, *arguments],
            pass_fds=(*descriptors, *given),
            env={},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    return start


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """A place programs come from; `descriptors` are the ones a child needs to find it."""

    prefix: tuple[str, ...]
    descriptors: tuple[int, ...] = ()

    @classmethod
    def of_installation(cls) -> Self:
        """Return the programs of the package that runs now."""
        return cls(prefix=(sys.executable, "-I", "-m", "tallystick.device.sandbox.installed_entry"))

    @classmethod
    def of_image(cls, image: int, handover: int) -> Self:
        """Return the programs of an image: two descriptors, of its sealed bytes and of its sealed hand-over."""
        return cls(prefix=tuple(command(image, handover)), descriptors=(image, handover))

    def start(
        self,
        role: Role,
        program: str,
        descriptors: Sequence[int],
        *,
        words: Sequence[str] = (),
        stdout: int = subprocess.DEVNULL,
        stderr: int = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        """Start `program` as `role`, with these descriptors and an empty environment; raise OSError when there is no room.

        The numbers of the descriptors are the program's arguments, and then the words.
        """
        arguments = [role.value, str(os.getpid()), program, *(str(number) for number in descriptors), *words]
        return subprocess.Popen(  # noqa: S603 -- our own interpreter, and bytes that were checked
            [*self.prefix, *arguments],
            pass_fds=(*descriptors, *self.descriptors),
            env={},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
