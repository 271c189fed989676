"""Several devices on one page: pictures and a story, and no way to press anything."""

from __future__ import annotations

import httpx
import pytest
from panel_double import LocalClient

from tallystick.ui.web.beside import Story, View, create_beside

PNG = b"\x89PNG picture"


class Panels(httpx.AsyncBaseTransport):
    """Two panels: the first shows its fourth screen, the second is gone."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer for the panel that is meant."""
        self.asked.append(f"{request.method} {request.url.path}?{request.url.query.decode()}")
        if request.url.port == 5001:
            raise httpx.ConnectError("refused")
        if request.url.path == "/screen":
            after = int(request.url.params["after"])
            return httpx.Response(204) if after >= 4 else httpx.Response(200, json={"sequence": 4})
        return httpx.Response(200, content=PNG, headers={"x-screen-sequence": "4"})


@pytest.fixture
def stage():
    """Return the page's client, the panels behind it, and the story."""
    panels, story = Panels(), Story()
    views = [View(name="sender", panel="http://127.0.0.1:5000"), View(name="receiver", panel="http://127.0.0.1:5001")]
    client = LocalClient(create_beside(views=views, story=story, transport=panels), base_url="http://127.0.0.1:6000")
    yield client, panels, story
    client.close()


def test_the_page_has_its_files_and_lists_the_devices(stage):
    """Page, script and style are served; nothing else is a file."""
    client, _, _ = stage
    page = client.get("/")
    assert "beside.js" in page.text
    for name in ("beside.js", "beside.css"):
        assert client.get(f"/static/{name}").status_code == 200
    assert client.get("/static/panel.js").status_code == 404
    assert [view["name"] for view in client.get("/views").json()["views"]] == ["sender", "receiver"]
    assert client.get("/views").json()["views"][0]["panel"] == "http://127.0.0.1:5000/"


def test_a_new_screen_is_a_picture_and_none_is_204(stage):
    """The number of the screen comes with it, and is what is asked above the next time."""
    client, panels, _ = stage
    answer = client.get("/picture/0", params={"after": 3})
    assert (answer.content, answer.headers["x-screen-sequence"]) == (PNG, "4")
    assert client.get("/picture/0", params={"after": 4}).status_code == 204
    assert [line.partition("?")[0] for line in panels.asked] == ["GET /screen", "GET /screenshot", "GET /screen"]


def test_a_device_that_is_gone_and_one_that_never_was(stage):
    """The page learns which of both; nonsense is refused."""
    client, _, _ = stage
    assert client.get("/picture/1").status_code == 502
    assert client.get("/picture/2").status_code == 404
    assert client.get("/picture/0", params={"after": "x"}).status_code == 400


def test_the_story_grows(stage):
    """What the program says is there at the next look."""
    client, _, story = stage
    assert client.get("/story").json() == {"lines": []}
    story.say("the key moved")
    assert client.get("/story").json() == {"lines": ["the key moved"]}


def test_nothing_can_be_pressed_and_foreign_pages_see_nothing(stage):
    """There are no other methods, no other names, no frames and no other origins."""
    client, panels, _ = stage
    for path in ("/", "/views", "/story", "/picture/0", "/button/both"):
        assert client.post(path).status_code in {404, 405}
    assert client.get("/views", headers={"origin": "https://wallet.example"}).status_code == 403
    assert client.get("/views", headers={"host": "device.example"}).status_code == 403
    assert client.get("/").headers["x-frame-options"] == "DENY"
    assert panels.asked == []
