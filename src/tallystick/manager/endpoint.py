"""The edge of the flows: one socket, one conversation, one line in the audit log (wire-protocol H.3, H.4)."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect

from tallystick.errors import RemoteProtocolError, TallyError
from tallystick.manager.conversation import Conversation, Outcome
from tallystick.manager.flow import Flow, FlowError
from tallystick.manager.recorder import Event
from tallystick.manager.service import Service
from tallystick.wire.manager import MAX_REPLY, FlowPath, FlowRequest

_LOG: Final = structlog.get_logger("tallystick.manager.flow")
#: close codes of RFC 6455: done; this message is too long; come back later
_DONE: Final = 1000
_TOO_LONG: Final = 1009
_LATER: Final = 1013


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a client asked for: the flow, and its name and subject in the log."""

    action: str
    subject: str
    flow: Flow = field(repr=False)
    #: its steps take long enough to hold up others: they are made beside the event loop
    is_heavy: bool = False


#: reads the database where it must; raises FlowError for what is not offered
Opener = Callable[[Service, FlowRequest], Work]


class FlowEndpoint:
    """Serves the sockets of all flows of one worker; `open_sockets` tells how many there are."""

    def __init__(self, service: Service, openers: dict[FlowPath, Opener]) -> None:
        self._service = service
        self._openers = openers
        self.open_sockets = 0

    async def serve(self, socket: WebSocket, path: FlowPath) -> None:
        """Hold one conversation."""
        await socket.accept()
        self.open_sockets += 1
        try:
            await self._serve(socket, path)
        except (WebSocketDisconnect, OSError):
            # the client left while it was spoken to: `_serve` has noted it
            pass
        finally:
            self.open_sockets -= 1

    async def _serve(self, socket: WebSocket, path: FlowPath) -> None:
        began = time.monotonic()
        work = await self._open(socket, path)
        name = uuid.uuid4()
        talk = Conversation(work.flow, uuid=str(name), session=name.hex)
        last = ""
        try:
            async with asyncio.timeout(None) as patience:
                text = await self._step(work, talk, talk.start)
                while not talk.ended:
                    await socket.send_text(text)
                    text = await self._next(socket, work, talk, patience)
            last = text
        except TimeoutError:
            last = talk.expire()
        except (WebSocketDisconnect, OSError):
            talk.leave()
        except asyncio.CancelledError:
            # the service ends, and waits for nobody; the log is still written
            talk.leave()
            self._service.recorder.record(_event(socket, work, talk, began))
            raise
        await self._note(_event(socket, work, talk, began))
        if last:
            await socket.send_text(last)
            await socket.close(_DONE)

    async def _open(self, socket: WebSocket, path: FlowPath) -> Work:
        """Return what is to be done; what cannot be done is a flow that says so."""
        try:
            if self.open_sockets > self._service.settings.max_flows:
                raise FlowError("too many devices at once", remedy="try again in a minute")
            request = FlowRequest.from_query(socket.query_params)
            opener = self._openers[path]
            if path in {FlowPath.GENUINE, FlowPath.APPS_LIST, FlowPath.ENDORSE}:
                return opener(self._service, request)
            return await run_in_threadpool(opener, self._service, request)
        except RemoteProtocolError as error:
            return Work(action=path.strip("/"), subject="", flow=_failing(FlowError(error.message)))
        except FlowError as error:
            return Work(action=path.strip("/"), subject=_subject(socket), flow=_failing(error))
        except SQLAlchemyError as error:
            _LOG.error("database", path=path.value, kind=type(error).__name__)
            away = FlowError("the manager's database does not answer", remedy="try again in a minute")
            return Work(action=path.strip("/"), subject=_subject(socket), flow=_failing(away))

    async def _next(self, socket: WebSocket, work: Work, talk: Conversation, patience: asyncio.Timeout) -> str:
        """Wait for a reply and return what to send next; raise WebSocketDisconnect when the client left."""
        # one timer for the whole conversation, moved on, is cheaper than one for each message
        patience.reschedule(asyncio.get_running_loop().time() + self._service.settings.reply_s)
        message = await socket.receive()
        if work.is_heavy or self._service.keyring.is_blocking:
            # what is done beside the loop takes as long as it takes
            patience.reschedule(None)
        if message["type"] != "websocket.receive":
            raise WebSocketDisconnect(message.get("code", _DONE))
        text = message.get("text")
        if text is None:
            return talk.refuse_frame()
        if len(text) > MAX_REPLY or talk.waits_for_bulk:
            # nothing is signed any more: no need for the keys' own thread
            return talk.receive(text)
        return await self._step(work, talk, talk.receive, text)

    async def _step(self, work: Work, talk: Conversation, function: Callable[..., str], *arguments: str) -> str:
        """Take one step of a conversation where it holds up nobody; keys in a token have a thread of their own."""
        keyring = self._service.keyring
        if work.is_heavy and not keyring.is_blocking:
            return await run_in_threadpool(function, *arguments)
        if work.is_heavy or talk.signs_next:
            return await keyring.step(function, *arguments)
        return function(*arguments)

    async def _note(self, event: Event) -> None:
        members = {"action": event.action, "subject": event.subject, "outcome": event.outcome, "detail": event.detail}
        try:
            await self._service.recorder.store(event)
        except TallyError as error:
            _LOG.error("audit", reason=error.message)
        _LOG.info("flow", actor=event.actor, seconds=round(event.seconds, 4), **members)


def _event(socket: WebSocket, work: Work, talk: Conversation, began: float) -> Event:
    """Return the line of the log about a conversation that ended."""
    return Event(
        actor="" if socket.client is None else socket.client.host,
        action=work.action,
        subject=work.subject,
        outcome=talk.outcome or Outcome.LEFT,
        detail=talk.detail,
        seconds=time.monotonic() - began,
    )


def _failing(error: FlowError) -> Flow:
    """Return a flow that ends at once."""
    yield from ()
    raise error


def _subject(socket: WebSocket) -> str:
    """Return what a client named, cut short and printable."""
    query = socket.query_params
    said = query.get("firmware") or query.get("version") or query.get("targetId") or ""
    return "".join(letter for letter in said[:100] if letter.isprintable())
