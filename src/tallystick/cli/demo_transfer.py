"""The second tour of `tally demo`: two devices side by side on one page, and a key that is never on both."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import click

from tallystick.cli.demo_device import devices
from tallystick.cli.demo_hand import Hand
from tallystick.errors import TrustError, UsageError

if TYPE_CHECKING:
    from tallystick.host.session import Session
    from tallystick.ui.web.beside import Story

_STEPS = 6
_NAMES = ("sender", "receiver")
_END_S = 5.0


def transfer_tour(model: str, pause: float) -> None:
    """Start two devices, have an owner certify both, and move a key; what is said stands on their page, too."""
    from tallystick.host.session import Session
    from tallystick.host.transport.tcp import TcpTransport
    from tallystick.ui.web.beside import Story

    story = Story()
    tell = _Teller(story)
    tell.step(1, f"starting two {model} …")
    with ExitStack() as stack:
        both = stack.enter_context(devices(2, model, "--app", "transfer", "--no-manager"))
        page = stack.enter_context(_page(both, story))
        click.echo(f"      both on one page: {page} while the tour lasts")
        for name, facts in zip(_NAMES, both, strict=True):
            stack.enter_context(Hand(facts["api_port"], pause, name=name))
        sessions = [stack.enter_context(Session(TcpTransport("127.0.0.1", facts["apdu_port"]))) for facts in both]
        _tour(sessions, both, tell)


class _Teller:
    """Says each step in the terminal and on the page."""

    def __init__(self, story: Story) -> None:
        self._story = story

    def step(self, number: int, text: str) -> None:
        """Say what begins."""
        click.echo(click.style(f"[{number}/{_STEPS}]", bold=True) + f" {text}")
        self._story.say(text)

    def note(self, text: str) -> None:
        """Say what came of it."""
        click.echo(f"      {text}")
        self._story.say(text)


def _tour(sessions: Sequence[Session], both: Sequence[dict[str, Any]], tell: _Teller) -> None:
    from tallystick.cli.demo_owner import certify
    from tallystick.crypto.hash import sha256
    from tallystick.host.actions import transfer
    from tallystick.host.actions.step import result

    sender, receiver = sessions
    tell.step(2, "an owner certifies the attestation key of both  (the test realm's owner, whom everybody knows)")
    for session, facts in zip(sessions, both, strict=True):
        certify(session, facts)
    tell.step(3, "the sender makes a private key")
    made = result(transfer.create(sender))
    name = transfer.fingerprint(made.public_key or b"")
    tell.note(f"key {name}: it can move, for it never signed")
    tell.step(4, "it moves: both ask, each proves to the other that it runs this very app, the sender erases and sends")
    held = result(transfer.transfer(sender, receiver))
    if held.public_key != made.public_key:
        raise TrustError("another key arrived")
    left = result(transfer.status(sender))
    tell.note(f"key {name} is on the receiver now; the sender has {left.state.value}")
    tell.step(5, "the receiver signs with it, and so ends its travels")
    result(transfer.sign(receiver, sha256(b"two halves of one stick")))
    tell.note("the signature holds for the key that was made on the sender")
    tell.step(6, "can it go back?")
    try:
        result(transfer.transfer(receiver, sender))
    except UsageError as error:
        tell.note(f"no: {error.message}. Done.")
    else:
        raise TrustError("a key that had signed was moved")


@contextmanager
def _page(both: Sequence[dict[str, Any]], story: Story) -> Iterator[str]:
    """Serve the page with both devices; yield its address."""
    import uvicorn

    from tallystick.ui.web.beside import View, create_beside

    views = [
        View(name=f"{name}, {facts['serial']}", panel=f"http://127.0.0.1:{facts['api_port']}")
        for name, facts in zip(_NAMES, both, strict=True)
    ]
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_beside(views=views, story=story), log_level="critical", timeout_graceful_shutdown=3)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(_END_S)
