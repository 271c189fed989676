"""The panel's process: started as a device starts it, with a double at the device's end of the link."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
from panel_double import APPROVE, DISMISS, NEXT, WAIT_S, DeviceEnd, frame

from tallystick.errors import UsageError
from tallystick.ui import extra
from tallystick.ui.web.__main__ import main
from tallystick.wire.events import Button

RULES = json.dumps(
    {"version": 1, "rules": [{"regexp": "page", "actions": [["button", 2, True], ["button", 2, False]]},
                             {"text": "bye", "actions": [["exit"]]}]}
)  # fmt: skip


@pytest.fixture(scope="module")
def device() -> Iterator[DeviceEnd]:
    """Return a running panel that nobody drives by rules."""
    with DeviceEnd("--model", "nanosp") as end:
        yield end


def show(device: DeviceEnd, *texts: str, **drawn: object) -> int:
    """Show a frame and return its number once the panel has it."""
    before = httpx.get(f"{device.url}/screen?timeout=0", timeout=WAIT_S).headers.get("x-screen-sequence", "0")
    device.show(frame(int(before) + 1, *texts, **drawn))
    answer = httpx.get(f"{device.url}/screen?after={before}&timeout={WAIT_S}", timeout=WAIT_S)
    return answer.json()["sequence"]


def test_button_reaches_the_device_and_its_screen_the_script(device):
    """A click is written to the link; the frame the device answers with is the one a long poll returns."""
    sequence = show(device, "first")
    waiting: list[httpx.Response] = []
    poll = threading.Thread(
        target=lambda: waiting.append(httpx.get(f"{device.url}/screen?after={sequence}", timeout=WAIT_S))
    )
    poll.start()
    answer = httpx.post(f"{device.url}/button/right", json={"action": "press-and-release"}, timeout=WAIT_S)
    assert answer.json() == {"sequence": sequence}
    assert [device.gesture().pressed for _ in range(2)] == [True, False]
    device.show(frame(sequence + 1, "second"))
    poll.join(WAIT_S)
    assert waiting[0].json()["elements"][0]["text"] == "second"


def stream_lines(device: DeviceEnd, path: str) -> Iterator[str]:
    """Return the lines of a stream as they come."""
    with httpx.stream("GET", device.url + path, timeout=WAIT_S) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield "open"
        yield from answer.iter_lines()


def test_stream_of_events_has_only_data_lines(device):
    """Every text event comes as one `data:` line and an empty one, and none from before the stream began."""
    show(device, "before")
    stream = stream_lines(device, "/events?stream=true")
    assert next(stream) == "open"
    show(device, "one", "two")
    show(device, "three")
    received = [next(stream) for _ in range(6)]
    assert received[1::2] == ["", "", ""]
    events = [json.loads(line.removeprefix("data: ")) for line in received[::2]]
    assert [(event["text"], event["clear"]) for event in events] == [("one", True), ("two", False), ("three", True)]
    stream.close()


def test_stream_of_screens_begins_with_what_is_known(device):
    """A page that connects gets status and frame at once, then every change."""
    device.tell(app="Cosmos")
    sequence = show(device, "now", actions=[APPROVE])
    stream = stream_lines(device, "/screen?stream=true")
    assert next(stream) == "open"
    first = [next(stream) for _ in range(6)]
    assert first[0] == "event: status"
    assert json.loads(first[1].removeprefix("data: "))["app"] == "Cosmos"
    assert first[3] == "event: frame"
    assert json.loads(first[4].removeprefix("data: "))["sequence"] == sequence
    show(device, "later")
    assert next(stream) == "event: frame"
    assert json.loads(next(stream).removeprefix("data: "))["elements"][0]["text"] == "later"
    stream.close()


def test_reader_that_does_not_read_holds_up_nobody(device):
    """A stream nobody reads from does not keep others from seeing the newest screen, and is dropped in the end."""
    with socket.create_connection(("127.0.0.1", device.port)) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.sendall(b"GET /events?stream=true HTTP/1.1\r\nhost: localhost\r\n\r\n")
        sequence = show(device, "begin")
        for number in range(1, 3001):
            device.show(frame(sequence + number, *["x" * 100] * 10))
        answer = httpx.get(f"{device.url}/screen?after={sequence + 2999}", timeout=WAIT_S)
        assert answer.json()["sequence"] == sequence + 3000
        assert len(httpx.get(f"{device.url}/events", timeout=WAIT_S).json()["events"]) == 20_000
    httpx.delete(f"{device.url}/events", timeout=WAIT_S)


def test_too_many_streams_are_refused_and_free_again_when_closed(device):
    """Over the limit a stream answers 503; closing one makes room."""
    path = "/screen?stream=true"
    streams = []
    for _ in range(64):
        streams.append(stream_lines(device, path))
        next(streams[-1])
    assert httpx.get(device.url + path, timeout=WAIT_S).status_code == 503
    for stream in streams:
        stream.close()
    for _ in range(200):
        with httpx.stream("GET", device.url + path, timeout=WAIT_S) as answer:
            if answer.status_code == 200:
                return
    pytest.fail("closed streams are still counted")


def test_apdus_go_to_the_port_given():
    """The panel carries an APDU to the device's TCP port and answers what came back."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                request = connection.recv(100)
                connection.sendall(b"\0\0\0\1" + request[4:5] + b"\x90\x00")

        thread = threading.Thread(target=serve)
        thread.start()
        with DeviceEnd(apdu_port=server.getsockname()[1]) as end:
            answer = httpx.post(f"{end.url}/apdu", json={"data": "b001000000"}, timeout=WAIT_S)
            assert answer.json() == {"data": "b09000"}
        thread.join(WAIT_S)


@pytest.mark.parametrize("waits", [False, True])
def test_connection_of_an_apdu_ends_with_its_answer(waits):
    """Who looks at the socket alone learns that the answer is there, come with its headers or after them: nothing follows it."""
    body = b'{"data": "b001000000"}'
    head = f"POST /apdu HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    with socket.create_server(("127.0.0.1", 0)) as server, DeviceEnd(apdu_port=server.getsockname()[1]) as end:
        server.settimeout(WAIT_S)
        with socket.create_connection(("127.0.0.1", end.port), timeout=WAIT_S) as client:
            client.sendall(head + body)
            device, _ = server.accept()
            with device:
                device.recv(100)
                told = client.recv(4096) if waits else b""
                device.sendall(b"\0\0\0\1\xb0\x90\x00")
                told += b"".join(iter(lambda: client.recv(4096), b""))
        assert b"connection: close" in told.partition(b"\r\n\r\n")[0]
        assert b'{"data":"b09000"}' in told


def test_client_that_goes_away_frees_the_device():
    """When an HTTP client hangs up before its answer, the device's connection is closed and the next client served."""
    with socket.create_server(("127.0.0.1", 0)) as server, DeviceEnd(apdu_port=server.getsockname()[1]) as end:
        server.settimeout(WAIT_S)
        impatient = socket.create_connection(("127.0.0.1", end.port))
        body = b'{"data": "e002000000"}'
        head = f"POST /apdu HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n\r\n"
        impatient.sendall(head.encode() + body)
        first, _ = server.accept()
        first.settimeout(WAIT_S)
        assert first.recv(100) == bytes.fromhex("00000005e002000000")
        impatient.close()
        with suppress(ConnectionResetError):
            assert first.recv(100) == b""
        answers: list[httpx.Response] = []
        patient = threading.Thread(
            target=lambda: answers.append(httpx.post(f"{end.url}/apdu", json={"data": "b001000000"}, timeout=WAIT_S))
        )
        patient.start()
        second, _ = server.accept()
        second.recv(100)
        second.sendall(b"\0\0\0\0\x90\x00")
        patient.join(WAIT_S)
        assert answers[0].json() == {"data": "9000"}
        first.close()
        second.close()


def test_rules_given_at_the_start_press_on_every_screen_of_a_long_run():
    """Two thousand screens, each sent when the last was pressed on: none is missed, and nothing is drawn for it."""
    with DeviceEnd("--automation", RULES) as end:
        for number in range(1, 2001):
            end.show(frame(number, f"page {number}", "value", actions=[NEXT]))
            assert (end.gesture().pressed, end.gesture().pressed) == (True, False)
        assert httpx.get(f"{end.url}/status", timeout=WAIT_S).json()["sequence"] == 2000


def test_exit_rule_ends_the_panel():
    """The action `exit` closes the link and ends the process without an error."""
    with DeviceEnd("--automation", RULES) as end:
        end.show(frame(1, "bye"))
        assert end.link.recv(100) == b""
        assert end.process.wait(WAIT_S) == 0


def test_everything_is_approved_if_asked():
    """With --approve a review is walked by its actions and approved, and the notice after it dismissed."""
    with DeviceEnd("--approve") as end:
        end.show(frame(1, "page", actions=[NEXT], scene="review"))
        end.show(frame(2, "yes", actions=[APPROVE], scene="review"))
        end.show(frame(3, "done", actions=[DISMISS], scene="notice"))
        gestures = [end.gesture() for _ in range(10)]
    left, right = Button.LEFT, Button.RIGHT
    assert [gesture.button for gesture in gestures if gesture.pressed] == [right, left, right, left, right]


def test_panel_ends_with_its_device():
    """When the device closes the link the process ends, with streams open and without an error."""
    with DeviceEnd() as end:
        stream = stream_lines(end, "/screen?stream=true")
        next(stream)
        end.link.close()
        assert end.process.wait(WAIT_S) == 0
        assert end.process.stderr.read() == ""
        with pytest.raises(httpx.HTTPError):
            list(stream)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_panel_at_once(number):
    """SIGTERM and SIGINT end the process, open streams or not, and the device sees the link close."""
    with DeviceEnd() as end:
        stream = stream_lines(end, "/events?stream=true")
        next(stream)
        end.process.send_signal(number)
        assert end.process.wait(WAIT_S) == 0
        assert end.link.recv(100) == b""
        stream.close()


def test_device_that_breaks_the_link_ends_the_panel_with_an_error():
    """Noise on the link is fatal, and the reason is told without the noise."""
    with DeviceEnd() as end:
        end.link.send(b"noise 12345")
        assert end.process.wait(WAIT_S) == 1
        words = end.process.stderr.read()
    assert "broke the protocol" in words
    assert "12345" not in words


@pytest.mark.parametrize("rules", ['{"version": 2}', "no/such/file"])
def test_bad_rules_are_told_before_anything_is_served(rules):
    """A document that is refused ends the start with status 2 and the reason."""
    command = [sys.executable, "-m", "tallystick.ui.web", "--link-fd", "0", "--http-fd", "0", "--apdu-port", "1"]
    ended = subprocess.run([*command, "--automation", rules], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "automation" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_missing_extra_is_named_with_the_command_that_installs_it(monkeypatch, capsys):
    """Without starlette and its companions the remedy says what to install."""
    monkeypatch.setattr(extra, "find_spec", lambda name: None if name == "starlette" else object())
    with pytest.raises(UsageError, match="starlette") as caught:
        extra.require_extra("device")
    assert caught.value.remedy == "pip install 'tallystick[device]'"
    assert main(["--link-fd", "0", "--http-fd", "0", "--apdu-port", "1"]) == 2
    assert "pip install 'tallystick[device]'" in capsys.readouterr().err


def test_package_and_state_are_light_to_import():
    """The panel's core is imported without any of the optional third parties."""
    code = (
        "import sys, tallystick.ui.state, tallystick.ui.automation, tallystick.ui.approval, tallystick.ui.picture, "
        "tallystick.ui.terminal; print([name for name in "
        "('starlette', 'uvicorn', 'PIL', 'segno', 'textual') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
