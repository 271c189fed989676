"""The terminal program: screen, what can be done, status; keys and clicks become gestures."""

from __future__ import annotations

from threading import Event
from typing import Any, ClassVar

from rich.console import Group
from rich.text import Text as Line
from textual import work
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Footer, Static

from tallystick.errors import TransportError
from tallystick.ui.terminal.client import PanelClient
from tallystick.ui.terminal.text_screen import COLUMNS, screen_lines
from tallystick.wire.events import BUTTON_NAMES
from tallystick.wire.panel import Action, Frame, Role

#: seconds before a panel that was gone is asked again
RETRY_S = 1.0
#: seconds a finger stays on longer than asked
HOLD_MARGIN_S = 0.3
_WORDS = {Role.NEXT: "Next", Role.PREVIOUS: "Previous"}


def gesture_request(action: Action) -> tuple[str, dict[str, Any]]:
    """Return path and body of the request that performs an action."""
    if action.button:
        name = next(name for name, button in BUTTON_NAMES.items() if button is action.button)
        return f"/button/{name}", {"action": "press-and-release"}
    delay = action.hold_s + HOLD_MARGIN_S if action.hold_s else 0
    return "/finger", {"action": "press-and-release", "x": action.x, "y": action.y, "delay": delay}


class PanelApp(App[None]):
    """One device in a terminal."""

    CSS = f"""
    #device {{ width: {COLUMNS + 6}; border: round $primary; padding: 1 2; }}
    #screen {{ width: {COLUMNS}; min-height: 5; }}
    #side {{ padding: 1 2; }}
    #actions {{ height: auto; padding: 1 0; }}
    #problem {{ color: $error; }}
    """
    TITLE = "tallystick"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("left", "turn('left')", "Left"),
        ("right", "turn('right')", "Right"),
        ("down", "turn('both')", "Both"),
        ("r", "replug", "Replug"),
        ("q", "quit", "Quit"),
    ]

    def __init__(self, client: PanelClient) -> None:
        super().__init__()
        self._client = client
        self._ended = Event()
        self.frame: Frame | None = None

    def compose(self) -> ComposeResult:
        """Build the screen of the terminal."""
        with Horizontal():
            with Vertical(id="device"):
                yield Static(id="screen")
                yield Vertical(id="actions")
            with Vertical(id="side"):
                yield Static("connecting", id="status", markup=False)
                yield Static(id="problem", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Begin to follow the device."""
        self._follow()

    def on_unmount(self) -> None:
        """Let the follower end."""
        self._ended.set()

    @work(thread=True, group="follow")
    def _follow(self) -> None:
        after = 0
        while not self._ended.is_set():
            try:
                frame = self._client.screen(after=after)
                if frame is not None:
                    after = frame.sequence
                    self._tell(self.show_frame, frame)
                self._tell(self.show_status, self._client.status())
            except TransportError as error:
                after = 0
                self._tell(self.show_problem, error.message)
                self._ended.wait(RETRY_S)

    def _tell(self, call: Any, value: object) -> None:
        if not self._ended.is_set():
            self.call_from_thread(call, value)

    @work(thread=True, group="gesture")
    def _perform(self, path: str, body: dict[str, Any]) -> None:
        try:
            self._client.post(path, body)
        except TransportError as error:
            self._tell(self.show_problem, error.message)

    async def show_frame(self, frame: Frame) -> None:
        """Draw a frame and offer its actions."""
        self.frame = frame
        lines = screen_lines(frame) or [Line("(dark)")]
        self.query_one("#screen", Static).update(Group(*lines))
        self.query_one("#problem", Static).update("")
        actions = self.query_one("#actions", Vertical)
        await actions.remove_children()
        await actions.mount(*(_button(index, action) for index, action in enumerate(frame.drawing.actions)))

    def show_status(self, status: dict[str, Any]) -> None:
        """Show what the device says about itself, all of it."""
        lines = [f"{name}: {value}" for name, value in status.items() if name != "sequence"]
        self.query_one("#status", Static).update("\n".join(lines))

    def show_problem(self, message: str) -> None:
        """Say what went wrong."""
        self.query_one("#problem", Static).update(message)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Perform the action of a button."""
        index = int(event.button.name or 0)
        if self.frame is not None and index < len(self.frame.drawing.actions):
            self._perform(*gesture_request(self.frame.drawing.actions[index]))

    def action_turn(self, name: str) -> None:
        """Press a button of the device; on a touch screen, turn the page."""
        if self.frame is None:
            return
        actions = self.frame.drawing.actions
        if all(action.button for action in actions):
            self._perform(f"/button/{name}", {"action": "press-and-release"})
            return
        role = {"left": Role.PREVIOUS, "right": Role.NEXT}.get(name)
        action = self.frame.action(role) if role else None
        if action is not None:
            self._perform(*gesture_request(action))

    def action_replug(self) -> None:
        """Pull the plug and put it in again."""
        self._perform("/replug", {"hold": None})


def _button(index: int, action: Action) -> Button:
    word = action.label or _WORDS.get(action.role, action.role.value.capitalize())
    variant = {Role.APPROVE: "success", Role.REJECT: "error"}.get(action.role, "default")
    return Button(
        Line(f"{word} (hold)" if action.hold_s else word),
        name=str(index),
        variant=variant,  # type: ignore[arg-type]  # one of the three literals above
        compact=True,
    )
