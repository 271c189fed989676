"""The gate to the Normal World, which may be hostile: any message, in any order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick import apps
from tallystick.app.inline import InlineHost
from tallystick.crypto.secret import Secret
from tallystick.device.os.hardware import Hardware, Options
from tallystick.device.os.session import BootMode
from tallystick.device.os.system import System
from tallystick.device.secure.vault import COST_TRIVIAL
from tallystick.device.silicon.clock import VirtualClock
from tallystick.device.silicon.entropy import RepeatableRng
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.device.silicon.provider import chip_in_flash
from tallystick.wire.model import MODELS
from tallystick.wire.panel import Frame
from tallystick.wire.world import Apdu, FromNormal, Link, LinkState, Log, Reply, ToNormal

PHRASE = b"test test test test test test test test test test test junk"
NAME = bytes.fromhex("B001000000")
RENAME = bytes.fromhex("E0D4000004") + b"Till"
COSMOS = apps.bundle("cosmos")


class Stage:
    """A system between a Normal World and a panel that only note what they get."""

    def __init__(self, *, mode: BootMode = BootMode.NORMAL) -> None:
        self.replies: list[Reply] = []
        self.frames: list[Frame] = []
        flash, rng = MemoryFlash(), RepeatableRng(0)
        hardware = Hardware(
            model=MODELS["nanosp"],
            flash=flash,
            rng=rng,
            keys=chip_in_flash(flash, rng),
            clock=VirtualClock(),
            panel=self,
            link=self,
            apps=InlineHost(),
        )
        self.system = System(hardware, Options(mode=mode, cost=COST_TRIVIAL))
        self.system.provision(Secret(PHRASE), Secret(b""))
        self.system.install(COSMOS)
        self.system.start()

    def send(self, message: ToNormal) -> None:
        """Note a reply."""
        if isinstance(message, Reply):
            self.replies.append(message)

    def show(self, frame: Frame) -> None:
        """Note a frame."""
        self.frames.append(frame)

    def tell(self, status: dict[str, Any]) -> None:
        """Pass over the status."""
        del status

    def receive(self, *messages: FromNormal) -> list[tuple[int, str]]:
        """Hand messages over; return what was replied to them, channel and last two bytes."""
        count = len(self.replies)
        for message in messages:
            self.system.receive(message)
        return [(reply.channel, reply.raw[-2:].hex()) for reply in self.replies[count:]]


@pytest.fixture
def stage() -> Stage:
    """Give a system that is ready."""
    return Stage()


def test_second_apdu_while_one_is_in_hand_is_not_accepted(stage: Stage) -> None:
    """It is refused with 6901, and the first is answered as if nothing had been."""
    assert stage.receive(Apdu(1, RENAME)) == []
    assert stage.receive(Apdu(2, NAME)) == [(2, "6901")]
    assert stage.receive(Link(1, LinkState.DOWN)) == [(1, "6901")]
    assert stage.receive(Apdu(2, NAME)) == [(2, "9000")]


def test_channel_that_nobody_opened_can_go_down(stage: Stage) -> None:
    """Links of unknown channels, up or down, change nothing."""
    assert stage.receive(Link(7, LinkState.DOWN), Link(7, LinkState.UP), Link(8, LinkState.DOWN)) == []
    assert stage.receive(Apdu(7, NAME)) == [(7, "9000")]


def test_going_down_of_another_channel_leaves_the_question(stage: Stage) -> None:
    """Only the client that asked takes its question along."""
    stage.receive(Apdu(1, RENAME))
    assert stage.receive(Link(2, LinkState.DOWN)) == []
    assert stage.system.session.display.is_asking
    assert stage.receive(Link(1, LinkState.DOWN)) == [(1, "6901")]
    assert not stage.system.session.display.is_asking


def test_log_of_the_normal_world_is_no_error_of_ours(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """Its lines are marked as its own and never rise above an error."""
    caplog.set_level(1)
    stage.receive(Log(50, "all is lost"))
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "normal world" in caplog.text


def test_quitting_an_app_is_answered_before_it_ends(stage: Stage) -> None:
    """9000 first, then the dashboard."""
    app = stage.system.session.registry.find("Cosmos")
    assert app is not None
    stage.system.open(app)
    stage.system.run()
    assert stage.receive(Apdu(1, bytes.fromhex("B0A7000000"))) == [(1, "9000")]
    assert stage.system.supervisor.app is None


MESSAGES = st.one_of(
    st.builds(Apdu, st.integers(1, 3), st.one_of(st.binary(max_size=40), st.sampled_from([NAME, RENAME]))),
    st.builds(Link, st.integers(1, 3), st.sampled_from(LinkState)),
    st.builds(Log, st.integers(0, 50), st.text(max_size=20)),
)


@settings(max_examples=150, deadline=None)
@given(messages=st.lists(MESSAGES, max_size=30), mode=st.sampled_from(BootMode))
def test_any_messages_in_any_order_leave_a_device_that_serves(messages: list[FromNormal], mode: BootMode) -> None:
    """Each APDU has exactly one reply on its own channel, at the latest when its channel goes down."""
    stage = Stage(mode=mode)
    stage.receive(*messages)
    stage.receive(*(Link(channel, LinkState.DOWN) for channel in (1, 2, 3)))
    sent = [message.channel for message in messages if isinstance(message, Apdu)]
    assert sorted(reply.channel for reply in stage.replies) == sorted(sent)
    assert stage.receive(Apdu(9, NAME)) == [(9, "6e00" if mode in {BootMode.BOOTLOADER, BootMode.UPGRADER} else "9000")]


def test_unforeseen_failure_is_6f00(stage: Stage) -> None:
    """A handler that fails is a technical problem, and the next command is served."""

    async def fail(*_arguments: object) -> bytes:
        raise RuntimeError("x")

    handlers: dict[int, Callable[..., Any]] = stage.system.dispatcher._dashboard.handlers
    handlers[0xD2] = fail
    assert stage.receive(Apdu(1, bytes.fromhex("E0D2000000"))) == [(1, "6f00")]
    assert stage.receive(Apdu(1, NAME)) == [(1, "9000")]
