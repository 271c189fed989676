"""The way to a TPM: the kernel's resource manager, or the socket of a TPM simulator. Both carry whole commands.

Which way is said as TPM tools say it: ``device:/dev/tpmrm0``, or ``swtpm:path=/absolute/path`` for a simulator. A way that
failed once stays shut: a late answer must not pass for the next one.
"""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path
from typing import Protocol

from tallystick.device.hil import KeyRefused
from tallystick.device.silicon.tpm_command import MAX_RESPONSE
from tallystick.errors import UsageError

#: making a primary key takes a slow chip seconds
TIMEOUT_S = 8.0
_SIZE_AT = slice(2, 6)
_DEVICE, _SIMULATOR = "device:", "swtpm:path="
DEFAULT = "device:/dev/tpmrm0"


class TpmGone(KeyRefused):
    """The TPM is not there, does not answer, or went away."""

    def __init__(self, message: str, *, remedy: str = "see that the TPM is there, and start the device again") -> None:
        super().__init__(message, remedy=remedy)


class TpmLink(Protocol):
    """A way to a TPM."""

    def exchange(self, command: bytes) -> bytes:
        """Hand over a command and return the response; raise TpmGone."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


def place_of(way: str) -> tuple[str, Path]:
    """Return the kind of a way (``device`` or ``swtpm``) and its absolute path; raise UsageError for what is none."""
    for prefix, kind in ((_DEVICE, "device"), (_SIMULATOR, "swtpm")):
        path = Path(way.removeprefix(prefix))
        if way.startswith(prefix) and path.is_absolute() and len(way) <= 4096:
            return kind, path
    raise UsageError(f"{way!r} is no way to a TPM", remedy=f"give {DEFAULT} or swtpm:path=/absolute/path")


def open_link(way: str) -> TpmLink:
    """Open a way to a TPM; raise TpmGone when there is none, UsageError for what is no way."""
    kind, path = place_of(way)
    return TpmDevice(path) if kind == "device" else TpmSocket(path)


class TpmDevice:
    """A TPM behind a character device; it stays open, so that it works from within a sandbox. Raises TpmGone."""

    def __init__(self, path: Path = Path("/dev/tpmrm0")) -> None:
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            remedy = "give the device another TPM, or none, or join the group that may use it"
            raise TpmGone(f"the TPM {path} cannot be used: {error.strerror}", remedy=remedy) from error

    def exchange(self, command: bytes) -> bytes:
        """Hand over a command and return the response; raise TpmGone."""
        try:
            os.write(self._descriptor, command)
            return os.read(self._descriptor, MAX_RESPONSE)
        except OSError as error:
            self.close()
            raise TpmGone(f"the TPM is gone: {error.strerror}") from error

    def close(self) -> None:
        """Let go of it."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class TpmSocket:
    """A TPM simulator behind the Unix socket `path`, which it calls its server socket. Raises TpmGone."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        # the kernel's own time-outs: a locked process must not poll, it may have no descriptor to count
        limit = struct.pack("@ll", int(TIMEOUT_S), 0)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self._socket.setsockopt(socket.SOL_SOCKET, option, limit)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise TpmGone(f"there is no TPM at {path}: {error.strerror}", remedy="start the simulator") from error

    def exchange(self, command: bytes) -> bytes:
        """Hand over a command and return the response; raise TpmGone."""
        try:
            self._socket.sendall(command)
            raw = self._take(6)
            return raw + self._take(min(int.from_bytes(raw[_SIZE_AT], "big"), MAX_RESPONSE) - len(raw))
        except OSError as error:
            self._socket.close()
            raise TpmGone("the TPM is gone") from error

    def close(self) -> None:
        """Let go of it."""
        self._socket.close()

    def _take(self, size_bytes: int) -> bytes:
        data = b""
        while len(data) < size_bytes:
            part = self._socket.recv(size_bytes - len(data))
            if not part:
                raise ConnectionResetError
            data += part
        return data
