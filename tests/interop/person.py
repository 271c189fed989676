"""A person at the front panel, who reads and presses by the REST API that Speculos users script."""

import http.client
import json
import socket
import threading
from contextlib import contextmanager, suppress

#: real processes on a busy machine: nothing here is measured, this only ends a test that hangs
PATIENCE_S = 120.0


def ask(port, method, path, document=None):
    """Send one request to the front panel; give the JSON answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        body = None if document is None else json.dumps(document)
        connection.request(method, path, body=body, headers={"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == 200, f"{method} {path} was answered {answer.status}: {text!r}"
        return json.loads(text)
    finally:
        connection.close()


class Person:
    """Reads each screen of a review, goes on with the right button, and presses both on the word it looks for."""

    def __init__(self, *, port, decision, expects):
        self.port = port
        self.decision = decision
        self.expects = expects
        self.screens = []
        self.decided = False

    def look(self):
        """Read the screen that is there; the texts from top to bottom."""
        events = ask(self.port, "GET", "/events?currentscreenonly=true")["events"]
        return tuple(event["text"] for event in events)

    def act(self):
        """Press once for a screen not seen at the last look, if it is one of a review."""
        texts = self.look()
        if self.decided or not texts or (self.screens and self.screens[-1] == texts):
            return
        if not self.screens and not any(text.startswith(self.expects) for text in texts):
            return
        self.screens.append(texts)
        self.decided = self.decision in texts
        self.press("both" if self.decided else "right")

    def value(self, title):
        """Give what was read under a title, its pages joined."""
        pages = [texts for texts in self.screens if texts[0] == title or texts[0].startswith(f"{title} [")]
        return "".join("".join(texts[1:]) for texts in pages)

    def press(self, button):
        """Press and release."""
        ask(self.port, "POST", f"/button/{button}", {"action": "press-and-release", "delay": 0})


@contextmanager
def reading(port):
    """Listen to the panel's stream of events; give an iterator over the texts as they are drawn."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    connection.request("GET", "/events?stream=true")
    with connection.getresponse() as stream:
        yield (json.loads(event[5:])["text"] for event in stream if event.startswith(b"data:"))
    connection.close()


@contextmanager
def person(*, port, decision, expects="Please"):
    """Have a `Person` at the panel while the body runs; woken by the stream of events, never by a clock."""
    someone = Person(port=port, decision=decision, expects=expects)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    connection.request("GET", "/events?stream=true")
    line = connection.sock  # the response takes it over; shutting it down is what ends the reading below
    stream = connection.getresponse()
    failures = []
    leaving = threading.Event()

    def watch():
        try:
            while not leaving.is_set() and (event := stream.readline()):
                if event.startswith(b"data:"):
                    someone.act()
        except (OSError, ValueError, AssertionError, http.client.HTTPException) as error:
            if not leaving.is_set():
                failures.append(error)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield someone
    finally:
        leaving.set()
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
        thread.join()
        stream.close()
        connection.close()
    assert not failures, f"the person at the panel was disturbed: {failures}"
