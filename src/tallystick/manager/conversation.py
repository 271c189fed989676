"""One conversation with a client's socket: a flow on one side, JSON texts on the other (wire-protocol H.4); sans-IO.

The manager speaks first and sends one message at a time. `start` and `receive` return the text to send; after a text that ends
the conversation `ended` is true. An empty text means that nothing is to be sent yet: a signature of what `unsigned` holds is
wanted first, which `sign` takes. Nothing is expected after a bulk: the socket may be closed there, which `leave` takes for the
end of a flow that did all it could.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum, unique
from typing import Final

from tallystick.errors import ProtocolError, RemoteProtocolError, TallyError, TrustError
from tallystick.manager.flow import REFUSED, UNKNOWN, UNTRUSTED, Ask, Flow, FlowError, FlowResult, Run, Sign, Step
from tallystick.wire.manager_message import (
    Bulk,
    Error,
    Response,
    Success,
    exchange_head,
    exchange_json,
    read_reply,
    success_json,
)

#: some clients say so in the data when a device's answer was empty (H.4)
_EMPTY: Final = bytes.fromhex("9000")
#: the step at which the device asks its person whether it may talk to this manager
_CONSENT: Final = 0x51


@unique
class Outcome(StrEnum):
    """How a conversation ended."""

    SUCCESS = "success"
    #: everything was sent, and the client went away to run it
    SENT = "sent"
    REFUSED = "refused"
    FAILED = "failed"
    #: the client broke the protocol
    PROTOCOL = "protocol"
    #: the client went away in the middle
    LEFT = "left"
    TIMEOUT = "timeout"


class Conversation:
    """Drives `flow`; `uuid` and `session` are texts that every message repeats."""

    def __init__(self, flow: Flow, *, uuid: str, session: str) -> None:
        self._flow = flow
        self._uuid = uuid
        self._session = session
        self._head = exchange_head(uuid=uuid, session=session)
        self._nonce = 0
        self._step: Step | None = None
        #: None while it goes on
        self.outcome: Outcome | None = None
        #: one line about a failure
        self.detail = ""

    @property
    def ended(self) -> bool:
        """True when nothing is to be sent or received any more."""
        return self.outcome is not None

    @property
    def waits_for_bulk(self) -> bool:
        """True after a bulk, where a closed socket is as good as a reply."""
        return isinstance(self._step, Run)

    @property
    def unsigned(self) -> bytes | None:
        """What has to be signed before the conversation goes on; None when nothing has."""
        return self._step.message if isinstance(self._step, Sign) and self.outcome is None else None

    def start(self) -> str:
        """Return the first message."""
        return self._advance(next, self._flow)

    def receive(self, text: str) -> str:
        """Take a client's reply and return the next message."""
        try:
            nonce, response, data = read_reply(text)
            if nonce != self._nonce:
                raise RemoteProtocolError(f"the reply has the nonce {nonce}, the question had {self._nonce}")
        except RemoteProtocolError as error:
            return self._fail(Outcome.PROTOCOL, error.message, UNKNOWN)
        if response is not Response.SUCCESS:
            return self._refused(response)
        return self._advance(self._flow.send, b"" if data == _EMPTY else data)

    def sign(self, signature: bytes) -> str:
        """Take the signature of what was `unsigned` and return the next message."""
        return self._advance(self._flow.send, signature)

    def fail(self, error: TallyError) -> str:
        """Take the reason why nothing was signed and return the next message."""
        return self._advance(self._flow.throw, error)

    def leave(self) -> None:
        """Note that the client is gone."""
        self._end(Outcome.SENT if self.waits_for_bulk else Outcome.LEFT)

    def refuse_frame(self) -> str:
        """Return the answer to a frame that is no text."""
        return self._fail(Outcome.PROTOCOL, "a message is text, not bytes", UNKNOWN)

    def expire(self) -> str:
        """Return the last message to a client that said nothing for too long."""
        if self.waits_for_bulk:
            self._end(Outcome.SENT)
            return self._success(FlowResult())
        return self._fail(Outcome.TIMEOUT, "no reply in time", UNKNOWN)

    def _advance(self, go_on: Callable[..., Step], given: object) -> str:
        try:
            step = self._step = go_on(given)
        except StopIteration as end:
            self._end(Outcome.SUCCESS)
            return self._success(end.value)
        except FlowError as error:
            return self._fail(Outcome.FAILED, error.message, error.status)
        except TrustError as error:
            return self._fail(Outcome.FAILED, error.message, UNTRUSTED)
        except ProtocolError as error:
            return self._fail(Outcome.FAILED, f"the device's answer: {error.message}", UNKNOWN)
        except TallyError as error:
            return self._fail(Outcome.FAILED, error.message, UNKNOWN)
        if isinstance(step, Ask):
            self._nonce += 1
            return exchange_json(step.command.to_bytes(), nonce=self._nonce, head=self._head)
        if isinstance(step, Sign):
            return ""
        self._nonce += 1
        apdus = tuple(command.to_bytes() for command in step.commands)
        return Bulk(nonce=self._nonce, uuid=self._uuid, session=self._session, apdus=apdus).to_json()

    def _refused(self, response: Response) -> str:
        if isinstance(self._step, Ask) and self._step.command.ins == _CONSENT and self._step.command.cla == 0xE0:
            return self._fail(Outcome.REFUSED, "the device does not allow this manager, or is locked", REFUSED)
        where = "the script" if self.waits_for_bulk else "this step"
        return self._fail(Outcome.REFUSED, f"the device did not take {where} ({response.value})", UNKNOWN)

    def _fail(self, outcome: Outcome, text: str, status: int) -> str:
        self.detail = text
        self._end(outcome)
        self._nonce += 1
        said = f"{text}: {status:04x}"
        return Error(nonce=self._nonce, uuid=self._uuid, session=self._session, text=said).to_json()

    def _success(self, result: FlowResult) -> str:
        self._nonce += 1
        if result.result is None:
            return success_json(result.data, nonce=self._nonce, uuid=self._uuid, session=self._session)
        return Success(
            nonce=self._nonce, uuid=self._uuid, session=self._session, data=result.data, result=result.result
        ).to_json()

    def _end(self, outcome: Outcome) -> None:
        if self.outcome is None:
            self.outcome = outcome
        self._flow.close()
