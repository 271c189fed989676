"""The player: lets automation rules or the approving policy act on each new screen.

Rules act at once, inside the call that shows the frame. A gesture that must be held is played by a task; until the
finger is up again no other screen is acted on, and what is shown then gets its turn.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from tallystick.errors import TransportError
from tallystick.ui.approval import approving_action
from tallystick.ui.automation import Automation, Exit
from tallystick.ui.state import PanelState
from tallystick.ui.text_event import TextEvent
from tallystick.ui.web.change import Change
from tallystick.ui.web.hand import Hand
from tallystick.wire.events import PanelEvent
from tallystick.wire.panel import Action, Frame

#: the scene of a native app that paints its own screens
_PAINTED = "canvas"
_LEFT_ALONE = (
    "--approve leaves alone what a native app paints itself, where nothing says what a button means: "
    "give rules with --automation, or post them to /automation"
)
#: seconds a finger stays on longer than asked, should the screen not change by then
HOLD_MARGIN_S = 0.5

logger = logging.getLogger(__name__)


class Player:
    """Plays `automation`, or approves everything if `is_approving`, on the screens of one panel.

    `on_exit` is called when a rule's action is `exit`.
    """

    def __init__(
        self,
        *,
        state: PanelState,
        hand: Hand,
        on_exit: Callable[[], None],
        automation: Automation | None = None,
        is_approving: bool = False,
    ) -> None:
        self._state = state
        self._change = Change(state)
        self._hand = hand
        self._on_exit = on_exit
        self._automation = automation
        self._is_approving = is_approving
        self._has_told = False
        self._seen = state.sequence
        self._held: asyncio.Task[None] | None = None
        state.listen(self._on_change)

    def use(self, automation: Automation, *, on_current: bool = False) -> None:
        """Let `automation` act from the next screen on (`on_current`: from this one); nothing else acts any more."""
        self._automation = automation
        self._is_approving = False
        if on_current:
            self._act(self._state.events)

    def _on_change(self) -> None:
        if self._state.sequence != self._seen and self._held is None:
            self._seen = self._state.sequence
            self._act(self._state.fresh)

    def _act(self, lines: Sequence[TextEvent]) -> None:
        frame = self._state.frame
        if self._automation is not None:
            steps = self._automation.react(lines)
            if gestures := tuple(step for step in steps if not isinstance(step, Exit)):
                self._write(gestures)
            if len(gestures) < len(steps):
                self._on_exit()
        elif self._is_approving and frame is not None:
            self._approve(frame)

    def _approve(self, frame: Frame) -> None:
        if frame.scene == _PAINTED and not self._has_told:
            self._has_told = True
            logger.warning(_LEFT_ALONE)
        action = approving_action(frame)
        if action is None:
            return
        if action.hold_s:
            self._held = asyncio.get_running_loop().create_task(self._hold(action))
        else:
            self._write(action.gestures())

    async def _hold(self, action: Action) -> None:
        down, *up = action.gestures()
        self._write((down,))
        loop = asyncio.get_running_loop()
        end = loop.time() + action.hold_s + HOLD_MARGIN_S
        while self._is_offered(action) and (left := end - loop.time()) > 0:
            await self._change.wait(timeout_s=left)
        self._write(tuple(up))
        self._held = None
        if not self._is_offered(action):
            self._on_change()
        self._seen = self._state.sequence

    def _is_offered(self, action: Action) -> bool:
        return self._state.frame is not None and action in self._state.frame.drawing.actions

    def _write(self, events: tuple[PanelEvent, ...]) -> None:
        try:
            self._hand.write(events)
        except TransportError as error:
            logger.warning("automation could not press: %s", error)
