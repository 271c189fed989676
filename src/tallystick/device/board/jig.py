"""The jig: what the bench that holds a device says to it at power-on, and what it hears back.

The bench is the power supply and the cables: it says which model it holds, whether a button is pressed while power
comes, and for a test device its seed. It has no way to ask for a secret. One JSON object a message, on a SOCK_SEQPACKET
pair that only the bench and the Secure World hold.
"""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

from tallystick.errors import (
    RemoteProtocolError,
    StateCorrupt,
    StateError,
    StateLocked,
    TallyError,
    TrustError,
    UsageError,
)

if TYPE_CHECKING:  # what only the device needs is loaded where it is needed: whoever gives it power is in haste
    from tallystick.wire.events import Button

MAX_MESSAGE = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerOn:
    """Bench to device, once: how it is held. Descriptors are numbers in the device's process, -1 for none."""

    model: str
    hold: int = 0
    sequence: int = 0
    panel_fd: int = -1
    listener_fd: int = -1
    usb_fd: int = -1
    zemu_fd: int = -1
    ble_fd: int = -1
    bundle_fds: tuple[int, ...] = ()
    open_app: str = ""
    expert: bool = False
    seed: str = field(default="", repr=False)
    pin: str = field(default="", repr=False)
    pin_policy: str = "LEDGER"
    repeatable_rng: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    #: native apps of a test device tell their calls on standard error
    trace: bool = False

    def send(self, link: socket.socket) -> None:
        """Write it to the jig: what is as usual is not said, so that firmware that is older than a member can be held."""
        usual = asdict(type(self)(model="")) | {"bundle_fds": None}  # the first firmware wants to hear of these
        link.send(json.dumps({name: one for name, one in asdict(self).items() if one != usual[name]}).encode())

    @classmethod
    def receive(cls, link: socket.socket) -> Self:
        """Read it from the jig; raise RemoteProtocolError for anything else."""
        try:
            document = json.loads(link.recv(MAX_MESSAGE))
            return cls(**{**document, "bundle_fds": tuple(document.get("bundle_fds", ()))})
        except (ValueError, TypeError, KeyError) as error:
            raise RemoteProtocolError("the bench did not say how it holds the device") from error


def hold_of(number: int) -> Button:
    """Return the button of `PowerOn.hold`; raise RemoteProtocolError for a number that is none."""
    from tallystick.wire.events import Button

    for button in (Button.NONE, Button.LEFT, Button.RIGHT, Button.BOTH):
        if button.value == number:
            return button
    raise RemoteProtocolError("the bench holds a button that is not there")


def say(link: socket.socket, **message: Any) -> None:
    """Device to bench: `ready` with facts, `power` to be switched off and on, or `error` with words and remedy."""
    link.send(json.dumps(message).encode())


def complain(link: socket.socket, error: TallyError) -> None:
    """Device to bench: it cannot be used as asked, and why. A bench that has let go hears nothing."""
    with suppress(BrokenPipeError):
        say(link, error={"code": error.code, "message": error.message, "remedy": error.remedy})


def complaint(document: dict[str, Any]) -> TallyError:
    """Return the error that `complain` told of, of the kind that its code names."""
    from tallystick.device.hil import KeyRefused

    kinds = {kind.code: kind for kind in (StateLocked, StateCorrupt, KeyRefused, StateError, TrustError, UsageError)}
    kind = kinds.get(str(document.get("code")), UsageError)
    return kind(str(document.get("message")), remedy=str(document.get("remedy")))


def hear(data: bytes) -> dict[str, Any]:
    """Read a message of the device; raise RemoteProtocolError when it is none."""
    try:
        document = json.loads(data)
    except ValueError:
        document = None
    if not isinstance(document, dict) or not set(document) <= {"ready", "power", "error", "boot_failure"}:
        raise RemoteProtocolError("the device said what no bench understands")
    return document
