"""Handshake steps, records and loader commands in any order, by two clients, with any decision of the person.

Whatever comes, the device answers with a documented status word that is not a fault of its own, lives on, and gives what is
made with its key to nobody the person did not let in.
"""

from __future__ import annotations

from collections.abc import Iterator

from channel_stage import MANAGER, STRANGER, Manager, Refused, native
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from os_stage import PIN, call

from tallystick.testing.client import Pending
from tallystick.testing.device import VirtualDevice
from tallystick.testing.factory import known_key
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.certificate import HostCertificate
from tallystick.wire.dashboard import Ins
from tallystick.wire.image import CreateApp
from tallystick.wire.loader import Create, DeleteApp, ListApps, ListMoreApps, Load, SetLoadOffset, load_script
from tallystick.wire.status import StatusWord

DOCUMENTED = {int(word) for word in StatusWord} - {StatusWord.TECHNICAL_PROBLEM}
CLIENTS = st.integers(0, 1)
SCRIPT = [*load_script(native())]
CERTIFICATE = HostCertificate(public_key=STRANGER.public_key, signature=STRANGER.sign(b"")).to_bytes()
STEPS = [
    (Ins.VALIDATE_TARGET_ID, 0, (0x33100004).to_bytes(4, "big")),
    (Ins.VALIDATE_TARGET_ID, 0, bytes(4)),
    (Ins.CHANNEL_NONCE, 0, bytes(8)),
    (Ins.CHANNEL_NONCE, 0, b""),
    (Ins.CHANNEL_HOST_CERTIFICATE, 0, CERTIFICATE),
    (Ins.CHANNEL_HOST_CERTIFICATE, 0x80, CERTIFICATE),
    (Ins.CHANNEL_DEVICE_CERTIFICATE, 0, b""),
    (Ins.CHANNEL_DEVICE_CERTIFICATE, 0x80, b""),
    (Ins.CHANNEL_AUTHENTICATE, 0, b""),
    (Ins.CHANNEL, 0, bytes(30)),
    (Ins.LIST_APPS_CONTINUE, 0, b""),
    (Ins.GET_VERSION, 0, b""),
]
PLAINS = st.one_of(
    st.sampled_from(SCRIPT),
    st.sampled_from(
        [
            ListApps().to_bytes(),
            ListMoreApps().to_bytes(),
            SetLoadOffset(address=64).to_bytes(),
            Load(offset=3, data=b"x").to_bytes(),
            DeleteApp(name="Demo").to_bytes(),
            Create(app=CreateApp(code_length=1 << 31, data_length=0, parameters_length=1)).to_bytes(),
        ]
    ),
    st.binary(min_size=1, max_size=200),
)


class Machine(RuleBasedStateMachine):
    """Two clients at one device; what each was allowed is counted beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.device = VirtualDevice(pin=PIN, apps=())
        self.device.user.enter_pin(PIN)
        self.public_key = self.device.board.system.session.attestation.signer.public_key
        self.managers = [self._manager(number) for number in range(2)]
        self.runs: list[Iterator[tuple[CommandApdu, Pending]] | None] = [None, None]
        self.allowed = [False, False]

    def teardown(self) -> None:
        """Pull the plug."""
        self.device.close()

    def _manager(self, number: int) -> Manager:
        return Manager(self.device, signer=(MANAGER, STRANGER)[number], number=number)

    def _settle(self, client: int, pending: Pending, *, agree: bool) -> None:
        """Let the person decide, and look at the answer."""
        if not pending.done:
            if agree:
                self.device.user.approve()
                self.allowed[client] = True
            else:
                self.device.user.reject()
        answer = pending.response
        assert answer.status in DOCUMENTED, f"{answer.status:04X}"
        assert answer.ok or not answer.data
        assert self.allowed[client] or self.public_key not in answer.data

    @rule(client=CLIENTS, step=st.sampled_from(STEPS), agree=st.booleans())
    def any_step(self, client: int, step: tuple[Ins, int, bytes], *, agree: bool) -> None:
        """One command out of its place."""
        ins, p1, data = step
        self._settle(client, self.managers[client].client.send(call(ins, p1, data=data)), agree=agree)

    @rule(client=CLIENTS)
    def begin(self, client: int) -> None:
        """Begin a handshake anew."""
        fresh = Manager(self.device, signer=(MANAGER, STRANGER)[client], client=self.managers[client].client)
        self.managers[client] = fresh
        self.runs[client] = fresh.steps()

    @rule(client=CLIENTS, count=st.integers(1, 7), agree=st.booleans())
    def go_on(self, client: int, count: int, *, agree: bool) -> None:
        """Take some steps of a handshake in their order."""
        run = self.runs[client]
        for _ in range(count):
            if run is None:
                return
            try:
                _, pending = next(run)
            except (StopIteration, Refused):
                self.runs[client] = None
                return
            self._settle(client, pending, agree=agree)

    @precondition(lambda self: any(manager.opened for manager in self.managers))
    @rule(client=CLIENTS, plain=PLAINS, agree=st.booleans())
    def sub_command(self, client: int, plain: bytes, *, agree: bool) -> None:
        """Send something through a channel, if there is one."""
        manager = self.managers[client]
        if manager.opened is not None and not manager.opened.channel.closed:
            self._settle(client, manager.start(plain), agree=agree)

    @rule(client=CLIENTS)
    def leave(self, client: int) -> None:
        """Hang up."""
        self.managers[client].client.close()
        self.managers[client], self.runs[client] = self._manager(client), None
        self.allowed[client] = False

    @rule()
    def lock(self) -> None:
        """Lock and unlock."""
        self.device.user.choose("Lock device")
        self.device.user.enter_pin(PIN)
        self.allowed = [False, False]

    @invariant()
    def nothing_is_asked_and_nothing_strange_is_installed(self) -> None:
        """Between commands the dashboard is shown, and no app but the one of the script is there."""
        assert self.device.frame.scene == "menu"
        assert {app.name for app in self.device.board.system.session.registry.apps()} <= {"Demo"}


Machine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyOrder = Machine.TestCase
TestAnyOrder.__doc__ = "Any order of commands and decisions does no harm."


def test_key_of_the_machine_is_the_devices() -> None:
    """The bytes the machine looks for are those that a handshake shows: the search is not for nothing."""
    device = VirtualDevice(apps=())
    opened = Manager(device).open()
    assert opened.device.public_key == device.board.system.session.attestation.signer.public_key
    assert opened.issuer == known_key("issuer").public_key
