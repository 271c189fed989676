"""Who may do what: names, origins, frames."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from panel_double import LocalClient, RecordingHand, frame

from tallystick.ui.state import PanelState
from tallystick.ui.web.guard import host_name, is_loopback
from tallystick.ui.web.player import Player
from tallystick.ui.web.server import create_app

FOREIGN = "https://wallet.example"
CLOSED = [
    ("POST", "/button/both", {"action": "press-and-release"}),
    ("POST", "/finger", {"action": "press", "x": 1, "y": 1}),
    ("POST", "/automation", {"version": 1, "rules": []}),
    ("POST", "/replug", {}),
    ("POST", "/ticker/", {"action": "pause"}),
    ("DELETE", "/events", None),
    ("GET", "/events", None),
    ("GET", "/screen", None),
    ("GET", "/screenshot", None),
    ("GET", "/status", None),
]


class StillCable:
    """Answers 9000 to everything."""

    async def exchange(self, apdu: bytes) -> bytes:
        """Answer."""
        return b"\x90\x00"


class Guarded:
    """An application with one screen, and its client."""

    def __init__(self) -> None:
        state, self.hand = PanelState(), RecordingHand()
        state.show(frame(1, "secret words"))
        player = Player(state=state, hand=self.hand, on_exit=lambda: None)
        hosts = frozenset({"device.test"})
        app = create_app(state=state, hand=self.hand, cable=StillCable(), player=player, hosts=hosts)
        self.client = LocalClient(app, base_url="http://127.0.0.1:5000")


@pytest.fixture
def guarded() -> Iterator[Guarded]:
    """Return an application at 127.0.0.1:5000."""
    built = Guarded()
    yield built
    built.client.close()


@pytest.mark.parametrize(("method", "path", "body"), CLOSED)
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": FOREIGN},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:5001"},
        {"origin": "https://127.0.0.1:5000"},
        {"origin": "http://localhost:5000"},
        {"origin": ""},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"},
    ],
)
def test_page_of_another_origin_neither_presses_nor_looks(guarded, method, path, body, headers):
    """Whatever a browser says that shows a foreign page, the answer is 403 and nothing happens."""
    answer = guarded.client.request(method, path, json=body, headers=headers)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert guarded.hand.events == []


@pytest.mark.parametrize(("method", "path", "body"), CLOSED)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://127.0.0.1:5000"},
        {"origin": "http://127.0.0.1:5000", "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"},
    ],
)
def test_own_page_and_programs_may_do_everything(guarded, method, path, body, headers):
    """Without an Origin, or with the panel's own one, nothing is refused as foreign."""
    assert guarded.client.request(method, path, json=body, headers=headers).status_code in {200, 501}


def test_person_may_follow_a_link_to_a_screenshot(guarded):
    """A navigation from another site is a person's click and shows the picture to that person only."""
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert guarded.client.get("/screenshot", headers=headers).status_code == 200
    assert guarded.client.post("/button/left", json={"action": "press"}, headers=headers).status_code == 403


@pytest.mark.parametrize(("path", "body"), [("/apdu", {"data": "e001000000"}), ("/", {"apduHex": "e001000000"})])
def test_every_page_may_send_apdus(guarded, path, body):
    """DApps under development reach the device by CORS, preflight included."""
    headers = {
        "origin": FOREIGN,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }
    preflight = guarded.client.request("OPTIONS", path, headers=headers)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    answer = guarded.client.post(path, json=body, headers={"origin": FOREIGN})
    assert answer.json()["data"] == "9000"
    assert answer.headers["access-control-allow-origin"] == "*"


def test_refused_apdu_can_be_read_by_the_page_that_sent_it(guarded):
    """Errors carry the CORS headers too, or a page would only learn that something failed."""
    answer = guarded.client.post("/apdu", json={}, headers={"origin": FOREIGN})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (400, "*")


@pytest.mark.parametrize("path", ["/", "/apdu", "/button/left", "/status"])
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:5000", "127.0.0.1.evil.example", "192.168.0.7:5000", "0.0.0.0", ""]
)
def test_name_that_is_not_of_this_machine_reaches_nothing(guarded, path, host):
    """A foreign name that resolves to loopback (DNS rebinding) is refused, even with a matching Origin."""
    headers = {"host": host, "origin": f"http://{host}"}
    answer = guarded.client.post(path, json={"action": "press", "data": "e001000000"}, headers=headers)
    assert answer.status_code == 403
    assert guarded.hand.events == []


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:5000", "LOCALHOST", "127.0.0.1", "127.8.9.1:80", "[::1]:5000", "[::1]", "a.localhost:1"],
)
def test_names_of_this_machine_are_accepted(guarded, host):
    """Loopback addresses and localhost, with or without a port, are this machine."""
    assert guarded.client.get("/status", headers={"host": host}).status_code == 200


def test_allowed_name_is_accepted(guarded):
    """A name that was allowed on purpose is accepted, its subdomains are not."""
    assert guarded.client.get("/status", headers={"host": "device.test:5000"}).status_code == 200
    assert guarded.client.get("/status", headers={"host": "x.device.test"}).status_code == 403


@pytest.mark.parametrize("path", ["/", "/status", "/nothing"])
def test_page_cannot_be_framed_nor_load_from_elsewhere(guarded, path):
    """Every answer forbids frames, foreign sources and guessing of types."""
    headers = guarded.client.get(path).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost:1", "localhost"),
        ("[::1]:80", "::1"),
        ("[::1]", "::1"),
        ("a:b", "a:b"),
        ("A.B", "a.b"),
        (":80", ":80"),
    ],
)
def test_host_header_is_split_into_name_and_port(host, name):
    """The port and brackets are taken off, odd values are left as they are and name nobody."""
    assert host_name(host) == name


@pytest.mark.parametrize("host", ["", "localhostx", "xlocalhost", "local.host", "127.0.0.256", "1", "[::2]"])
def test_only_loopback_is_loopback(host):
    """Names that merely look like this machine are not it."""
    assert not is_loopback(host)
