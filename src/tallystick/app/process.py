"""The program of one app: a bundle, a coroutine, and a socket to the OS.

Whoever starts the process calls `prepare` with two descriptors, locks the process, and then runs what it got. The socket is
one end of a SOCK_SEQPACKET pair; the first message that comes is the DeviceInfo, then the app speaks first. It has nothing
else: no keys, no screen, no files. A request that the OS refuses to read ends the process from outside.

Nothing of the bundle is parsed or run before the lock. Behind it no module can be loaded from a file, so what an app may
import beyond the SDK is loaded in time, if the bundle's bytes name it.
"""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import importlib
import os
import socket
from collections.abc import Callable

from tallystick.app.loader import load
from tallystick.wire.bundle import MAX_BUNDLE, Bundle
from tallystick.wire.syscall import MAX_MESSAGE, DeviceInfo, Exit, Outcome

__all__ = ["ALWAYS", "ENCODINGS", "OFFERED", "prepare", "run"]

#: every app has these
ALWAYS = ("tallystick.app", "tallystick.crypto.bech32", "tallystick.crypto.hash")
#: encodings come from files as well; archives name their members in cp437
ENCODINGS = ("ascii", "cp437", "latin-1", "utf-8")
#: an app that names one of these has it: pure modules, nothing that reaches out of the process
OFFERED = (
    "base64",
    "bisect",
    "calendar",
    "datetime",
    "decimal",
    "fractions",
    "heapq",
    "statistics",
    "string",
    "tallystick.wire.buffer",
    "tallystick.wire.packet",
    "tallystick.wire.path",
    "tallystick.wire.tlv",
    "textwrap",
    "unicodedata",
)


def prepare(arguments: list[str]) -> Callable[[], int]:
    """Read the bundle and import what it may need; return the app's work. Arguments: descriptors of socket and bundle."""
    link_fd, bundle_fd = (int(argument) for argument in arguments)
    with os.fdopen(bundle_fd, "rb") as file:
        raw = file.read(MAX_BUNDLE + 1)
    for name in ALWAYS:
        importlib.import_module(name)
    for name in OFFERED:
        # members are stored as they are, so a name that is not among the bytes is in no import either
        if name.rpartition(".")[2].encode() in raw:
            with contextlib.suppress(ImportError):  # an image may lack it: then the app's own import says so
                importlib.import_module(name)
    for encoding in ENCODINGS:
        codecs.lookup(encoding)
    hashlib.sha256(b"").digest()  # the first hash reads the library's configuration

    # the socket stays open until the process is gone: its end and the exit status are there at once
    link = socket.socket(fileno=link_fd)

    def work() -> int:
        run(link, Bundle.from_bytes(raw))
        return 0

    return work


def run(link: socket.socket, bundle: Bundle) -> None:
    """Drive the app of `bundle` over `link` until it exits or the link closes."""
    info = DeviceInfo.from_bytes(link.recv(MAX_MESSAGE))
    program = load(bundle)(info)
    outcome: Outcome | None = None
    # memory for the longest message would be given and taken back for each
    room = memoryview(bytearray(MAX_MESSAGE + 1))
    while True:
        try:
            request = program.send(outcome)
        except StopIteration:
            link.send(Exit().to_bytes())  # without it the end of an app would look like its death
            link.recv(
                1
            )  # the OS ends it: one that is gone already cannot be looked at, and what it said would not count
            return
        link.send(request.to_bytes())
        answer = bytes(room[: link.recv_into(room)])
        if not answer:
            program.close()
            return
        outcome = Outcome.from_bytes(answer, request)
