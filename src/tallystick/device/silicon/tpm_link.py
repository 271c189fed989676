"""The way to a TPM: the kernel's resource manager, or the socket of a TPM simulator. Both carry whole commands."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from tallystick.device.hil import KeyRefused
from tallystick.device.silicon.tpm_command import MAX_RESPONSE

#: making a primary key takes a slow chip seconds
TIMEOUT_S = 30.0
_SIZE_AT = slice(2, 6)


class TpmDevice:
    """A TPM behind a character device; it stays open, so that it works from within a sandbox. Raises KeyRefused."""

    def __init__(self, path: Path = Path("/dev/tpmrm0")) -> None:
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise KeyRefused(f"the TPM {path} cannot be used: {error.strerror}", remedy="check its group") from error

    def exchange(self, command: bytes) -> bytes:
        """Hand over a command and return the response; raise KeyRefused when the TPM is gone."""
        try:
            os.write(self._descriptor, command)
            return os.read(self._descriptor, MAX_RESPONSE)
        except OSError as error:
            raise KeyRefused(f"the TPM is gone: {error.strerror}") from error

    def close(self) -> None:
        """Let go of it."""
        os.close(self._descriptor)


class TpmSocket:
    """A TPM simulator behind the Unix socket `path`, which it calls its server socket. Raises KeyRefused."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(TIMEOUT_S)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise KeyRefused(f"there is no TPM at {path}: {error.strerror}", remedy="start the simulator") from error

    def exchange(self, command: bytes) -> bytes:
        """Hand over a command and return the response; raise KeyRefused when the simulator is gone."""
        try:
            self._socket.sendall(command)
            raw = self._take(6)
            return raw + self._take(min(int.from_bytes(raw[_SIZE_AT], "big"), MAX_RESPONSE) - len(raw))
        except OSError as error:
            raise KeyRefused("the TPM is gone") from error

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
