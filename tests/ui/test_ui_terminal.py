"""The terminal: what it draws, what its keys and buttons ask for, and how it tells trouble."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from panel_double import APPROVE, HOLD, NEXT, PREVIOUS, REJECT, RICH_EXTRA, TAP_NEXT, WAIT_S, DeviceEnd, frame, lines
from textual.widgets import Button as ButtonWidget
from textual.widgets import Static

from tallystick.errors import TransportError, UsageError
from tallystick.ui.terminal.app import PanelApp, gesture_request
from tallystick.ui.terminal.client import HttpPanelClient
from tallystick.ui.terminal.text_screen import COLUMNS, screen_lines
from tallystick.wire.events import press
from tallystick.wire.panel import Align, Code, Drawing, Frame, Style, Text

CLICK = {"action": "press-and-release"}


class ScriptedPanel:
    """A panel whose screens the test puts up, and that writes requests down."""

    def __init__(self, shown: Frame | None = None) -> None:
        self._condition = threading.Condition()
        self._frame, self.is_gone, self._ended = shown, False, False
        self.requests: list[tuple[str, dict[str, Any]]] = []

    def show(self, shown: Frame) -> None:
        """Put a screen up."""
        with self._condition:
            self._frame = shown
            self._condition.notify_all()

    def end(self) -> None:
        """Let nobody wait any more."""
        with self._condition:
            self._ended = True
            self._condition.notify_all()

    def screen(self, *, after: int) -> Frame | None:
        """Return the next screen, or None at the end."""
        with self._condition:
            if self.is_gone:
                raise TransportError("the panel does not answer")
            self._condition.wait_for(
                lambda: self._ended or (self._frame is not None and self._frame.sequence > after), 5
            )
            return self._frame if self._frame is not None and self._frame.sequence > after else None

    def status(self) -> dict[str, Any]:
        """Return a status."""
        if self._ended:
            raise TransportError("the panel does not answer")
        return {"model": "nanosp", "serial": "tallystick-0001", "sequence": 1}

    def post(self, path: str, body: dict[str, Any]) -> None:
        """Write a request down."""
        if path == "/replug":
            raise TransportError("the device is gone")
        self.requests.append((path, body))


def words(app: PanelApp, selector: str) -> str:
    """Return the text of a widget."""
    content = app.query_one(selector, Static).content
    renderables = getattr(content, "renderables", [content])
    return "\n".join(getattr(part, "plain", str(part)) for part in renderables)


async def until(pilot: Any, condition: Callable[[], object]) -> None:
    """Let the terminal run until a condition holds."""
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await pilot.pause()


async def test_terminal_shows_screen_actions_and_status():
    """Text, the labels of what can be done and every member of the status are on the terminal."""
    panel = ScriptedPanel(frame(1, "Amount", "0.005 ATOM", actions=[APPROVE, PREVIOUS, NEXT]))
    app = PanelApp(panel)
    async with app.run_test() as pilot:
        await until(pilot, lambda: len(app.query(ButtonWidget)) == 3 and "serial" in words(app, "#status"))
        assert "Amount" in words(app, "#screen")
        assert "0.005 ATOM" in words(app, "#screen")
        assert [str(button.label) for button in app.query(ButtonWidget)] == ["APPROVE", "Previous", "Next"]
        assert words(app, "#status") == "model: nanosp\nserial: tallystick-0001"
        panel.show(frame(2, "Fee"))
        await until(pilot, lambda: "Fee" in words(app, "#screen") and not app.query(ButtonWidget))
        panel.end()


@pytest.mark.parametrize(("key", "name"), [("left", "left"), ("right", "right"), ("down", "both")])
async def test_keys_press_the_buttons_of_a_nano(key, name):
    """Arrow keys are the two buttons, down is both."""
    panel = ScriptedPanel(frame(1, "page", actions=[PREVIOUS, NEXT]))
    app = PanelApp(panel)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.frame is not None)
        await pilot.press(key)
        await until(pilot, lambda: panel.requests)
        assert panel.requests == [(f"/button/{name}", CLICK)]
        panel.end()


async def test_keys_turn_the_pages_of_a_touch_screen():
    """Without buttons the right arrow touches what leads on; a key without a meaning does nothing."""
    panel = ScriptedPanel(frame(1, "page", actions=[REJECT, TAP_NEXT], size=(400, 672)))
    app = PanelApp(panel)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.frame is not None)
        await pilot.press("left", "down", "right")
        await until(pilot, lambda: panel.requests)
        assert panel.requests == [("/finger", {**CLICK, "x": 360, "y": 620, "delay": 0})]
        panel.end()


async def test_action_is_performed_by_its_button():
    """A click on an action asks for its gesture."""
    panel = ScriptedPanel(frame(1, "page", actions=[APPROVE]))
    app = PanelApp(panel)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.query(ButtonWidget))
        app.query_one(ButtonWidget).press()
        await until(pilot, lambda: panel.requests)
        assert panel.requests == [("/button/both", CLICK)]
        panel.end()


async def test_trouble_is_told_and_the_next_screen_takes_it_away():
    """A gesture that failed shows its reason until the screen changes."""
    panel = ScriptedPanel(frame(1, "page"))
    app = PanelApp(panel)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.frame is not None)
        await pilot.press("r")
        await until(pilot, lambda: "the device is gone" in words(app, "#problem"))
        panel.show(frame(2, "back"))
        await until(pilot, lambda: not words(app, "#problem"))
        panel.end()


async def test_panel_that_does_not_answer_is_told(monkeypatch):
    """A panel that is gone is said to be gone, and asked again."""
    monkeypatch.setattr("tallystick.ui.terminal.app.RETRY_S", 0.01)
    panel = ScriptedPanel(frame(1, "page"))
    panel.is_gone = True
    app = PanelApp(panel)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "does not answer" in words(app, "#problem"))
        panel.is_gone = False
        await until(pilot, lambda: "page" in words(app, "#screen"))
        panel.end()


def test_holding_action_is_requested_with_its_time():
    """A finger stays a little longer than the screen asks for."""
    path, body = gesture_request(HOLD)
    assert (path, body["x"], body["y"]) == ("/finger", HOLD.x, HOLD.y)
    assert body["delay"] > HOLD.hold_s


def test_lines_stand_where_the_screen_has_them():
    """Centred lines are centred, left ones left, arrows at the sides, bars drawn, dark screens empty."""
    shown = frame(1, "Amount", "0.005 ATOM", extra=RICH_EXTRA)
    plain = [line.plain for line in screen_lines(shown)]
    assert plain[0].strip() == "Amount"
    assert abs(len(plain[0]) - len(plain[0].lstrip()) - (COLUMNS - 6) // 2) <= 1
    assert any("‹" in line[:4] for line in plain)
    assert any("████" in line for line in plain)
    left = Text(x=0, y=0, w=128, h=12, text="Title", align=Align.LEFT, style=Style.BOLD, inverted=True)
    drawing = Drawing(elements=(left, *lines("")))
    line = screen_lines(Frame(sequence=1, width=128, height=64, drawing=drawing))[0]
    assert line.plain.startswith("Title")
    assert line.spans[-1].style.bold
    assert line.spans[-1].style.reverse
    assert screen_lines(frame(1, "hidden", lit=False)) == []


def test_code_is_drawn_in_half_blocks_or_as_its_text():
    """A QR code that fits is drawn, another is written out."""
    small = frame(1, extra=[Code(x=10, y=10, w=100, h=50, text="A")], size=(400, 672))
    assert len(screen_lines(small)) == 11
    assert "█" in screen_lines(small)[0].plain
    large = frame(1, extra=[Code(x=10, y=10, w=100, h=50, text="x" * 500)], size=(400, 672))
    assert [line.plain for line in screen_lines(large)] == ["x" * 500]


@given(st.lists(st.tuples(st.text(max_size=60), st.integers(-1, 700), st.integers(-1, 700)), max_size=8))
def test_any_texts_make_lines_with_every_text_in_them(texts):
    """Wherever texts lie, overlapping or outside, none is missing from the lines."""
    elements = tuple(Text(x=x, y=y, w=112, h=12, text=text) for text, x, y in texts)
    shown = Frame(sequence=1, width=128, height=64, drawing=Drawing(elements=elements))
    plain = "\n".join(line.plain for line in screen_lines(shown))
    clean = [text.translate(dict.fromkeys(range(32))) for text, _, _ in texts]
    assert all(text in plain.translate(dict.fromkeys(range(32))) for text in clean)


def test_client_speaks_to_a_real_panel():
    """Screen, status and gestures go over HTTP; a refusal carries the panel's words."""
    with DeviceEnd("--model", "nanosp") as device:
        client = HttpPanelClient(device.url)
        device.show(frame(1, "a", actions=[NEXT]))
        assert client.screen(after=0) == frame(1, "a", actions=[NEXT])
        assert client.status() == {"model": "nanosp", "sequence": 1}
        client.post(*gesture_request(NEXT))
        assert tuple(device.gesture() for _ in range(2)) == press(NEXT.button)
        with pytest.raises(TransportError, match="there is no button"):
            client.post("/button/middle", CLICK)
        assert client.screen(after=1) is None
    with pytest.raises(TransportError, match="does not answer"):
        client.status()


@pytest.mark.parametrize(
    "url", ["", "localhost:5000", "https://localhost:5000", "http://localhost", "http://localhost:x"]
)
def test_address_that_is_none_of_a_panel_is_refused(url):
    """Without scheme, host and port there is nothing to talk to; the remedy shows the form."""
    with pytest.raises(UsageError, match="not the address") as caught:
        HttpPanelClient(url)
    assert "http://127.0.0.1:5000" in caught.value.remedy
