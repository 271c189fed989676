"""The page in a real browser, against a real panel process; scripts/browser_setup installs the browser."""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from panel_double import APPROVE, HOLD, NEXT, PREVIOUS, REJECT, TAP_NEXT, WAIT_S, DeviceEnd, frame
from PIL import Image

from tallystick.ui.asset import icon_shapes
from tallystick.wire.events import Button, ReplugEvent, press
from tallystick.wire.panel import Box, Code, Icon

pytestmark = pytest.mark.browser

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)
STAX = (400, 672)


class Page:
    """A browser, with what the tests ask of it."""

    def __init__(self, profile: Path) -> None:
        from selenium.webdriver import Chrome, ChromeOptions
        from selenium.webdriver.chrome.service import Service

        options = ChromeOptions()
        options.binary_location = BROWSER
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = Chrome(options=options, service=Service(DRIVER))
        self.driver.set_script_timeout(WAIT_S)

    def wait(self, condition: Callable[[], object]) -> None:
        """Wait until a condition holds."""
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(self.driver, WAIT_S, poll_frequency=0.02).until(lambda _: condition())

    def find(self, selector: str):
        """Return the first element a selector fits."""
        return self.driver.find_element("css selector", selector)

    def open(self, device: DeviceEnd, sequence: int) -> None:
        """Open a device's page and wait until it shows a screen."""
        self.driver.get(f"{device.url}/")
        self.wait_for(sequence)

    def wait_for(self, sequence: int) -> None:
        """Wait until a screen is shown."""
        shown = "return document.documentElement.dataset.sequence"
        self.wait(lambda: self.driver.execute_script(shown) == str(sequence))

    def keys(self, *actions: tuple[str, str]) -> None:
        """Press (`down`) and release (`up`) keys on the page."""
        from selenium.webdriver import ActionChains
        from selenium.webdriver.common.keys import Keys

        chain = ActionChains(self.driver)
        for way, key in actions:
            getattr(chain, f"key_{way}")(getattr(Keys, key))
        chain.perform()

    def lit(self) -> int:
        """Return how many pixels of the screen are bright."""
        return self.driver.execute_script(
            "const c = document.getElementById('screen');"
            "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
            "let n = 0; for (let i = 0; i < d.length; i += 4) if (d[i] > 150) n += 1; return n / (c.width * c.height);"
        )

    def complaints(self) -> list[str]:
        """Return what the browser complained about since the last time."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Iterator[Page]:
    """Return a browser with a new, empty profile."""
    if BROWSER is None or DRIVER is None:
        reason = "chromium or chromedriver is missing: run scripts/browser_setup"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    opened = Page(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.driver.quit()


@pytest.fixture
def nano(page) -> Iterator[DeviceEnd]:
    """Return a nano that shows a page of a review, open in the browser."""
    with DeviceEnd("--model", "nanosp") as device:
        device.tell(model="nanosp", serial="tallystick-0001", worlds="isolated", unlocked=True)
        device.show(frame(1, "Amount", "0.005 ATOM", actions=[PREVIOUS, NEXT]))
        page.open(device, 1)
        page.complaints()
        yield device
        page.driver.get("about:blank")


@pytest.fixture
def stax(page) -> Iterator[DeviceEnd]:
    """Return a touch model that shows the last page of a review, open in the browser."""
    with DeviceEnd("--model", "stax") as device:
        code = Code(x=80, y=100, w=240, h=240, text="cosmos15yk64u7zc9g9k2yr2wmzeva5qgwxps6yxj00e7")
        device.show(frame(1, "Sign?", actions=[HOLD, REJECT, TAP_NEXT], size=STAX, extra=[code]))
        page.open(device, 1)
        page.complaints()
        yield device
        page.driver.get("about:blank")


def test_page_shows_text_status_and_what_can_be_done(page, nano):
    """The screen's text is on the canvas and in the live region, the status in the table, the actions as buttons."""
    assert page.find("#text").get_property("textContent") == "Amount\n0.005 ATOM"
    assert page.find("#text").get_attribute("aria-live") == "polite"
    assert 0.005 < page.lit() < 0.3
    assert "tallystick-0001" in page.find("#status").text
    assert "isolated" in page.find("#status").text
    assert page.find("#actions").text.split("\n") == ["Previous", "Next"]
    assert page.find("#connection").get_attribute("data-state") == "live"
    assert page.complaints() == []


def test_canvas_and_screenshot_agree_to_the_pixel(page, nano):
    """Text of every width, icons, a bar and a QR code light the same pixels on the page as in the PNG."""
    texts = ("cosmos15yk64u7zc9", "W" * 17, "ÄÖ g|{}~@ \N{BULLET}", "\N{REPLACEMENT CHARACTER}")
    icons = [Icon(x=9 * number, y=50, w=8, h=14, name=name) for number, name in enumerate([*icon_shapes(), "cosmos"])]
    extra = [*icons, Box(x=70, y=40, w=50, h=5, filled=40), Code(x=100, y=24, w=25, h=25, text="A")]
    nano.show(frame(2, *texts, extra=extra))
    page.wait_for(2)
    shown = page.driver.execute_script(
        "const c = document.getElementById('screen'), cell = c.width / 128;"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; const bits = [];"
        "for (let y = 0; y < 64; y += 1) for (let x = 0; x < 128; x += 1) {"
        "  const at = Math.floor((y + 0.5) * cell) * c.width + Math.floor((x + 0.5) * cell);"
        "  bits.push(d[at * 4] > 127 ? 1 : 0); } return bits;"
    )
    picture = Image.open(BytesIO(httpx.get(f"{nano.url}/screenshot", timeout=WAIT_S).content))
    assert shown == [level > 0 for level in picture.convert("L").tobytes()]


def test_page_follows_the_device_live(page, nano):
    """A new frame is shown without a reload, a dark one as dark."""
    nano.show(frame(2, "Fee"))
    page.wait_for(2)
    assert page.find("#text").get_property("textContent") == "Fee"
    nano.show(frame(3, "Fee", lit=False))
    page.wait_for(3)
    assert page.lit() == 0


@pytest.mark.parametrize(
    ("key", "button"),
    [("ARROW_LEFT", Button.LEFT), ("ARROW_RIGHT", Button.RIGHT), ("ENTER", Button.BOTH), ("ARROW_DOWN", Button.BOTH)],
)
def test_keys_are_the_buttons(page, nano, key, button):
    """An arrow key or Enter, pressed and released, arrives as the same on the link."""
    page.keys(("down", key), ("up", key))
    expected = press(button)
    assert tuple(nano.gesture() for _ in expected) == expected


def test_held_key_holds_the_button_and_shows_it(page, nano):
    """While a key is down the button is down, on the link and on the page, until the key is up."""
    page.keys(("down", "ARROW_RIGHT"))
    assert nano.gesture().pressed is True
    cap = page.find('[data-cap="right"]')
    assert "pressed" in cap.get_attribute("class")
    page.keys(("up", "ARROW_RIGHT"))
    assert nano.gesture().pressed is False
    assert "pressed" not in cap.get_attribute("class")


@pytest.mark.parametrize(
    ("selector", "button"), [("#left", Button.LEFT), ("#right", Button.RIGHT), ("#both", Button.BOTH)]
)
def test_buttons_of_the_device_can_be_clicked(page, nano, selector, button):
    """A click on a button of the drawing is a press and a release."""
    page.find(selector).click()
    expected = press(button)
    assert tuple(nano.gesture() for _ in expected) == expected


def test_action_and_replug_controls_make_their_gestures(page, nano):
    """The list of actions and the plug are controls of the page like any other."""
    page.find('#actions [data-role="next"]').click()
    assert [nano.gesture().button for _ in range(2)] == [Button.RIGHT, Button.RIGHT]
    page.find("#hold option[value=left]").click()
    page.find("#replug button").click()
    assert nano.gesture() == ReplugEvent(hold=Button.LEFT)


def test_finger_on_the_screen_touches_the_point_below_it(page, stax):
    """A click in the middle of the canvas touches the middle of the screen, and arrow keys turn pages."""
    assert page.find("#device").get_attribute("data-family") == "touch"
    page.find("#screen").click()
    down, up = stax.gesture(), stax.gesture()
    assert (down.pressed, up.pressed) == (True, False)
    assert abs(down.x - 200) <= 2
    assert abs(down.y - 336) <= 2
    page.keys(("down", "ARROW_RIGHT"), ("up", "ARROW_RIGHT"))
    assert (stax.gesture().x, stax.gesture().y) == (TAP_NEXT.x, TAP_NEXT.y)
    assert page.complaints() == []


def test_finger_held_down_is_held_on_the_device(page, stax):
    """Between mouse down and mouse up the finger stays."""
    from selenium.webdriver import ActionChains

    ActionChains(page.driver).click_and_hold(page.find("#screen")).perform()
    assert stax.gesture().pressed is True
    stax.show(frame(2, "half way", actions=[HOLD], size=STAX))
    page.wait_for(2)
    ActionChains(page.driver).release().perform()
    assert stax.gesture().pressed is False


def test_action_that_must_be_held_is_held_by_its_control(page, stax):
    """The control of a holding action touches its point and leaves it after a while."""
    page.find('#actions [data-role="approve"]').click()
    down, up = stax.gesture(), stax.gesture()
    assert (down.x, down.y, down.pressed, up.pressed) == (HOLD.x, HOLD.y, True, False)


class Elsewhere:
    """A web server of another origin with an empty page."""

    def __enter__(self) -> str:
        """Serve, and return the address."""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = b"<!doctype html><title>elsewhere</title>"
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        return f"http://127.0.0.1:{self.server.server_port}/"

    def __exit__(self, *_: object) -> None:
        """Stop serving."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(WAIT_S)


ATTACKS = {
    "json": "fetch(url + '/button/both', {method: 'POST', body: BODY, headers: {'content-type': 'application/json'}})",
    "simple": "fetch(url + '/button/both', {method: 'POST', body: BODY})",
    "opaque": "fetch(url + '/button/both', {method: 'POST', mode: 'no-cors', body: BODY})",
    "beacon": "Promise.resolve(navigator.sendBeacon(url + '/button/both', BODY))",
    "rules": "fetch(url + '/automation', {method: 'POST', mode: 'no-cors', body: RULES})",
    "plug": "fetch(url + '/replug', {method: 'POST', mode: 'no-cors', body: '{}'})",
}


def test_page_of_another_origin_can_neither_press_nor_read_but_may_send_apdus(page):
    """Every way a foreign page has to send a gesture fails, reading the screen fails, and /apdu works by CORS."""
    with (
        Elsewhere() as address,
        socket.create_server(("127.0.0.1", 0)) as port,
        DeviceEnd("--model", "nanosp", apdu_port=port.getsockname()[1]) as device,
    ):
        device.show(frame(1, "secret", actions=[APPROVE]))
        page.driver.get(address)
        left_on_everything = {"version": 1, "rules": [{"actions": [["button", 1, True]]}]}
        script = "const [url, done] = arguments; %s.then((a) => done(String(a.status ?? a)), (e) => done('failed'));"
        for attack in ATTACKS.values():
            code = script % attack.replace("BODY", json.dumps(json.dumps({"action": "press-and-release"})))
            code = code.replace("RULES", json.dumps(json.dumps(left_on_everything)))
            assert page.driver.execute_async_script(code, device.url) != "200"
        for path in ("/events", "/screen", "/status", "/screenshot"):
            assert page.driver.execute_async_script(script % f"fetch(url + '{path}')", device.url) == "failed"

        def serve() -> None:
            connection, _ = port.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"\0\0\0\0\x90\x00")

        thread = threading.Thread(target=serve)
        thread.start()
        apdu = "fetch(url + '/apdu', {method: 'POST', body: '{\"data\": \"b001000000\"}'}).then((a) => a.text())"
        assert json.loads(page.driver.execute_async_script(script % apdu, device.url)) == {"data": "9000"}
        thread.join(WAIT_S)
        # rules that got through would press left on this; what arrives first is the own page's click on the right
        device.show(frame(2, "secret", actions=[APPROVE]))
        page.open(device, 2)
        page.find("#right").click()
        assert device.gesture() == press(Button.RIGHT)[0]


def test_page_cannot_be_shown_in_a_frame_of_another_origin(page):
    """A foreign page that frames the panel, to lead clicks on it, gets an empty frame."""
    with Elsewhere() as address, DeviceEnd("--model", "nanosp") as device:
        page.driver.get(address)
        page.driver.execute_async_script(
            "const [url, done] = arguments; const f = document.createElement('iframe');"
            "f.onload = () => done(); f.src = url; document.body.append(f);",
            device.url,
        )
        page.driver.switch_to.frame(0)
        assert page.driver.find_elements("css selector", "#screen") == []
        page.driver.switch_to.default_content()


def test_page_says_when_the_device_is_gone(page):
    """When the panel ends the page says so instead of showing an old screen as if it were live."""
    with DeviceEnd("--model", "nanosp") as device:
        device.show(frame(1, "a"))
        page.open(device, 1)
    page.wait(lambda: page.find("#connection").get_attribute("data-state") == "lost")
    page.driver.get("about:blank")
