"""Gestures and rules: `/button/*`, `/finger`, `/replug`, `/automation`, `/ticker/` (speculos 4.3, 4.4).

A gesture is answered after it was written to the device, with the number of the screen it was made on: wait for a
greater one (`GET /screen?after=N`) instead of sleeping. `delay` is the time in seconds between press and release; it is
0 unless given (Speculos: 0.1), because nothing here needs a pause to be seen, and so nobody has to wait.

On the screen of a native app whose time is stopped, `delay` is spent in ticks of 0.1 s that the app hears of, one unless given, as
in Speculos: an app that hears of none takes the longest hold for a tap. Such a gesture is answered when the app has done what it does
about it: whoever counts ticks looks at the screen next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tallystick.errors import UsageError
from tallystick.ui.automation import parse_automation
from tallystick.ui.state import PanelState
from tallystick.ui.web.body import LARGE_BODY, AsciiJson, query_flag, read_object, take_number, take_word
from tallystick.ui.web.change import Change
from tallystick.ui.web.hand import Hand
from tallystick.ui.web.player import Player
from tallystick.wire.events import (
    BUTTON_NAMES,
    MAX_COORDINATE,
    FingerEvent,
    PanelEvent,
    ReplugEvent,
    TickerAction,
    TickerEvent,
    press,
)

#: seconds a button or finger may be held by one request
MAX_DELAY_S = 60
#: seconds an app may take over a tick before whoever made it is answered all the same
MAX_STEP_S = 5
#: seconds of an app's time that a tick stands for
TICK_S = 0.1
_ACTIONS = ("press", "release", "press-and-release")
_TICKER_ACTIONS = {"pause": TickerAction.PAUSE, "resume": TickerAction.RESUME, "single-step": TickerAction.STEP}


class Gestures:
    """The routes that make gestures with one hand."""

    def __init__(self, *, state: PanelState, hand: Hand, player: Player) -> None:
        self._state = state
        self._hand = hand
        self._player = player
        self._change = Change(state)
        self._is_stopped = False

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/button/{name}", self.button, methods=["POST"]),
            Route("/finger", self.finger, methods=["POST"]),
            Route("/replug", self.replug, methods=["POST"]),
            Route("/automation", self.automation, methods=["POST"]),
            Route("/ticker", self.ticker, methods=["POST"]),
            Route("/ticker/", self.ticker, methods=["POST"]),
        ]

    async def button(self, request: Request) -> Response:
        """Press or release the left button, the right one, or both."""
        name = request.path_params["name"]
        if name not in BUTTON_NAMES:
            raise UsageError(f"there is no button {name!r}: expected {', '.join(BUTTON_NAMES)}")
        document = await read_object(request)
        action = take_word(document, "action", words=_ACTIONS)
        delay_s = self._delay_s(document)
        events = press(BUTTON_NAMES[name])
        half = len(events) // 2
        return await self._play(action, down=events[:half], up=events[half:], delay_s=delay_s)

    async def finger(self, request: Request) -> Response:
        """Touch (x, y), leave it, or both; with (x2, y2) the finger moves there before it leaves."""
        document = await read_object(request)
        action = take_word(document, "action", words=_ACTIONS)
        delay_s = self._delay_s(document)
        x, y = (int(take_number(document, name, maximum=MAX_COORDINATE)) for name in ("x", "y"))
        x2 = int(take_number(document, "x2", maximum=MAX_COORDINATE, default=x))
        y2 = int(take_number(document, "y2", maximum=MAX_COORDINATE, default=y))
        up: list[PanelEvent] = [FingerEvent(x=x2, y=y2, pressed=False)]
        if (x2, y2) != (x, y):
            up.insert(0, FingerEvent(x=x2, y=y2, pressed=True))
        return await self._play(action, down=(FingerEvent(x=x, y=y, pressed=True),), up=up, delay_s=delay_s)

    async def replug(self, request: Request) -> Response:
        """Pull the plug and put it in again, holding a button or none."""
        hold = (await read_object(request)).get("hold")
        if hold is not None and (not isinstance(hold, str) or hold not in BUTTON_NAMES):
            raise UsageError("hold: expected left, right, both or null")
        self._is_stopped = False
        return await self._write((ReplugEvent(hold=BUTTON_NAMES[hold]) if hold else ReplugEvent(),))

    async def automation(self, request: Request) -> Response:
        """Let rules act from the next screen on; `?current=true`: from the one shown now."""
        is_current = query_flag(request, "current")
        rules = parse_automation(await read_object(request, limit=LARGE_BODY))
        self._player.use(rules, on_current=is_current)
        return AsciiJson({"sequence": self._state.sequence})

    async def ticker(self, request: Request) -> Response:
        """Stop, start or step the time of a native app; a step is answered when the app has done what it does about it."""
        action = _TICKER_ACTIONS[take_word(await read_object(request), "action", words=tuple(_TICKER_ACTIONS))]
        if action is TickerAction.STEP:
            await self._settled(action)
            return AsciiJson({"sequence": self._state.sequence})
        self._is_stopped = action is TickerAction.PAUSE
        return await self._write((TickerEvent(action=action),))

    async def _settled(self, action: TickerAction) -> bool:
        """Let the app have a tick, or none where its time is stopped anyway; tell whether it waits again in time."""
        before = self._state.status.get("steps")
        await self._write((TickerEvent(action=action),))
        end_s = asyncio.get_running_loop().time() + MAX_STEP_S
        while self._state.status.get("steps") == before:
            left_s = end_s - asyncio.get_running_loop().time()
            if left_s <= 0:
                return False
            await self._change.wait(timeout_s=left_s)
        return True

    def _is_stepped(self) -> bool:
        """Tell whether what is shown hears of time by steps alone: the screens of the OS, which offer actions, go by the clock."""
        frame = self._state.frame
        return self._is_stopped and (frame is None or not frame.drawing.actions)

    def _delay_s(self, document: dict[str, Any]) -> float:
        return take_number(document, "delay", maximum=MAX_DELAY_S, default=TICK_S if self._is_stepped() else 0)

    async def _wait(self, delay_s: float) -> None:
        if not self._is_stepped():
            await asyncio.sleep(delay_s)
            return
        # rounded down as Speculos does: golden pictures of what moves depend on the count
        for _ in range(int(delay_s / TICK_S)):
            if not await self._settled(TickerAction.STEP):
                return

    async def _play(
        self, action: str, *, down: Sequence[PanelEvent], up: Sequence[PanelEvent], delay_s: float
    ) -> Response:
        if action == "press":
            return await self._write(down)
        if action == "release":
            return await self._write(up)
        if not delay_s:
            response = await self._write((*down, *up))
        else:
            await self._write(down)
            try:
                await self._wait(delay_s)
            finally:
                response = await self._write(up)
        if self._is_stepped():
            await self._settled(TickerAction.PAUSE)
        return response

    async def _write(self, events: Sequence[PanelEvent]) -> Response:
        sequence = self._state.sequence
        self._hand.write(events)
        await self._hand.drain()
        return AsciiJson({"sequence": sequence})
