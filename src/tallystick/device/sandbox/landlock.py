"""Landlock: no file, no TCP, no abstract socket and no signal beyond the process. A second layer, as far as the kernel has it.

Every right that the kernel's version knows is taken, and only a `Grant` gives any back. Descriptors that are open stay usable.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from dataclasses import dataclass

from tallystick.device.sandbox.kernel import Kernel

__all__ = ["NOTHING", "Grant", "abi", "coverage", "restrict", "ruleset"]

_VERSION = 1
#: rights on files by ABI: thirteen from the first on, then REFER (2), TRUNCATE (3), IOCTL_DEV (5)
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
#: bind and connect TCP
_NET_ABI, _NET_RIGHTS = 4, 0b11
#: abstract sockets and signals
_SCOPE_ABI, _SCOPES = 6, 0b11
_PATH_RULE, _PORT_RULE = 1, 2
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_CONNECT = 1 << 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a process gets back: files to read, or folders at any depth, and TCP ports to connect to."""

    readable: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()


NOTHING = Grant()


def abi(kernel: Kernel) -> int:
    """Return the version of Landlock this kernel has, 0 if none or switched off."""
    try:
        return kernel.call("landlock_create_ruleset", 0, 0, _VERSION)
    except OSError:
        return 0


def ruleset(version: int) -> bytes:
    """Return struct landlock_ruleset_attr that takes every right `version` knows, no longer than that version reads."""
    files = sum(rights for since, rights in _FILE_RIGHTS.items() if version >= since)
    if version >= _SCOPE_ABI:
        return struct.pack("=QQQ", files, _NET_RIGHTS, _SCOPES)
    if version >= _NET_ABI:
        return struct.pack("=QQ", files, _NET_RIGHTS)
    return struct.pack("=Q", files)


def coverage(version: int) -> str:
    """Return in words what `version` does not cover; empty if it covers everything we know of."""
    if version == 0:
        return "missing on this kernel"
    lacking = ["TCP"] if version < _NET_ABI else []
    if version < _SCOPE_ABI:
        lacking.append("abstract sockets and signals")
    return f"without {' and '.join(lacking)} (ABI {version})" if lacking else ""


def restrict(kernel: Kernel, version: int, grant: Grant = NOTHING) -> None:
    """Take every right from this process but what `grant` gives, for good; no_new_privs must be set.

    Raises:
        OSError: the kernel refused.

    """
    attributes = ruleset(version)
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    descriptor = kernel.call("landlock_create_ruleset", buffer, len(attributes), 0)
    try:
        for path in grant.readable:
            _let_read(kernel, descriptor, path)
        for port in grant.ports if version >= _NET_ABI else ():
            rule = ctypes.create_string_buffer(struct.pack("=QQ", _CONNECT, port), 16)
            kernel.call("landlock_add_rule", descriptor, _PORT_RULE, rule, 0)
        kernel.call("landlock_restrict_self", descriptor, 0)
    finally:
        os.close(descriptor)


def _let_read(kernel: Kernel, ruleset_fd: int, path: str) -> None:
    """Add the right to read a file, or what is below a folder; one that is not there needs none."""
    try:
        below = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        rights = _READ_FILE | _READ_FOLDER if stat.S_ISDIR(os.fstat(below).st_mode) else _READ_FILE
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, below), 12)
        kernel.call("landlock_add_rule", ruleset_fd, _PATH_RULE, rule, 0)
    finally:
        os.close(below)
