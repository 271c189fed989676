"""Whoever presses the buttons in `tally demo`."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tallystick.wire.panel import Action, Frame


#: seconds: a busy machine answers late; a device that is gone hangs up, and is not waited for
_PATIENCE_S = 60


class Hand:
    """Somebody at the device: reads each screen aloud and goes on, by the device's own REST API.

    `name` stands before what is read where there are several devices; `pause` is in seconds, before each gesture.
    """

    def __init__(self, api_port: int, pause: float, *, name: str = "") -> None:
        import httpx

        self._client = httpx.Client(base_url=f"http://127.0.0.1:{api_port}", timeout=_PATIENCE_S)
        self._pause = pause
        self._name = f"{name:<9}" if name else ""
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_error: object) -> None:
        self._done.set()
        self._thread.join(10)
        self._client.close()

    def _work(self) -> None:
        import httpx

        from tallystick.ui.approval import approving_action
        from tallystick.wire.panel import Frame

        sequence = 0
        while not self._done.is_set():
            try:
                answer = self._client.get("/screen", params={"after": sequence, "timeout": 0.2})
            except httpx.HTTPError:
                return
            if answer.status_code != httpx.codes.OK:
                continue
            frame = Frame.from_json(answer.json())
            sequence = frame.sequence
            action = approving_action(frame)
            if action is not None:
                self._show(frame, action)
                self._done.wait(self._pause)
                self._act(action)

    def _show(self, frame: Frame, action: Action) -> None:
        texts = [text for text in frame.drawing.texts() if text.strip()]
        gesture = _button(action) or f"tap {action.x},{action.y}"
        if action.hold_s:
            gesture = f"hold {action.x},{action.y}"
        click.echo(f"      {self._name}│ {' · '.join(texts):<62} │ {gesture}")

    def _act(self, action: Action) -> None:
        name = _button(action)
        if name:
            self._client.post(f"/button/{name}", json={"action": "press-and-release"})
        else:
            body = {"action": "press-and-release", "x": action.x, "y": action.y, "delay": action.hold_s * 1.1}
            self._client.post("/finger", json=body)


def _button(action: Action) -> str:
    """Return the button's name as the REST API has it, or nothing for a touch."""
    from tallystick.wire.events import BUTTON_NAMES

    return next((name for name, button in BUTTON_NAMES.items() if button is action.button), "")
