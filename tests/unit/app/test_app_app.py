"""The base class of apps: what becomes of answers, refusals, failed calls and events."""

import pytest
from app_stage import Launched, pack

from tallystick.wire.install import Curve
from tallystick.wire.screen import Entry, Menu, Notice
from tallystick.wire.syscall import (
    ApduEvent,
    Ask,
    CallStatus,
    Exchange,
    Idle,
    MenuEvent,
    PublicKey,
    ResetEvent,
    Response,
)

SOURCE = """
from tallystick.app.app import App, start_with
from tallystick.errors import RemoteProtocolError
from tallystick.wire.install import Curve
from tallystick.wire.screen import Entry, Menu, Notice
from tallystick.wire.status import Reject, StatusWord

class Demo(App):
    resets = 0
    begun = False

    async def started(self):
        self.begun = True

    async def menu(self):
        return Menu(title="T", entries=(Entry(f"begun {self.begun}"), Entry("Quit")))

    async def selected(self, index):
        await self.os.ask(Notice(lines=(str(index),)))

    def reset(self):
        self.resets += 1

    async def handle(self, raw):
        kind = raw[:1]
        if kind == b"r":
            raise Reject(StatusWord.CONDITIONS_NOT_SATISFIED)
        if kind == b"d":
            raise Reject(StatusWord.INCORRECT_DATA, b"why")
        if kind == b"p":
            raise RemoteProtocolError("bad", status=0x6A80)
        if kind == b"k":
            return await self.os.public_key(Curve.SECP256K1, (1,))
        if kind == b"n":
            return bytes((self.resets,))
        return raw

start = start_with(Demo)
"""


@pytest.fixture
def app():
    """Return an app that has shown its menu and waits for the first event."""
    launched = Launched(pack(app=SOURCE))
    assert launched.requests == [Idle(Menu(title="T", entries=(Entry("begun True"), Entry("Quit"))))]
    assert launched.answer() == Exchange()
    return launched


def test_data_is_answered_with_9000(app):
    """What `handle` returns is the answer."""
    assert app.answer(ApduEvent(b"hello")) == Exchange(Response(b"hello", 0x9000))
    assert app.answer(ApduEvent(b"again")) == Exchange(Response(b"again", 0x9000))


@pytest.mark.parametrize(("raw", "data", "status"), [(b"r", b"", 0x6985), (b"d", b"why", 0x6A80), (b"p", b"", 0x6A80)])
def test_refusals_are_answered_with_their_status(app, raw, data, status):
    """A Reject answers as it says, a broken protocol with the status of the error; nothing is reset by either."""
    assert app.answer(ApduEvent(raw)) == Exchange(Response(data, status))
    assert app.answer(ApduEvent(b"n")) == Exchange(Response(b"\0", 0x9000))


@pytest.mark.parametrize(
    ("status", "answered"),
    [
        (CallStatus.LOCKED, 0x5515),
        (CallStatus.NOT_PERMITTED, 0x6982),
        (CallStatus.BAD_ARGUMENT, 0x6F00),
        (CallStatus.NOT_SUPPORTED, 0x6F00),
        (CallStatus.NO_SPACE, 0x6F00),
    ],
)
def test_failed_calls_become_status_words_and_reset_the_app(app, status, answered):
    """A call that fails ends the command: the client hears why, and the app begins anew."""
    assert app.answer(ApduEvent(b"k")) == PublicKey(Curve.SECP256K1, (1,))
    assert app.answer(status=status) == Exchange(Response(b"", answered))
    assert app.answer(ApduEvent(b"n")) == Exchange(Response(b"\1", 0x9000))


def test_an_aborted_call_is_answered_to_nobody(app):
    """When the client is gone the app resets and waits, with no answer that another client could take for its own."""
    app.answer(ApduEvent(b"k"))
    assert app.answer(status=CallStatus.ABORTED) == Exchange(None)
    assert app.answer(ApduEvent(b"n")) == Exchange(Response(b"\1", 0x9000))


def test_a_menu_choice_runs_selected_and_shows_the_menu_again(app):
    """The menu may show other values after a choice, so it is set anew."""
    assert app.answer(MenuEvent(0)) == Ask(Notice(lines=("0",)))
    assert isinstance(app.answer(), Idle)
    assert app.answer() == Exchange(None)


def test_a_reset_event_resets(app):
    """The client that spoke last has gone: what it began is forgotten."""
    assert app.answer(ResetEvent()) == Exchange(None)
    assert app.answer(ApduEvent(b"n")) == Exchange(Response(b"\1", 0x9000))


def test_a_plain_app_answers_that_it_knows_nothing():
    """Without `handle` every instruction is unknown, and the menu says the name of the class."""
    app = Launched(
        pack(app="from tallystick.app.app import App, start_with\nclass Plain(App): pass\nstart = start_with(Plain)\n")
    )
    assert app.requests == [Idle(Menu(title="Plain", entries=(Entry("Plain", "is ready"), Entry("Quit"))))]
    app.answer()
    assert app.answer(ApduEvent(b"\0\0\0\0")) == Exchange(Response(b"", 0x6D00))
    assert app.answer(MenuEvent(0)) == app.requests[0]
