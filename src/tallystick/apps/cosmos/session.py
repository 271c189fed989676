"""The state of one signing: idle, receiving, reviewing, and the buffer for the chunks (cosmos-app 1, state)."""

from __future__ import annotations

from enum import IntEnum, unique

from tallystick.wire.status import Reject, StatusWord

from .chain import DEFAULT_HRP
from .parse import AddressRequest, SignRequest

#: what a payload may have in all, in bytes
CAPACITY = 16384


@unique
class State(IntEnum):
    """What the app is in the middle of."""

    IDLE = 0
    RECEIVING = 1
    REVIEWING = 2


class Session:
    """Holds what the first chunk said and what the others brought; transitions refuse with 6986 and stay where they are."""

    def __init__(self) -> None:
        self.state = State.IDLE
        #: hrp for the own address of clients that name none
        self.hrp = DEFAULT_HRP
        self._request: SignRequest | None = None
        self._buffer = bytearray()

    def require(self, state: State) -> None:
        """Raise Reject (6986) unless the session is in `state`."""
        if self.state is not state:
            raise Reject(StatusWord.COMMAND_NOT_ALLOWED)

    def begin(self, request: SignRequest) -> None:
        """Start to receive the payload of `request`."""
        self.require(State.IDLE)
        self.remember(request)
        self._request = request
        self._buffer.clear()
        self.state = State.RECEIVING

    def append(self, chunk: bytes) -> None:
        """Add `chunk`; raise Reject 6988 when it would pass the capacity."""
        self.require(State.RECEIVING)
        if len(self._buffer) + len(chunk) > CAPACITY:
            raise Reject(StatusWord.BUFFER_FULL)
        self._buffer += chunk

    def finish(self) -> tuple[SignRequest, bytes]:
        """Return the request and its whole payload, and give the buffer up: from here on it is being reviewed."""
        request = self._request
        if request is None:
            raise Reject(StatusWord.COMMAND_NOT_ALLOWED)
        payload = bytes(self._buffer)
        self.reset()
        self.state = State.REVIEWING
        return request, payload

    def review(self) -> None:
        """Mark that a person is looking at something."""
        self.require(State.IDLE)
        self.state = State.REVIEWING

    def remember(self, request: AddressRequest | SignRequest) -> None:
        """Keep the hrp a client named for those that name none."""
        self.hrp = request.hrp or self.hrp

    def reset(self) -> None:
        """Forget the signing in hand; the hrp stays."""
        self.state = State.IDLE
        self._request = None
        self._buffer.clear()
