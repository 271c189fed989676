"""The REST API, as scripts written for Speculos use it and beyond (speculos 4.3)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from io import BytesIO

import pytest
from panel_double import APPROVE, HOLD, LocalClient, RecordingHand, frame
from PIL import Image

from tallystick.errors import TransportError
from tallystick.ui.state import PanelState
from tallystick.ui.web.player import Player
from tallystick.ui.web.server import STATIC, create_app
from tallystick.wire.panel import Frame


class EchoCable:
    """Answers every APDU with itself and 9000, or not at all."""

    def __init__(self) -> None:
        self.apdus: list[bytes] = []
        self.is_gone = False

    async def exchange(self, apdu: bytes) -> bytes:
        """Answer."""
        if self.is_gone:
            raise TransportError("the device hung up or cannot be reached", remedy="start it again")
        self.apdus.append(apdu)
        return apdu + b"\x90\x00"


class Panel:
    """An application around doubles, and a client of it."""

    def __init__(self) -> None:
        self.state, self.hand, self.cable = PanelState(model="nanosp"), RecordingHand(), EchoCable()
        self.player = Player(state=self.state, hand=self.hand, on_exit=lambda: None)
        app = create_app(state=self.state, hand=self.hand, cable=self.cable, player=self.player)
        self.client = LocalClient(app)


@pytest.fixture
def panel() -> Iterator[Panel]:
    """Return a panel whose device has shown nothing yet."""
    built = Panel()
    yield built
    built.client.close()


def test_apdu_is_carried_and_answered_with_its_status_word(panel):
    """POST /apdu answers data and status word in hexadecimal."""
    answer = panel.client.post("/apdu", json={"data": "E001000000", "tick_timeout": 3000})
    assert (answer.status_code, answer.json()) == (200, {"data": "e0010000009000"})
    assert panel.cable.apdus == [bytes.fromhex("E001000000")]


def test_apdu_hex_is_carried_for_the_http_transport(panel):
    """POST / with apduHex answers data and no error."""
    answer = panel.client.post("/", json={"apduHex": "b001000000"})
    assert (answer.status_code, answer.json()) == (200, {"data": "b0010000009000", "error": None})


def test_device_that_is_gone_is_told_in_the_way_of_each_client(panel):
    """POST /apdu answers 503 with the reason; POST / answers 200 with `error`, where its clients look."""
    panel.cable.is_gone = True
    answer = panel.client.post("/apdu", json={"data": "e001000000"})
    assert answer.status_code == 503
    assert "cannot be reached" in answer.json()["error"]
    answer = panel.client.post("/", json={"apduHex": "e001000000"})
    assert answer.status_code == 200
    assert "cannot be reached" in answer.json()["error"]


@pytest.mark.parametrize("path", ["/apdu", "/"])
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"e001"', b"{}", b'{"data": 5, "apduHex": 5}', b'{"data": "xyz", "apduHex": "xyz"}',
     b'{"data": "e00", "apduHex": "e00"}', b'{"data": "", "apduHex": ""}', b"\xff\xfe", b"[" * 50_000,
     b'{"data": "' + b"00" * 70_000 + b'", "apduHex": "' + b"00" * 70_000 + b'"}'],
)  # fmt: skip
def test_bad_apdu_body_is_refused_with_a_reason(panel, path, body):
    """Missing, misspelt, odd, empty, oversized or broken bodies answer 400 and reach no device."""
    answer = panel.client.post(path, content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert panel.cable.apdus == []


@pytest.mark.parametrize("path", ["/apdu", "/button/left", "/automation"])
def test_body_without_end_is_cut_off(panel, path):
    """A body over the limit is refused while it is still being read."""

    async def spaces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 65536

    answer = panel.client.post(path, content=spaces())
    assert answer.status_code == 400
    assert "longer than" in answer.json()["error"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("left", [("left", True), ("left", False)]),
        ("right", [("right", True), ("right", False)]),
        ("both", [("left", True), ("right", True), ("left", False), ("right", False)]),
    ],
)
def test_press_and_release_of_a_button_is_written_before_the_answer(panel, name, expected):
    """The gestures of one click reach the link in order, and the answer carries the screen's number."""
    panel.state.show(frame(4, "a"))
    answer = panel.client.post(f"/button/{name}", json={"action": "press-and-release"})
    assert (answer.status_code, answer.json()) == (200, {"sequence": 4})
    assert [(entry["button"], entry["pressed"]) for entry in panel.hand.json()] == expected
    assert panel.hand.drained == len(expected)


@pytest.mark.parametrize(("action", "pressed"), [("press", True), ("release", False)])
def test_button_can_be_held(panel, action, pressed):
    """Press and release come one by one if asked for."""
    panel.client.post("/button/both", json={"action": action})
    assert [entry["pressed"] for entry in panel.hand.json()] == [pressed, pressed]


def test_delay_lies_between_press_and_release(panel):
    """With a delay the release follows all the same."""
    assert panel.client.post("/button/left", json={"action": "press-and-release", "delay": 0.01}).status_code == 200
    assert [entry["pressed"] for entry in panel.hand.json()] == [True, False]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"action": "press-and-release", "x": 10, "y": 20}, [([10, 20], True), ([10, 20], False)]),
        ({"action": "press", "x": 10, "y": 20}, [([10, 20], True)]),
        ({"action": "release", "x": 10, "y": 20, "delay": 0.1}, [([10, 20], False)]),
        (
            {"action": "press-and-release", "x": 10, "y": 20, "x2": 30, "y2": 20},
            [([10, 20], True), ([30, 20], True), ([30, 20], False)],
        ),
    ],
)
def test_finger_touches_leaves_and_swipes(panel, body, expected):
    """A finger goes down, moves if there is a second point, and leaves there."""
    assert panel.client.post("/finger", json=body).status_code == 200
    assert [(entry["finger"], entry["pressed"]) for entry in panel.hand.json()] == expected


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/button/left", {}),
        ("/button/left", {"action": "click"}),
        ("/button/left", {"action": ["press"]}),
        ("/button/middle", {"action": "press"}),
        ("/button/left", {"action": "press", "delay": -1}),
        ("/button/left", {"action": "press", "delay": "1"}),
        ("/button/left", {"action": "press", "delay": 1e9}),
        ("/button/left", {"action": "press", "delay": True}),
        ("/finger", {"action": "press"}),
        ("/finger", {"action": "press", "x": 1}),
        ("/finger", {"action": "press", "x": -1, "y": 1}),
        ("/finger", {"action": "press", "x": 1, "y": 99999}),
        ("/finger", {"action": "press", "x": None, "y": 1}),
        ("/replug", {"hold": "middle"}),
        ("/replug", {"hold": 1}),
        ("/automation", {"version": 7}),
        ("/automation", {"version": 1, "rules": [{"regexp": "("}]}),
        ("/automation", {}),
    ],
)
def test_bad_gesture_is_refused_and_does_nothing(panel, path, body):
    """Members that are missing, of the wrong type or out of bounds answer 400 with a reason."""
    answer = panel.client.post(path, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert panel.hand.events == []


def test_gesture_on_a_device_that_is_gone_is_an_error(panel):
    """A gesture that could not be written answers 503, never a success."""
    panel.hand.is_gone = True
    answer = panel.client.post("/button/left", json={"action": "press"})
    assert answer.status_code == 503
    assert "gone" in answer.json()["error"]


@pytest.mark.parametrize(("body", "hold"), [({"hold": "left"}, "left"), ({"hold": None}, None), ({}, None)])
def test_plug_is_pulled_and_put_in_again(panel, body, hold):
    """POST /replug writes the gesture with the button that is held."""
    assert panel.client.post("/replug", json=body).status_code == 200
    assert panel.hand.json() == [{"replug": hold}]


@pytest.mark.parametrize("path", ["/ticker", "/ticker/"])
@pytest.mark.parametrize("action", ["pause", "resume"])
def test_time_of_native_apps_is_stopped_and_started(panel, path, action):
    """POST /ticker/ passes on what is to happen to the time of native apps."""
    assert panel.client.post(path, json={"action": action}).status_code == 200
    assert panel.hand.json() == [{"ticker": action}]


def test_a_step_is_answered_when_the_app_has_taken_it(panel):
    """The answer to a step carries the number of the screen that the tick led to."""

    def write(events):
        panel.hand.events += events
        panel.state.show(frame(7, "later"))
        panel.state.tell({"steps": 1})

    panel.hand.write = write
    answer = panel.client.post("/ticker", json={"action": "single-step"})
    assert (answer.status_code, answer.json()) == (200, {"sequence": 7})
    assert panel.hand.json() == [{"ticker": "step"}]


def taking_steps(panel):
    """Return what writes gestures to a device whose app takes a step, or a pause, at once."""

    def write(events):
        panel.hand.events += events
        if [event.to_json() for event in events] in ([{"ticker": "step"}], [{"ticker": "pause"}]):
            panel.state.tell({"steps": panel.state.status.get("steps", 0) + 1})

    return write


@pytest.mark.parametrize(("delay", "count"), [({}, 1), ({"delay": 0}, 0), ({"delay": 0.3}, 2), ({"delay": 3.0}, 30)])
def test_a_hold_lasts_for_ticks_while_the_time_of_native_apps_is_stopped(panel, delay, count):
    """While nobody else makes time pass, a gesture's delay is so many ticks of the app's, one unless given."""
    panel.hand.write = taking_steps(panel)
    panel.state.show(frame(1, "Hold to sign"))
    panel.client.post("/ticker", json={"action": "pause"})
    panel.client.post("/finger", json={"action": "press-and-release", "x": 1, "y": 2, **delay})
    step, down, up = {"ticker": "step"}, {"finger": [1, 2], "pressed": True}, {"finger": [1, 2], "pressed": False}
    assert panel.hand.json() == [{"ticker": "pause"}, down, *[step] * count, up, {"ticker": "pause"}]


def test_a_button_is_down_for_one_tick_while_the_time_of_native_apps_is_stopped(panel):
    """A button's delay is one tick as well, and the answer waits for the app, which a pause tells of."""
    panel.hand.write = taking_steps(panel)
    panel.client.post("/ticker", json={"action": "pause"})
    panel.client.post("/button/left", json={"action": "press-and-release"})
    down, up = ({"button": "left", "pressed": pressed} for pressed in (True, False))
    assert panel.hand.json() == [{"ticker": "pause"}, down, {"ticker": "step"}, up, {"ticker": "pause"}]


@pytest.mark.parametrize("how", [("/ticker", {"action": "resume"}), ("/replug", {"hold": None})])
def test_no_tick_is_made_by_a_gesture_once_time_passes_again(panel, how):
    """Time that was started again, or a device that was, makes its ticks itself."""
    panel.hand.write = taking_steps(panel)
    panel.client.post("/ticker", json={"action": "pause"})
    panel.client.post(how[0], json=how[1])
    panel.hand.events.clear()
    panel.client.post("/button/left", json={"action": "press-and-release"})
    assert panel.hand.json() == [{"button": "left", "pressed": pressed} for pressed in (True, False)]


def test_screens_of_the_system_go_by_the_clock_even_while_the_time_of_native_apps_is_stopped(panel):
    """What offers actions is no screen of a native app: a gesture on it makes no tick."""
    panel.hand.write = taking_steps(panel)
    panel.state.show(frame(1, "Hold to sign", actions=[HOLD]))
    panel.client.post("/ticker", json={"action": "pause"})
    panel.client.post("/finger", json={"action": "press-and-release", "x": 1, "y": 2, "delay": 0.01})
    assert panel.hand.json() == [
        {"ticker": "pause"}, {"finger": [1, 2], "pressed": True}, {"finger": [1, 2], "pressed": False}
    ]  # fmt: skip


def test_other_actions_of_the_ticker_are_refused(panel):
    """What is neither pause, resume nor a step is a clear error."""
    assert panel.client.post("/ticker", json={"action": "rewind"}).status_code == 400


def test_rules_act_on_the_next_screen(panel):
    """Posted rules press on what is shown after them, not on what was shown before."""
    panel.state.show(frame(1, "Approve"))
    rules = {"version": 1, "rules": [{"text": "Approve", "actions": [["button", 1, True], ["button", 1, False]]}]}
    assert panel.client.post("/automation", json=rules).status_code == 200
    assert panel.hand.events == []
    panel.state.show(frame(2, "Approve"))
    assert panel.hand.json() == [{"button": "left", "pressed": True}, {"button": "left", "pressed": False}]


def test_rules_act_on_the_current_screen_if_asked(panel):
    """With ?current=true the screen shown now counts as well."""
    panel.state.show(frame(1, "Approve"))
    rules = {"version": 1, "rules": [{"text": "Approve", "actions": [["button", 1, True]]}]}
    panel.client.post("/automation?current=true", json=rules)
    assert panel.hand.json() == [{"button": "left", "pressed": True}]


def test_events_list_all_lines_or_those_of_the_current_screen(panel):
    """GET /events lists what was shown in order; currentscreenonly lists what is shown; both carry the number."""
    panel.state.show(frame(1, "Please", "review"))
    panel.state.show(frame(2, "Amount"))
    answer = panel.client.get("/events")
    assert [(entry["text"], entry["clear"]) for entry in answer.json()["events"]] == [
        ("Please", True),
        ("review", False),
        ("Amount", True),
    ]
    assert (answer.json()["sequence"], answer.headers["x-screen-sequence"]) == (2, "2")
    current = panel.client.get("/events?currentscreenonly=true").json()
    assert current == {
        "events": [{"text": "Amount", "x": 8, "y": 0, "w": 112, "h": 12, "clear": True}],
        "sequence": 2,
    }


def test_deleted_events_are_gone_and_the_screen_is_not(panel):
    """DELETE /events forgets the past; the current screen can still be read."""
    panel.state.show(frame(1, "a"))
    assert panel.client.delete("/events").status_code == 200
    assert panel.client.get("/events").json()["events"] == []
    assert len(panel.client.get("/events?currentscreenonly=true").json()["events"]) == 1


def test_screenshot_is_a_png_with_the_number_of_the_screen(panel):
    """GET /screenshot draws the frame and says which one."""
    panel.state.show(frame(6, "Hello"))
    answer = panel.client.get("/screenshot")
    assert (answer.headers["content-type"], answer.headers["x-screen-sequence"]) == ("image/png", "6")
    assert Image.open(BytesIO(answer.content)).size == (128, 64)


def test_device_that_has_shown_nothing_has_no_screenshot(panel):
    """Before the first frame the answer is 503 and not an empty picture."""
    assert panel.client.get("/screenshot").status_code == 503


def test_screen_newer_than_a_number_is_returned_at_once(panel):
    """GET /screen returns the frame, actions and all, if its number is greater."""
    panel.state.show(frame(3, "a", actions=[APPROVE], scene="review"))
    document = panel.client.get("/screen?after=2&timeout=0").json()
    assert Frame.from_json(document) == panel.state.frame
    assert document["actions"] == [{"role": "approve", "label": "APPROVE", "button": "both"}]


def test_screen_that_does_not_come_is_no_content(panel):
    """If nothing newer came in time the answer is 204 with the number there is."""
    panel.state.show(frame(3, "a"))
    answer = panel.client.get("/screen?after=3&timeout=0.01")
    assert (answer.status_code, answer.headers["x-screen-sequence"]) == (204, "3")


@pytest.mark.parametrize("query", ["after=x", "after=-1", "timeout=1e9", "timeout=nan", "stream=perhaps"])
def test_bad_query_is_refused(panel, query):
    """A query that is no number in bounds or no flag answers 400."""
    assert panel.client.get(f"/screen?{query}").status_code == 400


def test_status_shows_every_member(panel):
    """GET /status passes on what the device said."""
    panel.state.tell({"serial": "0001", "boundaries": {"app": "process"}})
    assert panel.client.get("/status").json() == {
        "model": "nanosp",
        "serial": "0001",
        "boundaries": {"app": "process"},
        "sequence": 0,
    }


def test_page_and_its_files_are_served_from_the_package(panel):
    """GET / answers the page, and every file it names is there; nothing else is."""
    page = panel.client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    for name, (_, media_type) in STATIC.items():
        answer = panel.client.get(f"/static/{name}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(media_type)
    for name in ("..%2fserver.py", "index.html", "panel.js/x", "%2e%2e/asset.py"):
        assert panel.client.get(f"/static/{name}").status_code == 404


def test_page_loads_nothing_from_elsewhere(panel):
    """No file of the page names another host, so it works without a network."""
    for path in ("/", *(f"/static/{name}" for name in STATIC if name.endswith((".js", ".css")))):
        text = panel.client.get(path).text.replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text
        assert "https:" not in text


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/apdu"), ("POST", "/screenshot"), ("PUT", "/events"), ("GET", "/button/left")]
)
def test_wrong_method_is_told(panel, method, path):
    """A known path with another method answers 405 as JSON."""
    answer = panel.client.request(method, path)
    assert answer.status_code == 405
    assert answer.json()["error"]
