"""The terminal program: screen, what can be done, status; keys and clicks become gestures."""

from __future__ import annotations

from threading import Event
from typing import Any, ClassVar

from rich.console import Group, RenderableType
from rich.text import Text as Line
from textual import work
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Button, Footer, Static
from textual.widgets.button import ButtonVariant

from tallystick.errors import TransportError
from tallystick.ui.terminal.client import PanelClient
from tallystick.ui.terminal.text_screen import COLUMNS, screen_lines
from tallystick.wire.events import BUTTON_NAMES
from tallystick.wire.panel import Action, Frame, Role

#: seconds before a panel that was gone is asked again
RETRY_S = 1.0
#: seconds a finger stays on longer than asked
HOLD_MARGIN_S = 0.3
_VARIANTS: dict[Role, ButtonVariant] = {Role.APPROVE: "success", Role.REJECT: "error"}
_WORDS = {Role.NEXT: "Next", Role.PREVIOUS: "Previous"}


def gesture_request(action: Action) -> tuple[str, dict[str, Any]]:
    """Return path and body of the request that performs an action."""
    if action.button:
        name = next(name for name, button in BUTTON_NAMES.items() if button is action.button)
        return f"/button/{name}", {"action": "press-and-release"}
    delay = action.hold_s + HOLD_MARGIN_S if action.hold_s else 0
    return "/finger", {"action": "press-and-release", "x": action.x, "y": action.y, "delay": delay}


class ActionButton(Button):
    """Performs one action of the screen it was made for, even if another screen is shown by then."""

    def __init__(self, action: Action) -> None:
        word = action.label or _WORDS.get(action.role, action.role.value.capitalize())
        super().__init__(
            Line(f"{word} (hold)" if action.hold_s else word),
            variant=_VARIANTS.get(action.role, "default"),
            compact=True,
        )
        self.performs = action


class Shown(Message):
    """The device shows another screen."""

    def __init__(self, frame: Frame) -> None:
        super().__init__()
        self.frame = frame


class Told(Message):
    """The device has told its status."""

    def __init__(self, status: dict[str, Any]) -> None:
        super().__init__()
        self.status = status


class Troubled(Message):
    """Something could not be done; `reason` says what."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class PanelApp(App[None]):
    """One device in a terminal."""

    CSS = f"""
    #device {{ width: {COLUMNS + 6}; height: auto; border: round $primary; padding: 1 2; }}
    #screen {{ width: {COLUMNS}; height: auto; min-height: 5; }}
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
                    self.post_message(Shown(frame))
                self.post_message(Told(self._client.status()))
            except TransportError as error:
                after = 0
                self.post_message(Troubled(error.message))
                self._ended.wait(RETRY_S)

    @work(thread=True, group="gesture")
    def _perform(self, path: str, body: dict[str, Any]) -> None:
        try:
            self._client.post(path, body)
        except TransportError as error:
            self.post_message(Troubled(error.message))

    async def on_shown(self, event: Shown) -> None:
        """Draw a frame and offer its actions."""
        self.frame = event.frame
        self._write("#screen", Group(*(screen_lines(event.frame) or [Line("(dark)")])))
        self._write("#problem", "")
        buttons = [ActionButton(action) for action in event.frame.drawing.actions]
        for actions in self.query("#actions"):
            await actions.remove_children()
            await actions.mount(*buttons)

    def on_told(self, event: Told) -> None:
        """Show what the device says about itself, all of it."""
        lines = [f"{name}: {value}" for name, value in event.status.items() if name != "sequence"]
        self._write("#status", "\n".join(lines))

    def on_troubled(self, event: Troubled) -> None:
        """Say what went wrong."""
        self._write("#problem", event.reason)

    def _write(self, selector: str, content: RenderableType) -> None:
        for widget in self.query(selector).results(Static):  # none any more when the program ends
            widget.update(content)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Perform the action of a button."""
        if isinstance(event.button, ActionButton):
            self._perform(*gesture_request(event.button.performs))

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
