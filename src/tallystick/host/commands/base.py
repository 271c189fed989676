"""What every command is to the session that sends it."""

from __future__ import annotations

from typing import Protocol, TypeVar

from tallystick.host.gesture import Gesture
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.status import Layer

ValueT_co = TypeVar("ValueT_co", covariant=True)


class Command(Protocol[ValueT_co]):
    """A request and the reading of its answer, both pure."""

    @property
    def layer(self) -> Layer:
        """Who answers, which decides what a status word means."""

    @property
    def gesture(self) -> Gesture | None:
        """What the person must do before there is an answer; None when the device answers by itself."""

    def to_apdu(self) -> CommandApdu:
        """Return the APDU to send."""

    def parse(self, data: bytes) -> ValueT_co:
        """Read the answer's data, without its status word; raise RemoteProtocolError when it makes no sense."""
