"""Flows: what a manager does with a device, step by step, with no socket in sight (wire-protocol H.4).

A flow is a generator. It yields `Ask` (one APDU) and is sent the data of the device's answer; or `Sign`, where the key is one that
has to be waited for, and is sent the signature; or `Run` (many APDUs whose answers nobody waits for) as its last step. What it
returns is the result. It raises TallyError when it cannot go on.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from tallystick.errors import TallyError
from tallystick.wire.apdu import CommandApdu

#: what the last four characters of an error say where nothing better is known
UNKNOWN = 0x6F00
#: the person said no, or the device is locked
REFUSED = 0x6985
#: nothing of this name is offered
NOT_FOUND = 0x6A82
#: a signature or certificate does not hold
UNTRUSTED = 0x6300


@dataclass(frozen=True, slots=True)
class Ask:
    """Send one command and wait for its answer."""

    command: CommandApdu


@dataclass(frozen=True, slots=True)
class Sign:
    """Have the manager's signer sign the SHA-256 of `message`, and wait for the signature (DER, low s)."""

    message: bytes


@dataclass(frozen=True, slots=True)
class Run:
    """Send these commands, at least one; their answers are not seen."""

    commands: tuple[CommandApdu, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowResult:
    """What a flow found: `data` is text for the client, `result` a JSON value that wins over it."""

    data: str = ""
    result: Any = None


Step = Ask | Sign | Run
Flow = Generator[Step, bytes, FlowResult]


class FlowError(TallyError):
    """A flow cannot go on; `status` (16 bits) is what its error text ends in."""

    code = "flow_failed"

    def __init__(self, message: str, *, status: int = UNKNOWN, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.status = status
