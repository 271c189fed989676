"""A device at one end of USB/IP, and a host made by hand at the other: no kernel, no socket."""

from normal_stage import TEST_SENTENCE, echo

from tallystick import apps
from tallystick.app.inline import InlineHost
from tallystick.device.board.embedded import EmbeddedBoard
from tallystick.device.normal.usbip_session import UsbipSession, UsbPort
from tallystick.device.secure.vault import COST_TRIVIAL
from tallystick.device.silicon.clock import VirtualClock
from tallystick.device.silicon.entropy import RepeatableRng
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.errors import RemoteProtocolError
from tallystick.wire.hid import HidFraming, ResponseReceived
from tallystick.wire.role import Role
from tallystick.wire.urb import Direction, ReturnReader, Submit, Submitted, Unlink
from tallystick.wire.usb import Setup
from tallystick.wire.usbip import IMPORT_REPLY_BYTES, ImportRequest, import_status


def make_board(model="nanosp", open_app="Echo"):
    """Return a test device that is on, with an app open."""
    board = EmbeddedBoard(
        model=model,
        flash=MemoryFlash(),
        rng=RepeatableRng(1),
        clock=VirtualClock(),
        apps=InlineHost(),
        cost=COST_TRIVIAL,
    )
    board.prepare(seed=TEST_SENTENCE, bundles=[apps.bundle("cosmos"), echo()])
    board.power_on()
    if open_app:
        board.open_app(open_app)
    return board


class FakeHost:
    """One connection to the device: submits transfers and keeps the answers, by sequence number."""

    def __init__(self, port):
        self.heard = bytearray()
        self.has_ended = False
        self.answers = {}
        self.sequence = 0
        self._reader = ReturnReader()
        self.session = UsbipSession(port, send=self._hear, on_end=self._end)
        self.is_lent = False

    def _hear(self, data):
        if not self.is_lent:
            self.heard += data
            return
        for answer in self._reader.receive(data):
            assert answer.sequence not in self.answers, "answered twice"
            self.answers[answer.sequence] = answer

    def _end(self):
        self.has_ended = True

    def borrow(self, bus_id="1-1"):
        """Ask for the device; return the status of the answer."""
        self.session.receive(ImportRequest(bus_id).to_bytes())
        status = import_status(bytes(self.heard[:8]))
        assert len(self.heard) == (8 if status else IMPORT_REPLY_BYTES)
        self.is_lent = not status
        return status

    def say(self, data):
        """Send bytes as an edge does: what breaks the protocol ends the session."""
        try:
            self.session.receive(data)
        except RemoteProtocolError:
            self.session.close()
            self.has_ended = True

    def submit(self, direction, endpoint, *, data=b"", length=None, setup=bytes(8)):
        """Submit a transfer; return its sequence number."""
        self.sequence += 1
        if direction is Direction.IN:
            self._reader.expect(self.sequence)
        size = len(data) if length is None else length
        self.say(Submit(self.sequence, direction, endpoint, size, data, setup).to_bytes())
        return self.sequence

    def unlink(self, victim):
        """Take a transfer back; return the status of the answer."""
        self.sequence += 1
        self.say(Unlink(self.sequence, victim).to_bytes())
        return self.answers[self.sequence].status

    def control(self, request_type, request, value=0, index=0, length=0, *, data=b""):
        """Carry out a control transfer; return what came in, or None for a stall."""
        setup = Setup(request_type=request_type, request=request, value=value, index=index, length=length)
        direction = Direction.IN if request_type & 0x80 else Direction.OUT
        size = length if direction is Direction.IN else len(data)
        answer = self.answers[self.submit(direction, 0, data=data, length=size, setup=setup.to_bytes())]
        assert isinstance(answer, Submitted)
        assert answer.status in (0, -32)
        return None if answer.status else answer.data

    def configure(self):
        """Do what a host does first."""
        assert self.control(0x80, 6, 0x0100, 0, 18) is not None
        assert self.control(0x00, 9, 1) == b""

    def fetch(self, endpoint=2, length=64):
        """Submit a transfer that fetches; return its sequence number."""
        return self.submit(Direction.IN, endpoint, length=length)

    def exchange(self, apdu, *, endpoint=2, channel=0x0101):
        """Send an APDU and return its answer, status word included."""
        framing = HidFraming(Role.HOST, channel=channel)
        for packet in framing.send(apdu):
            self.submit(Direction.OUT, endpoint, data=packet)
        while True:
            answer = self.answers[self.fetch(endpoint)]
            assert answer.status == 0
            for event in framing.receive(answer.data):
                if isinstance(event, ResponseReceived):
                    return event.response.to_bytes()

    def detach(self):
        """Close the connection."""
        self.session.close()


class UsbStage:
    """A board and its USB port."""

    def __init__(self, **options):
        self.board = make_board(**options)
        self.port = UsbPort(self.board.relay)

    def attach(self):
        """Return a host that has the device, and has configured it."""
        host = FakeHost(self.port)
        assert host.borrow() == 0
        host.configure()
        return host
