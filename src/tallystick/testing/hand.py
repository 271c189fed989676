"""The hand of a test: gestures on a device, and time that passes on its clock while a finger rests."""

from __future__ import annotations

from tallystick.device.board.embedded import EmbeddedBoard
from tallystick.device.silicon.clock import VirtualClock
from tallystick.wire.events import FingerEvent, PanelEvent
from tallystick.wire.panel import Action


class Hand:
    """Makes gestures on a board, and turns its clock; whoever answers in the person's place is not asked here."""

    def __init__(self, board: EmbeddedBoard, clock: VirtualClock) -> None:
        self._board = board
        self._clock = clock

    def perform(self, action: Action) -> None:
        """Carry out an action of a frame; holding a finger turns the clock."""
        down, *up = action.gestures()
        self._board.event(down)
        if action.hold_s:
            self.turn(action.hold_s)
        for gesture in up:
            self._board.event(gesture)

    def touch(self, event: PanelEvent) -> None:
        """Make one gesture; a finger stays for as long as what it touches wants to be held."""
        before_s = self._board.deadline_s()
        self._board.event(event)
        due_s = self._board.deadline_s()
        if isinstance(event, FingerEvent) and event.pressed and due_s is not None and due_s != before_s:
            self.turn(max(due_s - self._clock.now_s(), 0.0))

    def turn(self, seconds: float) -> None:
        """Let `seconds` pass, at once: timers that become due on the way run in their order."""
        end_s = self._clock.now_s() + seconds
        while (due_s := self._board.deadline_s()) is not None and due_s <= end_s:
            self._clock.turn(max(due_s - self._clock.now_s(), 0.0))
            self._board.advance()
        self._clock.turn(max(end_s - self._clock.now_s(), 0.0))
        self._board.advance()
